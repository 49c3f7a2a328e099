"""The agent's card in each state of a ticket: axe in both themes, nothing wider than a screen.

With PICTURES set to a folder it leaves its pictures there.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone

from tests.factories import AgentFactory, open_ticket
from tickets import recording, services
from tickets.comments import add_comment
from tickets.incidents import put_under_incident
from tickets.merging import merge_tickets
from tickets.models import Delivery, Presence, Ticket
from tickets.recording import Actor
from tickets.snoozing import snooze
from tickets.status import TicketStatus

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def merged(ticket: Ticket, other: Ticket, actor: Actor) -> str:
    merge_tickets(ticket=ticket, into=other, actor=actor)
    return "?own=1"


def remaining(ticket: Ticket, other: Ticket, actor: Actor) -> None:
    merge_tickets(ticket=other, into=ticket, actor=actor)


def incident(ticket: Ticket, other: Ticket, actor: Actor) -> None:
    put_under_incident(ticket=other, incident=ticket, actor=actor)


def part_of_an_incident(ticket: Ticket, other: Ticket, actor: Actor) -> None:
    put_under_incident(ticket=ticket, incident=other, actor=actor)


def snoozed(ticket: Ticket, other: Ticket, actor: Actor) -> None:
    snooze(ticket=ticket, until=timezone.now() + timedelta(days=1), actor=actor)


def woken(ticket: Ticket, other: Ticket, actor: Actor) -> None:
    snoozed(ticket, other, actor)
    Ticket.objects.filter(pk=ticket.pk).update(snoozed_until=timezone.now() - timedelta(hours=1))


def closed(ticket: Ticket, other: Ticket, actor: Actor) -> None:
    services.change_status(ticket=ticket, to=TicketStatus.CLOSED, actor=actor, answer="Решено.")


def rated(ticket: Ticket, other: Ticket, actor: Actor) -> None:
    closed(ticket, other, actor)
    Ticket.objects.filter(pk=ticket.pk).update(score=2, rating_comment="Долго")


def late(ticket: Ticket, other: Ticket, actor: Actor) -> None:
    ago = timezone.now() - timedelta(hours=1)
    Ticket.objects.filter(pk=ticket.pk).update(next_due_at=ago)


def seen_by_another(ticket: Ticket, other: Ticket, actor: Actor) -> None:
    later = timezone.now() + timedelta(minutes=5)  # as if signs went on coming
    maria = AgentFactory(first_name="Мария", last_name="Ли")
    Presence.objects.create(user=maria, ticket=ticket, seen_at=later, wrote_at=later)


def undelivered(ticket: Ticket, other: Ticket, actor: Actor) -> None:
    add_comment(ticket=ticket, actor=actor, body="Проверьте ещё раз.")
    told = Delivery.objects.filter(ticket=ticket, recipient=ticket.requester)
    told.update(state="failed", error="SMTP 552 5.2.2 Mailbox full")
    assert told.exists()


STATES: tuple[Callable[[Ticket, Ticket, Actor], str | None], ...] = (
    merged, remaining, incident, part_of_an_incident, snoozed, woken, closed, rated, late,
    seen_by_another, undelivered,
)  # fmt: skip


@pytest.fixture
def olga(transactional_db):
    return AgentFactory(first_name="Ольга", last_name="Орлова", is_superuser=True)


@pytest.fixture
def show(page, live_server, olga):
    """The card in the browser of an agent who is signed in."""

    def show(ticket: Ticket, rest: str) -> None:
        client = Client()
        client.force_login(olga)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        page.emulate_media(reduced_motion="reduce")  # else colours are on their way
        page.goto(f"{live_server.url}/admin/tickets/ticket/{ticket.pk}/change/{rest}")
        page.locator("#history").wait_for()

    return show


@pytest.mark.parametrize("bring", STATES, ids=lambda bring: bring.__name__)
def test_card_can_be_read_in_each_state(page, show, olga, anna, product, bring):
    ticket = open_ticket(anna, product=product, title="Не поднимается VPN до офиса")
    other = open_ticket(anna, product=product, title="Сайт не открывается с утра")
    show(ticket, bring(ticket, other, recording.agent(olga)) or "")
    if bring is seen_by_another:
        page.get_by_text("Сейчас пишет: Мария Л.").wait_for()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            if folder := os.environ.get("PICTURES"):
                place = Path(folder) / f"card-{bring.__name__}-{width}-{theme}.png"
                page.screenshot(path=place, full_page=True)
            found = Axe().run(page).response["violations"]
            assert [(one["id"], node["html"]) for one in found for node in one["nodes"]] == []
