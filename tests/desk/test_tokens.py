"""Tokens at the desk: an agent's own, and all of them for administrators."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken, OrganizationRole, Scope, SecurityEvent, TokenState
from accounts.security import Origin
from accounts.tokens import access_of, make_token
from tests.factories import AgentFactory, OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db
PAGE, ALL = reverse("admin:own_tokens"), reverse("admin:accounts_apitoken_changelist")
FORM = {"name": "Дежурный", "scopes": ["desk"], "lifetime": "30"}
TOKEN = re.compile(r"vks_[\w-]{43}")


def text(response) -> str:
    return response.content.decode()


def send(client, **given):
    return client.post(PAGE, FORM | {"key": str(uuid4())} | given)


def made(by, **given):
    given = {"name": "Мониторинг", "scopes": [Scope.READ], "origin": Origin(by)} | given
    return make_token(by=by, **given)


# One's own


def test_agent_makes_one_and_sees_it_once(desk, specialist, run_queue):
    assert "Токенов пока нет" in text(desk.get(PAGE))
    key = str(uuid4())
    answer = send(desk, key=key)
    shown = TOKEN.search(text(answer)).group()
    assert access_of(shown).scopes == {Scope.DESK}
    assert "no-store" in answer["Cache-Control"]
    assert shown not in str(dict(desk.session))
    again = text(send(desk, key=key))
    assert "уже создан" in again
    assert shown not in again
    assert ApiToken.objects.get().user == specialist
    run_queue()
    [letter] = mail.outbox
    assert letter.to == [specialist.email]
    assert PAGE in letter.body
    assert shown not in letter.body


def test_errors_come_back_with_the_words(desk):
    page = text(send(desk, scopes=[]))
    assert "Отметьте хотя бы одно." in page
    assert 'value="Дежурный"' in page
    assert "от одного дня до года" in text(send(desk, lifetime="day", day="2020-01-01"))
    assert not ApiToken.objects.exists()


def test_same_form_with_other_words(desk):
    key = str(uuid4())
    send(desk, key=key)
    page = text(send(desk, key=key, name="Другой"))
    assert 'value="Другой"' in page
    assert key not in page
    assert ApiToken.objects.count() == 1


def test_only_ones_own_are_listed_and_revoked(desk, specialist):
    own, _text = made(specialist, at_desk=True, name="Моё")
    others, _text = made(AgentFactory(), at_desk=True, name="Чужое")
    page = text(desk.get(PAGE))
    assert "Моё" in page
    assert "Чужое" not in page
    assert desk.post(revoke_page(others)).status_code == 404
    assert "сразу потеряют доступ" in text(desk.get(revoke_page(own)))
    assert ApiToken.objects.get(pk=own.pk).state == TokenState.IN_FORCE
    desk.post(revoke_page(own))
    assert ApiToken.objects.get(pk=own.pk).state == TokenState.REVOKED
    assert "уже не действует" in text(desk.post(revoke_page(own), follow=True))


def revoke_page(token):
    return reverse("admin:own_token_revoke", args=[token.pk])


def test_staff_without_the_right_has_no_page_and_no_link(client):
    client.force_login(AgentFactory())
    assert PAGE not in text(client.get("/admin/"))
    assert send(client).status_code == 403
    assert not ApiToken.objects.exists()


def test_link_stands_among_the_sections(desk):
    assert PAGE in text(desk.get("/admin/?sections=1"))


# All of them


@pytest.fixture
def shared(db):
    """A token of an organization, made by its administrator."""
    head = UserFactory(
        organization=OrganizationFactory(name="Гамма"),
        organization_role=OrganizationRole.ADMINISTRATOR,
    )
    return made(head, organization=head.organization, name="Общий")[0]


def act(client, tokens, **given):
    chosen = {"action": "revoke", "_selected_action": [token.pk for token in tokens]}
    return client.post(ALL, chosen | given, follow=True)


@pytest.mark.parametrize("number", [1, 3])
def test_list_tells_whose_they_are(office, anna, shared, django_assert_num_queries, number):
    tokens = [made(anna)[0] for _number in range(number)]
    office.get(ALL)
    with django_assert_num_queries(6):
        page = text(office.get(ALL))
    assert str(anna) in page
    assert "Гамма" in page
    assert tokens[0].prefix in page
    form = text(office.get(reverse("admin:accounts_apitoken_change", args=[tokens[0].pk])))
    assert tokens[0].digest not in page + form


@pytest.mark.each_case
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=anna", {"Мониторинг"}),
        ("q=Гам", {"Общий"}),
        ("state=in_force", {"Общий", "Мониторинг"}),
        ("state=expired", {"Истёкший"}),
        ("state=revoked", set()),
    ],
)
def test_search_and_filter(office, anna, shared, query, found):
    made(anna)
    expired, _text = made(UserFactory(), name="Истёкший")
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    page = text(office.get(f"{ALL}?{query}"))
    names = {"Общий", "Мониторинг", "Истёкший"}
    assert {name for name in names if f">{name}</a>" in page} == found


def test_administrator_revokes_after_a_question(office, administrator, anna, shared):
    tokens = [made(anna)[0], shared]
    page = text(act(office, tokens))
    assert "сразу потеряют доступ" in page
    assert all(token.name in page for token in tokens)
    assert not ApiToken.objects.exclude(revoked_at=None).exists()
    act(office, tokens, sure="yes")
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    events = SecurityEvent.objects.filter(kind="token_revoked", actor=administrator)
    assert events.count() == 2
    assert "уже не действуют" in text(act(office, tokens, sure="yes"))


def test_tokens_of_more_rights_stay(office, superuser):
    token, _text = made(superuser, at_desk=True)
    assert "нет на это права" in text(act(office, [token], sure="yes"))
    assert ApiToken.objects.get().state == TokenState.IN_FORCE


def test_reader_without_the_right_to_change_has_no_action(client, specialist, anna):
    from django.contrib.auth.models import Permission

    specialist.user_permissions.add(Permission.objects.get(codename="view_apitoken"))
    token, _text = made(anna)
    client.force_login(specialist)
    act(client, [token], sure="yes")
    assert ApiToken.objects.get().state == TokenState.IN_FORCE
    later = timezone.now() + timedelta(days=1)
    address = reverse("admin:accounts_apitoken_change", args=[token.pk])
    client.post(address, {"name": "Другое", "expires_at_0": f"{later:%d.%m.%Y}"})
    assert ApiToken.objects.get().name == "Мониторинг"
