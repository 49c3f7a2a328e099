"""«Новый клиент» and «Новый специалист»: one form, one person, one invitation."""

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import Invitation, Organization, SecurityEvent, User
from accounts.newcomers import RoleOutOfReach, add_agent
from accounts.security import Origin
from tests.factories import AgentFactory, OrganizationFactory
from tests.threads import in_parallel

pytestmark = pytest.mark.django_db
CLIENT, AGENT = "/admin/accounts/user/new-client/", "/admin/accounts/user/new-agent/"
KEY = "8c0b7a52-6a3c-4f6d-9b5d-0f3f6f0a1b2c"
SPECIALIST, ADMINISTRATOR = "Специалист поддержки", "Администратор"


def role(name):
    return Group.objects.get(name=name)


def vera(**given):
    return {"email": "vera@new.example", "first_name": "Вера", "last_name": "Новая"} | given


def made():
    return User.objects.get(email="vera@new.example")


def errors(answer):
    return answer.context["form"].errors


def test_client_of_an_organization_is_added_and_invited(desk):
    organization = OrganizationFactory()
    answer = desk.post(CLIENT, vera(organization=organization.pk))
    assert answer.url == reverse("admin:accounts_user_change", args=[made().pk])
    assert (made().organization, made().is_staff, made().username) == (
        organization,
        False,
        "vera@new.example",
    )
    assert made().has_usable_password()
    assert [letter.to for letter in mail.outbox] == [["vera@new.example"]]
    assert Invitation.objects.get(user=made()).state == Invitation.State.SENT
    assert "отправлено" in desk.get(answer.url).content.decode()


def test_organization_is_made_on_the_spot_by_who_may(client, desk, head):
    assert "new_organization" not in desk.get(CLIENT).content.decode()
    desk.post(CLIENT, vera(new_organization="ООО «Новая»"))
    assert not Organization.objects.exists()
    User.objects.filter(email="vera@new.example").delete()
    client.force_login(head)
    client.post(CLIENT, vera(new_organization="ООО «Новая»"))
    assert made().organization.name == "ООО «Новая»"


def test_organization_that_exists_is_to_be_chosen(office):
    known = OrganizationFactory(name="Альфа")
    assert list(errors(office.post(CLIENT, vera(new_organization="Альфа")))) == ["new_organization"]
    both = vera(new_organization="Гамма", organization=known.pk)
    assert list(errors(office.post(CLIENT, both))) == ["new_organization"]
    assert (Organization.objects.count(), mail.outbox) == (1, [])


def test_organization_of_the_address_is_chosen_already(office):
    known = OrganizationFactory(name="Альфа")
    assert "Альфа" in office.get(f"{CLIENT}?organization={known.pk}").content.decode()
    for odd in ("x", "0", "99999999999999999999", "-1"):
        assert office.get(f"{CLIENT}?organization={odd}").status_code == 200


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "ANNA@alpha.example"}, "email"),
        ({"email": "a@localhost"}, "email"),
        ({"email": ""}, "email"),
        ({"first_name": " \u200b"}, "first_name"),
        ({"organization": "99999"}, "organization"),
        ({"organization": "1 or 1"}, "organization"),
    ],
)
def test_refusal_stands_beside_its_field(desk, anna, given, field):
    before = User.objects.count()
    answer = desk.post(CLIENT, vera(**given))
    assert field in errors(answer)
    assert 'value="Новая"' in answer.content.decode()
    assert (User.objects.count(), mail.outbox) == (before, [])


def test_person_who_was_invited_before_is_led_to(desk, anna):
    page = desk.post(CLIENT, vera(email="ANNA@alpha.example")).content.decode()
    path = reverse("admin:accounts_user_change", args=[anna.pk])
    assert f'<a href="{path}">Анна Кузнецова</a>' in page


