"""Customers found by what is heard on the phone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.factories import (
    BotRegistrationFactory,
    MessengerAccountFactory,
    OrganizationFactory,
    UserFactory,
)
from tickets import people
from tickets.people import find_people

pytestmark = pytest.mark.django_db


@pytest.fixture
def nina():
    client = OrganizationFactory(name="ООО «Ромашка»")
    user = UserFactory(
        username="nina.li", email="nina@daisy.example", first_name="Нина", last_name="Лихачёва",
        organization=client,
    )  # fmt: skip
    BotRegistrationFactory(user=user, phone="+79161112233")
    MessengerAccountFactory(user=user, username="NinaLi")
    return user


@pytest.mark.parametrize(
    "term",
    [
        "Лихачёва", "лихач", "нина", "Нина Лихачёва", "Лихачёва Нина", "nina.li", "nina@",
        "@ninali", "NINA@daisy.example", "8 (916) 111-22-33", "+79161112233", "ромашка", "Ромаш",
        " Нина\n",
    ],
)  # fmt: skip
def test_person_is_found_by(nina, term):
    UserFactory(first_name="Олег", last_name="Другой", username="oleg")
    assert find_people(term) == [nina]


@pytest.mark.parametrize("term", ["", "  ", "Нина Другая", "ом", "%", "_", "+70000000000", "\0"])
def test_nobody_is_found_by(nina, term):
    assert find_people(term) == []


def test_name_in_capitals_is_found():
    zoya = UserFactory(first_name="ЗОЯ", last_name="КИМ")
    assert find_people("ким") == [zoya]


def test_who_has_left_is_not_found(nina):
    nina.is_active = False
    nina.save()
    assert find_people("Нина") == []


@pytest.mark.parametrize("number", [1, 3])
def test_few_are_shown_in_as_few_queries(monkeypatch, number, django_assert_num_queries):
    monkeypatch.setattr(people, "FOUND", 2)
    UserFactory.create_batch(number, first_name="Зоя", organization=OrganizationFactory())
    with django_assert_num_queries(2):
        found = find_people("Зоя")
        assert [str(row.organization) for row in found]
    assert len(found) == min(number, 2)


def test_names_are_looked_up_in_indexes():
    """As many people as a provider has customers are not read for each one who rings."""
    with CaptureQueriesContext(connection) as queries:
        find_people("Нина Лихачёва")
    by = [query["sql"] for query in queries if "first_name" in query["sql"]]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # an empty table is read through
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{explain} {by[0]}")
        plan = str(cursor.fetchall())
    for name in ("first_name", "last_name", "username"):
        assert f"user_{name}_start" in plan


def test_who_may_not_log_in_is_found_by_an_index():
    """The list of them, and each minute those whose webhooks are to be switched off."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    closed = User.objects.filter(is_active=False).order_by("-pk")
    assert "user_closed" in closed[:50].explain().split()
