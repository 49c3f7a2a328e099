"""Lists: filters, orders, pages that skip nothing, and how little they ask of the database."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.api.conftest import codes, program_of
from tests.factories import ProductFactory, TicketFactory, open_ticket
from tickets.models import Ticket
from tickets.status import TicketStatus

pytestmark = [pytest.mark.django_db, pytest.mark.each_case]


def numbers(answer):
    assert answer.status_code == 200, answer.content
    return [ticket["number"] for ticket in answer.json()["results"]]


def make(person, count, **given):
    """The first is the one changed longest ago; three share a moment; every other is closed."""
    start = timezone.now() - timedelta(hours=1)
    return [
        TicketFactory(
            requester=person,
            changed_at=start + timedelta(seconds=place // 3),
            status=TicketStatus.CLOSED if place % 2 else TicketStatus.NEW,
            **given,
        ).pk
        for place in range(count)
    ]


def walk(program, path):
    """All pages, forward."""
    found = []
    while path:
        page = program.get(path).json()
        found.append([ticket["number"] for ticket in page["results"]])
        path = page["next"]
    return found


@pytest.mark.parametrize("order", ["-changed_at", "changed_at"])
@pytest.mark.parametrize("who", ["annas", "desk"])
def test_pages_hold_all_once(request, anna, who, order):
    made = make(anna, 10)
    pages = walk(request.getfixturevalue(who), f"tickets/?page_size=3&order={order}")
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert sum(pages, []) == (made[::-1] if order == "-changed_at" else made)


@pytest.mark.parametrize("order", ["-changed_at", "changed_at"])
def test_pages_lead_back(annas, anna, order):
    make(anna, 8)
    first = annas.get(f"tickets/?page_size=3&order={order}").json()
    second = annas.get(first["next"]).json()
    third = annas.get(second["next"]).json()
    assert (first["previous"], third["next"]) == (None, None)
    assert annas.get(third["previous"]).json()["results"] == second["results"]
    back = annas.get(annas.get(third["previous"]).json()["previous"]).json()
    assert back["results"] == first["results"]
    assert back["previous"] is None
    assert annas.get(back["next"]).json()["results"] == second["results"]


def test_page_after_the_last_row_has_gone_leads_back(annas, anna):
    made = make(anna, 4)
    following = annas.get("tickets/?page_size=3").json()["next"]
    Ticket.objects.filter(pk=made[0]).delete()
    page = annas.get(following).json()
    assert (page["results"], page["next"]) == ([], None)
    assert numbers(annas.get(page["previous"])) == made[:0:-1]


def test_ticket_that_moves_meanwhile_hides_no_other(annas, anna):
    """With offsets the fourth would be skipped: the first page moved it up."""
    made = make(anna, 6)
    page = annas.get("tickets/?page_size=3").json()
    Ticket.objects.filter(pk=made[0]).update(changed_at=timezone.now())
    rest = sum(walk(annas, page["next"]), [])
    assert rest == made[1:3][::-1]


def test_program_that_follows_misses_nothing(annas, anna, clock):
    """It asks since the last moment it was told; what has just changed comes a little later."""
    made = make(anna, 5)
    told = walk(annas, "tickets/?order=changed_at&page_size=2")
    last = annas.get(f"tickets/{told[-1][-1]}/").json()["changed_at"]
    fresh = TicketFactory(requester=anna, changed_at=timezone.now()).pk
    since = f"tickets/?order=changed_at&page_size=2&since={last}"
    assert (sum(told, []), walk(annas, since)) == (made, [[]])
    late = TicketFactory(requester=anna, changed_at=timezone.now() - timedelta(seconds=2)).pk
    clock.advance(seconds=5)
    assert sum(walk(annas, since), []) == [late, fresh]


def test_since_leaves_out_its_own_moment(annas, anna):
    made = make(anna, 1)
    moment = annas.get(f"tickets/{made[0]}/").json()["changed_at"]
    assert numbers(annas.get("tickets/", {"since": moment})) == []
    assert numbers(annas.get("tickets/", {"since": moment.replace("Z", "-01:00")})) == []
    assert numbers(annas.get("tickets/", {"since": moment.replace("Z", "+01:00")})) == made


FILTERS = {
    "status=waiting": "waiting", "status=new": "plain", "priority=high": "urgent",
    "product={product}": "other", "search=реплика": "found", "search=%E2%84%96{found}": "found",
    "assignee=me": "given",
}  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), FILTERS.items())
def test_filters(desk, anna, agent, query, expected):
    product = ProductFactory()
    rows = {
        "waiting": TicketFactory(requester=anna, status=TicketStatus.WAITING),
        "urgent": TicketFactory(requester=anna, priority="high", status=TicketStatus.CLOSED),
        "other": TicketFactory(requester=anna, product=product, status=TicketStatus.CLOSED),
        "found": TicketFactory(requester=anna, title="Реплика", status=TicketStatus.CLOSED),
        "given": TicketFactory(requester=anna, assignee=agent, status=TicketStatus.CLOSED),
        "plain": TicketFactory(requester=anna),
    }
    query = query.format(product=product.pk, found=rows["found"].pk)
    assert numbers(desk.get(f"tickets/?{query}")) == [rows[expected].pk]


def test_lists_of_a_person(anna, vera, boris):
    mine, hers = TicketFactory(requester=vera).pk, TicketFactory(requester=anna).pk
    TicketFactory(requester=boris)
    program = program_of(vera)
    assert numbers(program.get("tickets/")) == [mine]
    assert numbers(program.get("tickets/?list=organization")) == [hers, mine]
    assert numbers(program.get("tickets/?list=all")) == [hers, mine]


def test_lists_of_an_organization_that_shares_nothing(alphas, anna, product):
    TicketFactory(requester=anna)
    body = {"product": product.pk, "title": "Сбой", "description": "x", "on_behalf_of": anna.email}
    opened = alphas.post("tickets/", body).json()["number"]
    for chosen in ("own", "organization", "all"):
        assert numbers(alphas.get(f"tickets/?list={chosen}")) == [opened]


def test_search_of_customers_finds_no_notes(annas, desk, anna, agent):
    number = open_ticket(anna).pk
    desk.post(f"tickets/{number}/comments/", {"body": "перепрошить", "internal": True})
    assert numbers(annas.get("tickets/?search=перепрошить")) == []
    assert numbers(desk.get("tickets/?search=перепрошить")) == [number]


BAD = [
    "page_size=0", "page_size=101", "page_size=x", "page_size=-1", "page_size=", "page_size=1.5",
    "cursor=", "cursor=x", "cursor=eyJhIjoxfQ:1:x", "list=theirs", "status=done", "priority=1",
    "product=x", "order=id", "since=yesterday", "since=2026-01-01", "since=2026-01-01T00:00:00",
    "since=0001-01-01T00:00:00%2B23:59", "since=2026-13-01T00:00:00Z", "assignee=you",
]  # fmt: skip


@pytest.mark.parametrize("query", BAD)
def test_parameter_that_makes_no_sense(desk, query):
    answer = desk.get(f"tickets/?{query}")
    assert answer.status_code == 400
    assert codes(answer) == [(query.partition("=")[0], "invalid")]


def test_cursor_is_for_its_own_list(annas, anna):
    make(anna, 3)
    cursor = annas.get("tickets/?page_size=1").json()["next"].split("cursor=")[1]
    assert annas.get(f"tickets/?order=changed_at&cursor={cursor}").status_code == 400
    changed = ("b" if cursor[0] != "b" else "c") + cursor[1:]
    assert annas.get(f"tickets/?cursor={changed}").status_code == 400


@pytest.mark.parametrize("count", [1, 3, 30])
@pytest.mark.parametrize(("who", "most"), [("annas", 2), ("desk", 3), ("alphas", 1)])
def test_list_costs_little_besides_the_token(
    request, anna, agent, who, most, count, django_assert_num_queries
):
    make(anna, count, assignee=agent)
    type(anna.organization).objects.update(shares_tickets=True)
    program = request.getfixturevalue(who)
    program.get("me/")  # writes the token's last use
    of_search = 3 if connection.vendor == "postgresql" else 0  # it finds numbers first
    for query, more in (("", 0), ("&search=отчёт", of_search)):
        with django_assert_num_queries(1 + most + more):
            answer = program.get(f"tickets/?page_size=100{query}")
        assert len(numbers(answer)) == count


def test_nothing_is_counted_and_no_page_is_skipped_to(annas, anna, django_assert_num_queries):
    make(anna, 5)
    following = annas.get("tickets/?page_size=2").json()["next"]
    with django_assert_num_queries(3) as asked:
        annas.get(following)
    asked = " ".join(query["sql"] for query in asked).upper()
    assert "COUNT(" not in asked
    assert "OFFSET" not in asked
