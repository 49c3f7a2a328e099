"""Organizations at the desk: the switch, the mail domain, roles, and who asks to join."""

import re

import pytest
from django.urls import reverse

from accounts.mail_domains import PUBLIC
from accounts.models import JoinRequest, Organization, OrganizationRole, SecurityEvent, User
from tests.desk.test_people import change
from tests.factories import OrganizationFactory, UserFactory, open_ticket
from tickets.models import Delivery

ADMINISTRATOR = OrganizationRole.ADMINISTRATOR
JOINS = reverse("admin:accounts_joinrequest_changelist")
Kind = SecurityEvent.Kind


def page_of(organization) -> str:
    return reverse("admin:accounts_organization_change", args=[organization.pk])


def save(client, organization, **given):
    form = client.get(page_of(organization)).context["adminform"].form
    data = {"name": organization.name, "email": organization.email, "mail_domain": ""}
    return client.post(page_of(organization), data | given | {"shown": form.shown_now()})


def events(kind):
    return list(SecurityEvent.objects.filter(kind=kind).values_list("user", "actor", "details"))


def test_agent_sees_switch_domain_and_roles_and_changes_nothing(desk, anna, vera):
    User.objects.filter(pk=vera.pk).update(organization_role=ADMINISTRATOR)
    Organization.objects.update(mail_domain="alpha.example")
    page = desk.get(page_of(anna.organization)).content.decode()
    assert "Вера Маркова</a> — администратор организации" in page
    assert page.index("Вера Маркова") < page.index("Анна Кузнецова</a> — сотрудник")
    assert "alpha.example" in page
    assert desk.post(page_of(anna.organization), {}).status_code == 403


def test_names_are_shown_as_they_are_typed(desk):
    person = UserFactory(first_name="<b>x</b>", organization=OrganizationFactory())
    page = desk.get(page_of(person.organization)).content.decode()
    assert "&lt;b&gt;x&lt;/b&gt; Гость</a> — сотрудник" in page


@pytest.mark.parametrize("people", [1, 60])
def test_page_takes_as_many_queries_with_many(desk, people, django_assert_num_queries):
    organization = OrganizationFactory()
    UserFactory.create_batch(people, organization=organization)
    desk.get(page_of(organization))
    with django_assert_num_queries(7):
        desk.get(page_of(organization))


def test_page_shows_people_and_tickets_with_the_ways_on(desk, anna):
    ticket = open_ticket(anna, title="Не грузится диск")
    page = desk.get(page_of(anna.organization)).content.decode()
    assert reverse("admin:accounts_user_change", args=[anna.pk]) in page
    assert reverse("admin:tickets_ticket_change", args=[ticket.pk]) in page
    assert "Не грузится диск" in page
    number = anna.organization_id
    assert f"{reverse('admin:accounts_user_new_client')}?organization={number}" in page
    queue = re.search(r'href="(/admin/tickets/ticket/\?[^"]+)"', page)[1].replace("&amp;", "&")
    assert "Не грузится диск" in desk.get(queue).content.decode()


def test_page_shows_tickets_of_no_other_organization(desk, anna):
    other = OrganizationFactory()
    open_ticket(anna, title="Не грузится диск")
    assert "Не грузится диск" not in desk.get(page_of(other)).content.decode()


def test_all_people_of_an_organization_are_behind_the_link(desk, anna, boris):
    UserFactory.create_batch(50, organization=anna.organization)
    page = desk.get(page_of(anna.organization)).content.decode()
    link = re.search(r'href="(/admin/accounts/user/\?organization=\d+)"', page)[1]
    shown = desk.get(link).content.decode()
    assert anna.email in desk.get(f"{link}&q=Анна").content.decode()
    assert boris.email not in shown
    for odd in ("x", "0", "-1", "99999999999999999999"):
        assert desk.get(f"/admin/accounts/user/?organization={odd}").status_code == 200


# People who have an account already


def people_page(organization) -> str:
    return reverse("admin:accounts_organization_people", args=[organization.pk])


def test_person_is_taken_in_and_told(desk, specialist, boris, run_queue):
    organization = OrganizationFactory(name="Альфа")
    assert people_page(organization) in desk.get(page_of(organization)).content.decode()
    assert desk.get(people_page(organization)).status_code == 200
    for _time in range(2):  # twice is once
        answer = desk.post(people_page(organization), {"person": boris.pk})
        assert answer.url == page_of(organization)
    boris.refresh_from_db()
    assert (boris.organization, boris.organization_role) == (organization, "member")
    assert events(Kind.JOINED) == [(boris.pk, specialist.pk, "Альфа")]
    assert Delivery.objects.filter(kind="joined").count() == 1


def test_person_of_another_organization_stays_there(desk, anna):
    organization = OrganizationFactory()
    form = desk.post(people_page(organization), {"person": anna.pk}).context["form"]
    assert "уже в другой организации" in str(form.errors["person"])
    before = anna.organization
    anna.refresh_from_db()
    assert anna.organization == before


