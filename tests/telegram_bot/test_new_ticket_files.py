"""The files of a new ticket, whenever they come."""

import pytest

from telegram_bot.models import Dialog
from tests.telegram_bot.bot import JPEG, LOG, MP4, PNG, Bot, Chat, stored_files
from tests.telegram_bot.new_ticket import (
    CLEAR,
    DESCRIPTION,
    DONE,
    EMPTY,
    QUESTIONS,
    STEPS,
    TITLE,
    go_to,
)
from tickets.models import Attachment, Ticket

pytestmark = pytest.mark.usefixtures("linked", "product")

MEGABYTE = 1024 * 1024
State = Attachment.State


# Step 4: files


def test_files_of_every_kind_are_taken_and_stored(chat: Chat) -> None:
    go_to(chat, "files")
    assert chat.keyboard == ["Оставить пустым", "Отмена"]
    chat.send(("log.txt", LOG))
    photo = chat.send(("screen.jpg", JPEG), kind="photo")
    assert f"📎 Принято: 2 файла, {len(LOG) + len(JPEG)} Б" in photo
    chat.send(("clip.mp4", MP4), kind="video")
    summary = chat.press(DONE)
    assert "Файлы: log.txt, photo_" in summary
    created = chat.say("Да")
    assert "📎 3 файла" in created
    names, contents = zip(*stored_files(Ticket.objects.get()), strict=True)
    assert contents == (LOG, JPEG, MP4)
    assert names[0] == "log.txt"
    assert names[1].endswith(".jpg")
    assert {file.state for file in Attachment.objects.all()} == {State.READY}


def test_screenshot_sent_as_a_photo_is_stored(chat: Chat) -> None:
    """Telegram makes a JPEG of a photo; a server that leaves it a PNG says so in file_path."""
    go_to(chat, "files")
    chat.send(("screen.png", PNG), kind="photo")
    chat.press(DONE)
    chat.say("Да")
    [(name, content)] = stored_files(Ticket.objects.get())
    assert content == PNG
    assert name.endswith(".png")


def test_album_gets_one_answer(chat: Chat) -> None:
    go_to(chat, "files")
    answer = chat.send(("one.txt", LOG), ("two.txt", b"2"), ("three.txt", b"3"))
    assert [text.split(",")[0] for text in answer.texts] == ["📎 Принято: 3 файла"]
    chat.press(DONE)
    chat.say("Да")
    assert stored_files(Ticket.objects.get()) == [
        ("one.txt", LOG),
        ("two.txt", b"2"),
        ("three.txt", b"3"),
    ]


def test_refused_part_of_an_album_is_named(chat: Chat) -> None:
    go_to(chat, "files")
    answer = chat.send(("virus.exe", b"MZ"), ("log.txt", LOG))
    assert "virus.exe" in answer
    assert "Принято: 1 файл" in answer


@pytest.mark.parametrize(
    ("file", "fields", "words"),
    [
        (("dump.mp4", b"x"), {"fake_size": 21 * MEGABYTE}, "Файл 21 МБ слишком большой для бота"),
        (("<b>run</b>.exe", b"MZ"), {}, "Файл «b>.exe» принять нельзя"),
        (("noextension", b"x"), {}, "Файл «noextension» принять нельзя"),
    ],
)
def test_file_that_cannot_be_taken_is_refused(chat: Chat, file, fields, words) -> None:
    go_to(chat, "files")
    assert words in chat.send(file, **fields)
    chat.say("Оставить пустым")
    chat.say("Да")
    assert not Attachment.objects.exists()


def test_eleventh_file_is_not_taken(chat: Chat, bot: Bot) -> None:
    go_to(chat, "files")
    chat.send(*[(f"{number}.txt", LOG) for number in range(10)])
    answer = chat.send(("11.txt", LOG))
    assert "до 10 файлов, «11.txt» я не взял" in answer
    assert "Принято: 10 файлов" in answer
    chat.press(DONE)
    chat.say("Да")
    assert Attachment.objects.count() == 10


def test_files_can_be_taken_back(chat: Chat) -> None:
    go_to(chat, "files")
    chat.send(("log.txt", LOG))
    assert "Файлы убраны" in chat.press(CLEAR)
    chat.send(("other.txt", b"1"))
    chat.press(DONE)
    chat.say("Да")
    assert stored_files(Ticket.objects.get()) == [("other.txt", b"1")]


@pytest.mark.parametrize("word", ["Дальше", "готово", "ГОТОВО"])
def test_word_for_done_is_understood(chat: Chat, word) -> None:
    go_to(chat, "files")
    chat.send(("log.txt", LOG))
    assert "Файлы: log.txt" in chat.say(word)


