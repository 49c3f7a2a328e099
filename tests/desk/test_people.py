import re
from datetime import timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.urls import reverse
from django.utils import timezone

from accounts.invitations import invitation_of
from accounts.models import (
    BotRegistration,
    Invitation,
    LinkPin,
    MessengerAccount,
    Organization,
    User,
)
from tests.factories import PASSWORD, AgentFactory, OrganizationFactory, UserFactory
from tickets.models import Lease

USERS = "/admin/accounts/user/"
ADD = f"{USERS}add/"


def new_person(**given) -> dict[str, str]:
    fields = {"email": "vera@new.example", "first_name": "Вера", "last_name": "Новая"}
    return fields | {"username": "", "password1": "", "password2": "", "organization": ""} | given


def edited(user: User, **given) -> dict[str, str]:
    fields = {"email": user.email, "username": user.username, "is_active": "on"}
    fields["organization_role"] = user.organization_role
    return fields | {"first_name": user.first_name, "last_name": user.last_name} | given


def change(client, user: User, **given):
    """Save the form of a person as it is shown now, with `given` typed into it."""
    path = f"{USERS}{user.pk}/change/"
    shown = client.get(path).context["adminform"].form.shown_now()
    return client.post(path, edited(user, **given) | {"shown": shown})


def test_agent_creates_a_customer_who_is_invited(desk, django_capture_on_commit_callbacks):
    organization = OrganizationFactory()
    with django_capture_on_commit_callbacks(execute=True):
        response = desk.post(ADD, new_person(organization=organization.pk))
    user = User.objects.get(email="vera@new.example")
    assert response.status_code == 302
    assert (user.username, user.organization) == ("vera@new.example", organization)
    assert (user.is_staff, user.is_superuser) == (False, False)
    assert [letter.to for letter in mail.outbox] == [["vera@new.example"]]
    assert mail.outbox[0].extra_headers["Auto-Submitted"] == "auto-generated"


