"""What staff see of the groups."""

import pytest
from django.urls import reverse

from tests.groups import make_group, make_ticket

LIST_QUERIES = 11


def test_staff_see_groups_with_products_and_last_tickets(desk, anna, product, monkeypatch):
    monkeypatch.setattr("desk.telegram.TICKETS_SHOWN", 2)
    group = make_group("Проект Альфа", product=product, chosen_by=anna)
    tickets = [make_ticket(group, anna, title=f"Беда {number}") for number in range(3)]
    response = desk.get(reverse("admin:telegram_bot_group_changelist"), {"q": "Альфа"})
    listed = response.content.decode()
    assert "Проект Альфа" in listed
    assert product.name in listed
    response = desk.get(reverse("admin:telegram_bot_group_change", args=[group.pk]))
    page = response.content.decode()
    for words in (product.name, "вся группа", "Беда 2", "Беда 1"):
        assert words in page
    assert reverse("admin:tickets_ticket_change", args=[tickets[2].pk]) in page
    assert "Беда 0" not in page


def test_staff_change_nothing_of_a_group(desk):
    group = make_group("Проект Альфа")
    for name in ("change", "delete"):
        url = reverse(f"admin:telegram_bot_group_{name}", args=[group.pk])
        assert desk.post(url, {"title": "Другое", "post": "yes"}).status_code == 403
    assert desk.get(reverse("admin:telegram_bot_group_add")).status_code == 403
    group.refresh_from_db()
    assert group.title == "Проект Альфа"


@pytest.mark.parametrize("size", [1, 3])
def test_list_of_staff_needs_the_same_queries(desk, anna, product, size, django_assert_num_queries):
    for number in range(size):
        make_group(f"Группа {number}", product=product, chosen_by=anna)
    with django_assert_num_queries(LIST_QUERIES):
        desk.get(reverse("admin:telegram_bot_group_changelist"))
