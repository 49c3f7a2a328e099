"""What an agent who linked Telegram hears of tickets in the chat, and what a reply to it does."""

import pytest

from accounts.services import withdraw_registration
from telegram_bot.models import TELEGRAM, TicketMessage
from tests.factories import MessengerAccountFactory, SpecialistFactory, TicketFactory, open_ticket
from tests.files import pdf
from tests.telegram_bot.bot import Bot, Chat
from tests.telegram_bot.own_tickets import tell_staff
from tickets import recording, services
from tickets.clocks import tell_of_due_times
from tickets.comments import add_comment
from tickets.models import Comment, Delivery, Face, Ticket
from tickets.preferences import Choice, Topic, choose
from tickets.recording import customer
from tickets.status import TicketStatus

State = Delivery.State
AT_THE_DESK = "Ответить клиенту можно на рабочем месте"


@pytest.fixture
def olga(db):
    return SpecialistFactory(
        username="olga", email="olga@support.example", first_name="Ольга", last_name="Орлова"
    )


@pytest.fixture
def igor(db):
    return SpecialistFactory(username="igor", first_name="Игорь", last_name="Петров")


@pytest.fixture
def olga_chat(bot: Bot, olga) -> Chat:
    """Olga talks to the bot from the account that the local Telegram calls Boris."""
    chat = Chat(bot, "boris")
    MessengerAccountFactory(user=olga, address=str(chat.id))
    chat.start()
    return chat


def told(chat: Chat) -> list[str]:
    """What came after the menu."""
    return [message["text"] for message in chat.seen[1:]]


def assign(ticket: Ticket, assignee, by) -> None:
    services.assign_ticket(ticket=ticket, assignee=assignee, actor=recording.agent(by))


def test_new_ticket_is_told_with_its_words_and_the_way_to_the_desk(
    anna, product, olga_chat: Chat, bot: Bot
) -> None:
    ticket = open_ticket(
        anna, product=product, title="Нет <b>связи</b>", description="С утра & весь день",
        files=[pdf("схема.pdf")],
    )  # fmt: skip
    bot.run_queue()
    assert told(olga_chat) == [
        f"🆕 № {ticket.pk} · новая заявка\nНет <b>связи</b>\nОблачный сервер · Анна К.\n"
        "С утра & весь день\n📎 1"
    ]
    [(label, address)] = olga_chat.telegram.buttons(olga_chat.last).items()
    assert label == "Открыть"
    assert address.endswith(f"/admin/tickets/ticket/{ticket.pk}/change/")
    assert address.startswith("http")
    assert olga_chat.last["silent"], "the whole desk need not be rung for"


def test_long_words_are_cut(anna, product, olga_chat: Chat, bot: Bot) -> None:
    open_ticket(anna, product=product, description="😀 слово " * 900)
    bot.run_queue()
    [text] = told(olga_chat)
    assert len(text) < 1200
    assert text.endswith("…")


def test_own_tickets_ring_with_the_words_of_their_customer(
    anna, product, olga, olga_chat: Chat, bot: Bot
) -> None:
    ticket = TicketFactory(requester=anna, product=product, assignee=olga)
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Всё ещё <белый> экран")
    tell_staff(bot)
    [text] = told(olga_chat)
    assert text.startswith(f"💬 № {ticket.pk} · пишет клиент\n{ticket.title}")
    assert text.endswith("Всё ещё <белый> экран")
    assert not olga_chat.last["silent"]


def test_colleague_of_the_customer_is_named(
    anna, vera, product, olga, olga_chat: Chat, bot: Bot
) -> None:
    ticket = TicketFactory(requester=anna, product=product, assignee=olga)
    add_comment(ticket=ticket, actor=customer(vera, Face.PORTAL), body="И у меня")
    tell_staff(bot)
    assert "пишет коллега клиента, Вера М." in told(olga_chat)[0]


def test_hands_returns_closings_and_due_times_are_told(
    anna, product, olga, igor, olga_chat: Chat, bot: Bot
) -> None:
    ticket = open_ticket(anna, product=product)
    Delivery.objects.all().delete()
    assign(ticket, olga, by=igor)
    bot.clock.advance(minutes=50)
    tell_of_due_times()
    by_anna = customer(anna, Face.PORTAL)
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(igor), answer="Готово"
    )
    services.return_to_work(ticket=ticket, actor=by_anna, reason="Снова")
    tell_staff(bot)
    services.close_by_requester(ticket=ticket, actor=by_anna, score=4, text="Спасибо & всё")
    tell_staff(bot)
    assigned, due, returned, closed = told(olga_chat)
    assert "заявка назначена вам" in assigned
    assert "Кто назначил: Игорь П." in assigned
    assert "скоро срок первого ответа" in due
    assert "Заявка ждёт первого ответа, срок — " in due
    assert returned.endswith("клиент вернул заявку в работу\n" + "\n".join(
        [ticket.title, "Облачный сервер · Анна К.", "Снова"]
    ))  # fmt: skip
    assert "клиент закрыл заявку" in closed
    assert "Оценка: 4 из 5." in closed
    assert "Спасибо & всё" in closed