def test_agent_gets_the_role_and_may_at_once_what_it_says(office, administrator, client):
    answer = office.post(AGENT, vera(role=role(SPECIALIST).pk))
    assert answer.status_code == 302
    assert (made().is_staff, made().is_superuser) == (True, False)
    assert [group.name for group in made().groups.all()] == [SPECIALIST]
    event = SecurityEvent.objects.get(kind=SecurityEvent.Kind.RIGHTS_CHANGED)
    assert (event.user, event.actor) == (made(), administrator)
    path = re.search(r"http://[^/\s]+(/\S+/)", mail.outbox[0].body)[1]
    client.logout()
    new = "Zelenyj-Chaj-2026"
    client.post(path, {"new_password1": new, "new_password2": new})
    client.post("/login/", {"username": "vera@new.example", "password": new})
    assert client.get("/admin/tickets/ticket/").status_code == 200


def test_least_role_is_chosen_already(office):
    page = office.get(AGENT).content.decode()
    [chosen] = re.findall(r'value="(\d+)"[^>]*checked', page)
    assert int(chosen) == role(SPECIALIST).pk


def test_role_with_more_rights_is_out_of_reach(office, administrator):
    keepers = Group.objects.create(name="Хранители")
    keepers.permissions.add(Permission.objects.get(codename="view_dialog"))
    assert "Хранители" not in office.get(AGENT).content.decode()
    assert list(errors(office.post(AGENT, vera(role=keepers.pk)))) == ["role"]
    assert list(errors(office.post(AGENT, vera(role="")))) == ["role"]
    with pytest.raises(RoleOutOfReach):
        add_agent(**vera(), role=keepers, origin=Origin(administrator))
    assert not User.objects.filter(email="vera@new.example").exists()


@pytest.mark.parametrize("name", ["specialist", "head"])
def test_only_who_manages_staff_adds_agents(client, request, name):
    person = request.getfixturevalue(name)
    client.force_login(person)
    buttons = client.get("/admin/accounts/user/").content.decode()
    assert (CLIENT in buttons, AGENT in buttons) == (True, False)
    assert client.get(AGENT).status_code == 403
    assert client.post(AGENT, vera(role=role(SPECIALIST).pk)).status_code == 403
    with pytest.raises(RoleOutOfReach):
        add_agent(**vera(), role=role(SPECIALIST), origin=Origin(person))
    assert not User.objects.filter(email="vera@new.example").exists()


def test_forged_fields_give_no_rights(desk):
    forged = vera(is_staff="on", is_superuser="on", role=role(ADMINISTRATOR).pk, groups="1")
    desk.post(CLIENT, forged)
    assert (made().is_staff, made().is_superuser, made().groups.count()) == (False, False, 0)


@pytest.mark.parametrize("page", [CLIENT, AGENT])
def test_form_sent_twice_adds_and_invites_once(office, page):
    sent = vera(key=KEY, role=role(SPECIALIST).pk)
    first, second = office.post(page, sent), office.post(page, sent)
    assert first.url == second.url == reverse("admin:accounts_user_change", args=[made().pk])
    assert len(mail.outbox) == 1


def test_new_organization_of_a_form_sent_twice_is_one(office):
    sent = vera(key=KEY, new_organization="Гамма")
    assert office.post(CLIENT, sent).url == office.post(CLIENT, sent).url
    assert Organization.objects.count() == 1


def test_other_words_under_the_same_key_are_offered_as_new(office):
    office.post(CLIENT, vera(key=KEY))
    other = vera(key=KEY, email="petr@new.example", first_name="Пётр")
    page = office.post(CLIENT, other)
    assert "уже добавлен Вера Новая" in page.content.decode()
    assert 'value="Пётр"' in page.content.decode()
    key = re.search(r'name="key" value="([^"]+)"', page.content.decode())[1]
    assert key != KEY
    office.post(CLIENT, other | {"key": key})
    assert User.objects.filter(email="petr@new.example").exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_add_the_same_person_at_once_add_one(client):
    clients = [Client(), Client()]
    for one in clients:
        one.force_login(AgentFactory(is_superuser=True))
    in_parallel(*(lambda one=one: one.post(CLIENT, vera()) for one in clients))
    assert User.objects.filter(email="vera@new.example").count() == 1
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("roles", [1, 3])
def test_new_agent_query_count(office, django_assert_num_queries, roles):
    for number in range(roles):
        Group.objects.create(name=f"Роль {number}")
    office.get(AGENT)
    with django_assert_num_queries(6):  # session, person, 2 of rights, roles, the one chosen
        office.get(AGENT)
