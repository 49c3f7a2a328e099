"""What all customers read while something is down, and nothing more of it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import UserFactory
from tickets.announcements import announce, end_announcement
from tickets.models import Ticket

pytestmark = pytest.mark.usefixtures("logged_in")
PAGES = ("/", "/tickets/new/", "/telegram/", "/profile/", "/help/", "/notifications/")


@pytest.mark.parametrize("page", PAGES)
def test_stands_on_top_of_every_page_as_it_was_typed(client, head, page, ticket):
    announce(text="Сбой: <b>сеть</b> & диски", by=head, incident=ticket)
    shown = client.get(page).content.decode()
    assert "Сбой: &lt;b&gt;сеть&lt;/b&gt; &amp; диски" in shown
    assert '<div class="announced" role="status">' in shown


def test_goes_with_its_end(client, head):
    row = announce(text="Сбой сети", by=head)
    assert "Сбой сети" in client.get("/").content.decode()
    end_announcement(row, by=head)
    page = client.get("/").content.decode()
    assert "Сбой сети" not in page
    assert "announced" not in page


def test_says_nothing_of_the_incident(client, head, boris, product):
    incident = Ticket.objects.create(
        requester=boris, product=product, title="Тайна Бориса", description="а", face="portal"
    )
    announce(text="Сбой сети", by=head, incident=incident)
    page = client.get("/").content.decode()
    assert "Тайна Бориса" not in page
    assert f"№ {incident.pk}" not in page


def test_costs_no_query(client, head):
    def queries() -> int:
        client.get("/")
        with CaptureQueriesContext(connection) as captured:
            client.get("/")
        return len(captured)

    before = queries()
    for number in range(3):
        announce(text=f"Сбой {number}", by=head, until=timezone.now() + timedelta(hours=1))
    assert queries() == before


def test_each_person_and_moment_has_its_own(client, head, ticket):
    """The menu's query is made once in a process, of nobody and never."""
    announce(text="Завтра работы", by=head, since=timezone.now() + timedelta(days=1))
    Ticket.objects.filter(pk=ticket.pk).update(status="waiting")
    assert 'class="badge"' in client.get("/").content.decode()
    other = UserFactory(organization=None)
    client.force_login(other)
    page = client.get("/").content.decode()
    assert 'class="badge"' not in page
    assert "Завтра работы" not in page
