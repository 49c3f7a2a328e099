"""How notices fared, on the card and in their list, and sending them again."""

import pytest

from tests.desk.test_ticket_card import card
from tests.factories import AgentFactory, open_ticket
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Delivery

BLOCKED = "Forbidden: bot was blocked by the user"


@pytest.fixture
def ticket(anna, product, settings):
    settings.STAFF_EMAIL = ""
    return open_ticket(anna, product=product, title="Не открывается отчёт")


@pytest.fixture
def root(db):
    return AgentFactory(username="root", is_superuser=True)


@pytest.fixture
def failed(ticket, specialist):
    add_comment(ticket=ticket, actor=recording.agent(specialist), body="Ответ")
    delivery = Delivery.objects.filter(channel="email").latest("pk")
    delivery.state, delivery.error = Delivery.State.FAILED, "SMTP 550"
    delivery.save()
    return delivery


def test_card_shows_how_each_notice_fared(desk, ticket, failed):
    page = desk.get(card(ticket)).content.decode()
    assert "<h3>Не доставлено</h3>" in page
    assert "Сервер получателя отказался принять письмо." in page
    assert "SMTP 550" not in page  # that is for who may send it again
    assert "в очереди" in page
    assert "Повторить" not in page


def test_superuser_resends_from_the_card(desk, root, ticket, failed):
    desk.force_login(root)
    path = f"/admin/tickets/delivery/{failed.pk}/resend/"
    page = desk.get(card(ticket)).content.decode()
    assert path in page
    assert "<summary>подробности</summary>SMTP 550" in page
    assert desk.get(path).url.startswith(card(ticket))  # as after a login: nothing is sent
    failed.refresh_from_db()
    assert failed.state == Delivery.State.FAILED
    response = desk.post(path)
    assert response.url == f"{card(ticket)}#event-{failed.event_id}"
    failed.refresh_from_db()
    assert (failed.state, failed.error) == ("queued", "")


def test_agent_of_the_group_cannot_resend(desk, failed):
    assert desk.post(f"/admin/tickets/delivery/{failed.pk}/resend/").status_code == 403
    data = {"action": "send_again", "_selected_action": [failed.pk]}
    assert "send_again" not in desk.get("/admin/tickets/delivery/").content.decode()
    desk.post("/admin/tickets/delivery/", data)
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_superuser_resends_from_the_list_what_has_ended(desk, root, failed):
    desk.force_login(root)
    data = {"action": "send_again", "_selected_action": [failed.pk]}
    desk.post("/admin/tickets/delivery/", data)
    failed.refresh_from_db()
    assert failed.state == "queued"
    again = desk.post("/admin/tickets/delivery/", data, follow=True)
    assert "Повторять нечего" in again.content.decode()
