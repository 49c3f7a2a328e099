"""Agents see where webhooks lead and what they were told; no secret, no path of an address."""

import pytest
from django.urls import reverse

from accounts.security import Origin
from tests.factories import open_ticket
from tickets.models import Delivery
from webhooks import services
from webhooks.models import Attempt, Message

pytestmark = pytest.mark.django_db
LIST = reverse("admin:webhooks_endpoint_changelist")
DELIVERIES = reverse("admin:tickets_delivery_changelist")


@pytest.fixture
def hook(anna):
    url = "https://hooks.example.com/key-in-path"
    return services.add_endpoint(by=anna, url=url, kinds=["created"], origin=Origin(anna))


@pytest.fixture
def told(hook, anna) -> Delivery:
    open_ticket(anna)
    row = Delivery.objects.get(channel="webhook")
    Delivery.objects.filter(pk=row.pk).update(state="sent")
    Message.objects.create(delivery=row, webhook_id="msg_7", body='{"type":"ticket.created"}')
    Attempt.objects.create(delivery=row, status=418, error="Ответ 418.")
    Attempt.objects.create(delivery=row, status=204, answer="<b>принято</b>")
    return row


def test_agents_see_endpoints_without_what_opens_them(client, specialist, hook):
    client.force_login(specialist)
    for page in (LIST, reverse("admin:webhooks_endpoint_change", args=[hook.pk])):
        shown = client.get(page).content.decode()
        assert "hooks.example.com" in shown
        assert "включён" in shown
        for never in (hook.secret, hook.secret[6:], "key-in-path"):
            assert never not in shown


def test_page_of_a_delivery_shows_request_and_answers(client, specialist, hook, told):
    client.force_login(specialist)
    found = client.get(DELIVERIES, {"channel": "webhook", "q": hook.pk}).content.decode()
    assert "hooks.example.com" in found
    page = reverse("admin:tickets_delivery_change", args=[told.pk])
    shown = client.get(page).content.decode()
    answer = '<div class="words"><pre>&lt;b&gt;принято&lt;/b&gt;</pre></div>'  # as wide as the page
    for words in ("msg_7", "204", "ticket.created", answer):
        assert words in shown
    assert shown.count("418") == 1
    endpoint = reverse("admin:webhooks_endpoint_change", args=[hook.pk])
    assert f'<a href="{endpoint}">hooks.example.com</a>' in shown


def test_what_was_sent_goes_again_by_who_may(client, specialist, head, told):
    again = {"action": "send_again", "_selected_action": [told.pk]}
    for person, state in ((specialist, "sent"), (head, "queued")):
        client.force_login(person)
        client.post(DELIVERIES, again)
        told.refresh_from_db()
        assert told.state == state


def test_person_with_a_webhook_can_be_deleted(client, administrator, boris):
    services.add_endpoint(
        by=boris, url="https://hooks.example.com/", kinds=["created"], origin=Origin(boris)
    )
    client.force_login(administrator)
    page = reverse("admin:accounts_user_delete", args=[boris.pk])
    client.post(page, {"post": "yes"})
    assert not type(boris).objects.filter(pk=boris.pk).exists()
