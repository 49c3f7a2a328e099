"""What is done to the account of somebody else, and by whom: asked where it is done."""

from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied

from accounts import second_factor, services
from accounts.identity import (
    RightMissing,
    cancel_email_change,
    request_email_change,
    resend_email_change,
    set_access,
)
from accounts.invitations import prepare_invitation
from accounts.models import JoinRequest, SecurityEvent, User
from accounts.newcomers import add_agent, add_customer
from accounts.organizations import decide_join, take_in
from accounts.security import Origin
from tests.factories import AgentFactory, OrganizationFactory, SpecialistFactory, UserFactory
from tests.second_factor import add_second_factor
from tickets.erasures import request_erasure
from tickets.exports import request_export
from tickets.refusals import NotYours

pytestmark = pytest.mark.django_db
CHANNEL = "pigeon"
REFUSED = (RightMissing, NotYours)


def in_role(name: str, **given: object) -> User:
    person = AgentFactory(**given)
    person.groups.add(Group.objects.get(name=name))
    return person


SPECIALIST, HEAD, ADMINISTRATOR = (
    "Специалист поддержки", "Руководитель поддержки", "Администратор",
)  # fmt: skip
NOBODY = {
    "nobody": lambda: None,
    "customer": UserFactory,
    "trainee": AgentFactory,
    "superuser who is no agent": partial(UserFactory, is_superuser=True),
    "administrator without a place": partial(in_role, ADMINISTRATOR, is_staff=False),
    "administrator who is switched off": partial(in_role, ADMINISTRATOR, is_active=False),
}
AGENTS = {"specialist": partial(in_role, SPECIALIST), "head": partial(in_role, HEAD)}
ADMINISTRATORS = {
    "administrator": partial(in_role, ADMINISTRATOR),
    "superuser": partial(AgentFactory, is_superuser=True),
}
EVERYBODY = NOBODY | AGENTS | ADMINISTRATORS


def close(person, origin):
    set_access(person, is_active=False, origin=origin)


def reset(person, origin):
    add_second_factor(person)
    second_factor.reset(user=person, origin=origin)


def add(_person, origin):
    add_customer(
        email="new@client.example", first_name="Н", last_name="", organization=None, origin=origin
    )


def invite(person, origin):
    prepare_invitation(user=person, origin=origin)


def take(person, origin):
    take_in(person=person, organization=OrganizationFactory(), origin=origin)


def decide(person, origin):
    domain = person.email.partition("@")[2]
    asked = JoinRequest.objects.create(
        user=person, organization=OrganizationFactory(mail_domain=domain)
    )
    decide_join(request=asked, accepts=True, origin=origin, at_desk=True)


def change_email(person, origin):
    request_email_change(user=person, email="other@client.example", origin=origin)


def resend_email(person, origin):
    request_email_change(user=person, email="other@client.example", origin=Origin(person))
    JUST_ASKED.filter(user=person).delete()
    resend_email_change(user=person, origin=origin)


JUST_ASKED = SecurityEvent.objects.filter(kind=SecurityEvent.Kind.EMAIL_ASKED)


def cancel_email(person, origin):
    cancel_email_change(user=person, origin=origin)


def withdraw(person, origin):
    services.withdraw_registration(user=person, channel=CHANNEL, origin=origin)


def unlink(person, origin):
    services.unlink_messenger(user=person, channel=CHANNEL, origin=origin)


def export(person, origin):
    request_export(user=person, asked_by=origin.actor)


def erase(person, origin):
    request_erasure(user=person, asked_by=origin.actor, origin=origin)


BY_AGENTS = [close, add, invite, take, decide]
BY_ADMINISTRATORS = [
    reset, change_email, resend_email, cancel_email, withdraw, unlink, export, erase,
]  # fmt: skip
TABLE = [
    (act, who, who in ADMINISTRATORS or (act in BY_AGENTS and who in AGENTS))
    for act in [*BY_AGENTS, *BY_ADMINISTRATORS]
    for who in EVERYBODY
    # Where nobody acts, the owner or a task does; an archive is always asked for by somebody.
    if who != "nobody" or act not in (withdraw, unlink, export, erase)
]


@pytest.mark.parametrize(("act", "who", "may"), TABLE)
def test_who_may_do_what_to_a_customer(act, who, may):
    person = UserFactory(email="boris@beta.example")
    actor = EVERYBODY[who]()
    before = SecurityEvent.objects.count()
    if may:
        act(person, Origin(actor))
        return
    with pytest.raises(REFUSED) as refused:
        act(person, Origin(actor))
    done = SecurityEvent.objects.exclude(pk__in=JUST_ASKED).count()
    assert (refused.value.code, done) in {("right_missing", before), ("not_yours", before)}
    assert not User.objects.filter(email="new@client.example").exists()


@pytest.mark.parametrize("act", [close, invite, take])
def test_rights_of_specialists_do_not_reach_over_staff(act):
    for person in (SpecialistFactory(), in_role(ADMINISTRATOR)):
        with pytest.raises(RightMissing):
            act(person, Origin(in_role(SPECIALIST)))


@pytest.mark.parametrize(
    "act", [close, invite, take, reset, change_email, cancel_email, withdraw, unlink, export, erase]
)
def test_rights_of_administrators_do_not_reach_over_superusers(act):
    root, administrator = AgentFactory(is_superuser=True), in_role(ADMINISTRATOR)
    with pytest.raises(REFUSED):
        act(root, Origin(administrator))


@pytest.mark.parametrize("act", [close, reset])
def test_nobody_does_it_to_themselves(act):
    root = AgentFactory(is_superuser=True)
    with pytest.raises(RightMissing):
        act(root, Origin(root))


@pytest.mark.parametrize("act", [change_email, cancel_email, withdraw, unlink, export, erase])
def test_ones_own_needs_no_right(act):
    person = UserFactory()
    act(person, Origin(person))


def test_agents_are_added_by_staff_only():
    actor = in_role(ADMINISTRATOR, is_staff=False)
    role = Group.objects.get(name=SPECIALIST)
    with pytest.raises(Exception, match="Эту роль вы дать не можете"):
        add_agent(
            email="a@b.example", first_name="А", last_name="", role=role, origin=Origin(actor)
        )


def test_refusal_that_no_page_catches_is_a_403():
    assert isinstance(RightMissing(), PermissionDenied)
    assert str(RightMissing()) == "У вас нет на это права."
