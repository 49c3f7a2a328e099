"""A form that meets an ended session: the login leads back to the address it was sent to."""

from uuid import uuid4

import pytest
from django.utils import timezone

from tests.factories import UserFactory, open_ticket
from tickets.incidents import put_under_incident
from tickets.models import Announcement, IncidentAnswer, Product, Ticket

TOOLS = ("snooze", "wake", "link", "unlink", "follow", "unfollow")
TICKETS = "/admin/tickets/ticket"


@pytest.fixture
def ticket(anna, product, by_agent):
    """Under an incident, which is ticket 1."""
    incident = open_ticket(UserFactory(), product=product)
    ticket = open_ticket(anna, product=product)
    put_under_incident(ticket=ticket, incident=incident, actor=by_agent)
    ticket.refresh_from_db()
    return ticket


@pytest.mark.parametrize("name", TOOLS)
def test_tools_lead_to_the_card(desk, ticket, name):
    behind = "?list=tab%3Dmine"
    version = ticket.version
    response = desk.get(f"{TICKETS}/{ticket.pk}/{name}/{behind}")
    assert response.url == f"{TICKETS}/{ticket.pk}/change/{behind}"
    ticket.refresh_from_db()
    assert (ticket.snoozed_until, ticket.version) == (None, version)
    assert not ticket.followers.exists()


def test_forms_of_an_incident_lead_to_its_page(desk, ticket):
    incident = f"{TICKETS}/{ticket.incident_id}/incident/"
    assert desk.get(f"{TICKETS}/{ticket.pk}/incident/out/").url == incident
    assert desk.get(f"{incident}answer/").url == incident
    assert Ticket.objects.get(pk=ticket.pk).incident_id == ticket.incident_id
    assert not IncidentAnswer.objects.exists()


def test_words_to_all_come_back(desk, specialist, ticket):
    page = desk.get(f"{TICKETS}/{ticket.incident_id}/incident/").content.decode()
    form = page.partition("/incident/answer/")[2]
    author = form.partition('name="author" value="')[2].partition('"')[0]
    sent = {"body": "Узел заменили", "status": "resolved", "author": author, "key": str(uuid4())}
    desk.logout()
    answer = f"{TICKETS}/{ticket.incident_id}/incident/answer/"
    assert desk.post(answer, sent).url == f"/login/?next={answer}"
    desk.force_login(specialist)
    page = desk.get(answer, follow=True).content.decode()
    assert "Ваш текст сохранён" in page
    assert "Узел заменили</textarea>" in page
    assert '<option value="resolved" selected>' in page


def test_buttons_beside_a_form_lead_to_it(root_desk, product):
    announcement = Announcement.objects.create(text="Работы", since=timezone.now())
    for row, act in ((announcement, "end"), (product, "off")):
        page = f"/admin/tickets/{row._meta.model_name}/{row.pk}"
        assert root_desk.get(f"{page}/{act}/").url == f"{page}/change/"
    assert Product.objects.get().is_active
    announcement.refresh_from_db()
    assert announcement.until is None
    assert root_desk.get("/admin/overview/letter/").url == "/admin/overview/"
