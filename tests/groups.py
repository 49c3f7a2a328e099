"""Groups and the tickets opened in them, as the bot keeps them."""

from itertools import count

from telegram_bot.models import Group, GroupProduct, GroupTicket
from tests.factories import TicketFactory

numbers = count(1)


def make_group(title: str, *, product=None, chosen_by=None, **state) -> Group:
    group = Group.objects.create(
        chat_id=-next(numbers), title=title, **({"bot_is_admin": True} | state)
    )
    if product:
        GroupProduct.objects.create(group=group, product=product, chosen_by=chosen_by)
    return group


def make_ticket(group: Group, requester, **given):
    ticket = TicketFactory(requester=requester, **given)
    GroupTicket.objects.create(
        ticket=ticket, group=group, chat_id=group.chat_id, message_id=next(numbers)
    )
    return ticket
