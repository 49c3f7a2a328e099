"""What is forwarded orders nothing: it is words or a file for the step at hand."""

import pytest

from accounts.models import MessengerAccount
from telegram_bot.models import Dialog
from tests.telegram_bot.bot import LOG, Chat
from tests.telegram_bot.new_ticket import DESCRIPTION, QUESTIONS, go_to
from tests.telegram_bot.own_tickets import WRITE
from tickets.models import Ticket


@pytest.mark.parametrize("text", ["/new", "/tickets", "/start", "/help", "/cancel", "Отмена", "1"])
def test_forwarded_order_outside_a_step_is_not_obeyed(linked, product, chat: Chat, text) -> None:
    answer = chat.say(text, forwarded=True)
    assert "Не понял" in answer
    assert Dialog.objects.get().step == ""


def test_forwarded_number_opens_no_card(ticket: Ticket, chat: Chat) -> None:
    assert "Приоритет" not in chat.say(str(ticket.pk), forwarded=True)


@pytest.mark.parametrize("text", ["/cancel", "Отмена", "/new", "42"])
def test_forwarded_order_is_a_comment_in_its_step(ticket: Ticket, chat: Chat, text) -> None:
    chat.press_card(ticket, WRITE)
    chat.say(text, forwarded=True)
    assert ticket.comments.get().body == text


def test_forwarded_file_is_taken(ticket: Ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    chat.send(("log.txt", LOG), caption="/cancel", forwarded=True)
    assert ticket.comments.get().attachments.count() == 1


def test_forwarded_yes_creates_nothing(linked, product, chat: Chat) -> None:
    go_to(chat, "confirm")
    chat.say("Да", forwarded=True)
    assert not Ticket.objects.exists()
    chat.say("Да")
    assert Ticket.objects.get().description == DESCRIPTION


@pytest.mark.parametrize("word", ["Оставить пустым", "Дальше"])
def test_forwarded_word_of_the_keyboard_joins_the_description(
    linked, product, chat: Chat, word
) -> None:
    go_to(chat, "files")
    assert QUESTIONS["confirm"] not in chat.say(word, forwarded=True)
    assert Dialog.objects.get().draft["description"] == f"{DESCRIPTION}\n{word}"


def test_forwarded_pin_links_nothing_and_costs_no_try(registration, chat: Chat, bot) -> None:
    chat.start()
    chat.share_contact()
    assert "кодом не считаю" in chat.say("123456", forwarded=True)
    assert not MessengerAccount.objects.exists()
    assert "Шаг 1" in chat.start()
    assert "Так номер принять нельзя" in chat.say("123456", forwarded=True)
