"""Who may have an endpoint and change it; what ends with its owner."""

import pytest
from django.db import connection

from accounts.models import OrganizationRole, SecurityEvent
from accounts.organizations import NotAdministrator
from accounts.quotas import TooManyChanges
from accounts.security import Origin
from tests.factories import UserFactory, open_ticket
from tests.webhooks.conftest import ALL
from tickets.models import Delivery
from webhooks import services
from webhooks.addresses import LeadsInside
from webhooks.models import Endpoint
from webhooks.services import IsOff, NoKinds, TooManyWebhooks, WebhookRefused

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/secret-path"


@pytest.fixture
def head(anna):
    """Runs Anna's organization."""
    return UserFactory(
        organization=anna.organization, organization_role=OrganizationRole.ADMINISTRATOR
    )


def add(by, url=URL, kinds=ALL, **given) -> Endpoint:
    return services.add_endpoint(by=by, url=url, kinds=kinds, origin=Origin(by), **given)


def test_added_endpoint_has_a_secret_of_its_own(anna):
    first, second = add(anna), add(anna)
    assert first.secret.startswith("whsec_")
    assert first.secret != second.secret
    event = SecurityEvent.objects.filter(kind="webhook_added").first()
    assert (event.user, event.details) == (anna, "hooks.example.com")  # the path may be a key


def test_what_no_endpoint_may_be_is_refused(anna):
    with pytest.raises(LeadsInside):
        add(anna, url="https://10.0.0.1/")
    for kinds in ([], ["created", "noted"]):
        with pytest.raises(NoKinds):
            add(anna, kinds=kinds)
    for _number in range(services.MOST):
        add(anna)
    with pytest.raises(TooManyWebhooks):
        add(anna)
    assert Endpoint.objects.count() == services.MOST


def test_changes_are_counted(anna):
    hook = add(anna)
    for _number in range(29):
        services.send_test(hook, by=anna)
    with pytest.raises(TooManyChanges):
        services.send_test(hook, by=anna)
    assert Delivery.objects.filter(channel="webhook").count() == 29


def test_only_its_owner_changes_it(anna, boris, head):
    hook = add(anna)
    for other in (boris, head):
        origin = Origin(other)
        assert not services.endpoints_within_reach(other).exists()
        for change in (
            lambda by=other, origin=origin: services.change_secret(hook, by=by, origin=origin),
            lambda by=other, origin=origin: services.remove_endpoint(hook, by=by, origin=origin),
            lambda by=other: services.send_test(hook, by=by),
        ):
            with pytest.raises(WebhookRefused):
                change()
    hook.refresh_from_db()
    assert hook.previous_secret == ""


def test_that_of_an_organization_is_its_administrators(anna, boris, head):
    with pytest.raises(NotAdministrator):
        add(anna, organization=anna.organization)
    hook = add(head, organization=anna.organization)
    assert list(services.endpoints_within_reach(head)) == [hook]
    for other in (anna, boris):
        assert not services.endpoints_within_reach(other).exists()
        with pytest.raises(NotAdministrator):
            services.change_secret(hook, by=other, origin=Origin(other))
    second = UserFactory(
        organization=anna.organization, organization_role=OrganizationRole.ADMINISTRATOR
    )
    assert services.change_secret(hook, by=second, origin=Origin(second))
    type(head).objects.filter(pk=head.pk).update(organization_role=OrganizationRole.MEMBER)
    with pytest.raises(NotAdministrator):
        services.change_secret(hook, by=head, origin=Origin(head))


def test_switched_off_endpoint_hears_nothing_more(anna):
    hook = add(anna)
    open_ticket(anna)
    services.set_on(hook, by=anna, is_on=False, origin=Origin(anna))
    open_ticket(anna)
    row = Delivery.objects.get(channel="webhook")
    assert (row.state, row.error) == (Delivery.State.CANCELLED, "вебхук отключён")
    with pytest.raises(IsOff):
        services.send_again(hook, delivery=row, by=anna)
    assert not Delivery.objects.filter(kind="webhook_off").exists()  # they know
    services.set_on(hook, by=anna, is_on=True, origin=Origin(anna))
    services.send_again(hook, delivery=row, by=anna)
    row.refresh_from_db()
    assert row.state == Delivery.State.QUEUED


def test_page_of_deliveries_reads_only_its_own(anna):
    if connection.vendor == "postgresql":  # it reads an empty table through
        with connection.cursor() as cursor:
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
    plan = services.deliveries_of(add(anna))[:20].explain()
    assert "delivery_newest" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_removed_endpoint_leaves_nothing_waiting(anna):
    hook = add(anna)
    open_ticket(anna)
    services.remove_endpoint(hook, by=anna, origin=Origin(anna))
    assert not Endpoint.objects.exists()
    assert Delivery.objects.get(channel="webhook").state == Delivery.State.CANCELLED


def test_changed_endpoint_hears_what_is_chosen(anna):
    hook = add(anna, kinds=["rated"])
    open_ticket(anna)
    assert not Delivery.objects.filter(channel="webhook").exists()
    services.change_endpoint(hook, by=anna, url=URL, kinds=["created"], origin=Origin(anna))
    open_ticket(anna)
    assert Delivery.objects.filter(channel="webhook").count() == 1
    kinds = SecurityEvent.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["webhook_added", "webhook_changed"]