def test_passed_and_put_back_is_told(anna, product, olga, igor, olga_chat: Chat, bot: Bot) -> None:
    first, second = (TicketFactory(requester=anna, product=product) for _ in range(2))
    Ticket.objects.filter(pk=first.pk).update(assignee=olga)
    Ticket.objects.filter(pk=second.pk).update(assignee=SpecialistFactory())
    assign(first, igor, by=igor)
    assign(second, None, by=igor)
    bot.run_queue()
    passed, free = told(olga_chat)
    assert "заявка передана" in passed
    assert "Кто занимается заявкой: Игорь П." in passed
    assert "снова без исполнителя" in free
    assert "Кто вернул её в общую очередь: Игорь П." in free


def test_nobody_hears_of_what_they_did(anna, product, olga, olga_chat: Chat, bot: Bot) -> None:
    ticket = TicketFactory(requester=anna, product=product)
    services.take_to_work(ticket=ticket, actor=recording.agent(olga))
    assign(ticket, None, by=olga)
    open_ticket(olga, product=product)
    bot.run_queue()
    assert told(olga_chat) == []


def test_internal_notes_are_told_to_nobody_here(
    anna, product, olga, igor, olga_chat: Chat, bot: Bot
) -> None:
    ticket = TicketFactory(requester=anna, product=product, assignee=olga)
    note = "Секрет"
    add_comment(ticket=ticket, actor=recording.agent(igor), body=note, internal=True)
    tell_staff(bot)
    assert told(olga_chat) == []


def test_topic_that_is_off_in_the_chat_stays_away(
    anna, product, olga, olga_chat: Chat, bot: Bot
) -> None:
    choose(user=olga, choices={Topic.STAFF_FREE: Choice(by_chat=False)})
    open_ticket(anna, product=product)
    bot.run_queue()
    assert told(olga_chat) == []


def test_address_of_the_desk_takes_letters_only(
    anna, product, olga_chat: Chat, bot: Bot, settings, mailoutbox
) -> None:
    settings.STAFF_EMAIL = "desk@support.example"
    open_ticket(anna, product=product)
    bot.run_queue()
    assert len(told(olga_chat)) == 1
    assert [letter.to for letter in mailoutbox] == [["desk@support.example"]]


@pytest.mark.parametrize("end", ["consent", "right"])
def test_who_may_not_hear_any_more_is_not_told(anna, product, olga, olga_chat, bot, end) -> None:
    open_ticket(anna, product=product)
    if end == "consent":
        withdraw_registration(user=olga, channel=TELEGRAM)
    else:
        olga.user_permissions.clear()
    bot.run_queue()
    assert told(olga_chat) == []
    row = Delivery.objects.get(channel="telegram")
    assert row.state == State.CANCELLED
    assert row.error


# What a reply does


@pytest.mark.parametrize("step", ["", "/new"])
def test_reply_leads_to_the_desk_and_is_nobodys_comment(
    anna, product, olga_chat: Chat, bot: Bot, step
) -> None:
    ticket = open_ticket(anna, product=product)
    bot.run_queue()
    notice = olga_chat.last
    if step:
        olga_chat.say(step)
    answer = olga_chat.reply(notice, "Здравствуйте, проверьте пароль")
    assert AT_THE_DESK in answer
    assert answer.buttons[f"Открыть № {ticket.pk}"].endswith(f"/ticket/{ticket.pk}/change/")
    assert not Comment.objects.exists()
    assert AT_THE_DESK in olga_chat.reply(notice, str(ticket.pk))


def test_reply_about_a_ticket_that_the_agent_may_see_as_a_customer_is_no_comment_either(
    anna, vera, product, olga, olga_chat: Chat, bot: Bot
) -> None:
    type(olga).objects.filter(pk=olga.pk).update(organization=anna.organization)
    open_ticket(anna, product=product)
    bot.run_queue()
    assert AT_THE_DESK in olga_chat.reply(olga_chat.last, "Проверьте пароль")
    assert not Comment.objects.exists()


def test_notices_of_one_ticket_are_a_thread(anna, product, olga_chat: Chat, bot: Bot) -> None:
    ticket = open_ticket(anna, product=product)
    bot.run_queue()
    first = olga_chat.last
    add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Ещё")
    tell_staff(bot)
    assert olga_chat.last["reply_to_message_id"] == first["message_id"]
    assert TicketMessage.objects.filter(for_agents=True).count() == 2


def test_agent_is_served_as_anybody(olga, product, olga_chat: Chat, bot: Bot) -> None:
    own = TicketFactory(requester=olga, product=product)
    assert own.title in olga_chat.say("/tickets")
    card = olga_chat.say(str(own.pk))
    assert "Комментарий добавлен" in olga_chat.reply(card.messages[-1], "Уже лучше")
    assert Comment.objects.get().by_agent is False
