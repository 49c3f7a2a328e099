"""«Вопрос решён» in the chat: a button on the card, a question, and a score if wished."""

import pytest

from tests.telegram_bot.bot import Bot, Chat
from tests.telegram_bot.own_tickets import NOT_FOUND, WRITE, in_status, tell_staff
from tickets import recording, services
from tickets.comments import add_comment
from tickets.models import Comment, Ticket
from tickets.recording import SYSTEM
from tickets.status import TicketStatus

SOLVED, CLOSE = "✅ Вопрос решён", "✅ Да, закрыть"
MARKS = ["1 😞", "2 🙁", "3 😐", "4 🙂", "5 😀"]
OPEN = ["new", "in_progress", "waiting"]


@pytest.fixture
def card(ticket, chat: Chat):
    """The card of Anna's ticket in her chat."""
    chat.start()
    return chat.say(str(ticket.pk)).messages[0]


def state_of(ticket: Ticket) -> tuple[str, int | None, str]:
    ticket.refresh_from_db()
    return ticket.status, ticket.score, ticket.rating_comment


@pytest.mark.parametrize("status", TicketStatus.values)
def test_card_offers_it_where_work_goes_on(ticket, chat: Chat, status) -> None:
    in_status(ticket, status)
    chat.start()
    assert (SOLVED in chat.say(str(ticket.pk)).buttons) == (status in OPEN)


@pytest.mark.parametrize("status", OPEN)
def test_ticket_is_closed_after_a_question(ticket, card, chat: Chat, status) -> None:
    in_status(ticket, status)
    question = chat.press(SOLVED, card)
    assert f"Закрыть заявку № {ticket.pk}?" in question
    assert list(question.buttons) == [CLOSE, "Нет"]
    assert state_of(ticket) == (status, None, "")
    closed = chat.press(CLOSE)
    assert f"Заявка № {ticket.pk} закрыта." in closed
    assert list(closed.buttons) == [*MARKS, "Пропустить"]
    assert state_of(ticket) == ("closed", None, "")


def test_no_leads_back_to_the_card(ticket, card, chat: Chat) -> None:
    chat.press(SOLVED, card)
    assert SOLVED in chat.press("Нет").buttons
    assert state_of(ticket) == ("new", None, "")


def test_score_and_words_may_follow(ticket, card, chat: Chat) -> None:
    chat.press(SOLVED, card)
    chat.press(CLOSE)
    assert "Что было не так?" in chat.press("2 🙁")
    assert "Спасибо, передали команде." in chat.say("Ждала неделю")
    assert state_of(ticket) == ("closed", 2, "Ждала неделю")


def test_score_can_be_skipped(ticket, card, chat: Chat) -> None:
    chat.press(SOLVED, card)
    chat.press(CLOSE)
    assert "Закрыта" in chat.press("Пропустить")
    assert "Не понял" in chat.say("Другое дело")
    assert state_of(ticket) == ("closed", None, "")


def test_score_is_taken_once(ticket, card, chat: Chat) -> None:
    chat.press(SOLVED, card)
    closed = chat.press(CLOSE).messages[-1]
    chat.press("5 😀", closed)
    assert chat.press(f"score:{ticket.pk}:1", closed).toast == "Оценка уже принята."
    assert state_of(ticket) == ("closed", 5, "")


def test_score_comes_too_late_after_a_day(ticket, card, chat: Chat, bot: Bot) -> None:
    chat.press(SOLVED, card)
    chat.press(CLOSE)
    bot.clock.advance(days=2)
    assert "Заявка уже закрыта, оценить её нельзя." in chat.press("5 😀").toast
    assert state_of(ticket) == ("closed", None, "")


def test_second_press_does_no_harm(ticket, card, chat: Chat) -> None:
    chat.press(SOLVED, card)
    question = chat.last
    chat.press(CLOSE, question)
    for word in ("solved", "solved_yes"):
        assert chat.press(f"{word}:{ticket.pk}", card).toast == "Заявка уже закрыта."
    assert ticket.events.filter(kind="status").count() == 1


def test_ticket_resolved_meanwhile_is_closed_all_the_same(
    ticket, card, agent, chat: Chat, bot: Bot
) -> None:
    chat.press(SOLVED, card)
    question = chat.last
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово."
    )
    bot.run_queue()
    notice = chat.last
    assert "закрыта" in chat.press(CLOSE, question)
    bot.run_queue()
    assert state_of(ticket) == ("closed", None, "")
    assert list(chat.telegram.buttons(chat.now(notice))) == ["👁 Просмотреть заявку"]


def test_foreign_ticket_is_not_closed(foreign, linked, chat: Chat) -> None:
    chat.start()
    for word in ("solved", "solved_yes"):
        assert NOT_FOUND in chat.press(f"{word}:{foreign.pk}")
    assert state_of(foreign)[0] == "new"


def test_colleague_sees_no_button_and_closes_nothing(foreign, linked, boris, chat: Chat) -> None:
    linked.organization.shares_tickets = True
    linked.organization.save()
    Ticket.objects.filter(pk=foreign.pk).update(organization=linked.organization)
    chat.start()
    assert SOLVED not in chat.say(str(foreign.pk)).buttons
    assert "может только инициатор" in chat.press(f"solved_yes:{foreign.pk}").toast
    assert state_of(foreign)[0] == "new"


def test_question_that_was_open_ends(ticket, card, chat: Chat) -> None:
    chat.press(WRITE, card)
    chat.press(SOLVED, card)
    chat.press(CLOSE)
    assert "Не понял" in chat.say("Спасибо всем")
    assert not Comment.objects.exists()


def test_what_the_system_closed_has_no_score(ticket, card, chat: Chat) -> None:
    in_status(ticket, "resolved")
    services.change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=SYSTEM)
    assert "оценить её нельзя" in chat.press(f"score:{ticket.pk}:5").toast
    assert state_of(ticket) == ("closed", None, "")


def test_staff_hear_of_it_with_the_score(ticket, card, chat, bot, settings, mailoutbox) -> None:
    settings.STAFF_EMAIL = "desk@support.example"
    chat.press(SOLVED, card)
    chat.press(CLOSE)
    chat.press("4 🙂")
    chat.say("Сами нашли причину")
    mailoutbox.clear()
    tell_staff(bot)
    [letter] = mailoutbox
    assert "вопрос решён" in letter.body
    assert "Оценка: 4 из 5." in letter.body
    assert "Сами нашли причину" in letter.body


def test_nothing_is_told_to_who_closed_it(ticket, card, agent, chat: Chat, bot: Bot) -> None:
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Смотрим")
    bot.run_queue()
    chat.press(SOLVED, card)
    chat.press(CLOSE)
    seen = len(chat.seen)
    tell_staff(bot)
    assert len(chat.seen) == seen
