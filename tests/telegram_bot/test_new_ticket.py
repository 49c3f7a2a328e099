"""A new ticket in the bot: product, title, description, files, «Да»."""

import pytest

from telegram_bot.models import Dialog
from tests.factories import ProductFactory, TicketFactory
from tests.telegram_bot.bot import JPEG, LOG, MP4, PNG, Answer, Bot, Chat, where_stored
from tickets.models import Attachment, Face, Product, Ticket

pytestmark = pytest.mark.usefixtures("linked", "product")

TITLE, DESCRIPTION = "Не открывается отчёт", "Белый экран после входа."
STEPS = ["product", "title", "description", "files", "confirm"]
QUESTIONS = {
    "product": "шаг 1 из 4",
    "title": "шаг 2 из 4",
    "description": "шаг 3 из 4",
    "files": "шаг 4 из 4",
    "confirm": "Проверьте заявку",
}
MEGABYTE = 1024 * 1024
DONE, CLEAR, EMPTY = "✅ Дальше", "🗑 Убрать файлы", "Оставить пустым"
State = Attachment.State


def go_to(chat: Chat, step: str) -> Answer:
    """Answer the questions before `step`, all at once; what the bot says on the way."""
    answer = chat.say("/new")
    if step == "product":
        return answer

    def act() -> None:
        chat.telegram.press(chat.key, "Облачный сервер", wait=0)
        for text in [TITLE, DESCRIPTION, "Оставить пустым"][: STEPS.index(step) - 1]:
            chat.telegram.send(chat.key, text)

    return chat.do(act)


def stored_files(ticket: Ticket) -> list[tuple[str, bytes]]:
    return [(file.name, content_of(file)) for file in ticket.attachments.all()]


def content_of(attachment: Attachment) -> bytes:
    with attachment.file.open() as file:
        return file.read()


# The whole way


def test_ticket_is_created_step_by_step(linked, chat: Chat) -> None:
    for step in STEPS:
        assert QUESTIONS[step] in go_to(chat, step)
        chat.say("/cancel")
    answer = go_to(chat, "confirm")
    for part in ("Облачный сервер", TITLE, DESCRIPTION, "Файлы: нет", "отправьте Да"):
        assert part in answer.text
    assert chat.keyboard == ["Да", "Отмена"]
    assert not Ticket.objects.exists()

    created = chat.say("Да")
    ticket = Ticket.objects.get()
    for part in (f"Заявка № {ticket.pk} создана", TITLE, DESCRIPTION, "🆕 Новая · Облачный сервер"):
        assert part in created.text
    assert "office@alpha.example" in created
    assert chat.keyboard == []
    assert (ticket.requester, ticket.organization, ticket.product.name) == (
        linked,
        linked.organization,
        "Облачный сервер",
    )
    assert (ticket.title, ticket.description) == (TITLE, DESCRIPTION)
    assert (ticket.status, ticket.priority, ticket.face) == ("new", "medium", Face.BOT)


def test_menu_button_begins_a_ticket(chat: Chat) -> None:
    chat.start()
    assert "Выберите продукт" in chat.press("➕ Создать новую заявку")


def test_created_message_opens_the_ticket(chat: Chat) -> None:
    go_to(chat, "confirm")
    answer = chat.say("Да")
    number = Ticket.objects.get().pk
    assert answer.buttons["🌐 На портале"].endswith(f"/tickets/{number}/")
    assert "Приоритет" in chat.press("👁 Открыть", answer.messages[-1])


def test_second_yes_creates_nothing(chat: Chat) -> None:
    go_to(chat, "confirm")
    chat.say("Да")
    chat.say("Да")
    assert Ticket.objects.count() == 1


# Step 1: product


def test_only_active_products_are_offered(chat: Chat) -> None:
    ProductFactory(name="Базы данных", icon="🗄", position=1)
    ProductFactory(name="Снятый с продажи", is_active=False)
    answer = chat.say("/new")
    assert list(answer.buttons) == ["Облачный сервер", "🗄 Базы данных", "✖️ Отмена"]


def test_products_are_paged(chat: Chat) -> None:
    for number in range(8):
        ProductFactory(name=f"Сервис {number}", position=1)
    first = chat.say("/new")
    assert len(first.buttons) == 8 + 2 + 1
    assert "‹" not in first.buttons
    second = chat.press("›")
    assert list(second.buttons) == ["Сервис 7", "‹", "2 / 2", "✖️ Отмена"]
    assert chat.press("2 / 2").messages == []
    assert "шаг 2 из 4 · Сервис 7" in chat.press("Сервис 7")


def test_no_products_is_said(chat: Chat) -> None:
    Product.objects.update(is_active=False)
    assert "Сейчас нет продуктов" in chat.say("/new")
    assert "Не понял" in chat.say("Белый экран")


