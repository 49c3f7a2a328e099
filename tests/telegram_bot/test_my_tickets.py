"""Cards and comments of one's own tickets, to be read."""

from datetime import UTC, datetime

import pytest
from django.core.files.base import ContentFile

from telegram_bot.models import Dialog
from tests.factories import CommentFactory, TicketFactory
from tests.telegram_bot.bot import LOG, MP4, Bot, Chat
from tests.telegram_bot.own_tickets import NOT_FOUND, WRITE, in_status
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import Attachment, Comment, Face, Priority, Ticket
from tickets.recording import customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("linked")


# Card


def test_card_shows_the_fields_of_the_guide(linked, product, chat: Chat) -> None:
    ticket = TicketFactory(
        requester=linked,
        product=product,
        priority=Priority.HIGH,
        title="Отчёт <i>",
        description="Белый & пустой экран",
        created_at=datetime(2026, 11, 20, 11, 31, 7, tzinfo=UTC),
    )
    chat.say("/tickets")
    lines = chat.press(str(ticket.pk)).text.splitlines()
    assert lines[0] == f"№ {ticket.pk} · 🆕 Новая"
    assert lines[1] == "Отчёт <i>"
    for field in (
        "Почта клиента: office@alpha.example",
        "Инициатор: anna@alpha.example",
        "Приоритет: 🟠 Высокий",
        "Создана: 20.11.2026 14:31:07 (МСК)",
        "Продукт: Облачный сервер",
        "Белый & пустой экран",
    ):
        assert field in lines


def test_card_of_a_person_without_organization(linked, ticket, chat: Chat) -> None:
    Ticket.objects.update(organization=None)
    assert "Почта клиента: anna@alpha.example" in chat.say(str(ticket.pk))


@pytest.mark.each_case
@pytest.mark.parametrize("spell", ["{}", "№{}", "№ {}", "#{}", "\u00a0{}"])
def test_typed_number_opens_the_card(ticket, chat: Chat, spell) -> None:
    assert f"№ {ticket.pk} · 🆕 Новая" in chat.say(spell.format(ticket.pk))


@pytest.mark.each_case
@pytest.mark.parametrize("spell", ["٥", "1_0", "1.0", "-1", "№", "1 2"])
def test_other_spellings_are_no_number(ticket, chat: Chat, spell) -> None:
    assert "Не понял сообщение" in chat.say(spell)


def test_link_from_the_portal_opens_the_card(ticket, chat: Chat) -> None:
    assert f"№ {ticket.pk} · 🆕 Новая" in chat.start(f"t_{ticket.pk}")


def test_foreign_number_looks_like_a_missing_one(foreign, chat: Chat) -> None:
    for number in (foreign.pk, 999_999, 10**17):
        assert chat.say(str(number)).texts == [NOT_FOUND]
        assert chat.start(f"t_{number}").texts == [NOT_FOUND]


@pytest.mark.parametrize(
    "word",
    [
        "card",
        "comments",
        "comment",
        "files",
        "rate",
        "return",
        "return_yes",
        "follow_up",
        "rating_comment",
        "skip_rating",
    ],
)
def test_foreign_ticket_cannot_be_reached_by_a_forged_button(
    foreign, chat: Chat, word, settings
) -> None:
    in_status(foreign, TicketStatus.RESOLVED)
    chat.start()
    for number in (str(foreign.pk), "999999", "x", "٥", "", "1" * 30):
        answer = chat.press(f"{word}:{number}")
        assert answer.toast == NOT_FOUND
        assert answer.messages == []
    assert Dialog.objects.get().step == ""


def test_files_of_the_card_come_to_the_chat(ticket, chat: Chat) -> None:
    CommentFactory(ticket=ticket)
    note = CommentFactory(ticket=ticket, is_internal=True)
    Attachment.objects.create(ticket=ticket, comment=note, name="secret.txt", file="x")
    chat.say(str(ticket.pk))
    assert "📎 0 · 💬 1" in chat.last["text"]

    chat.press(WRITE)
    chat.send(("log.txt", LOG), ("clip.mp4", MP4))
    card = chat.say(str(ticket.pk))
    assert "📎 2 · 💬 2" in card
    answer = chat.press("📎 Файлы · 2")
    assert answer.toast == "Отправляю 2 файла"
    assert [message["media"]["name"] for message in answer.messages] == ["log.txt", "clip.mp4"]


def test_agents_file_is_one_of_the_card(ticket, agent, chat: Chat) -> None:
    file = NewFile("guide.txt", 5, content=ContentFile(b"guide"))
    add_comment(ticket=ticket, actor=recording.agent(agent), body="", files=[file])
    chat.say(str(ticket.pk))
    [sent] = chat.press("📎 Файлы · 1").messages
    assert sent["media"]["name"] == "guide.txt"
    assert f"Заявка № {ticket.pk}" in sent["caption"]


