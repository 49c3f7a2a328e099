"""One update, one transaction: steps that fail, and what survives."""

import re
from collections.abc import Callable

import pytest
from django.db import OperationalError

from telegram_bot.flows import comments, my_tickets
from telegram_bot.models import Dialog, IncomingUpdate
from telegram_bot.processing import STEP_ATTEMPTS
from tests.factories import TicketFactory
from tests.telegram_bot.bot import Bot, Chat, fetch_and_work_off
from tickets.comments import add_comment
from tickets.models import Comment, Ticket

SORRY = re.compile(
    "Сейчас не получается выполнить действие. Мы уже знаем. Попробуйте через минуту."
    r" Код: [0-9A-F]{4}"
)
Break = Callable[[Exception], None]


@pytest.fixture
def break_comments(monkeypatch: pytest.MonkeyPatch, bot: Bot) -> Break:
    """Make every comment fail after it was written."""

    def break_comments(error: Exception) -> None:
        def fail(**details: object) -> None:
            add_comment(**details)
            raise error

        monkeypatch.setattr(comments, "add_comment", fail)
        bot.failing = True

    return break_comments


@pytest.fixture
def mend(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(comments, "add_comment", add_comment)


@pytest.fixture
def commenting(ticket: Ticket, chat: Chat) -> Chat:
    """Anna's chat, where the next words are a comment."""
    chat.press_card(ticket, "➕ Комментарий")
    return chat


def try_again(bot: Bot) -> None:
    bot.clock.advance(seconds=30)
    bot.sweep()


def test_failed_step_leaves_nothing_behind_and_is_tried_again(
    commenting: Chat, bot: Bot, break_comments: Break, mend
) -> None:
    break_comments(RuntimeError("boom"))
    commenting.do(lambda: commenting.telegram.send("anna", "слова"), unanswered=True)
    assert not Comment.objects.exists()
    assert Dialog.objects.get().step == "comment"
    row = IncomingUpdate.objects.get(processed_at=None)
    assert (row.attempts, row.error) == (1, "RuntimeError")

    mend()
    answer = commenting.do(lambda: try_again(bot))
    assert "Комментарий добавлен" in answer
    assert Comment.objects.get().body == "слова"


def test_step_that_keeps_failing_is_given_up_with_an_apology(
    commenting: Chat, bot: Bot, break_comments: Break, caplog: pytest.LogCaptureFixture
) -> None:
    break_comments(RuntimeError("boom"))
    commenting.do(lambda: commenting.telegram.send("anna", "слова"), unanswered=True)
    for _ in range(STEP_ATTEMPTS - 2):
        commenting.do(lambda: try_again(bot), unanswered=True)
    answer = commenting.do(lambda: try_again(bot))
    assert SORRY.fullmatch(answer.text)
    assert "‹ Меню" in answer.buttons
    code = answer.text[-4:]

    row = IncomingUpdate.objects.latest("pk")
    assert (row.attempts, row.payload, row.replies) == (STEP_ATTEMPTS, "", "")
    assert row.error == f"RuntimeError, {code}"
    assert f"code {code}" in caplog.text
    assert not Comment.objects.exists()


def test_later_messages_wait_for_the_failed_one_and_keep_their_order(
    commenting: Chat, bot: Bot, break_comments: Break, mend
) -> None:
    break_comments(RuntimeError("boom"))
    commenting.telegram.send("anna", "слова")
    bot.take_updates()
    commenting.telegram.send("anna", "/help")
    commenting.telegram.send("anna", "/tickets")
    bot.take_updates()
    mend()
    answer = commenting.do(lambda: try_again(bot))
    said = [text.splitlines()[0] for text in answer.texts]
    assert said == [
        f"✅ Комментарий добавлен к № {Ticket.objects.get().pk}",
        "Что я умею",
        "Открытые заявки · 1",
    ]


def test_later_messages_go_on_after_the_failed_one_is_given_up(
    commenting: Chat, bot: Bot, break_comments: Break
) -> None:
    break_comments(RuntimeError("boom"))
    commenting.telegram.send("anna", "слова")
    commenting.telegram.send("anna", "/help")
    bot.take_updates()
    answer = commenting.do(lambda: [try_again(bot) for _ in range(STEP_ATTEMPTS)])
    assert SORRY.match(answer.texts[0])
    assert "Что я умею" in answer.texts[1]


def test_other_people_are_not_held_up(
    commenting: Chat, bot: Bot, break_comments: Break, boris_chat: Chat
) -> None:
    break_comments(RuntimeError("boom"))
    commenting.telegram.send("anna", "слова")
    assert "Шаг 1 из 2" in boris_chat.start()


def test_button_that_keeps_failing_is_answered(
    ticket, chat: Chat, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.start()
    bot.failing = True
    monkeypatch.setattr(my_tickets, "render", None)
    chat.do(lambda: chat.telegram.press("anna", f"card:{ticket.pk}", wait=0), unanswered=True)
    answer = chat.do(lambda: [try_again(bot) for _ in range(STEP_ATTEMPTS)])
    assert [call["method"] for call in answer.calls] == ["answerCallbackQuery", "sendMessage"]
    assert SORRY.match(answer.text)


def test_database_that_is_away_costs_no_attempt(
    commenting: Chat, bot: Bot, break_comments: Break, mend
) -> None:
    break_comments(OperationalError("database is locked"))
    commenting.do(lambda: commenting.telegram.send("anna", "слова"), unanswered=True)
    for _ in range(STEP_ATTEMPTS + 1):
        try_again(bot)
    assert IncomingUpdate.objects.get(processed_at=None).attempts == 0
    mend()
    assert "Комментарий добавлен" in commenting.do(lambda: try_again(bot))


@pytest.mark.parametrize("count", [1, 3])
def test_ordinary_update_takes_the_same_queries_for_any_number_of_tickets(
    linked, product, chat: Chat, bot: Bot, django_assert_num_queries, count
) -> None:
    TicketFactory.create_batch(count, requester=linked, product=product)
    chat.say("/new")
    chat.press(product.name)
    chat.telegram.send("anna", "Не открывается отчёт")
    with django_assert_num_queries(10):
        bot.run(fetch_and_work_off)
    assert "шаг 3 из 4" in chat.last["text"]