def test_words_instead_of_a_product_get_the_question_again(chat: Chat) -> None:
    go_to(chat, "product")
    answer = chat.say("Сервер")
    assert "Сначала выберите продукт кнопкой." in answer
    assert "Облачный сервер" in answer.buttons


def test_product_switched_off_before_the_press(chat: Chat, product) -> None:
    other = ProductFactory(name="Базы данных")
    go_to(chat, "product")
    Product.objects.filter(pk=product.pk).update(is_active=False)
    answer = chat.press("Облачный сервер")
    assert answer.toast == "Этот продукт больше не доступен. Выберите другой."
    assert list(answer.buttons) == [other.name, "✖️ Отмена"]


# Step 2: title


def test_title_of_60_characters_is_taken(chat: Chat) -> None:
    go_to(chat, "title")
    assert QUESTIONS["description"] in chat.say("я" * 60)


def test_longer_title_is_counted_and_a_shorter_one_suggested(chat: Chat) -> None:
    go_to(chat, "title")
    answer = chat.say("Не подключается реплика PostgreSQL после перезапуска главного узла")
    suggested = "Не подключается реплика PostgreSQL после перезапуска главно…"
    assert len(suggested) == 60
    assert "В заголовке 66 символов, нужно не больше 60." in answer
    assert suggested in answer
    assert QUESTIONS["description"] in chat.press("Взять этот")
    chat.say(DESCRIPTION)
    assert suggested in chat.say("Оставить пустым")


def test_title_of_61_characters_may_be_typed_anew(chat: Chat) -> None:
    go_to(chat, "title")
    assert "В заголовке 61 символ," in chat.say("я" * 61)
    assert QUESTIONS["description"] in chat.say("я" * 59)


@pytest.mark.parametrize("text", ["\u200b\u200b", "\u3164", "\0\0"], ids=ascii)
def test_title_that_shows_nothing_is_refused(chat: Chat, text) -> None:
    go_to(chat, "title")
    assert "Заголовок не может быть пустым" in chat.say(text)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("<b>Отчёт</b> & «x» <script>", "<b>Отчёт</b> & «x» <script>"),
        ("Отчёт\0 не\ud83d открыт", "Отчёт не открыт"),
        ("Отчёт\nне  открыт", "Отчёт не открыт"),
        ("Отчёт \u202eтыркто", "Отчёт тыркто"),
        ("*Отчёт* _{{ 7|add:7 }}_ %(x)s", "*Отчёт* _{{ 7|add:7 }}_ %(x)s"),
        ("👩‍👩‍👧 🇷🇺 é", "👩‍👩‍👧 🇷🇺 é"),
    ],
    ids=["markup", "NUL and surrogate", "newline", "bidi", "template", "emoji"],
)
def test_odd_title_is_shown_and_kept_literally(chat: Chat, typed, kept) -> None:
    go_to(chat, "title")
    chat.say(typed)
    chat.say(DESCRIPTION)
    assert f"Тема: {kept}" in chat.say("Оставить пустым")
    assert kept in chat.say("Да")
    assert Ticket.objects.get().title == kept


def test_number_at_the_title_is_a_title(chat: Chat) -> None:
    go_to(chat, "title")
    assert QUESTIONS["description"] in chat.say("500")


# Step 3: description


def test_long_description_is_kept_whole_and_shown_cut(chat: Chat) -> None:
    text = ("Ошибка 😀<&> " * 300).strip()
    go_to(chat, "description")
    chat.say(text)
    assert "…" in chat.say("Оставить пустым")
    assert "…" in chat.say("Да")
    assert Ticket.objects.get().description == text


def test_description_that_shows_nothing_is_refused(chat: Chat) -> None:
    go_to(chat, "description")
    assert "Описание не может быть пустым" in chat.say("\u200b")


def test_description_may_begin_like_a_command(chat: Chat) -> None:
    go_to(chat, "description")
    assert QUESTIONS["files"] in chat.say("/var/log/syslog переполнен")
    chat.say("Оставить пустым")
    assert "/var/log/syslog переполнен" in chat.say("Да")


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


# The summary


@pytest.mark.parametrize("word", ["да", "ДА", "да.", "Да!", "yes"])
def test_yes_creates_the_ticket(chat: Chat, word) -> None:
    go_to(chat, "confirm")
    assert "создана" in chat.say(word)
    assert Ticket.objects.count() == 1


def test_other_words_do_not(chat: Chat) -> None:
    go_to(chat, "confirm")
    for word in ("нет", "дай", "да, но позже", "1", "\u200b"):
        assert chat.say(word).texts == ["Отправьте «Да», чтобы создать заявку, или «Отмена»."]
        assert chat.keyboard == ["Да", "Отмена"]
    assert not Ticket.objects.exists()