def test_more_files_than_fit_are_told_and_sent_once(ticket, linked, chat: Chat) -> None:
    for _part in range(2):
        files = [NewFile(f"{number}.txt", 1, content=ContentFile(b"x")) for number in range(8)]
        actor = customer(linked, Face.PORTAL)
        add_comment(ticket=ticket, actor=actor, body="", files=files)
    chat.say(str(ticket.pk))
    twice = chat.do(
        lambda: [chat.telegram.press(chat.key, f"files:{ticket.pk}", wait=0) for _press in "12"]
    )
    assert twice.toast == (
        "Отправляю последние 10 файлов, все файлы — на портале.Файлы уже отправлены или в пути."
    )
    assert len([message for message in chat.seen if message["media"]]) == 10


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        ({"seconds": 30}, "Обновлена: только что"),
        ({"minutes": 2}, "Обновлена: 2 минуты назад"),
        ({"minutes": 21}, "Обновлена: 21 минуту назад"),
        ({"hours": 5}, "Обновлена: 5 часов назад"),
        ({"days": 3}, "Обновлена: 3 дня назад"),
        ({"days": 45}, "Обновлена: 2"),
    ],
)
def test_card_tells_when_it_changed(ticket, chat: Chat, bot: Bot, passed, words) -> None:
    bot.clock.advance(**passed)
    assert words in chat.say(str(ticket.pk))


# Reading comments


def test_comments_are_paged_newest_last(linked, ticket, agent, chat: Chat) -> None:
    for number in range(1, 5):
        author = agent if number % 2 else linked
        CommentFactory(ticket=ticket, body=f"Ответ <{number}>", author=author)
    chat.say(str(ticket.pk))
    answer = chat.press("💬 Комментарии · 4")
    assert "комментарии 4–4 из 4" in answer
    assert "Вы, " in answer
    assert "Ответ <4>" in answer

    answer = chat.press("‹")
    assert "комментарии 1–3 из 4" in answer
    assert "Поддержка · Ольга, " in answer
    assert "Ответ <3>" in answer
    assert "›" in answer.buttons


def test_no_comments(ticket, chat: Chat) -> None:
    chat.say(str(ticket.pk))
    assert "комментариев пока нет" in chat.press("💬 Комментарии · 0")


def test_internal_notes_are_never_shown(ticket, agent, chat: Chat) -> None:
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Клиент путает", internal=True)
    card = chat.say(str(ticket.pk))
    assert "💬 0" in card
    assert "Клиент путает" not in chat.press("💬 Комментарии · 0")
    assert not any("Клиент путает" in message["text"] for message in chat.seen)


def test_forged_comment_pages(ticket, chat: Chat) -> None:
    CommentFactory.create_batch(4, ticket=ticket)
    chat.start()
    for data in (
        f"comments:{ticket.pk}:99",
        f"comments:{ticket.pk}:x",
        f"comments:{ticket.pk}:1:1",
    ):
        chat.press("menu")
        assert "комментарии 4–4 из 4" in chat.press(data)


def test_long_texts_can_be_read_whole(linked, product, agent, chat: Chat) -> None:
    description, body = ("слово & <b> 😀 " * 300).strip(), ("ответ & <i> " * 200).strip()
    ticket = services.open_ticket(
        requester=linked, product=product, title="Тема", description=description, face=Face.PORTAL
    )
    add_comment(ticket=ticket, actor=recording.agent(agent), body=body)
    chat.say(str(ticket.pk))
    told = chat.press("📄 Описание целиком")
    assert len(told.texts) == 2
    assert " ".join(text.split("\n", 1)[1] for text in told.texts).split() == description.split()
    chat.press(f"comments:{ticket.pk}", chat.message_with("Приоритет"))
    label = next(
        label
        for label in chat.telegram.buttons(chat.message_with("комментарии 1–1"))
        if "📄" in label
    )
    told = chat.press(label)
    assert "".join(text.split("\n", 1)[1] for text in told.texts).split() == body.split()


def test_whole_text_of_an_internal_note_is_not_found(ticket, agent, foreign, chat: Chat) -> None:
    note = add_comment(ticket=ticket, actor=recording.agent(agent), body="Тайна", internal=True)
    chat.say(str(ticket.pk))
    assert NOT_FOUND in chat.press(f"whole:{ticket.pk}:{note.pk}")
    assert NOT_FOUND in chat.press(f"whole:{foreign.pk}")


def test_newest_comments_are_listed_where_there_are_very_many(
    ticket, chat: Chat, monkeypatch
) -> None:
    monkeypatch.setattr("telegram_bot.flows.comments.PAGED_ROWS", 6)
    CommentFactory.create_batch(8, ticket=ticket, author=ticket.requester)
    Comment.objects.filter(pk=Comment.objects.latest("pk").pk).update(body="Самый новый")
    assert "Самый новый" in chat.press_card(ticket, "💬 Комментарии · 8")
