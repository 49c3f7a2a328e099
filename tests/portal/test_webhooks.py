"""Webhooks under «Интеграции»: added, secret shown once, tried, listed, sent again."""

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import OrganizationRole, User
from accounts.security import Origin
from tests.factories import open_ticket
from tests.portal.pages import text
from tickets.models import Delivery
from webhooks import services
from webhooks.models import Attempt, Endpoint, Message

pytestmark = pytest.mark.django_db
PAGE = reverse("integrations")
NEW = reverse("integrations_webhook_new")
NEW_SHARED = reverse("integrations_organization_webhook_new")
FORM = {"url": "https://hooks.example.com/a", "kinds": ["created", "answered"]}
SECRET = re.compile(r"whsec_[\w+/=]{44}")


@pytest.fixture
def head(anna):
    """Anna runs her organization."""
    User.objects.filter(pk=anna.pk).update(organization_role=OrganizationRole.ADMINISTRATOR)
    anna.refresh_from_db()
    return anna


def made(by, **given) -> Endpoint:
    given = {"url": FORM["url"], "kinds": FORM["kinds"], "origin": Origin(by)} | given
    return services.add_endpoint(by=by, **given)


def page_of(endpoint, name="integrations_webhook", *more):
    return reverse(name, args=[endpoint.pk, *more])


def send(client, page=NEW, **given):
    return client.post(page, FORM | {"key": str(uuid4())} | given)


def tell(endpoint, ticket, **fields) -> Delivery:
    """A delivery of the endpoint that was answered."""
    number = uuid4().hex
    row = Delivery.objects.create(
        channel="webhook", kind="event", address=str(endpoint.pk), key=number, ticket=ticket,
        **{"state": "sent", **fields},
    )  # fmt: skip
    Message.objects.create(delivery=row, webhook_id=f"msg_{number[:20]}", body='{"a":"<b>"}')
    Attempt.objects.create(delivery=row, status=500, answer="<i>нет</i>", error="Ответ 500.")
    return row


def test_added_webhook_shows_its_secret_once(client, anna):
    client.force_login(anna)
    assert "Вебхуков пока нет" in text(client.get(PAGE))
    key = str(uuid4())
    first = send(client, key=key)
    endpoint = Endpoint.objects.get()
    assert endpoint.secret in text(first)
    assert (endpoint.url, endpoint.kinds) == (FORM["url"], ["created", "answered"])
    again = send(client, key=key)
    assert again.url == page_of(endpoint)
    assert Endpoint.objects.count() == 1
    for page in (PAGE, page_of(endpoint), page_of(endpoint, "integrations_webhook_change")):
        assert not SECRET.search(text(client.get(page)))
    assert "no-store" in first["Cache-Control"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": ""}, "Введите адрес."),
        ({"url": "http://hooks.example.com/"}, "начинается с https://"),
        ({"url": "https://127.0.0.1/"}, "во внутреннюю сеть"),
        ({"url": "https://hooks.example.com:8080/"}, "только 443"),
        ({"kinds": []}, "Выберите хотя бы одно событие."),
        ({"kinds": ["noted"]}, "noted"),
    ],
)
def test_mistake_is_said_beside_the_field(client, anna, given, said):
    client.force_login(anna)
    page = send(client, **given)
    assert page.status_code == 200
    assert said in text(page)
    assert not Endpoint.objects.exists()


def test_organizations_webhooks_are_for_its_administrator(client, head, vera, boris):
    shared = made(head, organization=head.organization, url="https://shared.example.com/")
    own = made(head, url="https://own.example.com/")
    for other in (vera, boris):
        client.force_login(other)
        page = text(client.get(PAGE))
        assert "shared.example.com" not in page
        assert "own.example.com" not in page
        assert client.get(NEW_SHARED).url == PAGE
        for endpoint in (shared, own):
            for name in ("", "_change", "_secret", "_remove"):
                found = client.get(page_of(endpoint, f"integrations_webhook{name}"))
                assert found.status_code == 404
    client.force_login(head)
    page = text(client.get(PAGE))
    assert "shared.example.com" in page
    assert "own.example.com" in page
    assert send(client, NEW_SHARED, url="https://second.example.com/").status_code == 200
    assert Endpoint.objects.filter(organization=head.organization).count() == 2