def test_invitation_link_sets_the_password(desk, client, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(ADD, new_person())
    path = re.search(r"http://[^/\s]+(/\S+/)", mail.outbox[0].body)[1]
    client.logout()
    assert client.get(path).status_code == 200
    password = "a long enough password"
    client.post(path, {"new_password1": password, "new_password2": password})
    assert User.objects.get(email="vera@new.example").check_password(password)


def test_person_with_a_given_password_is_not_mailed(desk, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(ADD, new_person(password1=PASSWORD, password2=PASSWORD))
    assert User.objects.get(email="vera@new.example").check_password(PASSWORD)
    assert mail.outbox == []


@pytest.mark.parametrize(("first", "second"), [(PASSWORD, ""), ("", PASSWORD), ("short", "short")])
def test_half_given_or_weak_password_is_refused(desk, first, second):
    response = desk.post(ADD, new_person(password1=first, password2=second))
    assert "password2" in response.context["adminform"].form.errors
    assert not User.objects.filter(email="vera@new.example").exists()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\x1b[31mВера\x00", "[31mВера"),
        ("Вера\r\nBcc: all@new.example", "Вера Bcc: all@new.example"),
        ("\u202eареВ", "ареВ"),
        ("  Вера \u2028 Ивановна ", "Вера Ивановна"),
        ("\u200b\u3164", ""),
    ],
)
def test_names_are_cleaned_like_words_of_any_face(desk, typed, kept):
    desk.post(ADD, new_person(first_name=typed))
    found = User.objects.filter(email="vera@new.example").values_list("first_name", flat=True)
    assert list(found) == [kept]


@pytest.mark.parametrize("name", ["\u200b", "\u202e", " \u3164 "])
def test_organization_needs_a_name_that_can_be_seen(root_desk, name):
    root_desk.post("/admin/accounts/organization/add/", {"name": name, "email": ""})
    assert not Organization.objects.exists()


@pytest.mark.parametrize("email", ["a@localhost", "a@[127.0.0.1]", "İ@c.example", "анна@c.example"])
def test_email_that_no_letter_reaches_is_refused_at_once(root_desk, boris, email):
    data = {"name": "Гамма", "email": email}
    form = root_desk.post("/admin/accounts/organization/add/", data).context["adminform"].form
    assert list(form.errors) == ["email"]
    assert list(change(root_desk, boris, email=email).context["adminform"].form.errors) == ["email"]
    assert "email" in root_desk.post(ADD, new_person(email=email)).context["adminform"].form.errors


def test_invited_person_has_a_password_that_reset_accepts(desk):
    desk.post(ADD, new_person())
    assert User.objects.get(email="vera@new.example").has_usable_password()


@pytest.mark.django_db(transaction=True)
def test_dead_mail_server_does_not_lose_the_person(root_desk, monkeypatch):
    def fail(self, messages):
        raise SMTPServerDisconnected

    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    response = root_desk.post(ADD, new_person(), follow=True)
    assert User.objects.filter(email="vera@new.example").exists()
    assert "не ушло" in response.content.decode()


def test_taken_email_is_told_beside_the_field(desk, anna):
    response = desk.post(ADD, new_person(email="ANNA@Alpha.Example"))
    form = response.context["adminform"].form
    assert form.errors == {"email": ["Пользователь с такой почтой уже есть."]}


def test_taken_email_is_refused_on_change_and_ones_own_is_not(root_desk, anna, boris):
    taken = change(root_desk, boris, email="ANNA@alpha.example")
    assert list(taken.context["adminform"].form.errors) == ["email"]
    assert change(root_desk, boris, email="BORIS@beta.example").status_code == 302


def test_agent_cannot_give_rights(desk, boris):
    rights = {
        "is_staff": "on",
        "is_superuser": "on",
        "groups": Group.objects.get(name="Специалист поддержки").pk,
    }
    assert change(desk, boris, **rights).status_code == 302
    boris.refresh_from_db()
    assert (boris.is_staff, boris.is_superuser, boris.groups.count()) == (False, False, 0)
    desk.post(ADD, new_person(**rights))
    assert not User.objects.get(email="vera@new.example").is_staff


def test_superuser_gives_rights(root_desk, boris):
    response = change(root_desk, boris, is_staff="on")
    boris.refresh_from_db()
    assert (response.status_code, boris.is_staff) == (302, True)


def test_agent_cannot_change_staff_or_set_passwords(desk, superuser, specialist, boris):
    for person in (superuser, specialist):
        path = f"{USERS}{person.pk}/change/"
        assert desk.post(path, edited(person, email="mine@evil.example")).status_code == 403
    path = f"{USERS}{boris.pk}/password/"
    assert desk.get(path).status_code == 403
    assert desk.post(path, {"password1": PASSWORD, "password2": PASSWORD}).status_code == 403


def test_agent_invites_customers_only(desk, boris, superuser):
    data = {"action": "invite", "_selected_action": [boris.pk, superuser.pk]}
    desk.post(USERS, data)
    assert [letter.to for letter in mail.outbox] == [[boris.email]]


def invite(client, *people: User) -> str:
    data = {"action": "invite", "_selected_action": [user.pk for user in people]}
    return client.post(USERS, data, follow=True).content.decode()


def test_dead_mail_server_is_asked_once_for_all_invitations(desk, anna, boris, monkeypatch):
    tried = []

    def fail(self):
        tried.append(self)
        raise TimeoutError

    monkeypatch.setattr(EmailBackend, "open", fail)
    page = invite(desk, anna, boris)
    assert len(tried) == 1
    assert page.count("Почта недоступна") == 1
    assert f"{boris.email}, {anna.email}" in page


def test_mail_server_that_dies_between_invitations_is_told_with_who_waits(
    desk, anna, boris, monkeypatch
):
    send = EmailBackend.send_messages

    def send_one(self, letters):
        if mail.outbox:
            raise SMTPServerDisconnected
        return send(self, letters)

    monkeypatch.setattr(EmailBackend, "send_messages", send_one)
    page = invite(desk, anna, boris)
    assert f"Приглашение отправлено на {boris.email}" in page
    assert f"Приглашение не ушло: {anna.email}." in page


@pytest.mark.parametrize(
    "refusal", [SMTPRecipientsRefused({"boris@beta.example": (550, b"no")}), SMTPDataError(554, "")]
)
def test_refused_recipient_does_not_stop_the_other_invitations(
    desk, anna, boris, monkeypatch, refusal
):
    send = EmailBackend.send_messages

    def refuse_boris(self, letters):
        if letters[0].to == [boris.email]:
            raise refusal
        return send(self, letters)

    monkeypatch.setattr(EmailBackend, "send_messages", refuse_boris)
    page = invite(desk, anna, boris)
    assert f"не принял письмо для {boris.email}" in page
    assert f"Приглашение отправлено на {anna.email}" in page
    assert "Почта недоступна" not in page


def test_impossible_address_does_not_stop_the_other_invitations(desk, anna, boris):
    type(boris).objects.filter(pk=boris.pk).update(email="борис@beta.example")
    page = invite(desk, anna, boris)
    assert "не принял письмо для борис@beta.example. Проверьте адрес." in page
    assert f"Приглашение отправлено на {anna.email}" in page


def test_mail_server_that_is_down_leaves_the_link_before_in_force(desk, boris, monkeypatch):
    invite(desk, boris)
    Invitation.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    [letter] = mail.outbox
    monkeypatch.setattr(EmailBackend, "open", refuse_connections)
    assert "Почта недоступна" in invite(desk, boris)
    assert invitation_of(re.search(r"/invitation/([^/\s]+)", letter.body)[1]).user == boris


def refuse_connections(_backend) -> None:
    raise ConnectionRefusedError


def test_invitation_of_nobody_asks_no_mail_server(desk, superuser, monkeypatch):
    monkeypatch.setattr(EmailBackend, "open", lambda self: pytest.fail("nothing to send"))
    page = invite(desk, superuser)
    assert ": У вас нет на это права." in page
    assert "отправлено" not in page


def test_agent_of_the_group_cannot_delete(desk, boris):
    data = {"action": "delete_selected", "_selected_action": [boris.pk], "post": "yes"}
    desk.post(USERS, data)
    assert desk.post(f"{USERS}{boris.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=boris.pk).exists()


def test_group_has_the_least_it_needs(db):
    granted = Group.objects.get(name="Специалист поддержки").permissions
    assert sorted(granted.values_list("codename", flat=True)) == [
        "add_cannedanswer",
        "add_comment",
        "add_user",
        "change_cannedanswer",
        "change_joinrequest",
        "change_ticket",
        "change_user",
        "delete_cannedanswer",
        "view_announcement",
        "view_botregistration",
        "view_cannedanswer",
        "view_comment",
        "view_delivery",
        "view_group",
        "view_groupproduct",
        "view_groupticket",
        "view_joinrequest",
        "view_messengeraccount",
        "view_organization",
        "view_product",
        "view_ticket",
        "view_user",
    ]


def test_secrets_and_the_queue_have_no_pages():
    assert not admin.site.is_registered(LinkPin)
    assert not admin.site.is_registered(Lease)
    assert not [model for model in admin.site._registry if model._meta.app_label == "django_q"]


def test_customer_sees_nothing_of_the_admin(client, anna):
    client.force_login(anna)
    for path in ("/admin/", USERS, f"{USERS}{anna.pk}/change/", "/admin/accounts/organization/"):
        response = client.get(path)
        assert response.status_code == 302
        assert response.url.startswith(reverse("admin:login"))


@pytest.mark.parametrize("rows", [1, 3])
def test_user_list_query_count(root_desk, rows, django_assert_num_queries):
    for _row in range(rows):
        UserFactory(organization=OrganizationFactory())
    with django_assert_num_queries(7):  # session (1 + 3 for the hour of staff), user, count, page
        root_desk.get(USERS)


def test_registration_is_read_only_and_is_withdrawn_by_its_action(root_desk, linked):
    registration = BotRegistration.objects.get()
    path = "/admin/accounts/botregistration/"
    assert root_desk.post(f"{path}{registration.pk}/change/", {"phone": "+7"}).status_code == 403
    assert root_desk.post(f"{path}add/", {}).status_code == 403
    data = {"action": "withdraw", "_selected_action": [registration.pk]}
    root_desk.post(path, data)
    registration.refresh_from_db()
    assert registration.withdrawn_at
    assert not MessengerAccount.objects.exists()
    assert "уже отозваны" in root_desk.post(path, data, follow=True).content.decode()


def test_link_is_ended_by_its_action(root_desk, linked):
    path = "/admin/accounts/messengeraccount/"
    root_desk.post(path, {"action": "unlink", "_selected_action": [linked.messengers.get().pk]})
    assert not MessengerAccount.objects.exists()
    assert BotRegistration.objects.get().withdrawn_at is None


def test_agent_of_the_group_sees_links_but_does_not_end_them(desk, linked):
    for model, action in (("botregistration", "withdraw"), ("messengeraccount", "unlink")):
        path = f"/admin/accounts/{model}/"
        row = BotRegistration.objects.get() if action == "withdraw" else linked.messengers.get()
        assert desk.get(path).status_code == 200
        desk.post(path, {"action": action, "_selected_action": [row.pk]})
    assert MessengerAccount.objects.exists()
    assert BotRegistration.objects.get().withdrawn_at is None


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("accounts/organization/add/", "Организация: добавление"),
        ("accounts/organization/{}/change/", "Организация: изменение"),
        ("accounts/user/add/", "Пользователь: добавление"),
    ],
)
def test_forms_have_grammatical_titles(client, anna, path, title):
    client.force_login(AgentFactory(is_superuser=True))
    page = client.get("/admin/" + path.format(anna.organization_id)).content.decode()
    assert f"<h1>{title}</h1>" in page
    assert not re.search("Добавить (организация|пользователь)", page)
