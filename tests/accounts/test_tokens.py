"""Keys of programs: what they open, for whom, and when they end."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.identity import RightMissing, set_access
from accounts.models import ApiToken, OrganizationRole, Scope, SecurityEvent, TokenState
from accounts.organizations import NotAdministrator
from accounts.security import Origin
from accounts.tokens import (
    MOST,
    AgentsTokenElsewhere,
    LifetimeRefused,
    ScopeRefused,
    TokenEnded,
    TokenNameRefused,
    TooManyTokens,
    access_of,
    make_token,
    member_named,
    revoke_token,
)
from tests.factories import AgentFactory, OrganizationFactory, SpecialistFactory, UserFactory

pytestmark = pytest.mark.django_db
BOTH = {Scope.READ, Scope.WRITE}


@pytest.fixture
def anna():
    return UserFactory(first_name="Анна")


@pytest.fixture
def administrator():
    return UserFactory(
        organization=OrganizationFactory(), organization_role=OrganizationRole.ADMINISTRATOR
    )


def make(by, **given):
    given = {"name": "Мониторинг", "scopes": BOTH, "origin": Origin(by)} | given
    return make_token(by=by, **given)


def test_token_opens_what_its_person_gave_it(anna):
    token, text = make(anna, scopes={Scope.READ})
    access = access_of(text)
    assert (access.user, access.organization, access.scopes) == (anna, None, {Scope.READ})
    assert abs(token.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)


def test_text_is_kept_nowhere(anna):
    token, text = make(anna)
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert text.startswith("vks_")
    assert text not in str(row)
    assert text not in str(list(SecurityEvent.objects.values()))
    assert text.startswith(row["prefix"])
    assert len(row["prefix"]) == 10


def test_it_costs_one_query_and_a_write_a_minute(anna, django_assert_num_queries):
    _token, text = make(anna)
    with django_assert_num_queries(2):
        access_of(text)
    with django_assert_num_queries(1):
        access_of(text)
    ApiToken.objects.update(used_at=timezone.now() - timedelta(seconds=61))
    with django_assert_num_queries(2):
        access_of(text)
    ApiToken.objects.update(used_at=timezone.now() + timedelta(hours=1))  # the clock went back
    access_of(text)
    assert ApiToken.objects.get().used_at <= timezone.now()


ENDS = {
    "expired": {"expires_at": timezone.now()},
    "further ahead than any": {"expires_at": timezone.now() + timedelta(days=400)},
    "revoked": {"revoked_at": timezone.now()},
}


@pytest.mark.parametrize("change", ENDS.values(), ids=ENDS.keys())
def test_token_that_has_ended(anna, change):
    _token, text = make(anna)
    ApiToken.objects.update(**change)
    assert access_of(text) is None


@pytest.mark.parametrize("text", ["", "vks_", "vks_unknown", "\udfff", "vks_\udfff", "x" * 10_000])
def test_what_is_no_token(anna, text):
    make(anna)
    assert access_of(text) is None


def test_deactivation_ends_it_for_good(anna):
    _token, text = make(anna)
    administrator = AgentFactory(is_superuser=True)
    for is_active in (False, True):
        set_access(anna, is_active=is_active, origin=Origin(administrator))
        assert access_of(text) is None
    assert ApiToken.objects.get().state == TokenState.REVOKED


def test_person_who_is_out_by_any_other_way(anna):
    _token, text = make(anna)
    type(anna).objects.update(is_active=False)
    assert access_of(text) is None


@pytest.mark.parametrize("scopes", [set(), {Scope.DESK}, {Scope.READ, Scope.DESK}])
def test_customers_scopes(anna, scopes):
    with pytest.raises(ScopeRefused):
        make(anna, scopes=scopes)


@pytest.mark.parametrize("days", [0, -1, 366, 100_000])
def test_lifetime(anna, days):
    with pytest.raises(LifetimeRefused):
        make(anna, lifetime=timedelta(days=days))


@pytest.mark.parametrize("name", ["", " \u200b ", "x" * 101])
def test_name(anna, name):
    with pytest.raises(TokenNameRefused):
        make(anna, name=name)


def test_invisible_characters_of_a_name(anna):
    token, _text = make(anna, name="Мо\u202eни\x00торинг\n№ 1")
    assert token.name == "Мониторинг № 1"


def test_not_more_than_a_few(anna):
    type(anna).objects.filter(pk=anna.pk).update(is_active=True)
    for _number in range(MOST):
        make(anna)
    with pytest.raises(TooManyTokens):
        make(anna)
    ApiToken.objects.filter(pk=ApiToken.objects.first().pk).update(revoked_at=timezone.now())
    make(anna)


def test_agents_make_theirs_at_the_desk():
    agent = SpecialistFactory()
    with pytest.raises(AgentsTokenElsewhere):
        make(agent)
    _token, text = make(agent, scopes={Scope.DESK}, at_desk=True)
    assert access_of(text).scopes == {Scope.DESK}
    type(agent).objects.update(is_staff=False)
    assert access_of(text).scopes == set()


def test_customer_makes_none_at_the_desk(anna):
    with pytest.raises(AgentsTokenElsewhere):
        make(anna, at_desk=True)


def test_organizations_token_outlives_who_made_it(administrator):
    organization = administrator.organization
    token, text = make(administrator, organization=organization)
    type(administrator).objects.update(is_active=False)
    access = access_of(text)
    assert (access.user, access.organization) == (None, organization)
    assert token.made_by == administrator


def test_only_an_administrator_makes_it(administrator, anna):
    member = UserFactory(organization=administrator.organization)
    for person in (member, anna):
        with pytest.raises(NotAdministrator):
            make(person, organization=administrator.organization)
    with pytest.raises(NotAdministrator):
        make(administrator, organization=OrganizationFactory())
    with pytest.raises(ScopeRefused):
        make(administrator, organization=administrator.organization, scopes={Scope.DESK})


def test_member_named(administrator):
    organization = administrator.organization
    member = UserFactory(organization=organization, email="Petr@client.example")
    gone = UserFactory(organization=organization, is_active=False)
    assert member_named(organization, "petr@CLIENT.example") == member
    assert member_named(organization, gone.email) is None
    assert member_named(organization, UserFactory().email) is None
    assert member_named(organization, "нет") is None


def test_who_revokes(anna, administrator):
    own, _text = make(anna)
    shared, _text = make(administrator, organization=administrator.organization)
    member = UserFactory(organization=administrator.organization)
    for nobody in (None, UserFactory(), administrator, SpecialistFactory()):
        with pytest.raises(RightMissing):
            revoke_token(own, origin=Origin(nobody))
    for nobody in (None, member, anna):
        with pytest.raises(NotAdministrator):
            revoke_token(shared, origin=Origin(nobody))
    revoke_token(own, origin=Origin(anna))
    with pytest.raises(TokenEnded):
        revoke_token(own, origin=Origin(anna))
    revoke_token(shared, origin=Origin(administrator))


def test_the_desk_revokes_both(anna, administrator):
    desk = AgentFactory()
    desk.groups.add(Group.objects.get(name="Администратор"))
    for token, _text in (make(anna), make(administrator, organization=administrator.organization)):
        revoke_token(token, origin=Origin(desk))
    assert set(ApiToken.objects.values_list("revoked_at", flat=True)) != {None}
    kinds = SecurityEvent.objects.filter(actor=desk).values_list("kind", flat=True)
    assert list(kinds) == ["token_revoked"] * 2