def test_whoever_has_more_rights_is_not_taken_in(desk, superuser):
    organization = OrganizationFactory()
    form = desk.post(people_page(organization), {"person": superuser.pk}).context["form"]
    assert form.errors == {"person": ["У вас нет на это права."]}
    superuser.refresh_from_db()
    assert superuser.organization is None


@pytest.mark.parametrize("person", ["", "0", "x", "99999999999999999999"])
def test_nobody_is_taken_in_by_a_forged_form(desk, person):
    form = desk.post(people_page(OrganizationFactory()), {"person": person}).context["form"]
    assert list(form.errors) == ["person"]


def test_moved_switch_is_recorded(root_desk, superuser, anna):
    assert save(root_desk, anna.organization, shares_tickets="on").status_code == 302
    assert Organization.objects.get().shares_tickets
    assert events(Kind.SHARING_CHANGED) == [
        (superuser.pk, superuser.pk, f"«{anna.organization}»: открыты")
    ]
    save(root_desk, anna.organization, shares_tickets="on", name="Альфа")
    assert len(events(Kind.SHARING_CHANGED)) == 1


@pytest.mark.parametrize(
    "domain",
    ["mail.ru", "Gmail.com", "@yandex.ru", "ｍail.ru", "localhost", "a b.ru", "рф", "a..рф"],
)
def test_domain_of_everybody_belongs_to_no_organization(root_desk, anna, domain):
    assert save(root_desk, anna.organization, mail_domain=domain).status_code == 200
    assert Organization.objects.get().mail_domain == ""


def test_domain_is_one_organizations(root_desk, anna):
    assert save(root_desk, anna.organization, mail_domain="@Alpha.Example").status_code == 302
    assert Organization.objects.get().mail_domain == "alpha.example"
    other = OrganizationFactory()
    assert save(root_desk, other, mail_domain="ALPHA.example").status_code == 200


def test_domain_of_russian_letters_is_kept_as_mail_servers_know_it(root_desk, anna):
    assert save(root_desk, anna.organization, mail_domain="@Пример.рф").status_code == 302
    assert Organization.objects.get().mail_domain == "xn--e1afmkfd.xn--p1ai"


def test_public_domains_are_domains():
    assert all("." in domain and domain == domain.lower() for domain in PUBLIC)


def test_agent_makes_the_first_administrator(desk, agent, anna):
    change(desk, anna, organization=anna.organization_id, organization_role="administrator")
    anna.refresh_from_db()
    assert anna.is_organization_administrator
    assert events(Kind.ROLE_CHANGED) == [
        (anna.pk, agent.pk, f"{anna.organization}: администратор организации")
    ]


@pytest.mark.parametrize("other", [True, False])
def test_role_does_not_move_with_a_person(desk, anna, other):
    """Nor does anything of it reach the tickets, or whoever hears of them."""
    User.objects.filter(pk=anna.pk).update(organization_role=ADMINISTRATOR)
    anna.refresh_from_db()
    open_ticket(anna)
    told = Delivery.objects.count()  # the desk, of the ticket
    JoinRequest.objects.create(user=anna, organization=OrganizationFactory())
    target = OrganizationFactory().pk if other else ""
    change(desk, anna, organization=target, organization_role="administrator")
    anna.refresh_from_db()
    assert anna.organization_id == (target or None)
    assert anna.organization_role == OrganizationRole.MEMBER
    assert not JoinRequest.objects.exists()
    assert Delivery.objects.count() == told


# Who asks to join


@pytest.fixture
def asked(anna):
    Organization.objects.update(mail_domain="alpha.example")
    person = UserFactory(username="nina", email="nina@alpha.example")
    return JoinRequest.objects.create(user=person, organization=anna.organization)


@pytest.mark.parametrize(("action", "joined"), [("accept", True), ("refuse", False)])
def test_agent_decides(desk, agent, asked, action, joined):
    assert "nina@alpha.example" in desk.get(JOINS).content.decode()
    desk.post(JOINS, {"action": action, "_selected_action": [asked.pk]})
    asked.user.refresh_from_db()
    assert (asked.user.organization == asked.organization) == joined
    assert not JoinRequest.objects.exists()
    kind = Kind.JOINED if joined else Kind.JOIN_REFUSED
    assert events(kind) == [(asked.user_id, agent.pk, asked.organization.name)]


def test_request_that_no_longer_fits_is_told(desk, asked):
    Organization.objects.update(mail_domain="")
    page = desk.post(
        JOINS, {"action": "accept", "_selected_action": [asked.pk]}, follow=True
    ).content.decode()
    assert "Этой просьбы больше нет" in page
    asked.user.refresh_from_db()
    assert asked.user.organization is None
