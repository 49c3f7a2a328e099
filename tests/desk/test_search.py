"""The search box of the desk's list: people and addresses, numbers, words."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import (
    BotRegistrationFactory,
    CommentFactory,
    MessengerAccountFactory,
    OrganizationFactory,
    ProductFactory,
    TicketFactory,
    UserFactory,
)
from tickets.models import Ticket
from tickets.search import search_desk

pytestmark = pytest.mark.each_case

LIST = "/admin/tickets/ticket/"


def numbers(response) -> list[int]:
    return [ticket.pk for ticket in response.context["cl"].result_list]


@pytest.fixture
def found(anna, boris):
    """Finds among Anna's and Boris's tickets."""
    TicketFactory(requester=anna, title="Реплика отстаёт")
    TicketFactory(requester=boris, title="Новая реплика")
    TicketFactory(requester=boris, title="100% загрузка")

    def search(term: str) -> list[str]:
        tickets = search_desk(Ticket.objects.order_by("pk"), term)
        return list(tickets.values_list("title", flat=True))

    return search


def test_search_by_number(found):
    number = Ticket.objects.get(title="Новая реплика").pk
    for spelling in (str(number), f"№ {number}", f"#{number}", f" №{number} "):
        assert found(spelling) == ["Новая реплика"]
    assert found("9" * 40) == found("99999999") == []


def test_search_by_email(found):
    assert found("anna@alpha.example") == found("ANNA@") == ["Реплика отстаёт"]
    assert found("alpha@") == []


def test_search_by_the_email_of_an_organization(found, anna):
    colleague = UserFactory(organization=anna.organization)
    TicketFactory(requester=colleague, title="От коллеги")
    assert found(anna.organization.email) == ["Реплика отстаёт", "От коллеги"]


def test_search_by_words_of_title_description_comments_and_notes(found):
    ticket = TicketFactory(title="Звонок", description="Пропала кнопка «Экспорт».")
    CommentFactory(ticket=ticket, body="Пришлите протокол.")
    CommentFactory(ticket=ticket, body="Похоже на сбой балансировщика.", is_internal=True)
    for words in ("звонок", "экспорт кнопка", "протокол", "сбой балансировщика"):
        assert found(words) == ["Звонок"]


def test_search_by_username_of_a_chat(found, anna):
    MessengerAccountFactory(user=anna, username="anna_k")
    assert found("@anna_k") == found("@Anna_K") == ["Реплика отстаёт"]
    assert found("@anna") == found("@") == found("@alpha") == []


def test_search_by_surname_and_organization(found, boris, agent):
    TicketFactory(requester=agent, title="Своя")
    assert found("кузнец") == found("Кузнецова") == ["Реплика отстаёт"]
    assert found("Соколов") == ["Новая реплика", "100% загрузка"]
    assert found("альфа") == found("ООО «Альфа»") == ["Реплика отстаёт"]
    assert found("Орлова") == []  # an agent is no requester to look for


def test_words_of_notes_are_found_beside_the_people(found, anna):
    other = TicketFactory(title="Звонок")
    CommentFactory(ticket=other, is_internal=True, body="Говорил с Кузнецовой, сервер vm-prod-07")
    CommentFactory(ticket=other, is_internal=True, body="Перезвонит Кузнецова")
    assert found("кузнецова") == ["Реплика отстаёт", "Звонок"]
    assert found("prod-07 говорил") == ["Звонок"]


@pytest.mark.parametrize("phone", ["+79161234567", "8 (916) 123-45-67"])
def test_search_by_phone(found, anna, boris, phone):
    BotRegistrationFactory(user=anna, phone="+79161234567")
    BotRegistrationFactory(user=boris, phone="+79161234567", withdrawn_at=timezone.now())
    assert found(phone) == ["Реплика отстаёт"]
    assert found("+79161234568") == []


@pytest.mark.parametrize("rows", [1, 3])
def test_search_by_phone_query_count(desk, rows, django_assert_num_queries):
    for _row in range(rows):
        TicketFactory(requester=BotRegistrationFactory(phone="+79161234567").user)
    ProductFactory()
    # those of the list, and whose phone it is
    with django_assert_num_queries(13):
        assert len(numbers(desk.get(LIST, {"q": "+79161234567"}))) == rows


def test_search_by_start_of_title(found):
    assert found("Ре") == found("ре") == found("РЕ") == ["Реплика отстаёт"]
    assert found("100%") == ["100% загрузка"]
    assert found("%") == found("_") == found("٥") == found("ре%") == []
    assert len(found(" ")) == 3


def test_search_for_a_start_uses_an_index(db):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # an empty table is read through
    titles = search_desk(Ticket.objects.order_by(), "ре")
    assert "ticket_title_start" in titles.explain()
    with CaptureQueriesContext(connection) as queries:
        search_desk(Ticket.objects.all(), "anna@")
    with connection.cursor() as cursor:
        plan = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{plan} {queries[0]['sql']}")
        assert "user_email_start" in str(cursor.fetchall())


QUERIES = {"postgresql": 18, "sqlite": 15}
# the 12 of the list, people, organizations, whether any is found; of words: see tests/tickets


@pytest.mark.parametrize("rows", [1, 3])
def test_search_by_words_query_count(desk, anna, rows, django_assert_num_queries):
    for _row in range(rows):
        TicketFactory(
            title="Реплика vm-1", requester=UserFactory(organization=OrganizationFactory())
        )
    ProductFactory()
    with django_assert_num_queries(QUERIES[connection.vendor]):
        assert len(numbers(desk.get(LIST, {"q": "реплика vm-1"}))) == rows


def test_search_box_uses_it(desk, found):
    response = desk.get(LIST, {"q": "новая"})
    assert [ticket.title for ticket in response.context["cl"].result_list] == ["Новая реплика"]
