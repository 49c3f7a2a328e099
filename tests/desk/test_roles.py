"""What roles hold, and that nobody gets or gives more rights than they have."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import EmailChange, SecurityEvent
from accounts.rights import roles_to_give
from tests.desk.test_people import USERS, change, edited
from tests.factories import AgentFactory, UserFactory

pytestmark = pytest.mark.django_db
SPECIALIST, HEAD, ADMINISTRATOR = ROLES = (
    "Специалист поддержки",
    "Руководитель поддержки",
    "Администратор",
)

HEADS = {
    "accounts.add_organization",
    "accounts.change_organization",
    "tickets.add_announcement",
    "tickets.change_announcement",
    "tickets.change_delivery",
    "tickets.share_cannedanswer",
    "tickets.view_report",
    "tickets.view_target",
}
ADMINISTRATORS = {
    "accounts.change_apitoken",
    "accounts.change_botregistration",
    "accounts.change_messengeraccount",
    "accounts.change_user_email",
    "accounts.delete_organization",
    "accounts.delete_user",
    "accounts.handle_personal_data",
    "accounts.manage_staff",
    "accounts.view_apitoken",
    "accounts.view_securityevent",
    "auth.view_group",
    "telegram_bot.view_botheartbeat",
    "tickets.add_product",
    "tickets.add_target",
    "tickets.change_product",
    "tickets.change_target",
    "tickets.delete_product",
    "tickets.delete_target",
}


def role(name: str) -> Group:
    return Group.objects.get(name=name)


def held(name: str) -> set[str]:
    rows = role(name).permissions.values_list("content_type__app_label", "codename")
    return {".".join(row) for row in rows}


@pytest.fixture
def keepers(db):
    """A role with a right that no administrator has."""
    group = Group.objects.create(name="Хранители")
    group.permissions.add(Permission.objects.get(codename="view_dialog"))
    return group


@pytest.fixture
def agent_of(db):
    def make(name: str, **given):
        person = AgentFactory(**given)
        person.groups.add(role(name))
        return person

    return make


def save(client, person, **given):
    """The form of a person as they are now, with `given` typed into it or forged."""
    person.refresh_from_db()
    return change(client, person, **given)


def rights(person) -> tuple[bool, bool, list[str]]:
    person.refresh_from_db()
    groups = person.groups.order_by("name").values_list("name", flat=True)
    return person.is_staff, person.is_superuser, list(groups)


def test_each_role_has_what_the_one_before_has_and_the_least_beside():
    assert held(HEAD) - held(SPECIALIST) == HEADS
    assert held(ADMINISTRATOR) - held(HEAD) == ADMINISTRATORS
    assert held(SPECIALIST) < held(HEAD) < held(ADMINISTRATOR)


# Roles are given


@pytest.mark.parametrize("name", ROLES)
def test_administrator_gives_and_takes_a_role(office, administrator, boris, name):
    assert save(office, boris, is_staff="on", groups=role(name).pk).status_code == 302
    assert rights(boris) == (True, False, [name])
    event = SecurityEvent.objects.get(kind=SecurityEvent.Kind.RIGHTS_CHANGED)
    assert (event.user, event.actor) == (boris, administrator)
    assert save(office, boris).status_code == 302
    assert rights(boris) == (False, False, [])


def test_administrator_makes_no_superuser(office, boris):
    save(office, boris, is_staff="on", is_superuser="on", password="x")
    assert rights(boris) == (True, False, [])
    page = office.get(f"{USERS}{boris.pk}/change/").content.decode()
    assert 'name="is_superuser"' not in page
    assert 'name="password"' not in page


def test_administrator_gives_no_role_with_more_rights(office, administrator, boris, keepers):
    response = save(office, boris, is_staff="on", groups=keepers.pk)
    assert list(response.context["adminform"].form.errors) == ["groups"]
    assert rights(boris) == (False, False, [])
    assert "Хранители" not in office.get(f"{USERS}{boris.pk}/change/").content.decode()
    assert [group.name for group in roles_to_give(administrator)] == sorted(ROLES)


def test_superuser_gives_any_role(root_desk, boris, keepers):
    assert change(root_desk, boris, is_staff="on", groups=keepers.pk).status_code == 302
    assert rights(boris) == (True, False, ["Хранители"])


def test_nobody_changes_their_own_rights(office, administrator, keepers):
    both = [role(ADMINISTRATOR).pk, keepers.pk]
    save(office, administrator, is_superuser="on", groups=both, first_name="Яна")
    assert rights(administrator) == (True, False, [ADMINISTRATOR])
    assert administrator.first_name == "Яна"
    save(office, administrator, is_staff="")
    assert rights(administrator) == (True, False, [ADMINISTRATOR])


@pytest.mark.parametrize("name", [SPECIALIST, HEAD])
def test_only_administrators_touch_staff(client, agent_of, boris, name):
    client.force_login(agent_of(name))
    save(client, boris, is_staff="on", groups=role(SPECIALIST).pk)
    assert rights(boris) == (False, False, [])
    colleague = agent_of(SPECIALIST)
    path = f"{USERS}{colleague.pk}/change/"
    assert client.post(path, edited(colleague)).status_code == 403


# Whoever has more is out of reach


@pytest.fixture(
    params=["superuser", "former superuser", "keeper", "former keeper", "closed keeper"]
)
def stronger(request, keepers):
    what, _space, who = request.param.rpartition(" ")
    person = UserFactory(
        is_staff=what != "former", is_superuser=who == "superuser", is_active=what != "closed"
    )
    if who == "keeper":
        person.groups.add(keepers)
    return person


def test_whoever_has_more_is_only_seen(office, stronger):
    before, email = rights(stronger), stronger.email
    path = f"{USERS}{stronger.pk}/change/"
    assert 'name="_save"' not in office.get(path).content.decode()
    taken_over = edited(stronger, email="mine@evil.example", is_staff="on")
    assert office.post(path, taken_over).status_code == 403
    for page in ("data", "erase"):
        own = reverse(f"admin:accounts_user_{page}", args=[stronger.pk])
        assert own not in office.get(path).content.decode()
        assert office.post(own).status_code == 403
    office.post(USERS, {"action": "invite", "_selected_action": [stronger.pk]})
    assert office.post(f"{USERS}{stronger.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [stronger.pk], "post": "yes"}
    office.post(USERS, chosen)
    assert (rights(stronger), stronger.email) == (before, email)
    assert not EmailChange.objects.exists()
    assert mail.outbox == []


def test_administrator_switches_off_a_colleague_of_the_same_role(office, agent_of):
    colleague = agent_of(ADMINISTRATOR)
    page = reverse("admin:accounts_user_access", args=[colleague.pk])
    assert office.post(page, {"act": "close"}).status_code == 302
    colleague.refresh_from_db()
    assert not colleague.is_active


def test_roles_are_written_by_superusers_only(client, agent_of):
    """Also where a role lets one change roles: it would let one have every right."""
    person = agent_of(ADMINISTRATOR)
    person.user_permissions.add(*Permission.objects.filter(codename__endswith="_group"))
    client.force_login(person)
    path = f"/admin/auth/group/{role(ADMINISTRATOR).pk}/"
    every = [row.pk for row in Permission.objects.all()]
    answer = client.post(f"{path}change/", {"name": ADMINISTRATOR, "permissions": every})
    assert answer.status_code == 403
    assert client.post("/admin/auth/group/add/", {"name": "Все"}).status_code == 403
    assert client.post(f"{path}delete/", {"post": "yes"}).status_code == 403


# What superusers only could


def test_administrator_asks_for_another_email(office, administrator, boris):
    assert save(office, boris, email="boris@new.example").status_code == 302
    waiting = EmailChange.objects.get()
    assert (waiting.user, waiting.actor, waiting.email) == (
        boris,
        administrator,
        "boris@new.example",
    )


def test_waiting_email_does_not_lead_to_rights_given_since(office, boris, superuser):
    save(office, boris, email="mine@evil.example")
    root = Client()
    root.force_login(superuser)
    assert change(root, boris, is_staff="on", is_superuser="on").status_code == 302
    assert not EmailChange.objects.exists()
    assert SecurityEvent.objects.filter(kind=SecurityEvent.Kind.EMAIL_CANCELLED).exists()


def test_email_and_role_are_given_in_one_form(office, boris):
    new = {"email": "boris@new.example", "is_staff": "on", "groups": role(SPECIALIST).pk}
    assert save(office, boris, **new).status_code == 302
    assert EmailChange.objects.get().email == "boris@new.example"
    assert rights(boris) == (True, False, [SPECIALIST])


def test_own_waiting_email_stays_with_new_rights(office, boris):
    EmailChange.objects.create(user=boris, actor=boris, email="boris@new.example")
    save(office, boris, is_staff="on")
    assert EmailChange.objects.exists()


def test_own_email_is_changed_with_the_password_only(office, administrator):
    save(office, administrator, email="mine@new.example")
    assert not EmailChange.objects.exists()


def test_passwords_of_others_are_for_superusers(office, boris):
    path = f"{USERS}{boris.pk}/password/"
    assert office.get(path).status_code == 403
    new = {"password1": "Zelenyj-Chaj-2026", "password2": "Zelenyj-Chaj-2026"}
    assert office.post(path, new | {"usable_password": "true"}).status_code == 403


def test_administrator_finds_the_pages_of_personal_data(office, boris):
    pages = [reverse(f"admin:accounts_user_{name}", args=[boris.pk]) for name in ("data", "erase")]
    assert pages[0] in office.get(f"{USERS}{boris.pk}/change/").content.decode()
    assert [office.get(page).status_code for page in pages] == [200, 200]


@pytest.mark.parametrize("roles", [1, 3])
def test_form_query_count(office, boris, django_assert_num_queries, roles):
    for number in range(roles):
        Group.objects.create(name=f"Роль {number}")
    office.get(f"{USERS}{boris.pk}/change/")
    # session, user, 2 of rights, person, organization, waiting e-mail, invitation, roles;
    # how far rights reach
    with django_assert_num_queries(17):
        office.get(f"{USERS}{boris.pk}/change/")
