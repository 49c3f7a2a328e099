"""Ways out of a new ticket, and the draft that waits."""

import pytest

from telegram_bot.models import Dialog
from tests.factories import ProductFactory
from tests.telegram_bot.bot import LOG, Bot, Chat, where_stored
from tests.telegram_bot.new_ticket import DESCRIPTION, DONE, QUESTIONS, STEPS, TITLE, go_to
from tickets.models import Ticket

pytestmark = pytest.mark.usefixtures("linked", "product")


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


def test_old_cancel_leaves_a_new_draft_alone(chat: Chat) -> None:
    old = go_to(chat, "description").messages[-1]
    chat.say("/cancel")
    go_to(chat, "description")
    assert "Кнопка устарела" in chat.press("✖️ Отмена", old)
    assert QUESTIONS["files"] in chat.say(DESCRIPTION)
