"""«Вход на портал» of a person: the invitation, the way in closed and opened, each act once."""

import re

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.identity import confirm_email_change, request_email_change
from accounts.models import Invitation, SecurityEvent, User
from accounts.security import Origin
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db
Kind = SecurityEvent.Kind
NEW = {"new_password1": "Zelenyj-Chaj-2026", "new_password2": "Zelenyj-Chaj-2026"}


def page_of(person):
    return reverse("admin:accounts_user_access", args=[person.pk])


def act(client, person, what):
    return client.post(page_of(person), {"act": what}, follow=True).content.decode()


def link() -> str:
    return re.search(r"http://[^/\s]+(/\S+/)", mail.outbox[-1].body)[1]


def state(person):
    return Invitation.objects.get(user=person).state


# Invitations


def test_invitation_is_sent_again_and_the_old_one_dies(desk, boris, clock):
    assert "Не отправлялось" in desk.get(page_of(boris)).content.decode()
    assert f"Приглашение отправлено на {boris.email}" in act(desk, boris, "invite")
    first = link()
    clock.advance(minutes=2)
    act(desk, boris, "invite")
    stranger = Client()
    assert link() != first
    assert stranger.get(first).status_code == 410
    assert stranger.get(link()).status_code == 200
    assert "Отправлено" in desk.get(page_of(boris)).content.decode()


def test_invitation_pressed_twice_goes_once(desk, boris):
    act(desk, boris, "invite")
    assert "только что отправлено" in act(desk, boris, "invite")
    assert len(mail.outbox) == 1
    assert Client().get(link()).status_code == 200


def test_invitation_lives_for_seven_days(desk, agent, boris, clock):
    act(desk, boris, "invite")
    clock.advance(days=7, seconds=-5)
    assert Client().get(link()).status_code == 200
    clock.advance(seconds=10)
    answer = Client().get(link())
    assert answer.status_code == 410
    assert "прислать приглашение ещё раз" in answer.content.decode()
    assert Client().post(link(), NEW).status_code == 410
    assert state(boris) == Invitation.State.EXPIRED
    desk.force_login(agent)
    assert "Истекло" in desk.get(page_of(boris)).content.decode()


def test_invitation_is_accepted_once(desk, boris, client):
    act(desk, boris, "invite")
    guest = Client()
    assert guest.post(link(), NEW | {"new_password2": "x"}).status_code == 200
    assert guest.post(link(), NEW).url == "/login/"
    assert guest.post(link(), NEW).status_code == 410
    boris.refresh_from_db()
    assert boris.check_password(NEW["new_password1"])
    assert state(boris) == Invitation.State.ACCEPTED
    page = desk.get(page_of(boris)).content.decode()
    assert "Принято" in page
    assert "Пригласить ещё раз" not in page
    assert "уже задал пароль" in act(desk, boris, "invite")


def test_opening_an_invitation_changes_nothing(desk, boris):
    act(desk, boris, "invite")
    before = boris.password
    Client().get(link())
    boris.refresh_from_db()
    assert (boris.password, state(boris)) == (before, Invitation.State.SENT)


@pytest.mark.parametrize("token", ["x", "a:b", "%00", "🙂", "a" * 200])
def test_forged_invitation_is_void(client, db, token):
    assert client.get(f"/invitation/{token}/").status_code in (400, 410)


def test_who_has_been_in_needs_none(desk, boris):
    User.objects.filter(pk=boris.pk).update(last_login=timezone.now())
    assert "уже задал пароль" in act(desk, boris, "invite")
    assert mail.outbox == []


def test_password_set_by_oneself_ends_the_invitation(desk, boris, run_queue):
    act(desk, boris, "invite")
    invitation, guest = link(), Client()
    guest.post(reverse("password_reset"), {"email": boris.email})
    run_queue()
    form = guest.get(link(), follow=True)
    guest.post(form.redirect_chain[-1][0], NEW)
    assert guest.get(invitation).status_code == 410
    assert state(boris) == Invitation.State.ACCEPTED


def test_mistyped_address_gets_no_way_in_once_it_is_mended(desk, boris, administrator):
    act(desk, boris, "invite")
    request_email_change(user=boris, email="right@beta.example", origin=Origin(administrator))
    assert Client().get(link()).status_code == 410