def test_title_can_be_corrected(chat: Chat) -> None:
    go_to(chat, "confirm")
    assert "Сейчас: " + TITLE in chat.press("✏️ Тема")
    answer = chat.say("Не печатается отчёт")
    assert "Тема: Не печатается отчёт" in answer
    assert DESCRIPTION in answer
    assert "создана" in chat.say("Да")


def test_description_can_be_corrected(chat: Chat) -> None:
    go_to(chat, "confirm")
    assert "Сейчас:\n" + DESCRIPTION in chat.press("✏️ Описание")
    assert "Зелёный экран." in chat.say("Зелёный экран.")
    chat.say("Да")
    assert Ticket.objects.get().description == "Зелёный экран."


def test_files_can_be_corrected(chat: Chat) -> None:
    go_to(chat, "confirm")
    assert QUESTIONS["files"] in chat.press("📎 Файлы")
    chat.send(("log.txt", LOG))
    assert "Файлы: log.txt" in chat.press(DONE)
    chat.press("📎 Файлы")
    chat.press("🗑 Убрать файлы")
    assert "Файлы: нет" in chat.say("Оставить пустым")


def test_back_from_a_correction_shows_the_summary(chat: Chat) -> None:
    go_to(chat, "confirm")
    chat.press("✏️ Тема")
    assert QUESTIONS["confirm"] in chat.press("‹ Назад")
    chat.say("Да")
    assert Ticket.objects.get().title == TITLE


def test_file_at_the_summary_joins_it(chat: Chat) -> None:
    go_to(chat, "confirm")
    assert "Файлы: log.txt" in chat.send(("log.txt", LOG))


def test_forged_correction_changes_nothing(chat: Chat) -> None:
    go_to(chat, "confirm")
    for data in ("fix", "fix:files:1", "fix:" + "x" * 50, "fix:confirm"):
        assert "Кнопка устарела" in chat.press(data)
    assert "создана" in chat.say("Да")


# Ways out


def test_cancel_at_every_step(chat: Chat, bot: Bot) -> None:
    for step in STEPS:
        for way in ("/cancel", "Отмена", "✖️ Отмена"):
            bot.clock.advance(minutes=1)
            go_to(chat, step)
            answer = chat.press(way) if way.startswith("✖️") else chat.say(way)
            assert "Отменено. Ничего не создано." in answer
            assert chat.keyboard == []
            assert Dialog.objects.get().draft == {}
    assert not Ticket.objects.exists()


@pytest.mark.parametrize("way", ["отмена", "ОТМЕНА", "/cancel@support_sandbox_bot"])
def test_other_spellings_of_cancel(chat: Chat, way) -> None:
    go_to(chat, "title")
    assert "Отменено" in chat.say(way)
    assert "Не понял" in chat.say(TITLE)


def test_back_walks_to_the_questions_before(chat: Chat) -> None:
    other = ProductFactory(name="Базы данных")
    go_to(chat, "description")
    assert QUESTIONS["title"] in chat.press("‹ Назад")
    chat.say("Новая тема")
    chat.press("‹ Назад")
    assert QUESTIONS["product"] in chat.press("‹ Назад")
    chat.press(other.name)
    chat.say(DESCRIPTION)
    answer = chat.say("Оставить пустым")
    assert "Тема: Новая тема" in answer
    assert "Продукт: Базы данных" in answer


@pytest.mark.parametrize(
    ("step", "command"),
    [
        ("title", "/tickets"),
        ("description", "/menu"),
        ("files", "/start"),
        ("confirm", "/tickets"),
    ],
)
def test_command_parks_the_draft(chat: Chat, step, command) -> None:
    go_to(chat, step)
    assert "Черновик заявки сохранён. Продолжить: /new" in chat.say(command)
    assert chat.keyboard == []

    answer = chat.say("/new")
    assert list(answer.buttons) == ["▶️ Продолжить", "🗑 Удалить"]
    assert "Продукт: Облачный сервер" in answer
    assert QUESTIONS[step] in chat.press("▶️ Продолжить")


def test_parked_draft_can_be_dropped(chat: Chat) -> None:
    go_to(chat, "files")
    chat.say("/tickets")
    chat.say("/new")
    assert QUESTIONS["product"] in chat.press("🗑 Удалить")
    assert where_stored(TITLE) == set()


def test_new_in_the_middle_offers_the_draft(chat: Chat) -> None:
    go_to(chat, "description")
    answer = chat.say("/new")
    assert TITLE in answer
    assert QUESTIONS["description"] in chat.press("▶️ Продолжить")


