"""The clock goes an hour back or ahead under running processes: no wait outlasts its own length.

The rows are moved instead, all of them: to the processes it is the same.
"""

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import DateTimeField, F
from django.utils import timezone

from accounts.models import LinkPin
from tests import factories
from tests.journeys.conftest import PHONES, is_quiet, open_cards, open_tickets, person
from tests.journeys.crowd import problems
from tests.journeys.processes import run_safety_net, wait_until
from tests.local_telegram import Sandbox
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Comment, Delivery, Lease

pytestmark = pytest.mark.journey

HOUR = timedelta(hours=1)
WAIT = 300  # seconds that Telegram asks a chat to wait: more than the test does


def move_rows(by: timedelta) -> None:
    """What the processes wrote was written by a clock that was ahead of theirs, or behind."""
    with transaction.atomic():
        for model in apps.get_models(include_auto_created=True):
            times = [field.name for field in model._meta.concrete_fields
                     if isinstance(field, DateTimeField)]  # fmt: skip
            if times:
                model._base_manager.update(**{name: F(name) + by for name in times})


def code_of_newest_letter(sandbox: Sandbox) -> str:
    found = [row for row in sandbox.mail() if "ПИН-код" in row["subject"] + row["text"]]
    return re.findall(r"\b[0-9]{6}\b", found[0]["text"])[0]


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["an hour back", "an hour ahead"])
def test_clock_is_set(processes, sandbox, visit, by):
    factories.BotRegistrationFactory(user=person("anna"), phone=PHONES["anna"])
    ticket = open_tickets(sandbox, "boris")["boris"]
    card = open_cards(sandbox, {"boris": ticket})["boris"]["message_id"]
    boris = visit("boris")
    sandbox.start("anna")
    sandbox.wait_for("anna", "Шаг 1 из 2")
    sandbox.contact("anna")
    sandbox.wait_for_mail("ПИН-код")
    wait_until(lambda: LinkPin.objects.exclude(sent_at=None).exists())
    sandbox.fault("429", method="sendMessage", chat="boris", retry_after=WAIT)
    add_comment(ticket=ticket, actor=recording.agent(person("igor")), body="Ответ 0")
    waiting = Delivery.objects.filter(channel="telegram", state=Delivery.State.QUEUED)
    wait_until(lambda: waiting.filter(attempts=1).exclude(error="").exists())
    for name in ("telegram", "letters"):  # of a host that is no more
        Lease.objects.filter(pk=name).update(
            owner="elsewhere.example:1", until=timezone.now() + timedelta(seconds=50)
        )

    move_rows(by)

    sandbox.wait_for("boris", "Ответ 0")
    sandbox.send("anna", code_of_newest_letter(sandbox))
    sandbox.wait_for("anna", "Срок кода истёк")
    sandbox.send("boris", "Строка 0", reply_to=card)
    sandbox.wait_for("boris", "Комментарий добавлен")
    boris.submit(
        f"/tickets/{ticket.pk}/", {"body": "Строка 1"}, to=f"/tickets/{ticket.pk}/comment/"
    )
    assert Comment.objects.filter(body__startswith="Строка").count() == 2

    LinkPin.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    sandbox.press("anna", "resend_pin")
    wait_until(lambda: LinkPin.objects.filter(closed_at=None).exclude(sent_at=None).exists())
    sandbox.send("anna", code_of_newest_letter(sandbox))
    sandbox.wait_for("anna", "Регистрация завершена")
    run_safety_net()
    wait_until(lambda: problems(processes) == [])
    assert is_quiet()
