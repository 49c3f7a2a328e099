import pytest

from tests.factories import TicketFactory
from tickets.similar import LOOKED_AT, SHOWN, similar_tickets

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("one", "other", "is_alike"),
    [
        ("Не открывается отчёт", "Не открывается отчёт", True),
        ("Не открывается отчёт", "отчеты НЕ ОТКРЫВАЮТСЯ", True),
        ("Не открывается отчёт", "Не открывается отчёт за март и апрель", True),
        ("Не открывается отчёт", "Не открывается консоль", False),
        ("Ошибка", "Ошибка", False),  # one word says too little
        ("Нет сети на vm-prod-1", "Нет сети на vm-prod-2", True),
        ("Оплата счёта за сентябрь", "Сервер не отвечает с утра", False),
        ("", "", False),
    ],
)
def test_titles_are_alike_by_their_words(anna, one, other, is_alike):
    ticket = TicketFactory(requester=anna, title=one or "x")
    assert similar_tickets(anna, other) == ([ticket] if is_alike else [])


def test_only_ones_own_open_tickets_count_and_not_the_new_one(anna, boris):
    title = "Не открывается отчёт"
    TicketFactory(requester=boris, title=title)
    TicketFactory(requester=anna, title=title, status="closed")
    TicketFactory(requester=boris, organization=anna.organization, title=title)
    new = TicketFactory(requester=anna, title=title)
    assert similar_tickets(anna, title) == [new]
    assert similar_tickets(anna, title, but=new.pk) == []


def test_nearest_comes_first_and_a_few_are_enough(anna):
    near = TicketFactory(requester=anna, title="Отчёт не открывается после обновления")
    TicketFactory.create_batch(SHOWN, requester=anna, title="Отчёт не открывается")
    found = similar_tickets(anna, "Отчёт открывается после обновления")
    assert len(found) == SHOWN
    assert found[0] == near


@pytest.mark.parametrize("rows", [1, LOOKED_AT + 30])
def test_one_query_looks_at_the_newest(anna, rows, django_assert_num_queries):
    for _row in range(rows):
        TicketFactory(requester=anna, title="Нет связи с сервером", product__name=f"П{_row}")
    with django_assert_num_queries(1) as queries:
        similar_tickets(anna, "Нет связи с сервером")
    assert f"LIMIT {LOOKED_AT}" in queries[0]["sql"]
