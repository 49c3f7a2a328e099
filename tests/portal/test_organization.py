"""«Организация»: who sees the page, and what its administrators decide."""

import pytest
from django.core import mail
from django.urls import reverse

from accounts.models import JoinRequest, Organization, OrganizationRole, SecurityEvent, User
from accounts.organizations import (
    JoinRequestVoid,
    LastAdministrator,
    NotAdministrator,
    decide_join,
    set_role,
    switch_sharing,
)
from accounts.security import Origin
from tests.factories import OrganizationFactory, UserFactory
from tests.portal.pages import text
from tests.queue import run_queue

pytestmark = pytest.mark.django_db
PAGE = reverse("organization")
SHARING = reverse("organization_sharing")
Kind = SecurityEvent.Kind


@pytest.fixture
def head(anna):
    """Anna runs her organization."""
    User.objects.filter(pk=anna.pk).update(organization_role=OrganizationRole.ADMINISTRATOR)
    anna.refresh_from_db()
    return anna


@pytest.fixture
def newcomer(anna):
    """Asked to join by the domain of a confirmed e-mail."""
    Organization.objects.filter(pk=anna.organization_id).update(mail_domain="alpha.example")
    person = UserFactory(
        username="nina", email="nina@alpha.example", first_name="Нина", last_name="Новая"
    )
    return JoinRequest.objects.create(user=person, organization=anna.organization)


def events(*fields):
    return list(SecurityEvent.objects.order_by("pk").values_list("kind", *fields))


def shares(person) -> bool:
    return Organization.objects.get(pk=person.organization_id).shares_tickets


# Reading


def test_member_sees_names_and_no_addresses(client, anna, vera):
    client.force_login(vera)
    page = text(client.get(PAGE)).partition("<main")[2]
    assert "Анна К." in page
    assert "Вера М." in page
    assert "@" not in page
    assert "Кузнецова" not in page
    assert "Коллеги видят заявки друг друга" in page
    assert SHARING not in page


def test_strangers_and_who_left_are_not_among_the_people(client, anna, boris):
    left = UserFactory(organization=anna.organization, is_active=False, first_name="Олег")
    client.force_login(anna)
    page = text(client.get(PAGE))
    assert left.short_name not in page
    assert boris.short_name not in page


def test_person_without_an_organization_is_told_so(client, boris):
    client.force_login(boris)
    page = text(client.get(PAGE))
    assert "Вы не состоите в организации" in page
    assert "Попросить принять" not in page


@pytest.mark.parametrize("people", [1, 30])
def test_page_takes_as_many_queries_with_many(client, head, people, django_assert_num_queries):
    UserFactory.create_batch(people, organization=head.organization)
    for person in UserFactory.create_batch(people):
        JoinRequest.objects.create(user=person, organization=head.organization)
    client.force_login(head)
    client.get(PAGE)
    with django_assert_num_queries(7):
        client.get(PAGE)


# The switch


def test_administrator_opens_and_closes_the_tickets(client, head):
    client.force_login(head)
    assert "и прежние тоже" in text(client.get(SHARING))
    assert not shares(head)
    client.post(SHARING, {"shares": "yes"})
    assert shares(head)
    assert "Каждый снова увидит только свои" in text(client.get(SHARING))
    client.post(SHARING, {"shares": "no"})
    assert not shares(head)
    moved = [row for row in events("user", "details") if row[0] == Kind.SHARING_CHANGED]
    assert moved == [
        (Kind.SHARING_CHANGED, head.pk, "«ООО «Альфа»»: открыты"),
        (Kind.SHARING_CHANGED, head.pk, "«ООО «Альфа»»: закрыты"),
    ]


def test_second_press_records_nothing(client, head):
    client.force_login(head)
    for _time in range(2):
        client.post(SHARING, {"shares": "yes"})
    assert [row for row in events() if row == (Kind.SHARING_CHANGED,)] == [(Kind.SHARING_CHANGED,)]


