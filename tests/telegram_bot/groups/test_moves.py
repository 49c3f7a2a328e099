"""The group moves, the bot is put out, the topic is closed."""

import pytest
from django.utils import timezone

from telegram_bot.models import Group, GroupProduct
from tests.factories import ProductFactory
from tests.telegram_bot.bot import Chat
from tests.telegram_bot.groups.group_chat import GROUP, MENTION, GroupBot, Member, group_row
from tests.telegram_bot.groups.talk import PROBLEM, change_status, only
from tickets.models import Delivery, Ticket
from tickets.status import TicketStatus


def test_migration_takes_everything_along(ticket, in_group: Member, agent, bot, product) -> None:
    in_group.act("migrate")
    group = group_row()
    assert group.chat_id == in_group.telegram.state()["groups"][0]["id"]
    assert group.products.get().product == product
    change_status(bot, ticket, TicketStatus.IN_PROGRESS, agent)
    notice = in_group.seen[-1]
    assert "🔧 В работе" in notice["text"]
    assert notice["reply_to_message_id"] is None  # the source stayed in the old chat
    in_group.mention(PROBLEM)
    assert Ticket.objects.count() == 2


def test_migration_moves_an_unfinished_list_to_the_new_chat(linked, in_group: Member) -> None:
    in_group.act("add_bot")
    moved = only(in_group.act("migrate"))
    assert "администратором ⏳" in moved["text"]
    assert "администратором ✅" in only(in_group.act("promote"))["text"]
    assert len(in_group.seen) == 1


def test_migration_learned_at_send(group, in_group: Member, bot: GroupBot) -> None:
    """The confirmation waits while the group moves, and no update tells of it."""
    source = in_group.write(f"{MENTION} {PROBLEM}")
    bot.take_updates()
    in_group.telegram.group("migrate", key=GROUP)
    while in_group.write("В новой группе номера сообщений начались заново") < source:
        pass
    bot.run_queue()
    confirmation = in_group.seen[-1]
    assert "создана" in confirmation["text"]
    assert confirmation["reply_to_message_id"] is None
    assert group_row().chat_id == in_group.telegram.state()["groups"][0]["id"]
    bot.catch_up()
    assert Group.objects.count() == 1


def test_what_waits_follows_the_migration(group, in_group: Member, bot: GroupBot) -> None:
    in_group.write(f"{MENTION} {PROBLEM}")
    bot.take_updates()
    in_group.telegram.group("migrate", key=GROUP)
    bot.take_updates()
    bot.run_queue()
    assert "создана" in in_group.seen[-1]["text"]
    calls = in_group.telegram.requests(method="sendMessage")
    assert {call["status"] for call in calls} == {200}


def test_direct_answer_follows_the_migration(group, in_group: Member) -> None:
    in_group.write("/config")
    answer = in_group.act("migrate")
    assert "Не получилось проверить ваши права" in answer  # they were asked in the old chat
    assert "Для какой услуги" in in_group.say("/config")


def test_migration_merges_a_group_that_came_first(group, in_group: Member, product) -> None:
    new_id = -1_000_000_000_000 + group.chat_id
    double = Group.objects.create(chat_id=new_id, title="Проект Альфа")
    databases = ProductFactory(name="Базы данных")
    for topic, chosen in ((0, databases), (5, databases)):
        GroupProduct.objects.create(
            group=double, topic=topic, product=chosen, chosen_by=group.products.get().chosen_by
        )
    in_group.act("migrate")
    merged = group_row()
    assert (merged.pk, merged.chat_id) == (group.pk, new_id)
    assert set(merged.products.values_list("topic", "product__name")) == {
        (0, product.name),
        (5, "Базы данных"),
    }


def test_removed_bot_tells_the_requester_in_private(
    group, in_group: Member, chat: Chat, bot: GroupBot
) -> None:
    in_group.write(f"{MENTION} {PROBLEM}")
    bot.take_updates()
    in_group.telegram.group("remove_bot", key=GROUP)
    bot.run_queue()  # Telegram refuses, no update has told why
    assert f"Заявка № {Ticket.objects.get().pk} создана" in chat.last["text"]
    assert group_row().removed_at


def test_confirmation_that_waited_for_a_removed_bot_goes_to_the_private_chat(
    group, in_group: Member, chat: Chat, bot: GroupBot
) -> None:
    in_group.write(f"{MENTION} {PROBLEM}")
    bot.take_updates()
    in_group.telegram.group("remove_bot", key=GROUP)
    bot.take_updates()
    bot.run_queue()
    assert f"Заявка № {Ticket.objects.get().pk} создана" in chat.last["text"]


def test_status_after_removal_goes_to_the_private_chat_only(
    ticket, in_group: Member, chat: Chat, agent, bot
) -> None:
    in_group.act("remove_bot")
    shown = len(in_group.seen)
    change_status(bot, ticket, TicketStatus.IN_PROGRESS, agent)
    assert "В работе" in chat.last["text"]
    assert len(in_group.seen) == shown
    assert not Delivery.objects.filter(kind="group_status").exists()


@pytest.fixture
def topic(group, in_group: Member) -> int:
    in_group.act("create_topic", title="БД")
    return int(in_group.telegram.state()["groups"][0]["topics"][0]["id"])


@pytest.mark.parametrize("end", ["close_topic", "delete_topic"])
def test_ended_topic_is_left_for_the_group(
    end, topic, in_group: Member, chat: Chat, agent, bot: GroupBot
) -> None:
    in_group.write(f"{MENTION} {PROBLEM}", topic=topic)
    bot.take_updates()
    in_group.telegram.group(end, key=GROUP, topic=topic)
    bot.run_queue()
    ticket = Ticket.objects.get()
    assert f"Заявка № {ticket.pk} создана" in in_group.seen[-1]["text"]
    assert in_group.seen[-1]["topic"] is None
    assert ticket.group_ticket.topic == 0
    change_status(bot, ticket, TicketStatus.IN_PROGRESS, agent)
    assert "В работе" in in_group.seen[-1]["text"]
    assert group_row().removed_at is None


def test_direct_answer_to_an_ended_topic_stands_in_the_group(
    topic, in_group: Member, bot: GroupBot
) -> None:
    in_group.write("/config", topic=topic)
    in_group.telegram.group("delete_topic", key=GROUP, topic=topic)
    bot.catch_up()
    assert "Настройка группы" in in_group.seen[-1]["text"]


def test_group_that_takes_nothing_outside_a_topic_either_is_told_in_private(
    topic, in_group: Member, chat: Chat, bot: GroupBot
) -> None:
    in_group.telegram.fault(
        "400", method="sendMessage", chat=GROUP, times=2, description="Bad Request: TOPIC_CLOSED"
    )
    in_group.mention(PROBLEM, topic=topic)
    assert f"Заявка № {Ticket.objects.get().pk} создана" in chat.last["text"]
    assert group_row().removed_at is None


def test_deleted_source_does_not_stop_the_notices(ticket, in_group: Member, agent, bot) -> None:
    in_group.telegram.delete("anna", in_group.last_id, chat=GROUP)
    change_status(bot, ticket, TicketStatus.IN_PROGRESS, agent)
    assert "🔧 В работе" in in_group.seen[-1]["text"]


def test_message_shows_that_the_bot_is_back(group, in_group: Member) -> None:
    Group.objects.update(removed_at=timezone.now())  # what told of its return was lost
    in_group.mention(PROBLEM)
    assert Ticket.objects.count() == 1
    assert group_row().removed_at is None
