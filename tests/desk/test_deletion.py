"""Deleting what others need: refused with the reason and the way that is left."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken, Organization, User
from tests.factories import OrganizationFactory, ProductFactory, open_ticket
from tickets.models import Product, Ticket

pytestmark = pytest.mark.django_db


def page_of(row, name="delete"):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


@pytest.fixture
def ticket(anna):
    return open_ticket(anna)


@pytest.mark.each_case
@pytest.mark.parametrize("who", ["administrator", "superuser"])
def test_person_with_tickets_is_kept_and_the_way_in_is_closed_instead(client, request, ticket, who):
    client.force_login(request.getfixturevalue(who))
    anna = ticket.requester
    page = client.get(page_of(anna)).content.decode()
    assert "<h1>Удалить нельзя</h1>" in page
    assert "Заявки" in page
    assert reverse("admin:accounts_user_access", args=[anna.pk]) in page
    assert 'name="post"' not in page
    client.post(page_of(anna), {"post": "yes"})
    assert User.objects.filter(pk=anna.pk).exists()


def test_person_with_consents_is_kept_with_words(office, registration):
    """Whoever may not delete those records read of missing rights before."""
    page = office.get(page_of(registration.user)).content.decode()
    assert "<h1>Удалить нельзя</h1>" in page
    assert reverse("admin:accounts_user_data", args=[registration.user.pk]) in page


def test_person_without_anything_is_deleted(office, boris):
    assert "Удалить нельзя" not in office.get(page_of(boris)).content.decode()
    assert office.post(page_of(boris), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=boris.pk).exists()


@pytest.mark.each_case
@pytest.mark.parametrize("is_shared", [False, True])
def test_tokens_keep_nobody(office, boris, is_shared):
    """Their table is only read at the desk: nobody has the right to delete them."""
    organization = OrganizationFactory() if is_shared else None
    ApiToken.objects.create(
        user=None if is_shared else boris,
        organization=organization,
        name="Мониторинг",
        expires_at=timezone.now() + timedelta(days=1),
    )
    owner = organization or boris
    assert "Мониторинг" in office.get(page_of(owner)).content.decode()
    office.post(page_of(owner), {"post": "yes"})
    assert not type(owner).objects.filter(pk=owner.pk).exists()
    assert not ApiToken.objects.exists()


def test_product_with_tickets_is_switched_off_instead(office, ticket):
    product = ticket.product
    page = office.get(page_of(product)).content.decode()
    off = page_of(product, "off")
    assert f'action="{off}"' in page
    for _time in range(2):
        assert office.post(off).url == page_of(product, "change")
    product.refresh_from_db()
    assert not product.is_active
    assert "Продукт уже отключён" in office.get(page_of(product)).content.decode()


def test_agents_switch_no_product_off(desk):
    product = ProductFactory()
    assert desk.post(page_of(product, "off")).status_code == 403
    assert Product.objects.get().is_active


def test_organization_with_people_is_kept(office, anna):
    page = office.get(page_of(anna.organization)).content.decode()
    assert "Пользователи" in page
    assert page_of(anna.organization, "change") in page
    office.post(page_of(anna.organization), {"post": "yes"})
    assert Organization.objects.exists()


def test_some_of_many_that_are_kept_keep_all(office, ticket, boris):
    data = {"action": "delete_selected", "_selected_action": [ticket.requester.pk, boris.pk]}
    page = office.post("/admin/accounts/user/", data).content.decode()
    assert "удалить нельзя" in page
    assert "Анна Кузнецова" in page
    office.post("/admin/accounts/user/", data | {"post": "yes"})
    assert User.objects.filter(pk__in=[ticket.requester.pk, boris.pk]).count() == 2


@pytest.mark.parametrize("tickets", [1, 3])
def test_query_count(office, anna, django_assert_num_queries, tickets):
    for _number in range(tickets):
        Ticket.objects.create(requester=anna, product=ProductFactory(), title="т", description="т")
    office.get(page_of(anna))
    with django_assert_num_queries(18):
        office.get(page_of(anna))


def test_new_organization_is_deleted(office):
    organization = OrganizationFactory()
    assert office.post(page_of(organization), {"post": "yes"}).status_code == 302
    assert not Organization.objects.exists()
