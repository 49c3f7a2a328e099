"""The list of tickets at the desk: filters, search, actions."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from desk.lists import BoundedPaginator
from tests.factories import (
    AgentFactory,
    BotRegistrationFactory,
    ProductFactory,
    TicketFactory,
    UserFactory,
    open_ticket,
)
from tickets.models import Delivery, Ticket, TicketEvent
from tickets.queries import search_tickets
from tickets.refusals import ProductUnavailable
from tickets.status import TicketStatus

LIST = "/admin/tickets/ticket/"


def numbers(response) -> list[int]:
    return [ticket.pk for ticket in response.context["cl"].result_list]


def act(desk, action: str, *tickets: Ticket) -> str:
    data = {"action": action, "_selected_action": [ticket.pk for ticket in tickets]}
    return desk.post(LIST, data, follow=True).content.decode()


def statuses() -> list[str]:
    return list(Ticket.objects.order_by("pk").values_list("status", flat=True))


@pytest.mark.parametrize("rows", [1, 3])
def test_list_query_count(desk, anna, specialist, rows, django_assert_num_queries):
    ProductFactory()
    for _row in range(rows):
        TicketFactory(
            requester=UserFactory(organization=anna.organization), assignee=AgentFactory()
        )
    # session (1 + 3 to keep it alive), user, 2 of rights, products of the filter, count, page
    with django_assert_num_queries(10):
        desk.get(LIST)


def test_list_is_newest_first_with_chips(desk, anna):
    first, second = TicketFactory(requester=anna), TicketFactory(status=TicketStatus.WAITING)
    response = desk.get(LIST)
    assert numbers(response) == [second.pk, first.pk]
    page = response.content.decode()
    assert '<span class="chip chip-new">' in page
    assert '#new"></use></svg>Новая</span>' in page
    assert "chip chip-waiting" in page
    assert "ООО «Альфа»" in page


def test_filters_by_status_and_assignee(desk, specialist):
    mine = TicketFactory(assignee=specialist)
    free = TicketFactory(status=TicketStatus.WAITING)
    closed = TicketFactory(status=TicketStatus.CLOSED)
    assert numbers(desk.get(LIST)) == [closed.pk, free.pk, mine.pk]
    assert numbers(desk.get(LIST, {"who": "me"})) == [mine.pk]
    assert numbers(desk.get(LIST, {"who": "nobody"})) == [free.pk]
    assert numbers(desk.get(LIST, {"status__exact": "waiting"})) == [free.pk]
    assert numbers(desk.get(LIST, {"product__id__exact": free.product_id})) == [free.pk]


def test_list_says_how_many_there_are_without_a_plural(desk, anna):
    for _row in range(3):
        TicketFactory(requester=anna)
    page = " ".join(desk.get(LIST).content.decode().split())
    assert "Всего: 3" in page
    assert "3 заявки" not in page


def test_list_that_is_counted_to_the_bound_does_not_say_that_this_is_all(desk, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 2)
    for _row in range(3):
        TicketFactory()
    page = " ".join(desk.get(LIST).content.decode().split())
    assert "Не меньше: 2" in page
    assert "Всего" not in page


@pytest.fixture
def found(anna, boris):
    """Finds among Anna's and Boris's tickets."""
    TicketFactory(requester=anna, title="Реплика отстаёт")
    TicketFactory(requester=boris, title="Новая реплика")
    TicketFactory(requester=boris, title="100% загрузка")

    def search(term: str) -> list[str]:
        tickets = search_tickets(Ticket.objects.order_by("pk"), term)
        return list(tickets.values_list("title", flat=True))

    return search


def test_search_by_number(found):
    number = Ticket.objects.get(title="Новая реплика").pk
    for spelling in (str(number), f"№ {number}", f"#{number}", f" №{number} "):
        assert found(spelling) == ["Новая реплика"]
    assert found("9" * 40) == found("99999999") == []


def test_search_by_email(found):
    assert found("anna@alpha.example") == found("ANNA@") == ["Реплика отстаёт"]
    assert found("@alpha") == []


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
    with django_assert_num_queries(11):
        assert len(numbers(desk.get(LIST, {"q": "+79161234567"}))) == rows


def test_search_by_start_of_title(found):
    assert found("Реплика") == found("реплика") == found("РЕПЛИКА") == ["Реплика отстаёт"]
    assert found("100%") == ["100% загрузка"]
    assert found("%") == found("_") == found("٥") == []
    assert len(found(" ")) == 3


def test_search_for_a_start_uses_an_index(db):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # an empty table is read through
    titles = search_tickets(Ticket.objects.order_by(), "реплика")
    assert "ticket_title_start" in titles.explain()
    with CaptureQueriesContext(connection) as queries:
        search_tickets(Ticket.objects.all(), "anna@")
    with connection.cursor() as cursor:
        plan = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{plan} {queries[0]['sql']}")
        assert "user_email_start" in str(cursor.fetchall())


def test_search_box_uses_it(desk, found):
    response = desk.get(LIST, {"q": "новая"})
    assert [ticket.title for ticket in response.context["cl"].result_list] == ["Новая реплика"]


def test_deep_pages_are_refused(desk, monkeypatch):
    for _row in range(3):
        TicketFactory()
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 2)
    monkeypatch.setattr("desk.tickets.TicketAdmin.list_per_page", 1)
    assert desk.get(LIST, {"p": 2}).status_code == 200
    assert desk.get(LIST, {"p": 3}).status_code == 302


def test_count_is_bounded(db, monkeypatch):
    TicketFactory()
    TicketFactory()
    assert BoundedPaginator(Ticket.objects.order_by("-id"), 1).count == 2
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 1)
    assert BoundedPaginator(Ticket.objects.order_by("-id"), 1).count == 1


def test_take_starts_and_assigns(desk, anna, product, specialist):
    ticket = open_ticket(anna, product=product)
    page = act(desk, "take", ticket)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee) == ("in_progress", specialist)
    assert "Готово: 1 заявка." in page
    kinds = TicketEvent.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["created", "status", "assigned"]
    assert Delivery.objects.filter(kind="status").count() == 2
    assert "Это уже сделано." in act(desk, "take", ticket)


def test_take_over_a_ticket_in_work(desk, specialist):
    ticket = TicketFactory(status=TicketStatus.IN_PROGRESS, assignee=AgentFactory())
    act(desk, "take", ticket)
    ticket.refresh_from_db()
    assert ticket.assignee == specialist


def test_refused_take_of_a_closed_ticket_assigns_nobody(desk):
    ticket = TicketFactory(status=TicketStatus.CLOSED)
    assert "нельзя перейти" in act(desk, "take", ticket)
    ticket.refresh_from_db()
    assert ticket.assignee is None


@pytest.mark.parametrize(
    ("action", "status"), [("ask", "waiting"), ("resolve", "resolved"), ("close", "closed")]
)
def test_actions_change_what_they_may_and_tell_of_the_rest(desk, action, status):
    free = TicketFactory(status=TicketStatus.IN_PROGRESS)
    closed = TicketFactory(status=TicketStatus.CLOSED)
    page = act(desk, action, free, closed)
    assert statuses() == [status, "closed"]
    assert f"№ {closed.pk}: " in page
    assert f"№ {free.pk}: " not in page
    assert "Готово: 1 заявка." in page


def test_actions_need_the_right_to_change(client, agent):
    agent.user_permissions.set(Group.objects.get().permissions.filter(codename="view_ticket"))
    client.force_login(agent)
    ticket = TicketFactory()
    act(client, "close", ticket)
    assert statuses() == ["new"]


def test_delete_action_does_not_exist(desk):
    ticket = TicketFactory()
    act(desk, "delete_selected", ticket)
    assert Ticket.objects.filter(pk=ticket.pk).exists()


def test_all_at_once_is_at_most_a_page(desk, monkeypatch):
    monkeypatch.setattr("desk.tickets.TicketAdmin.list_per_page", 2)
    tickets = [TicketFactory() for _row in range(3)]
    data = {"action": "close", "_selected_action": [tickets[0].pk], "select_across": "1"}
    desk.post(LIST, data)
    assert sorted(statuses()) == ["closed", "closed", "new"]


def test_product_in_use_is_switched_off_not_deleted(client, anna, product):
    client.force_login(AgentFactory(is_superuser=True))
    open_ticket(anna, product=product)
    path = f"/admin/tickets/product/{product.pk}/"
    client.post(f"{path}delete/", {"post": "yes"})
    shown = client.get(f"{path}change/").context["adminform"].form.shown_now()
    given = {"name": product.name, "icon": "", "position": 0, "shown": shown}
    client.post(f"{path}change/", given)
    product.refresh_from_db()
    assert product.is_active is False
    with pytest.raises(ProductUnavailable):
        open_ticket(anna, product=product)
