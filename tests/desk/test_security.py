"""What administrators see of accounts' security, and what nobody at the desk may do."""

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import EmailChange, SecurityEvent, Session
from tests.desk.test_people import USERS, change, edited
from tests.factories import PASSWORD, AgentFactory, UserFactory

pytestmark = pytest.mark.django_db
LOG = "/admin/accounts/securityevent/"
Kind = SecurityEvent.Kind


def last(kind):
    return SecurityEvent.objects.filter(kind=kind).latest("pk")


def sign_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


# Somebody else's e-mail


def test_agent_does_not_become_the_customer(desk, boris, run_queue):
    change(desk, boris, email="agent@evil.example")
    boris.refresh_from_db()
    assert boris.email == "boris@beta.example"
    assert not EmailChange.objects.exists()
    Client().post(reverse("password_reset"), {"email": "agent@evil.example"})
    run_queue()
    assert mail.outbox == []
    assert "boris@beta.example" in desk.get(f"{USERS}{boris.pk}/change/").content.decode()


def test_administrator_asks_and_the_owner_confirms(root_desk, boris, run_queue):
    response = change(root_desk, boris, email="boris@new.example", first_name="Борислав")
    assert response.status_code == 302
    boris.refresh_from_db()
    assert (boris.email, boris.first_name) == ("boris@beta.example", "Борислав")
    run_queue()
    told = {letter.to[0]: letter.subject for letter in mail.outbox}
    assert told == {
        "boris@new.example": "Подтвердите новую почту",
        "boris@beta.example": "Запрошена смена почты",
    }
    assert last(Kind.EMAIL_ASKED).actor.is_superuser
    assert "boris@new.example" in root_desk.get(f"{USERS}{boris.pk}/change/").content.decode()


def test_own_email_and_password_are_changed_with_the_password_only(root_desk, superuser):
    path = f"{USERS}{superuser.pk}/change/"
    shown = root_desk.get(path).context["adminform"].form.shown_now()
    mine = edited(superuser, email="mine@new.example", is_staff="on", is_superuser="on")
    root_desk.post(path, mine | {"shown": shown})
    assert not EmailChange.objects.exists()
    data = {"password1": "Zelenyj-Chaj-2026", "password2": "Zelenyj-Chaj-2026"}
    response = root_desk.post(f"{USERS}{superuser.pk}/password/", data)
    assert response.url == reverse("password_change")
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)


def test_password_set_by_an_administrator_is_told_and_ends_sessions(root_desk, boris, run_queue):
    theirs = sign_in(boris)
    new = {"password1": "Zelenyj-Chaj-2026", "password2": "Zelenyj-Chaj-2026"}
    root_desk.post(f"{USERS}{boris.pk}/password/", new | {"usable_password": "true"})
    assert theirs.get("/profile/").status_code == 302
    assert not Session.objects.filter(user=boris).exists()
    run_queue()
    assert [letter.subject for letter in mail.outbox] == ["Пароль изменён"]
    assert last(Kind.PASSWORD_CHANGED).user == boris


# Rights


def test_deactivated_person_is_signed_out_for_good(root_desk, superuser, boris):
    theirs = sign_in(boris)
    page = reverse("admin:accounts_user_access", args=[boris.pk])
    root_desk.post(page, {"act": "close"})
    assert (last(Kind.DEACTIVATED).user, last(Kind.DEACTIVATED).actor) == (boris, superuser)
    assert not Session.objects.filter(user=boris).exists()
    root_desk.post(page, {"act": "open"})
    assert last(Kind.ACTIVATED).user == boris
    assert theirs.get("/profile/").status_code == 302
    assert not SecurityEvent.objects.filter(kind=Kind.RIGHTS_CHANGED).exists()


def test_new_rights_are_recorded(root_desk, superuser, boris):
    group = Group.objects.get(name="Специалист поддержки")
    change(root_desk, boris, is_staff="on", groups=group.pk)
    event = last(Kind.RIGHTS_CHANGED)
    assert (event.user, event.actor) == (boris, superuser)
    assert event.details == "место специалиста, Специалист поддержки"


def test_other_changes_are_no_rights(root_desk, boris):
    change(root_desk, boris, first_name="Борислав")
    assert not SecurityEvent.objects.filter(kind=Kind.RIGHTS_CHANGED).exists()


def test_unlinking_names_who_did_it(root_desk, superuser, linked):
    row = linked.messengers.get()
    data = {"action": "unlink", "_selected_action": [row.pk]}
    root_desk.post("/admin/accounts/messengeraccount/", data)
    assert (last(Kind.UNLINKED).actor, last(Kind.UNLINKED).user) == (superuser, linked)


def test_person_without_a_waiting_email_has_a_dash(root_desk, boris):
    page = root_desk.get(f"{USERS}{boris.pk}/change/").content.decode()
    assert "None" not in page
    assert '<div class="readonly">—</div>' in page


# The log


def test_log_tells_the_second(root_desk, boris, clock):
    event = SecurityEvent.objects.create(user=boris, kind=Kind.LOGOUT)
    event.created_at = event.created_at.replace(month=11, day=9, hour=9, minute=5, second=7)
    event.save()
    for path in (LOG, f"{LOG}{event.pk}/change/"):
        assert f"09.11.{event.created_at.year} 12:05:07" in root_desk.get(path).content.decode()


def test_log_is_for_administrators(desk, boris):
    event = SecurityEvent.objects.create(user=boris, kind=Kind.LOGOUT)
    for path in (LOG, f"{LOG}{event.pk}/change/"):
        assert desk.get(path).status_code == 403
    assert "Журнал безопасности" not in desk.get("/admin/").content.decode()


def test_nobody_writes_the_log(root_desk, boris):
    event = SecurityEvent.objects.create(user=boris, kind=Kind.LOGOUT)
    assert root_desk.get(f"{LOG}{event.pk}/change/").status_code == 200
    paths = (f"{LOG}{event.pk}/change/", f"{LOG}add/", f"{LOG}{event.pk}/delete/")
    assert [root_desk.post(path, {"post": "yes"}).status_code for path in paths] == [403] * 3
    root_desk.post(
        LOG, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    )
    assert SecurityEvent.objects.filter(pk=event.pk).exists()


@pytest.mark.each_case
@pytest.mark.parametrize(
    ("term", "found"),
    [("203.0.113.5", 1), ("anna", 1), ("ANNA@alpha", 1), ("boris", 0), ("203.0.113", 0)],
)
def test_log_is_searched_by_person_or_address(root_desk, anna, boris, term, found):
    SecurityEvent.objects.create(user=anna, kind=Kind.LOGIN, address="203.0.113.5")
    response = root_desk.get(LOG, {"q": term})
    assert len(response.context["cl"].result_list) == found


@pytest.mark.parametrize("rows", [1, 3])
def test_log_query_count(root_desk, superuser, rows, django_assert_num_queries):
    root_desk.get(LOG)
    for _row in range(rows):
        SecurityEvent.objects.create(user=UserFactory(), actor=AgentFactory(), kind=Kind.LOGIN)
    with django_assert_num_queries(4):  # session, user, count, page
        root_desk.get(LOG)
