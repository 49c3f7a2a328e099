"""Words that come with an update beside what was typed: kept clean, and ordering nothing."""

import pytest

from accounts.models import MessengerAccount
from telegram_bot.models import Dialog, Group
from tests.telegram_bot.bot import LOG, PNG, Bot, Chat
from tests.telegram_bot.test_linking import asked_for_pin, mailed_code  # noqa: F401 - a fixture
from tickets.models import Attachment, Ticket

BAD = "a\u202eb\0c\ud800d\ne\u2066"
CLEAN = "abcd e"


# A PIN is typed: nothing else that shows six digits is one


@pytest.mark.parametrize("kind", ["photo", "document", "video"])
def test_pin_under_a_file_is_an_ordinary_wrong_one(asked_for_pin: Chat, kind) -> None:  # noqa: F811
    answer = asked_for_pin.send(("pin.png", PNG), kind=kind, caption=mailed_code())
    assert answer.texts == ["Код не подошёл. Осталось попыток: 5."]
    assert not MessengerAccount.objects.exists()
    assert "Регистрация завершена" in asked_for_pin.say(mailed_code())


def test_pin_sent_by_means_of_a_bot_is_an_ordinary_wrong_one(
    asked_for_pin: Chat,  # noqa: F811
) -> None:
    other = {"id": 5, "is_bot": True, "first_name": "Другой"}
    answer = asked_for_pin.say(mailed_code(), extra={"via_bot": other})
    assert answer.texts == ["Код не подошёл. Осталось попыток: 5."]


@pytest.mark.parametrize("kind", ["photo", "document"])
def test_pin_under_a_file_does_not_resume_the_linking(asked_for_pin: Chat, kind) -> None:  # noqa: F811
    """After a new /start six typed digits go on with the open PIN."""
    code = mailed_code()
    asked_for_pin.start()
    assert "Так номер принять нельзя" in asked_for_pin.send(("a.png", PNG), kind=kind, caption=code)
    assert not MessengerAccount.objects.exists()
    assert "Регистрация завершена" in asked_for_pin.say(code)


# Names, titles and kinds


def test_username_is_kept_clean(linked, chat: Chat) -> None:
    me = {"id": chat.id, "is_bot": False, "first_name": BAD, "username": BAD + "x" * 100}
    chat.say("/help", extra={"from": me})
    account = linked.messengers.get()
    assert account.username == (CLEAN + "x" * 100)[:64]


@pytest.mark.each_case
@pytest.mark.parametrize("field", ["mime_type", "file_name", "file_id"])
def test_file_with_odd_words_is_taken(linked, product, chat: Chat, bot: Bot, field) -> None:
    """The same in a comment, where it becomes a row, and in a draft, where it is JSON."""
    chat.say("/new")
    chat.press(product.name)
    document = {"file_id": "x", "file_unique_id": "y", "file_name": "a.txt", "file_size": 9}
    content = {
        "message_id": 10**6, "date": 1, "document": document | {field: BAD + ".txt"},
        "chat": {"id": chat.id, "type": "private"},
        "from": {"id": chat.id, "is_bot": False, "first_name": "Анна"},
    }  # fmt: skip
    assert "Принято: 1 файл" in chat.do(lambda: chat.telegram.update(content))
    for words in ("Тема", "Описание", "Дальше", "Да"):
        chat.say(words)
    [file] = Attachment.objects.all()
    assert f"{CLEAN}.txt" in (file.content_type, file.name, file.source.rpartition(":")[2])


def test_words_outside_of_any_step_are_kept_clean(ticket: Ticket, chat: Chat) -> None:
    """They are JSON in a row, where PostgreSQL takes no NUL."""
    answer = chat.say(f"слова {BAD}")
    assert [part[2] for part in Dialog.objects.get().kept[0]["parts"]] == ["слова abcd\ne"]
    [add] = [data for label, data in answer.buttons.items() if label.startswith("➕ Добавить")]
    chat.press(add)
    assert ticket.comments.get().body == "слова abcd\ne"


def test_title_of_a_group_is_kept_clean(linked, bot: Bot) -> None:
    content = {
        "date": 1, "chat": {"id": -100500, "type": "supergroup", "title": BAD + "я" * 300},
        "from": {"id": 510_000_001, "is_bot": False, "first_name": "Анна"},
        "old_chat_member": {"status": "left", "user": {"id": 7, "is_bot": True, "first_name": "Б"}},
        "new_chat_member": {
            "status": "member", "user": {"id": 7, "is_bot": True, "first_name": "Б"},
        },
    }  # fmt: skip
    bot.telegram.update(content, "my_chat_member")
    bot.catch_up()
    assert Group.objects.get().title == (CLEAN + "я" * 300)[:255]


def test_draft_that_is_too_old_ends_its_question(linked, product, chat: Chat, bot: Bot) -> None:
    """Refused titles keep the dialog young, not the draft: once it is gone it is begun anew."""
    chat.say("/new")
    chat.press(product.name)
    bot.clock.advance(hours=23)
    chat.say("Слишком длинный заголовок " * 5)
    bot.clock.advance(hours=2)
    assert "Не понял" in chat.say("Тема")
    assert "шаг 1 из 4" in chat.say("/new")


def test_file_reaches_the_ticket_in_spite_of_its_odd_kind(
    ticket: Ticket, chat: Chat, bot: Bot
) -> None:
    chat.press_card(ticket, "➕ Комментарий")
    chat.send(("журнал.txt", LOG, "text/\u202eplain"))
    [file] = Attachment.objects.all()
    assert (file.state, file.content_type) == (Attachment.State.READY, "text/plain")
