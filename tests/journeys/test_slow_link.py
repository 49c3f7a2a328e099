"""A file of several megabytes over a slow link to Telegram, and the letters of others beside it."""

import time

import pytest

from telegram_bot.models import TelegramFile
from tests.journeys.conftest import is_quiet, open_cards, open_tickets, person
from tests.journeys.processes import wait_until
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Attachment

pytestmark = pytest.mark.journey

SPEED = 200_000  # bytes a second
LOG = b"14:20 replica: connection refused\n" * 120_000  # 4 MB


@pytest.mark.one_database
def test_file_arrives_over_a_slow_link_and_letters_beside_it(processes, sandbox, settings):
    settings.MEDIA_ROOT = processes.media
    tickets = open_tickets(sandbox, "anna", "boris")
    card = open_cards(sandbox, tickets)["boris"]["message_id"]
    seconds = len(LOG) / SPEED
    sandbox.fault("trickle", method="file", seconds=seconds)
    sandbox.files("boris", ("a.log", LOG), caption="Журнал", reply_to=card)
    wait_until(lambda: TelegramFile.objects.filter(attempts=1).exists())
    begun = time.monotonic()

    add_comment(ticket=tickets["anna"], actor=recording.agent(person("igor")), body="Ответ 0")
    sandbox.wait_for_mail("Ответ 0")
    sandbox.wait_for("anna", "Ответ 0")
    assert TelegramFile.objects.filter(fetched_at=None).exists()

    wait_until(lambda: Attachment.objects.filter(state=Attachment.State.READY).exists())
    assert time.monotonic() - begun > seconds / 2  # the link was slow
    assert TelegramFile.objects.get().attempts == 1
    with Attachment.objects.get().file.open() as file:
        assert file.read() == LOG
    assert is_quiet()