def test_help_leaves_the_step_alone(chat: Chat) -> None:
    go_to(chat, "title")
    assert "Что я умею" in chat.say("/help")
    assert QUESTIONS["description"] in chat.say(TITLE)


def test_draft_lives_for_a_day(chat: Chat, bot: Bot) -> None:
    go_to(chat, "files")
    bot.clock.advance(hours=23)
    chat.send(("log.txt", LOG))
    bot.clock.advance(hours=23)
    assert "Файлы: log.txt" in chat.press(DONE)


def test_older_draft_is_forgotten(chat: Chat, bot: Bot) -> None:
    go_to(chat, "files")
    bot.clock.advance(hours=24, minutes=1)
    chat.say("Да")
    assert not Ticket.objects.exists()
    assert QUESTIONS["product"] in chat.say("/new")


def test_product_switched_off_before_yes(chat: Chat, product) -> None:
    other = ProductFactory(name="Базы данных")
    go_to(chat, "confirm")
    Product.objects.filter(pk=product.pk).update(is_active=False)
    assert "Этот продукт больше не доступен" in chat.say("Да")
    answer = chat.press(other.name)
    for part in (TITLE, DESCRIPTION, other.name):
        assert part in answer.text
    assert "создана" in chat.say("Да")
    assert Ticket.objects.get().product == other


def test_eleventh_ticket_in_an_hour_waits(linked, chat: Chat, bot: Bot) -> None:
    TicketFactory.create_batch(10, requester=linked)
    go_to(chat, "confirm")
    assert "Черновик сохранён: отправьте «Да» позже" in chat.say("Да")
    assert Ticket.objects.count() == 10
    bot.clock.advance(hours=1)
    assert "создана" in chat.say("Да")


def test_stale_buttons_without_a_draft(chat: Chat) -> None:
    chat.start()
    for data in ("product:1", "products:2", "take_title", "files_done", "files_clear", "back"):
        assert "Кнопка устарела" in chat.press(data)


def test_forged_product(chat: Chat) -> None:
    go_to(chat, "product")
    for data in ("product:999", "product:x", "product:٥", "product:-1", "product"):
        chat.press(data)
        assert Dialog.objects.get().step == "product"


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


# What must not be lost or taken for something else


@pytest.mark.parametrize(("step", "limit"), [("title", 60), ("description", 20_000)])
def test_refused_file_is_named_beside_too_long_words(chat: Chat, monkeypatch, step, limit) -> None:
    monkeypatch.setattr("tickets.services.TEXT_LIMIT", 70)
    go_to(chat, step)
    answer = chat.send(("virus.exe", LOG), caption="слово " * 15)
    assert "virus.exe" in answer
    assert "90 символов" in answer or "89 символов" in answer


@pytest.mark.parametrize(("name", "size"), [("virus.exe", 10), ("film.mp4", 60 * MEGABYTE)])
def test_portal_is_advised_only_where_it_would_take_the_file(chat: Chat, name, size) -> None:
    go_to(chat, "files")
    assert "приложите на портале" not in chat.send((name, b"x"), fake_size=size)


def test_old_cancel_leaves_a_new_draft_alone(chat: Chat) -> None:
    old = go_to(chat, "description").messages[-1]
    chat.say("/cancel")
    go_to(chat, "description")
    assert "Кнопка устарела" in chat.press("✖️ Отмена", old)
    assert QUESTIONS["files"] in chat.say(DESCRIPTION)


def test_correction_takes_the_yes_away(chat: Chat) -> None:
    go_to(chat, "confirm")
    asked = chat.press("✏️ Тема")
    assert "исправление" in asked
    assert f"Сейчас: {TITLE}" in asked
    assert chat.keyboard == []
    chat.say("Другая тема")
    assert chat.keyboard == ["Да", "Отмена"]
    chat.say("Да")
    assert Ticket.objects.get().title == "Другая тема"


def test_leave_empty_after_files_asks_what_to_do_with_them(chat: Chat) -> None:
    go_to(chat, "files")
    chat.send(("log.txt", LOG))
    answer = chat.say(EMPTY)
    assert "Файлы уже приложены. Оставить их или убрать?" in answer
    assert {DONE, CLEAR} <= answer.buttons.keys()
    chat.press(CLEAR)
    assert "Файлы: нет" in chat.say(EMPTY)


def test_done_at_the_product_step_says_what_is_missing(chat: Chat) -> None:
    go_to(chat, "product")
    chat.send(("log.txt", LOG))
    assert "Ответьте на вопрос о заявке" in chat.press(DONE)


def test_created_message_stays_when_it_is_opened(chat: Chat) -> None:
    go_to(chat, "confirm")
    created = chat.say("Да").messages[-1]
    opened = chat.press("👁 Открыть", created)
    assert "Приоритет" in opened
    assert "создана" in chat.now(created)["text"]
