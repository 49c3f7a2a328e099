"""A ticket of a group that was merged into another one."""

from tests.factories import open_ticket
from tests.telegram_bot.groups.talk import PROBLEM, only
from tickets.merging import merge_tickets
from tickets.models import Ticket


def test_group_hears_the_new_number_and_replies_arrive_there(
    group, in_group, linked, product, by_agent, bot
):
    confirmation = only(in_group.mention(PROBLEM))
    ticket = Ticket.objects.get()
    into = open_ticket(linked, product=product)
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    bot.run_queue()
    told = [message["text"] for message in in_group.seen]
    assert [text for text in told if "Закрыта" in text] == []
    assert told[-1] == f"№ {ticket.pk} объединена с № {into.pk}"
    in_group.say("Есть новости?", reply_to=confirmation["message_id"])
    assert into.comments.filter(body="Есть новости?").exists()
