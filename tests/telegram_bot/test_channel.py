"""Notices in the chat: what they say, their pace, and what each refusal of Telegram means."""

from collections.abc import Callable
from datetime import timedelta
from itertools import chain

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError
from django.utils import timezone

from accounts import services as accounts
from accounts.models import MessengerAccount
from telegram_bot.channel import GROUP_MESSAGES_A_MINUTE, TelegramChannel
from telegram_bot.models import TELEGRAM
from telegram_bot.notices import COMPOSERS
from tests.factories import MessengerAccountFactory, open_ticket
from tests.telegram_bot.bot import Bot, Chat
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.delivery import drain
from tickets.models import Delivery, Face, Priority, Ticket
from tickets.notices import NoticeKind
from tickets.recording import Actor, customer
from tickets.status import TicketStatus

State = Delivery.State
Agent = Actor


@pytest.fixture
def staff(agent) -> Agent:
    return recording.agent(agent)


@pytest.fixture
def answer(ticket: Ticket, staff: Agent) -> Callable[[str], None]:
    """An agent's comment, queued but not yet sent."""
    return lambda body: add_comment(ticket=ticket, actor=staff, body=body) and None


@pytest.fixture(autouse=True)
def _started(linked, chat: Chat) -> None:
    chat.start()


def in_telegram() -> list[Delivery]:
    return list(Delivery.objects.filter(channel="telegram").order_by("pk"))


def states() -> list[str]:
    return [row.state for row in in_telegram()]


def notices(chat: Chat) -> list[str]:
    """What came to the chat after the menu."""
    return [message["text"] or message["caption"] for message in chat.seen[1:]]


# What notices say


def test_every_change_is_told(ticket: Ticket, staff: Agent, agent, chat: Chat, bot: Bot) -> None:
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=staff)
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=staff)
    services.assign_ticket(ticket=ticket, assignee=agent, actor=staff)
    add_comment(ticket=ticket, actor=staff, body="Пришлите <журнал> & версию")
    bot.run_queue()
    number = ticket.pk
    assert notices(chat) == [
        f"№ {number}: 🆕 Новая → 🔧 В работе\n{ticket.title}",
        f"№ {number} · приоритет: 🔵 Средний → 🟠 Высокий\n{ticket.title}",
        f"👤 № {number} · заявкой занимается Ольга О.\n{ticket.title}",
        f"💬 № {number} · ответ поддержки · Ольга\nПришлите <журнал> & версию",
    ]
    assert list(chat.telegram.buttons(chat.last)) == ["➕ Ответить", "👁 Открыть"]
    assert "Напишите комментарий" in chat.press("➕ Ответить")


def test_first_answer_says_that_it_takes_the_ticket(ticket: Ticket, answer, chat, bot) -> None:
    answer("Смотрим")
    answer("Нашли")
    bot.run_queue()
    assert notices(chat) == [
        f"💬 № {ticket.pk} · ответ поддержки · Ольга\n🆕 Новая → 🔧 В работе\nСмотрим",
        f"💬 № {ticket.pk} · ответ поддержки · Ольга\nНашли",
    ]


@pytest.mark.parametrize("status", [TicketStatus.WAITING, TicketStatus.CLOSED])
def test_status_comes_with_its_words(
    ticket: Ticket, staff: Agent, chat: Chat, bot: Bot, status: TicketStatus
) -> None:
    services.change_status(ticket=ticket, to=status, actor=staff, answer="Пришлите <журнал>")
    bot.run_queue()
    [text] = notices(chat)
    assert text.endswith(f"{status.label}\n{ticket.title}\nПришлите <журнал>")


def test_progress_is_silent_and_what_needs_the_person_rings(
    ticket: Ticket, staff: Agent, chat: Chat, bot: Bot
) -> None:
    for status in (TicketStatus.IN_PROGRESS, TicketStatus.WAITING, TicketStatus.RESOLVED):
        services.change_status(ticket=ticket, to=status, actor=staff, answer="Готово.")
    bot.run_queue()
    assert [message["silent"] for message in chat.seen[1:]] == [True, False, False]


def test_nobody_is_told_of_their_own_action(ticket: Ticket, linked, chat: Chat, bot: Bot) -> None:
    add_comment(ticket=ticket, actor=customer(linked, Face.PORTAL), body="Я")
    bot.run_queue()
    assert in_telegram() == []


def test_internal_notes_are_not_told(ticket: Ticket, staff: Agent, chat: Chat, bot: Bot) -> None:
    add_comment(ticket=ticket, actor=staff, body="Путает", internal=True)
    bot.run_queue()
    assert in_telegram() == []


def test_notices_reply_to_the_message_that_created_the_ticket(
    product, staff: Agent, chat: Chat, bot: Bot
) -> None:
    chat.say("/new")
    chat.press(product.name)
    for text in ("Тема", "Описание", "Оставить пустым", "Да"):
        chat.say(text)
    created = chat.last
    add_comment(ticket=Ticket.objects.get(), actor=staff, body="Смотрю")
    bot.run_queue()
    assert chat.last["reply_to_message_id"] == created["message_id"]
    assert "Комментарий добавлен" in chat.reply(chat.last, "Жду")