def test_changed_secret_is_shown_once(client, anna):
    endpoint = made(anna)
    client.force_login(anna)
    page = page_of(endpoint, "integrations_webhook_secret")
    assert "обоими секретами" in text(client.get(page))
    shown = SECRET.search(text(client.post(page)))[0]
    old = endpoint.secret
    endpoint.refresh_from_db()
    assert (endpoint.secret, endpoint.previous_secret) == (shown, old)


def test_webhook_is_changed_switched_and_removed(client, anna):
    endpoint = made(anna)
    client.force_login(anna)
    client.post(page_of(endpoint, "integrations_webhook_change"), FORM | {"kinds": ["rated"]})
    endpoint.refresh_from_db()
    assert endpoint.kinds == ["rated"]
    client.post(page_of(endpoint, "integrations_webhook_switch"), {"on": "0"})
    assert "Отключён владельцем" in text(client.get(page_of(endpoint)))
    client.post(page_of(endpoint, "integrations_webhook_switch"), {"on": "1"})
    endpoint.refresh_from_db()
    assert endpoint.is_on
    remove = page_of(endpoint, "integrations_webhook_remove")
    assert "Удалить вебхук?" in text(client.get(remove))
    assert Endpoint.objects.exists()
    client.post(remove)
    assert not Endpoint.objects.exists()


def test_deliveries_show_what_was_said_and_go_again(client, anna, boris):
    endpoint, other = made(anna), made(boris)
    ticket = open_ticket(anna)
    Delivery.objects.filter(channel="webhook").delete()
    client.force_login(anna)
    assert "Событий ещё не было" in text(client.get(page_of(endpoint)))
    row, foreign = tell(endpoint, ticket), tell(other, ticket)
    page = text(client.get(page_of(endpoint)))
    for words in (f"Заявка № {ticket.number}", "Ответ 500", row.webhook.webhook_id, "msg_"):
        assert words in page
    assert "&lt;i&gt;нет&lt;/i&gt;" in page
    assert foreign.webhook.webhook_id not in page
    client.post(page_of(endpoint, "integrations_webhook_again", row.pk))
    row.refresh_from_db()
    assert row.state == "queued"
    foreign_page = page_of(endpoint, "integrations_webhook_again", foreign.pk)
    assert client.post(foreign_page).status_code == 404
    foreign_page = page_of(other, "integrations_webhook_again", foreign.pk)
    assert client.post(foreign_page).status_code == 404
    assert client.get(page_of(endpoint, "integrations_webhook_test")).status_code == 405


def test_test_event_is_queued(client, anna):
    endpoint = made(anna)
    client.force_login(anna)
    client.post(page_of(endpoint, "integrations_webhook_test"))
    assert Delivery.objects.get(channel="webhook").kind == services.TEST


@pytest.mark.parametrize("number", [1, 3])
def test_query_counts_do_not_grow(client, head, number, django_assert_num_queries):
    ticket = open_ticket(head)
    for _number in range(number):
        endpoint = made(head)
        made(head, organization=head.organization)
    for _number in range(number):
        tell(endpoint, ticket)
    client.force_login(head)
    client.get(PAGE)
    with django_assert_num_queries(9):
        client.get(PAGE)
    with django_assert_num_queries(9):
        client.get(page_of(endpoint))


def test_older_deliveries_stand_on_further_pages(client, anna):
    endpoint, ticket = made(anna), open_ticket(anna)
    Delivery.objects.filter(channel="webhook").delete()
    rows = [tell(endpoint, ticket) for _number in range(21)]
    client.force_login(anna)
    page = text(client.get(page_of(endpoint)))
    assert rows[0].webhook.webhook_id not in page
    assert f"?before={rows[1].pk}" in page
    older = text(client.get(page_of(endpoint), {"before": rows[1].pk}))
    assert rows[0].webhook.webhook_id in older
    assert rows[1].webhook.webhook_id not in older
    for odd in ("x", "９", "1" * 40, "-1"):
        assert client.get(page_of(endpoint), {"before": odd}).status_code == 200
