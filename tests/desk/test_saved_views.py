"""A name for the filters of the queue: saved, shown beside the tabs, renamed, deleted."""

import re

import pytest

from tests.factories import AgentFactory
from tickets.models import SavedView
from tickets.saved_views import save_view

LIST = "/admin/tickets/ticket/"
VIEWS = f"{LIST}views/"
BEHIND = {"list": "tab=mine&priority=high&organization=альфа&p=2"}


def text(response) -> str:
    return " ".join(response.content.decode().split())


def shown(response) -> list[str]:
    nav = re.search(r'<nav class="views".*?</nav>', text(response))[0]
    return re.findall(r"<a [^>]*>([^<]*)</a>", nav)[:-1]


def post(client, **data):
    return client.post(f"{VIEWS}?list=tab%3Dmine%26priority%3Dhigh%26p%3D2", data)


def test_list_is_saved_from_its_first_page_on(desk):
    response = post(desk, name="Мои срочные")
    assert response.url == f"{LIST}?tab=mine&priority=high"
    page = desk.get(response.url)
    assert shown(page) == ["Мои срочные"]
    assert '<a href="?tab=mine&amp;priority=high" aria-current="page">Мои срочные' in text(page)
    assert 'aria-current="page">Мои срочные' not in text(desk.get(LIST))


def test_list_leads_to_the_page_that_saves_it(desk):
    page = text(desk.get(LIST, {"tab": "mine", "priority": "high"}))
    href = re.search(r'class="views-own" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert f'href="{LIST}?tab=mine&amp;priority=high">← к списку' in text(desk.get(href))


@pytest.mark.parametrize("rows", [1, 3])
def test_query_count(desk, specialist, rows, django_assert_num_queries):
    for row in range(rows):
        save_view(user=specialist, name=f"Вид {row}", query=f"q={row}")
    desk.get(VIEWS)
    with django_assert_num_queries(5):  # session, user, 2 of rights, views
        desk.get(VIEWS)


def test_refusal_stands_beside_the_name_that_was_typed(desk, specialist):
    save_view(user=specialist, name="Срочные", query="priority=high")
    page = text(post(desk, name="Срочные"))
    assert "Вид с таким названием у вас уже есть." in page
    assert 'value="Срочные" aria-describedby="new-hint new-error" aria-invalid="true"' in page
    assert "<title>Ошибка: Мои виды" in page
    assert SavedView.objects.count() == 1


def test_rename_and_delete(desk, specialist):
    view = save_view(user=specialist, name="Срочные", query="priority=high")
    save_view(user=specialist, name="Важные", query="priority=low")
    assert post(desk, view=view.pk, name="Горит").url.startswith(VIEWS)
    assert shown(desk.get(LIST)) == ["Важные", "Горит"]
    assert "уже есть" in text(post(desk, view=view.pk, name="Важные"))
    for _press in range(2):
        assert post(desk, view=view.pk, name="", delete="1").status_code == 302
    assert shown(desk.get(LIST)) == ["Важные"]


def test_views_of_others_are_neither_shown_nor_changed(desk):
    other = save_view(user=AgentFactory(), name="Чужой", query="q=1")
    assert "Чужой" not in text(desk.get(VIEWS)) + text(desk.get(LIST))
    post(desk, view=other.pk, name="Моё")
    post(desk, view=other.pk, delete="1")
    other.refresh_from_db()
    assert other.name == "Чужой"


def test_limit_is_said_before_it_is_met(desk, specialist, monkeypatch):
    assert "не больше 20" in text(desk.get(VIEWS))
    for number in range(20):
        save_view(user=specialist, name=f"Вид {number}", query=f"q={number}")
    assert "больше нельзя" in text(desk.get(VIEWS))
    assert "Сохранить можно не больше 20 видов" in text(post(desk, name="Лишний"))


def test_saved_address_leads_nowhere_else(desk, specialist):
    save_view(user=specialist, name="Вид", query="next=//evil.example&tab=mine&x=1")
    assert 'href="?tab=mine"' in text(desk.get(LIST, {"tab": "free"}))
    assert f'href="{LIST}?tab=mine">Вид</a>' in text(desk.get(VIEWS))
    assert "evil" not in text(desk.get(VIEWS)) + text(desk.get(LIST))


def test_views_need_the_right_to_see_tickets(client, db):
    client.force_login(AgentFactory())
    assert client.get(VIEWS).status_code == 403
    assert post(client, name="Вид").status_code == 403
    assert not SavedView.objects.exists()