def test_long_answer_goes_on_in_further_messages(chat: Chat, bot: Bot, answer) -> None:
    body = "\n".join(f"Шаг {number}: 😀 <проверьте> & повторите" for number in range(250))
    answer(body)
    bot.run_queue()
    first, *others = notices(chat)
    said = [first.split("\n", 2)[2], *(text.split("\n", 1)[1] for text in others)]
    assert len(said) > 2
    assert " ".join(said).split() == body.split()
    assert "Комментарий добавлен" in chat.reply(chat.last, "Понял")


def test_files_of_an_answer_follow_it(ticket: Ticket, staff: Agent, chat: Chat, bot: Bot) -> None:
    files = [NewFile(name, 4, content=ContentFile(b"text")) for name in ("one.txt", "two.txt")]
    add_comment(ticket=ticket, actor=staff, body="Смотрите", files=files)
    bot.run_queue()
    assert [message["media"] and message["media"]["name"] for message in chat.seen[1:]] == [
        None,
        "one.txt",
        "two.txt",
    ]
    assert "Комментарий добавлен" in chat.reply(chat.last, "Открылось")


# Pace


def test_a_chat_gets_one_message_a_second_in_order(chat: Chat, bot: Bot, answer) -> None:
    for number in range(3):
        answer(f"Ответ {number}")
    bot.run_queue()
    assert [text[-7:] for text in notices(chat)] == ["Ответ 0", "Ответ 1", "Ответ 2"]
    sent = [row.sent_at for row in in_telegram()]
    for earlier, later in zip(sent, sent[1:], strict=False):
        assert later - earlier >= timedelta(seconds=1)


@pytest.mark.parametrize(
    ("sent", "held"), [(GROUP_MESSAGES_A_MINUTE - 1, set()), (GROUP_MESSAGES_A_MINUTE, {"-100"})]
)
def test_a_group_gets_less_than_twenty_messages_a_minute(bot: Bot, sent, held) -> None:
    assert GROUP_MESSAGES_A_MINUTE < 20
    now = timezone.now()
    Delivery.objects.bulk_create(
        Delivery(
            channel="telegram",
            kind="status",
            address="-100",
            key=str(number),
            state=State.SENT,
            sent_at=now - timedelta(seconds=2 + number),
        )
        for number in range(sent)
    )
    channel = TelegramChannel()
    assert channel.held_back(["-100", "100"]) == held
    bot.clock.advance(minutes=1)
    assert channel.held_back(["-100"]) == set()


def test_one_chat_does_not_wait_for_another(
    ticket: Ticket, boris, product, staff: Agent, answer, bot: Bot, boris_chat: Chat, telegram
) -> None:
    boris_chat.start()
    MessengerAccountFactory(user=boris, address=str(boris_chat.id))
    telegram.fault("429", method="sendMessage", chat="anna", retry_after=600, times=None)
    answer("Анне")
    add_comment(ticket=open_ticket(boris, product=product), actor=staff, body="Борису")
    bot.run_queue()
    assert "Борису" in boris_chat.last["text"]
    assert states() == [State.QUEUED, State.SENT]


def test_a_result_is_known_before_a_slower_call_ends(
    ticket: Ticket, boris, product, staff: Agent, answer, boris_chat: Chat, telegram
) -> None:
    """So a killed drain sends again only what it had under way."""
    boris_chat.start()
    MessengerAccountFactory(user=boris, address=str(boris_chat.id))
    telegram.fault("slow", method="sendMessage", chat="anna", seconds=1)
    answer("Анне")
    add_comment(ticket=open_ticket(boris, product=product), actor=staff, body="Борису")
    channel = TelegramChannel()
    outcomes = chain(channel.send(in_telegram()), channel.finish())
    assert next(outcomes).delivery.recipient == boris
    assert [outcome.delivery.recipient for outcome in outcomes] == [ticket.requester]


# Refusals


def test_too_many_requests_moves_the_chat(chat: Chat, bot: Bot, answer, telegram) -> None:
    telegram.fault("429", method="sendMessage", retry_after=40)
    answer("Первый")
    answer("Второй")
    bot.run_queue()
    assert notices(chat) == []
    assert round((in_telegram()[0].due_at - bot.clock.now()).total_seconds()) <= 40
    bot.clock.advance(seconds=41)
    drain("telegram")
    assert [text[-6:] for text in notices(chat)] == ["Первый", "Второй"]
    assert telegram.refused() == []


@pytest.mark.parametrize("kind", ["500", "reset", "bad_json"])
def test_telegram_that_is_ill_is_asked_again(chat: Chat, bot: Bot, answer, telegram, kind) -> None:
    telegram.fault(kind, method="sendMessage", times=4)
    answer("Первый")
    answer("Второй")
    bot.run_queue()
    for _ in range(3):
        bot.clock.advance(minutes=1)
        drain("telegram")
    assert [text[-6:] for text in notices(chat)] == ["Первый", "Второй"]
    assert states() == [State.SENT, State.SENT]


