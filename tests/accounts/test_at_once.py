"""Organizations, sign-ups and followers when two do the same at one moment."""

import pytest

from accounts.identity import EmailTaken
from accounts.models import JoinRequest, OrganizationRole, SecurityEvent, SignUp, User
from accounts.organizations import (
    JoinRequestVoid,
    LastAdministrator,
    NotAdministrator,
    ask_to_join,
    decide_join,
    set_role,
)
from accounts.security import UNKNOWN, Origin
from accounts.sign_up import SignUpVoid, sign_up, tell_of_sign_up
from tests.factories import OrganizationFactory, UserFactory, open_ticket
from tests.threads import in_parallel
from tickets.followers import follow
from tickets.models import Delivery, Follower

pytestmark = pytest.mark.django_db(transaction=True)
ADMINISTRATOR, MEMBER = OrganizationRole.ADMINISTRATOR, OrganizationRole.MEMBER


@pytest.fixture
def firm():
    return OrganizationFactory(mail_domain="alpha.example", shares_tickets=True)


@pytest.fixture
def heads(firm):
    return UserFactory.create_batch(2, organization=firm, organization_role=ADMINISTRATOR)


def names(results) -> list[str]:
    return sorted(type(result).__name__ for result in results)


def test_two_administrators_who_demote_each_other_leave_one(heads):
    one, two = heads
    results = in_parallel(
        lambda: set_role(by=one, person=two, role=MEMBER, origin=Origin(one)),
        lambda: set_role(by=two, person=one, role=MEMBER, origin=Origin(two)),
    )
    assert names(results) == ["NoneType", NotAdministrator.__name__]
    assert User.objects.filter(organization_role=ADMINISTRATOR).count() == 1


def test_two_administrators_who_step_down_leave_one(heads):
    results = in_parallel(
        *(
            lambda head=head: set_role(by=head, person=head, role=MEMBER, origin=Origin(head))
            for head in heads
        )
    )
    assert names(results) == [LastAdministrator.__name__, "NoneType"]


def test_request_decided_by_two_is_decided_once(firm, heads):
    asked = JoinRequest.objects.create(
        user=UserFactory(email="nina@alpha.example"), organization=firm
    )
    results = in_parallel(
        lambda: decide_join(request=asked, accepts=True, origin=Origin(heads[0])),
        lambda: decide_join(request=asked, accepts=False, origin=Origin(heads[1])),
    )
    assert names(results) == [JoinRequestVoid.__name__, "NoneType"]
    decided = SecurityEvent.objects.filter(kind__in=["joined", "join_refused"])
    assert decided.count() == Delivery.objects.count() == 1


def test_person_who_asks_twice_at_once_asks_once(firm):
    person = UserFactory(email="nina@alpha.example")
    in_parallel(*[lambda: ask_to_join(user=person, origin=Origin(person))] * 4)
    assert JoinRequest.objects.count() == 1
    assert SecurityEvent.objects.filter(kind="join_asked").count() == 1


def test_one_link_makes_one_account():
    asked = SignUp.objects.create(email="nina@new.example")
    two = SignUp.objects.create(email="NINA@new.example")
    names_and_password = {"first_name": "Нина", "last_name": "Новая", "password": "долгий пароль"}
    results = in_parallel(
        *(
            lambda row=row: sign_up(asked=row, origin=UNKNOWN, **names_and_password)
            for row in (asked, asked, two, two)
        )
    )
    assert User.objects.count() == 1
    made = [result for result in results if isinstance(result, User)]
    refused = [result for result in results if isinstance(result, SignUpVoid | EmailTaken)]
    assert (len(made), len(refused)) == (1, 3)


def test_one_request_is_one_letter():
    asked = SignUp.objects.create(email="nina@new.example")
    in_parallel(*[lambda: tell_of_sign_up(asked.pk)] * 4)
    assert Delivery.objects.count() == 1


def test_button_pressed_by_many_hands_follows_once(firm):
    one, two = UserFactory.create_batch(2, organization=firm)
    ticket = open_ticket(one)
    assert in_parallel(*[lambda: follow(ticket=ticket, user=two)] * 4) == [None] * 4
    assert Follower.objects.count() == 1
