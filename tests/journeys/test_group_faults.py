"""A group changes its number and throws the bot out: the requester still hears."""

import pytest

from telegram_bot.models import Group, GroupProduct
from tests.journeys.conftest import is_quiet, link, person
from tests.journeys.processes import wait_until
from tests.local_telegram import Sandbox
from tickets import recording, services
from tickets.models import Product, Ticket
from tickets.status import TicketStatus

pytestmark = pytest.mark.journey

BOT = "@support_sandbox_bot"
PATIENCE = 60.0


def open_in_group(sandbox: Sandbox) -> Ticket:
    sandbox.send("anna", f"{BOT} Реплика не отвечает", chat="alpha")
    return wait_until(lambda: Ticket.objects.order_by("-pk").first(), PATIENCE)


def change(ticket: Ticket, to: TicketStatus) -> None:
    services.change_status(
        ticket=ticket, to=to, actor=recording.agent(person("igor")), answer="Смотрим"
    )


def heard(sandbox: Sandbox, words: str, chat: str | None = None) -> int:
    return sum(words in (row["text"] or "") for row in sandbox.from_bot("anna", chat))


@pytest.mark.one_database
def test_group_moves_and_then_throws_the_bot_out(processes, sandbox):
    link(sandbox, "anna")
    sandbox.group("add_bot", by="anna")
    sandbox.group("promote", by="anna")
    group = wait_until(lambda: Group.objects.filter(bot_is_admin=True).first(), PATIENCE)
    product = Product.objects.first()
    GroupProduct.objects.create(group=group, product=product, chosen_by=person("anna"))
    ticket = open_in_group(sandbox)
    sandbox.wait_for("anna", f"№ {ticket.pk}", PATIENCE, chat="alpha")

    processes.kill("bot")  # it hears of the move later; the worker meets it at once
    sandbox.group("migrate", by="anna")
    change(ticket, TicketStatus.IN_PROGRESS)
    wait_until(lambda: heard(sandbox, "В работе", "alpha"), PATIENCE)
    processes.launch("bot")
    wait_until(lambda: Group.objects.get(pk=group.pk).chat_id != group.chat_id, PATIENCE)
    sandbox.group("remove_bot", by="anna")
    wait_until(lambda: Group.objects.get(pk=group.pk).removed_at, PATIENCE)
    change(ticket, TicketStatus.WAITING)
    wait_until(lambda: heard(sandbox, "Ожидает ответа клиента"), PATIENCE)

    assert is_quiet(PATIENCE)
    assert (heard(sandbox, "В работе", "alpha"), heard(sandbox, "→ 🔧 В работе")) == (1, 1)
    assert heard(sandbox, "Ожидает ответа", "alpha") == 0
    assert heard(sandbox, "Ожидает ответа клиента") == 1
    assert sandbox.refused() == []
