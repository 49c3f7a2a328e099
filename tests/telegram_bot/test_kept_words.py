"""A thought in several messages, and words that belong to no step."""

from datetime import timedelta

import pytest

from telegram_bot.models import Dialog
from tests.factories import TicketFactory
from tests.telegram_bot.bot import LOG, PNG, Bot, Chat
from tests.telegram_bot.new_ticket import DESCRIPTION, go_to
from tests.telegram_bot.own_tickets import WRITE, in_status
from tickets.models import Comment, Ticket
from tickets.status import TicketStatus


def bodies() -> list[str]:
    return list(Comment.objects.order_by("pk").values_list("body", flat=True))


# In several messages


@pytest.fixture
def greeted(ticket: Ticket, chat: Chat) -> Ticket:
    """Anna has answered with a greeting only."""
    chat.press_card(ticket, WRITE)
    chat.say("Здравствуйте")
    return ticket


def test_messages_of_one_minute_are_one_comment(greeted, chat: Chat, bot: Bot) -> None:
    bot.clock.advance(seconds=25)
    assert f"Комментарий к № {greeted.pk} дополнен" in chat.say("Всё ещё белый экран")
    bot.clock.advance(seconds=25)
    chat.send(("screen.png", PNG))
    chat.send(("1.txt", b"1"), ("2.txt", b"2"), caption="И журналы")
    assert bodies() == ["Здравствуйте\nВсё ещё белый экран\nИ журналы"]
    assert Comment.objects.get().attachments.count() == 3


def test_minute_begins_with_the_comment(greeted, chat: Chat, bot: Bot) -> None:
    for text in ("Раз", "Два", "Три"):
        bot.clock.advance(seconds=25)
        chat.say(text)
    assert bodies() == ["Здравствуйте\nРаз\nДва"]


def test_edited_part_corrects_its_own_words(greeted, chat: Chat) -> None:
    sent = chat.telegram.send("anna", "Белый экран")
    chat.bot.catch_up()
    chat.edit(sent["message_id"], "Чёрный экран")
    assert bodies() == ["Здравствуйте\nЧёрный экран"]


def test_number_of_a_ticket_opens_it_and_ends_the_thought(greeted, chat: Chat) -> None:
    assert f"№ {greeted.pk}" in chat.say(str(greeted.pk))
    assert "Это к заявке" in chat.say("Ещё")
    assert bodies() == ["Здравствуйте"]


def test_other_number_goes_on(greeted, chat: Chat) -> None:
    chat.say("502")
    assert bodies() == ["Здравствуйте\n502"]


@pytest.mark.parametrize("button", ["list", "menu"])
def test_press_ends_the_thought(greeted, chat: Chat, button) -> None:
    chat.press(button)
    chat.say("Ещё")
    assert bodies() == ["Здравствуйте"]


@pytest.mark.parametrize("word", ["/tickets", "/menu", "/help", "/start", "/cancel", "Отмена"])
def test_command_ends_the_thought(greeted, chat: Chat, word) -> None:
    chat.say(word)
    assert "Это к заявке" in chat.say("Ещё")
    assert bodies() == ["Здравствуйте"]


def test_closed_ticket_takes_no_more(greeted, chat: Chat) -> None:
    in_status(greeted, TicketStatus.CLOSED)
    assert "комментарии к ней не принимаются" in chat.say("Ещё")
    assert bodies() == ["Здравствуйте"]


def test_corrected_description_may_come_in_two_messages(linked, product, chat: Chat) -> None:
    go_to(chat, "confirm")
    chat.press("✏️ Описание")
    chat.say("Чёрный экран")
    assert "Проверьте заявку" in chat.say("И звука нет")
    chat.say("Да")
    assert Ticket.objects.get().description == "Чёрный экран\nИ звука нет"


def test_other_word_at_the_end_is_no_description(linked, product, chat: Chat) -> None:
    go_to(chat, "confirm")
    assert "Отправьте «Да»" in chat.say("Потом")
    assert Dialog.objects.get().draft["description"] == DESCRIPTION


# Outside of any step


def test_words_are_offered_to_the_newest_open_ticket(ticket, linked, product, chat: Chat) -> None:
    newest = TicketFactory(requester=linked, product=product)
    in_status(TicketFactory(requester=linked, product=product), TicketStatus.CLOSED)
    answer = chat.say("Всё ещё белый экран")
    assert f"Это к заявке № {newest.pk}?" in answer
    assert "➕ Создать новую заявку" in answer.buttons
    assert bodies() == []
    assert "Комментарий добавлен" in chat.press(f"➕ Добавить к № {newest.pk}")
    assert newest.comments.get().body == "Всё ещё белый экран"


def test_kept_messages_become_one_comment_with_their_files(ticket, chat: Chat) -> None:
    chat.say("Смотрите")
    chat.send(("1.txt", b"1"), ("2.txt", b"2"), caption="журналы")
    chat.send(("log.txt", LOG))
    chat.press(f"➕ Добавить к № {ticket.pk}")
    comment = ticket.comments.get()
    assert comment.body == "Смотрите\nжурналы"
    assert [file.name for file in comment.attachments.all()] == ["1.txt", "2.txt", "log.txt"]


def test_later_words_have_a_button_of_their_own(ticket, chat: Chat, bot: Bot) -> None:
    first = chat.say("Раз").messages[0]
    bot.clock.advance(minutes=5)
    second = chat.say("Два").messages[0]
    chat.press(f"➕ Добавить к № {ticket.pk}", second)
    bot.clock.advance(minutes=5)
    chat.press(f"➕ Добавить к № {ticket.pk}", first)
    assert bodies() == ["Два", "Раз"]
    assert "уже добавлены" in chat.press(f"➕ Добавить к № {ticket.pk}", first)
    assert bodies() == ["Два", "Раз"]


def test_kept_words_outlive_another_step(ticket, product, chat: Chat) -> None:
    first = chat.say("Раз").messages[0]
    chat.say("/new")
    chat.press(f"➕ Добавить к № {ticket.pk}", first)
    assert bodies() == ["Раз"]


def test_words_are_kept_for_a_day(ticket, chat: Chat, bot: Bot) -> None:
    first = chat.say("Раз").messages[0]
    bot.clock.advance(hours=25)
    assert "забыты" in chat.press(f"➕ Добавить к № {ticket.pk}", first)
    assert Dialog.objects.get().kept == []


def test_words_go_with_the_link(ticket, chat: Chat) -> None:
    chat.say("Тайна")
    chat.press("unlink_yes")
    assert Dialog.objects.get().kept == []


def test_foreign_ticket_takes_nothing(ticket, foreign, chat: Chat) -> None:
    message = chat.say("Раз").messages[0]
    [key] = [row["key"] for row in Dialog.objects.get().kept]
    assert "не найдена" in chat.press(f"add:{foreign.pk}:{key}", message)
    assert bodies() == []


def test_without_an_open_ticket_there_is_no_offer(linked, chat: Chat) -> None:
    assert "Вот что я умею" in chat.say("Привет")
    assert Dialog.objects.get().kept == []


def test_edited_kept_words_are_corrected(ticket, chat: Chat, bot: Bot) -> None:
    sent = chat.telegram.send("anna", "Белый экран")
    bot.catch_up()
    chat.press(f"➕ Добавить к № {ticket.pk}")
    bot.clock.advance(seconds=timedelta(minutes=2).total_seconds())
    chat.edit(sent["message_id"], "Чёрный экран")
    assert bodies() == ["Чёрный экран"]