def test_invitation_to_the_old_address_dies_with_it(desk, boris, administrator):
    """Sent while the new one waits for its confirmation: it can still help until then."""
    change = request_email_change(user=boris, email="right@a.example", origin=Origin(administrator))
    act(desk, boris, "invite")
    assert Client().get(link()).status_code == 200
    confirm_email_change(change, origin=Origin())
    assert Client().post(link(), NEW).status_code == 410
    boris.refresh_from_db()
    assert not boris.check_password(NEW["new_password1"])


def test_letter_that_did_not_leave_is_said_and_sent_again_at_once(desk, boris, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "open", lambda self: (_ for _ in ()).throw(TimeoutError()))
        assert "Почта недоступна" in act(desk, boris, "invite")
    assert "Приглашение отправлено" in act(desk, boris, "invite")
    assert state(boris) == Invitation.State.SENT


# The way in


def test_way_in_is_closed_with_all_that_follows(desk, boris, specialist):
    act(desk, boris, "invite")
    session, invitation = Client(), link()
    session.force_login(boris)
    assert "завершатся все его сеансы" in desk.get(page_of(boris)).content.decode()
    assert "Вход закрыт: Борис Соколов." in act(desk, boris, "close")
    boris.refresh_from_db()
    assert not boris.is_active
    assert session.get("/profile/").status_code == 302
    assert Client().get(invitation).status_code == 410
    event = SecurityEvent.objects.get(kind=Kind.DEACTIVATED)
    assert (event.user, event.actor) == (boris, specialist)


def test_closed_and_opened_again_the_old_invitation_is_void(desk, boris):
    act(desk, boris, "invite")
    act(desk, boris, "close")
    assert Client().get(link()).status_code == 410
    act(desk, boris, "open")
    assert Client().post(link(), NEW).status_code == 410
    assert "Приглашение отправлено" in act(desk, boris, "invite")


def test_closed_and_opened_twice_it_is_so_once(desk, boris):
    for what, kind in (("close", Kind.DEACTIVATED), ("open", Kind.ACTIVATED)):
        act(desk, boris, what)
        act(desk, boris, what)
        assert SecurityEvent.objects.filter(kind=kind).count() == 1
    boris.refresh_from_db()
    assert boris.is_active


def test_closed_person_is_not_invited(desk, boris):
    act(desk, boris, "close")
    page = desk.get(page_of(boris)).content.decode()
    assert "Пригласить" not in page
    assert "Сначала откройте вход" in act(desk, boris, "invite")
    assert mail.outbox == []


@pytest.mark.parametrize("what", ["", "else", "Close"])
def test_unknown_act_changes_nothing(desk, boris, what):
    act(desk, boris, what)
    boris.refresh_from_db()
    assert (boris.is_active, mail.outbox) == (True, [])


def test_reading_the_page_changes_nothing(desk, boris):
    desk.get(f"{page_of(boris)}?act=close")
    boris.refresh_from_db()
    assert boris.is_active


def test_nobody_closes_their_own_way_in(office, root_desk, administrator, superuser):
    for client, person in ((office, administrator), (root_desk, superuser)):
        client.force_login(person)
        assert client.post(page_of(person), {"act": "close"}).status_code == 403
        person.refresh_from_db()
        assert person.is_active


@pytest.mark.parametrize(
    ("who", "status"), [("specialist", 403), ("head", 403), ("administrator", 302)]
)
def test_only_who_manages_staff_closes_agents(client, request, who, status):
    colleague = AgentFactory()
    client.force_login(request.getfixturevalue(who))
    assert client.post(page_of(colleague), {"act": "close"}).status_code == status
    colleague.refresh_from_db()
    assert colleague.is_active == (status == 403)


@pytest.mark.parametrize("events", [1, 3])
def test_query_count(desk, boris, django_assert_num_queries, events):
    act(desk, boris, "invite")
    for _number in range(events):
        SecurityEvent.objects.create(user=boris, kind=Kind.LOGIN)
    # session, agent, person, 2 of rights, how far they reach, invitation
    with django_assert_num_queries(7):
        desk.get(page_of(boris))
