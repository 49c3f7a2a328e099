"""A merged number leads to the other ticket: typed, linked, pressed, replied to, half answered."""

import pytest

from tests.factories import open_ticket
from tests.telegram_bot.bot import LOG, Bot, Chat, stored_files
from tests.telegram_bot.own_tickets import WRITE, status_of
from tickets import services
from tickets.comments import add_comment
from tickets.merging import merge_tickets
from tickets.models import Comment, Ticket
from tickets.notices import LAST_PARTS
from tickets.splitting import split_comment
from tickets.status import TicketStatus


@pytest.fixture(autouse=True)
def _begun(linked, chat: Chat) -> None:
    chat.start()


@pytest.fixture
def into(linked, product):
    return open_ticket(linked, product=product, title="Общая заявка")


def merge(bot: Bot, ticket: Ticket, into: Ticket, by_agent) -> None:
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    bot.run_queue()


def test_notice_comes_once_and_a_reply_to_it_arrives(bot, ticket, into, chat: Chat, by_agent):
    merge(bot, ticket, into, by_agent)
    notice = chat.last
    assert [row["text"].startswith(f"Заявка № {ticket.pk}") for row in chat.seen].count(True) == 1
    assert f"Заявка № {ticket.pk} объединена с № {into.pk}" in notice["text"]
    assert f"Комментарий добавлен к № {into.pk}" in chat.reply(notice, "Понятно")
    assert Comment.objects.latest("pk").ticket == into
    assert f"№ {into.pk}" in chat.press("👁 Открыть", notice)


@pytest.mark.parametrize("way", ["number", "link"])
def test_number_typed_or_linked_opens_the_other(bot, ticket, into, chat, by_agent, way):
    merge(bot, ticket, into, by_agent)
    card = chat.say(f"№ {ticket.pk}") if way == "number" else chat.start(f"t_{ticket.pk}")
    assert "Общая заявка" in card


def test_buttons_of_old_messages_lead_on(bot, ticket, into, chat, by_agent):
    card = chat.say(str(ticket.pk)).messages[-1]
    merge(bot, ticket, into, by_agent)
    assert "Общая заявка" in chat.press("🔄 Обновить", card)
    assert f"комментарий к заявке № {into.pk}" in chat.press(WRITE, card)


def test_reply_to_an_answer_about_it_is_a_comment_of_the_other(bot, ticket, into, chat, by_agent):
    add_comment(ticket=ticket, actor=by_agent, body="Пришлите журнал")
    bot.run_queue()
    question = chat.message_with("Пришлите журнал")
    merge(bot, ticket, into, by_agent)
    chat.reply(question, "Вот он")
    chat.send(("log.txt", LOG), reply_to=question["message_id"])
    assert into.comments.filter(body="Вот он").exists()
    assert stored_files(into) == [("log.txt", LOG)]
    assert not ticket.comments.exists()


def test_half_answered_question_goes_to_the_other(bot, ticket, into, chat, by_agent):
    chat.press_card(ticket, WRITE)
    merge(bot, ticket, into, by_agent)
    assert f"Комментарий добавлен к № {into.pk}" in chat.say("Слова после вопроса")
    bot.clock.advance(seconds=LAST_PARTS.total_seconds() + 1)
    assert "Не понял" in chat.say("Больше ни о чём не спрашивали")


def test_edited_message_corrects_its_moved_comment(bot, ticket, into, chat, by_agent):
    chat.press_card(ticket, WRITE)
    chat.say("Опечатка")
    comment = Comment.objects.get()
    merge(bot, ticket, into, by_agent)
    message = comment.ticketmessage_set.get()
    assert f"Комментарий к № {into.pk} исправлен" in chat.edit(message.message_id, "Верно")
    comment.refresh_from_db()
    assert (comment.body, comment.ticket_id) == ("Верно", into.pk)


def test_offer_to_rate_or_return_does_nothing_to_the_other(bot, ticket, into, chat, by_agent):
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Всё")
    bot.run_queue()
    offer = chat.message_with("Всё")
    marks = chat.press("⭐ Оценить выполнение", offer).messages[-1]
    services.change_status(ticket=into, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово")
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    assert f"Заявка объединена с № {into.pk}" in chat.press(f"score:{ticket.pk}:5", marks)
    bot.run_queue()
    assert not [label for label in chat.now(offer)["reply_markup"] or [] if "Оценить" in label]
    assert status_of(into) == TicketStatus.RESOLVED
    into.refresh_from_db()
    assert into.score is None


def test_reason_of_a_return_becomes_a_comment(bot, ticket, into, chat, by_agent):
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Всё")
    bot.run_queue()
    chat.press("↩️ Вернуть в работу", chat.message_with("Всё"))
    chat.press("Да")
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    answer = chat.say("Не работает")
    assert f"Заявка объединена с № {into.pk}" in answer
    assert into.comments.filter(body="Не работает").exists()
    assert status_of(into) == TicketStatus.NEW


def test_list_of_open_ones_holds_it_no_more(bot, ticket, into, chat, by_agent):
    merge(bot, ticket, into, by_agent)
    answer = chat.say("/tickets")
    assert str(into.pk) in answer.buttons
    assert str(ticket.pk) not in answer.buttons


def test_message_that_was_split_off_is_marked(bot, ticket, chat, by_agent, by_anna, product):
    said = add_comment(ticket=ticket, actor=by_anna, body="И ещё счёт неверный")
    made = split_comment(comment=said, product=product, title="Счёт", actor=by_agent)
    bot.run_queue()
    assert f"выделено в № {made.pk}" in chat.press_card(ticket, "💬 Комментарии · 1")
