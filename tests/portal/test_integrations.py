"""«Интеграции»: tokens are listed, made, shown once and revoked."""

import re
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken, OrganizationRole, Scope, TokenState, User
from accounts.security import Origin
from accounts.tokens import MOST, access_of, make_token, revoke_token
from tests.factories import AgentFactory, UserFactory
from tests.portal.pages import text
from tickets.models import Delivery

pytestmark = pytest.mark.django_db
PAGE = reverse("integrations")
NEW = reverse("integrations_token_new")
NEW_SHARED = reverse("integrations_organization_token_new")
FORM = {"name": "Мониторинг", "scopes": ["tickets:read", "tickets:write"], "lifetime": "90"}
TOKEN = re.compile(r"vks_[\w-]{43}")


@pytest.fixture
def head(anna):
    """Anna runs her organization."""
    User.objects.filter(pk=anna.pk).update(organization_role=OrganizationRole.ADMINISTRATOR)
    anna.refresh_from_db()
    return anna


def made(by, **given):
    given = {"name": "Мониторинг", "scopes": [Scope.READ], "origin": Origin(by)} | given
    return make_token(by=by, **given)[0]


def revoke_page(token):
    return reverse("integrations_token_revoke", args=[token.pk])


def send(client, page=NEW, **given):
    return client.post(page, FORM | {"key": str(uuid4())} | given)


# The list


def test_list_tells_of_each_token_and_not_of_others(client, anna, boris):
    client.force_login(anna)
    assert "Токенов пока нет" in text(client.get(PAGE))
    own, ended = made(anna, name="Выгрузка <b>"), made(anna, name="Старый")
    made(boris, name="Чужой")
    revoke_token(ended, origin=Origin(anna))
    page = text(client.get(PAGE))
    assert "Выгрузка &lt;b&gt;" in page
    assert own.prefix in page
    assert "читать заявки" in page
    assert "ещё не использован" in page
    assert "отозван" in page
    assert "Чужой" not in page
    assert revoke_page(own) in page
    assert revoke_page(ended) not in page
    assert own.digest not in page


def test_organizations_tokens_are_for_its_administrator(client, head, vera, boris):
    token = made(head, name="Общий", organization=head.organization)
    client.force_login(vera)
    assert "Общий" not in text(client.get(PAGE))
    User.objects.filter(pk=vera.pk).update(organization_role=OrganizationRole.ADMINISTRATOR)
    page = text(client.get(PAGE))
    assert "Общий" in page
    assert head.short_name in page
    assert revoke_page(token) in page
    User.objects.filter(pk=vera.pk).update(organization=None)
    assert "Общий" not in text(client.get(PAGE))


def test_token_whose_maker_is_gone_says_so(client, head, vera):
    made(vera_head(vera), organization=head.organization)
    User.objects.filter(pk=vera.pk).delete()
    client.force_login(head)
    assert "создателя больше нет" in text(client.get(PAGE))


def vera_head(vera):
    vera.organization_role = OrganizationRole.ADMINISTRATOR
    vera.save()
    return vera


@pytest.mark.parametrize("number", [1, 3])
def test_page_takes_as_many_queries_with_many(client, head, number, django_assert_num_queries):
    for _round in range(number):
        made(head)
        made(head, organization=head.organization)
    client.force_login(head)
    client.get(PAGE)
    with django_assert_num_queries(9):
        client.get(PAGE)


def test_tokens_in_force_stay_in_sight_however_many_have_ended(client, anna):
    first = made(anna, name="Самый первый")
    ended = ApiToken(user=anna, name="Старый", scopes=[Scope.READ], prefix="vks_старый")
    now = timezone.now()
    ended.expires_at, ended.revoked_at = now + timedelta(days=300), now
    rows = [ended_copy(ended, number) for number in range(60)]
    ApiToken.objects.bulk_create(rows)
    client.force_login(anna)
    page = text(client.get(PAGE))
    assert revoke_page(first) in page
    assert page.count("Старый") < 60


def ended_copy(token, number):
    fields = ("user", "name", "scopes", "prefix", "expires_at", "revoked_at")
    return ApiToken(digest=str(number), **{name: getattr(token, name) for name in fields})


# Making one


def test_text_is_shown_once(client, anna):
    client.force_login(anna)
    key = str(uuid4())
    answer = send(client, key=key)
    shown = TOKEN.search(text(answer)).group()
    assert access_of(shown).user == anna
    assert "no-store" in answer["Cache-Control"]
    assert shown not in str(dict(client.session))
    again = text(send(client, key=key))
    assert "уже создан" in again
    assert shown not in again
    assert shown not in text(client.get(PAGE))
    assert ApiToken.objects.count() == 1


def test_same_form_with_other_words_comes_back_to_be_sent_again(client, anna):
    client.force_login(anna)
    key = str(uuid4())
    send(client, key=key)
    page = text(send(client, key=key, name="Другой"))
    assert 'value="Другой"' in page
    assert key not in page
    assert ApiToken.objects.count() == 1


def test_ninety_days_unless_told_otherwise(client, anna):
    client.force_login(anna)
    page = text(client.get(NEW))
    assert '<option value="90" selected>' in page
    send(client)
    left = ApiToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=89, hours=23) < left <= timedelta(days=90)


