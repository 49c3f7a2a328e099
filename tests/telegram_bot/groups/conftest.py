import pytest
from django.utils import timezone

from telegram_bot.models import BotHeartbeat, Group, GroupProduct
from tests.factories import BotRegistrationFactory, MessengerAccountFactory
from tests.telegram_bot.bot import Bot
from tests.telegram_bot.groups.group_chat import BOT_NAME, GROUP, GroupBot, Member, group_row
from tests.telegram_bot.groups.talk import PROBLEM
from tickets.models import Ticket


@pytest.fixture
def bot(bot: Bot) -> GroupBot:
    BotHeartbeat.objects.create(bot_id=1, username=BOT_NAME, seen_at=timezone.now())
    return GroupBot(bot.telegram, bot.clock)


@pytest.fixture
def in_group(bot: GroupBot) -> Member:
    """Anna, the owner of the group; a customer of the portal only with `linked`."""
    return Member(bot, "anna")


@pytest.fixture
def boris_in_group(bot: GroupBot) -> Member:
    return Member(bot, "boris")


@pytest.fixture
def viktor_in_group(bot: GroupBot) -> Member:
    """A guest's: no account is his."""
    return Member(bot, "viktor")


@pytest.fixture
def linked_boris(boris):
    BotRegistrationFactory(user=boris, phone="+79031112233")
    MessengerAccountFactory(user=boris, address=str(510_000_002))
    return boris


@pytest.fixture
def group(linked, product, in_group: Member) -> Group:
    """The group of linked Anna: the bot is its admin, the product is chosen."""
    in_group.telegram.start("anna")
    in_group.telegram.group("add_bot", key=GROUP)
    in_group.act("promote")
    group = group_row()
    GroupProduct.objects.create(group=group, product=product, chosen_by=linked)
    return group


@pytest.fixture
def ticket(group, in_group: Member) -> Ticket:
    """A ticket that Anna opened by a mention."""
    in_group.mention(PROBLEM)
    return Ticket.objects.get()