def test_member_moves_no_switch(client, anna):
    client.force_login(anna)
    assert client.get(SHARING).status_code == 302
    client.post(SHARING, {"shares": "yes"})
    assert not shares(anna)
    with pytest.raises(NotAdministrator):
        switch_sharing(by=anna, shares=True, origin=Origin(anna))


@pytest.mark.parametrize(
    "change",
    [{"organization_role": OrganizationRole.MEMBER}, {"organization": None}, {"is_active": False}],
    ids=str,
)
def test_who_stopped_being_administrator_decides_nothing(head, newcomer, change):
    """The page was open; what this process knows of the person is old."""
    User.objects.filter(pk=head.pk).update(**change)
    with pytest.raises(NotAdministrator):
        switch_sharing(by=head, shares=True, origin=Origin(head))
    with pytest.raises(NotAdministrator):
        decide_join(request=newcomer, accepts=True, origin=Origin(head))
    newcomer.user.refresh_from_db()
    assert newcomer.user.organization is None


# Roles


def test_administrator_makes_another_one_and_takes_it_back(client, head, vera):
    client.force_login(head)
    url = reverse("organization_role", args=[vera.pk])
    client.post(url, {"role": "administrator"})
    vera.refresh_from_db()
    assert vera.is_organization_administrator
    client.post(url, {"role": "member"})
    vera.refresh_from_db()
    assert not vera.is_organization_administrator
    changed = [row for row in events("user", "actor") if row[0] == Kind.ROLE_CHANGED]
    assert changed == [(Kind.ROLE_CHANGED, vera.pk, head.pk)] * 2


def test_last_administrator_stays(client, head, vera):
    client.force_login(head)
    url = reverse("organization_role", args=[head.pk])
    page = text(client.post(url, {"role": "member"}, follow=True))
    assert "единственный администратор" in page
    with pytest.raises(LastAdministrator):
        set_role(by=head, person=head, role=OrganizationRole.MEMBER, origin=Origin(head))


def test_nobody_outside_is_given_a_role(client, head, boris):
    client.force_login(head)
    other = UserFactory(organization=OrganizationFactory())
    for person in (boris, other):
        url = reverse("organization_role", args=[person.pk])
        assert client.post(url, {"role": "administrator"}).status_code == 404
        with pytest.raises(NotAdministrator):
            set_role(
                by=head, person=person, role=OrganizationRole.ADMINISTRATOR, origin=Origin(head)
            )


def test_member_gives_no_role(client, anna, vera):
    client.force_login(anna)
    client.post(reverse("organization_role", args=[anna.pk]), {"role": "administrator"})
    anna.refresh_from_db()
    assert not anna.is_organization_administrator


# Joining


def test_person_asks_by_the_domain_of_their_mail(client, head):
    Organization.objects.update(mail_domain="alpha.example")
    nina = UserFactory(username="nina", email="nina@Alpha.example")
    client.force_login(nina)
    assert "Попросить принять" in text(client.get(PAGE))
    for _time in range(2):
        client.post(reverse("organization_join"))
    asked = JoinRequest.objects.get()
    assert (asked.user, asked.organization) == (nina, head.organization)
    assert "Ждём решения" in text(client.get(PAGE))
    run_queue()
    assert [letter.to for letter in mail.outbox] == [[head.email]]
    assert "nina@Alpha.example" in mail.outbox[0].body


@pytest.mark.parametrize("email", ["nina@Пример.рф", "nina@XN--E1AFMKFD.xn--p1ai"])
def test_domain_of_russian_letters_is_one_however_it_is_written(client, anna, email):
    Organization.objects.update(mail_domain="xn--e1afmkfd.xn--p1ai")
    client.force_login(UserFactory(username="nina", email=email))
    client.post(reverse("organization_join"))
    assert JoinRequest.objects.get().organization == anna.organization


@pytest.mark.parametrize("email", ["nina@sub.alpha.example", "nina@alpha.example.evil.example"])
def test_other_domain_joins_nothing(client, anna, email):
    Organization.objects.update(mail_domain="alpha.example")
    client.force_login(UserFactory(username="nina", email=email))
    client.post(reverse("organization_join"))
    assert not JoinRequest.objects.exists()