def test_trouble_with_the_database_is_no_last_word(
    chat: Chat, bot: Bot, answer, monkeypatch
) -> None:
    """A worker of another release beside a migrated database meets tables it does not know."""

    def fail(_delivery: Delivery) -> None:
        raise OperationalError("no such table")

    with monkeypatch.context() as patch:
        patch.setitem(COMPOSERS, NoticeKind.COMMENT, fail)
        answer("Первый")
        bot.run_queue()
    assert states() == [State.QUEUED]
    bot.clock.advance(minutes=1)
    drain("telegram")
    assert [text[-6:] for text in notices(chat)] == ["Первый"]


def test_lost_answer_repeats_a_notice_once_at_most(chat: Chat, bot: Bot, answer, telegram) -> None:
    telegram.fault("lost_answer", method="sendMessage")
    answer("Первый")
    bot.run_queue()
    bot.clock.advance(minutes=1)
    drain("telegram")
    assert len(notices(chat)) == 2
    assert states() == [State.SENT]


def test_undeliverable_for_a_day_is_shown_to_staff(bot: Bot, answer, telegram) -> None:
    telegram.fault("500", method="sendMessage", times=None)
    answer("Первый")
    bot.run_queue()
    bot.clock.advance(hours=25)
    drain("telegram")
    [row] = in_telegram()
    assert row.state == State.FAILED
    assert row.error


@pytest.mark.parametrize(
    ("kind", "description"),
    [
        ("403", "Forbidden: bot was blocked by the user"),
        ("403", "Forbidden: user is deactivated"),
        ("400", "Bad Request: chat not found"),
    ],
)
def test_unreachable_chat_is_left_alone_until_the_person_writes(
    chat: Chat, bot: Bot, answer, telegram, kind, description, mailoutbox
) -> None:
    answer("Первый")
    answer("Второй")
    telegram.fault(kind, method="sendMessage", description=description)
    bot.run_queue()
    assert states() == [State.FAILED, State.CANCELLED]
    assert description.partition(": ")[2] in in_telegram()[0].error.lower()
    answer("Третий")
    bot.run_queue()
    assert len(in_telegram()) == 2
    assert {letter.to[0] for letter in mailoutbox} == {"anna@alpha.example", "office@alpha.example"}

    chat.say("/help")
    assert not MessengerAccount.objects.filter(unreachable_at__isnull=False).exists()
    answer("Четвёртый")
    bot.run_queue()
    assert "Четвёртый" in chat.last["text"]


def test_block_and_unblock(chat: Chat, bot: Bot, answer, telegram) -> None:
    telegram.block("anna")
    answer("Первый")
    bot.catch_up()
    assert states() == [State.CANCELLED]  # nothing is tried: Telegram has told of the block
    telegram.start("anna")
    bot.catch_up()
    answer("Второй")
    bot.run_queue()
    assert "Второй" in chat.last["text"]


def test_other_refusal_is_final_for_its_notice_only(chat: Chat, bot: Bot, answer, telegram) -> None:
    telegram.fault("400", method="sendMessage", description="Bad Request: TOPIC_CLOSED")
    answer("Первый")
    answer("Второй")
    bot.run_queue()
    assert states() == [State.FAILED, State.SENT]
    assert MessengerAccount.objects.get().unreachable_at is None


@pytest.mark.parametrize("leave", ["unlink", "withdraw", "deactivate", "new phone"])
def test_who_may_not_be_told_any_more_is_not(linked, chat: Chat, bot: Bot, answer, leave) -> None:
    answer("Тайна")
    if leave == "unlink":
        accounts.unlink_messenger(user=linked, channel=TELEGRAM)
    elif leave == "withdraw":
        accounts.withdraw_registration(user=linked, channel=TELEGRAM)
    elif leave == "deactivate":
        linked.is_active = False
        linked.save()
    else:
        accounts.register_for_bot(
            channel=TELEGRAM, user=linked, phone="+79990000000", ip=None, user_agent=""
        )
    bot.run_queue()
    assert notices(chat) == []
    assert states() == [State.CANCELLED]
    assert "отвязан" in in_telegram()[0].error


def test_notice_for_a_former_owner_of_the_chat_is_cancelled(
    linked, boris, chat: Chat, bot: Bot, answer
) -> None:
    answer("Тайна Анны")
    accounts.unlink_messenger(user=linked, channel=TELEGRAM)
    MessengerAccountFactory(user=boris, address=str(chat.id))
    bot.run_queue()
    assert notices(chat) == []


def test_notice_whose_answer_cannot_be_parsed_is_sent(
    ticket: Ticket, answer, chat: Chat, bot: Bot, telegram
) -> None:
    telegram.fault("strings", method="sendMessage")
    answer("Проверьте ещё раз.")
    bot.run_queue()
    assert states() == [State.SENT]
    chat.reply(chat.last, "Всё так же")
    assert ticket.comments.latest("pk").body == "Всё так же"