@pytest.mark.parametrize("zone", ["Asia/Vladivostok", "Europe/Kaliningrad", "Asia/Kamchatka"])
def test_day_ends_where_the_person_is(client, anna, zone):
    User.objects.filter(pk=anna.pk).update(time_zone=zone)
    client.force_login(anna)
    day = timezone.now().astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    send(client, lifetime="day", day=day.isoformat())
    ends = ApiToken.objects.get().expires_at
    assert ends == datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": " "}, "Назовите токен."),
        ({"name": "\u200b"}, "Назовите токен: одной строкой"),
        ({"scopes": []}, "Отметьте хотя бы одно."),
        ({"scopes": ["desk"]}, "desk"),
        ({"lifetime": "36500"}, "36500"),
        ({"lifetime": "day"}, "Укажите последний день."),
        ({"lifetime": "day", "day": "завтра"}, "Укажите день, например"),
        ({"lifetime": "day", "day": "2020-01-01"}, "от одного дня до года"),
        ({"lifetime": "day", "day": "9999-12-31"}, "от одного дня до года"),
    ],
)
def test_errors_stand_beside_the_field(client, anna, given, words):
    client.force_login(anna)
    page = text(send(client, **given))
    field = {"name": "name", "scopes": "scopes"}.get(next(iter(given)), "")
    assert words in page.partition('class="errorlist"')[2]
    assert f'id="id_{field}' in page
    assert not ApiToken.objects.exists()


def test_too_many_and_too_often(client, anna):
    client.force_login(anna)
    for _number in range(MOST):
        send(client)
    assert "Отзовите ненужный" in text(send(client))
    ApiToken.objects.update(revoked_at=timezone.now())
    answers = [send(client) for _number in range(15)]
    assert answers[-1].status_code == 429
    assert "Retry-After" in answers[-1]


def test_administrator_makes_one_for_the_organization(client, head):
    client.force_login(head)
    assert "а не вам" in text(client.get(NEW_SHARED))
    shown = TOKEN.search(text(send(client, NEW_SHARED))).group()
    assert access_of(shown).organization == head.organization
    assert not head.api_tokens.exists()


def test_member_makes_none_for_the_organization(client, vera):
    client.force_login(vera)
    assert client.get(NEW_SHARED).url == PAGE
    assert send(client, NEW_SHARED).url == PAGE
    assert not ApiToken.objects.exists()


def test_agent_is_sent_to_the_desk(client):
    client.force_login(AgentFactory())
    page = text(client.get(PAGE))
    assert NEW not in page
    assert reverse("admin:own_tokens") in page
    assert send(client).url == reverse("admin:own_tokens")
    assert not ApiToken.objects.exists()


def test_program_gets_in_until_its_token_is_revoked(client, anna):
    client.force_login(anna)
    shown = TOKEN.search(text(send(client))).group()
    program = Client(headers={"Authorization": f"Bearer {shown}"})
    me = reverse("api:me")
    assert program.get(me).status_code == 200
    for way in ("token", "access_token"):  # an address stands in logs and histories
        assert Client().get(me, {way: shown}).status_code == 401
    page = text(client.get(PAGE))
    assert "последний вход" in page
    assert "ещё не использован" not in page
    client.post(revoke_page(ApiToken.objects.get()))
    answer = program.get(me)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("is_shared", [False, True])
def test_letter_tells_the_maker_and_not_the_token(client, head, run_queue, is_shared):
    client.force_login(head)
    shown = TOKEN.search(text(send(client, NEW_SHARED if is_shared else NEW))).group()
    run_queue()
    [letter] = mail.outbox
    assert (letter.to, letter.subject) == ([head.email], "Создан токен API")
    for words in (letter.body, letter.alternatives[0][0]):
        assert "«Мониторинг»" in words
        assert shown[:10] in words
        assert "читать заявки" in words
        assert f"{timezone.localtime(timezone.now() + timedelta(days=90)):%d.%m.%Y}" in words
        assert PAGE in words
        assert shown not in words
        assert ("ООО «Альфа»" in words) == is_shared
    assert shown not in str(list(Delivery.objects.values()))


# Revoking


def test_owner_revokes_after_a_question(client, anna):
    token = made(anna)
    client.force_login(anna)
    assert "сразу потеряют доступ" in text(client.get(revoke_page(token)))
    assert ApiToken.objects.get().state == TokenState.IN_FORCE
    assert "Токен отозван" in text(client.post(revoke_page(token), follow=True))
    assert ApiToken.objects.get().state == TokenState.REVOKED
    again = client.post(revoke_page(token), follow=True)
    assert "уже не действует" in text(again)
    assert client.get(revoke_page(token)).url == PAGE


def test_another_administrator_revokes_the_organizations(client, head, vera):
    token = made(head, organization=head.organization)
    client.force_login(vera)
    assert client.post(revoke_page(token)).status_code == 404
    vera_head(vera)
    client.post(revoke_page(token))
    assert ApiToken.objects.get().state == TokenState.REVOKED


def test_nobody_elses(client, anna, head, boris):
    own, shared = made(anna), made(head, organization=head.organization)
    stranger = UserFactory(organization_role=OrganizationRole.ADMINISTRATOR)
    for person in (boris, stranger):
        client.force_login(person)
        for token in (own, shared):
            assert client.get(revoke_page(token)).status_code == 404
            assert client.post(revoke_page(token)).status_code == 404
    assert set(ApiToken.objects.values_list("revoked_at", flat=True)) == {None}