@pytest.mark.parametrize(("accept", "joined"), [("yes", True), ("no", False)])
def test_administrator_decides(client, head, newcomer, accept, joined):
    client.force_login(head)
    assert "nina@alpha.example" in text(client.get(PAGE))
    client.post(reverse("organization_decide", args=[newcomer.pk]), {"accept": accept})
    newcomer.user.refresh_from_db()
    assert (newcomer.user.organization == head.organization) == joined
    assert newcomer.user.organization_role == OrganizationRole.MEMBER
    assert not JoinRequest.objects.exists()
    kind = Kind.JOINED if joined else Kind.JOIN_REFUSED
    assert (kind, newcomer.user_id, head.pk) in events("user", "actor")
    run_queue()
    assert [letter.to for letter in mail.outbox] == [["nina@alpha.example"]]


def test_request_is_decided_once(head, newcomer):
    decide_join(request=newcomer, accepts=False, origin=Origin(head))
    with pytest.raises(JoinRequestVoid):
        decide_join(request=newcomer, accepts=True, origin=Origin(head))


@pytest.mark.parametrize("accepts", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        {"email": "nina@elsewhere.example"},
        {"is_active": False},
        {"organization": "another"},
    ],
    ids=str,
)
def test_who_is_somebody_else_by_now_is_not_taken_in(head, newcomer, change, accepts):
    """And the request leaves the list, where nobody could end it otherwise."""
    if "organization" in change:
        change = {"organization": OrganizationFactory()}
    User.objects.filter(pk=newcomer.user_id).update(**change)
    with pytest.raises(JoinRequestVoid):
        decide_join(request=newcomer, accepts=accepts, origin=Origin(head))
    newcomer.user.refresh_from_db()
    assert newcomer.user.organization != head.organization
    assert not JoinRequest.objects.exists()
    assert not SecurityEvent.objects.exists()


def test_administrator_of_another_organization_decides_nothing(client, newcomer, boris):
    boris.organization = OrganizationFactory()
    boris.organization_role = OrganizationRole.ADMINISTRATOR
    boris.save()
    client.force_login(boris)
    url = reverse("organization_decide", args=[newcomer.pk])
    assert client.post(url, {"accept": "yes"}).status_code == 404
    assert newcomer.user.email not in text(client.get(PAGE))
    with pytest.raises(NotAdministrator):
        decide_join(request=newcomer, accepts=True, origin=Origin(boris))


def test_member_decides_nothing_and_sees_no_requests(client, anna, newcomer):
    client.force_login(anna)
    assert newcomer.user.email not in text(client.get(PAGE))
    client.post(reverse("organization_decide", args=[newcomer.pk]), {"accept": "yes"})
    newcomer.user.refresh_from_db()
    assert newcomer.user.organization is None


def test_letter_about_a_newcomer_goes_to_who_still_decides(head, newcomer, anna):
    from accounts.news import AccountNews, tell

    tell(AccountNews.JOIN_ASKED, head, head.email, request=newcomer.pk)
    User.objects.filter(pk=head.pk).update(organization_role=OrganizationRole.MEMBER)
    run_queue()
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("name", "given"),
    [("organization_join", []), ("organization_decide", [1]), ("organization_role", [1])],
)
def test_address_of_a_form_leads_to_its_page(client, anna, name, given):
    """A browser asks for it after the login that a lost session needed."""
    client.force_login(anna)
    assert client.get(reverse(name, args=given)).url == reverse("organization")


def test_who_opens_the_tickets_is_told_so(client, head, vera):
    Organization.objects.filter(pk=head.organization_id).update(shares_tickets=False)
    for person, is_told in ((head, True), (vera, False)):
        client.force_login(person)
        page = text(client.get(PAGE))
        assert ("Вы администратор" in page) == is_told
        assert ("может администратор организации" in page) != is_told