@pytest.mark.parametrize("step", ["product", "title", "description"])
def test_files_sent_early_wait_for_their_step(chat: Chat, step) -> None:
    go_to(chat, step)
    answer = chat.send(("log.txt", LOG))
    assert "Принято: 1 файл" in answer
    assert Dialog.objects.get().step == step
    assert "Ответьте на вопрос о заявке" in chat.press(DONE)
    rest = ["Облачный сервер", TITLE, DESCRIPTION][STEPS.index(step) :]
    for text in rest:
        answer = chat.press(text) if text == "Облачный сервер" else chat.say(text)
    assert QUESTIONS["files"] in answer
    assert "Принято: 1 файл" in answer
    chat.press(DONE)
    chat.say("Да")
    assert stored_files(Ticket.objects.get()) == [("log.txt", LOG)]


def test_caption_answers_the_question(chat: Chat) -> None:
    go_to(chat, "title")
    assert QUESTIONS["description"] in chat.send(("log.txt", LOG), caption=TITLE)
    chat.say(DESCRIPTION)
    assert TITLE in chat.press(DONE)


def test_words_at_the_files_go_to_the_description(chat: Chat) -> None:
    go_to(chat, "files")
    assert "Добавил к описанию." in chat.say("И ещё медленно.")
    chat.say("Оставить пустым")
    chat.say("Да")
    assert Ticket.objects.get().description == f"{DESCRIPTION}\nИ ещё медленно."


def test_caption_at_the_files_goes_to_the_description(chat: Chat) -> None:
    go_to(chat, "files")
    assert "Принято: 1 файл" in chat.send(("log.txt", LOG), caption="Вот журнал.")
    chat.press(DONE)
    chat.say("Да")
    assert Ticket.objects.get().description == f"{DESCRIPTION}\nВот журнал."


def test_sticker_and_voice_are_answered(chat: Chat) -> None:
    go_to(chat, "files")
    for kind in ("sticker", "voice", "video_note"):
        assert "Принимаю текст, файлы, фото и видео." in chat.send(("x.webp", b"x"), kind=kind)
    assert Dialog.objects.get().step == "files"


# Albums where a question is open


@pytest.mark.parametrize(
    ("step", "caption", "question"),
    [("title", TITLE, "description"), ("description", DESCRIPTION, "files")],
)
def test_album_that_answers_a_question_leads_to_the_next(chat: Chat, step, caption, question):
    go_to(chat, step)
    answer = chat.send(("1.log", LOG), ("2.log", LOG), ("3.log", LOG), caption=caption)
    assert QUESTIONS[question] in answer
    assert [text for text in answer.texts if "Принято" in text] == ["📎 Принято: 3 файла, 108 Б"]
    assert Dialog.objects.get().step == question
    if question == "files":
        assert chat.keyboard == ["Дальше", "Отмена"]


def test_album_at_the_summary_shows_it_once(chat: Chat) -> None:
    go_to(chat, "confirm")
    answer = chat.send(("1.log", LOG), ("2.log", LOG))
    [summary] = [text for text in answer.texts if QUESTIONS["confirm"] in text]
    assert "1.log, 2.log" in summary
    chat.say("Да")
    assert len(stored_files(Ticket.objects.get())) == 2


def test_files_over_the_limit_are_named(chat: Chat) -> None:
    go_to(chat, "files")
    chat.send(*[(f"{number}.txt", LOG) for number in range(9)])
    answer = chat.send(("a.txt", LOG), ("b.txt", LOG), ("c.txt", LOG))
    assert "«b.txt» я не взял" in answer
    assert "«c.txt» я не взял" in answer
    assert "Принято: 10 файлов" in answer


@pytest.mark.parametrize(("step", "limit"), [("title", 60), ("description", 20_000)])
def test_refused_file_is_named_beside_too_long_words(chat: Chat, monkeypatch, step, limit) -> None:
    monkeypatch.setattr("tickets.recording.TEXT_LIMIT", 70)
    go_to(chat, step)
    answer = chat.send(("virus.exe", LOG), caption="слово " * 15)
    assert "virus.exe" in answer
    assert "90 символов" in answer or "89 символов" in answer


@pytest.mark.parametrize(("name", "size"), [("virus.exe", 10), ("film.mp4", 60 * MEGABYTE)])
def test_portal_is_advised_only_where_it_would_take_the_file(chat: Chat, name, size) -> None:
    go_to(chat, "files")
    assert "приложите на портале" not in chat.send((name, b"x"), fake_size=size)


def test_leave_empty_after_files_asks_what_to_do_with_them(chat: Chat) -> None:
    go_to(chat, "files")
    chat.send(("log.txt", LOG))
    answer = chat.say(EMPTY)
    assert "Файлы уже приложены. Оставить их или убрать?" in answer
    assert {DONE, CLEAR} <= answer.buttons.keys()
    chat.press(CLEAR)
    assert "Файлы: нет" in chat.say(EMPTY)
