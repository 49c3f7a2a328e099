"""What the address of a list may ask for: its filters, its search, a page. Nothing else."""

import pytest
from django.contrib import admin
from django.urls import reverse

from desk.lists import BoundedPaginator, DeskAdmin
from tests.factories import TicketFactory, UserFactory
from tickets.models import Ticket

pytestmark = pytest.mark.each_case

LISTS = [model._meta for model in admin.site._registry]
by_name = pytest.mark.parametrize("opts", LISTS, ids=lambda opts: opts.label_lower)
NOT_ASKED = [
    ("email__regex", "^a"),
    ("email__regex", "(" * 50),  # no expression at all
    ("password__startswith", "pbkdf2"),
    ("pk__gt", "0"),
    ("id__in", "1,2"),
    ("requester__password__contains", "md5"),
    ("user__password__contains", "md5"),
    ("recipient__email__icontains", "a"),
    ("is_superuser__exact", "1"),
    ("is_active__exact__regex", "."),
    ("status__regex", "."),
    ("payload__contains", "a"),
    ("__class__", "1"),
    ("email__\u202e\0", "1"),
]


def path_of(opts, page: str = "changelist") -> str:
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}")


def test_every_list_is_one_of_the_desk():
    strangers = [
        type(one) for one in admin.site._registry.values() if not isinstance(one, DeskAdmin)
    ]
    assert strangers == []


@pytest.fixture
def visitor(root_desk):
    """Takes many requests in one test: a fault of ours is an answer of one of them, 500."""
    UserFactory()
    root_desk.raise_request_exception = False
    return root_desk


def require_answers(answers: dict) -> None:
    wrong = {asked: code for asked, code in answers.items() if code not in {200, 302, 400}}
    assert wrong == {}, wrong


@by_name
def test_condition_beside_the_filters_is_refused(visitor, opts):
    taken = {}
    for condition in NOT_ASKED:
        response = visitor.get(path_of(opts), dict([condition]))
        if response.status_code == 400:  # Django itself refuses conditions on other tables
            continue
        place = response.headers.get("Location")
        shown = visitor.get(place).status_code if place else None
        if (response.status_code, place, shown) != (302, path_of(opts) + "?e=1", 200):
            taken[condition] = (response.status_code, place, shown)
    assert taken == {}, taken


ODD_QUERIES = [
    "q=%00", "q=%ED%A0%80", "q=" + "9" * 400, "q=(((", "p=-1", "p=99999999999", "p=٣", "o=1.-2",
    "all=1", "_to_field=password", "_popup=1", "e=1", "_facets=1", "q=%27%22%3C%26&p=0",
]  # fmt: skip


@by_name
def test_odd_search_or_page_is_no_error(visitor, opts):
    answers = {query: visitor.get(f"{path_of(opts)}?{query}").status_code for query in ODD_QUERIES}
    require_answers(answers)


def offered() -> list[tuple[str, str]]:
    """Each filter of each list by the name under which its links ask."""
    return [
        (path_of(model._meta), getattr(each, "parameter_name", None) or each)
        for model, one in admin.site._registry.items()
        for each in one.list_filter
    ]


@pytest.mark.parametrize(("path", "name"), offered())
def test_odd_value_of_a_filter_is_no_error(visitor, path, name):
    answers = {
        (name + suffix, value): visitor.get(path, {name + suffix: value}).status_code
        for value in ["\0", "x" * 3000, "-1", "9" * 30, "٣", "", "'", "1\0"]
        for suffix in ("", "__exact", "__id__exact", "__isnull")
    }
    require_answers(answers)


@pytest.mark.parametrize(
    ("model", "field"), [("ticket", "assignee"), ("ticket", "password"), ("x\0", "y")]
)
@pytest.mark.parametrize("term", ["\0", "(", "9" * 400, "\u202e"])
def test_odd_search_for_a_person_is_no_error(root_desk, model, field, term):
    query = {"app_label": "tickets", "model_name": model, "field_name": field, "term": term}
    assert root_desk.get(reverse("admin:autocomplete"), query).status_code in {200, 400, 403}


PEOPLE = "/admin/accounts/user/"


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_list_says_how_many_there_are_without_a_plural(root_desk):
    UserFactory()
    UserFactory()
    page = text(root_desk.get(PEOPLE))
    assert "Всего: 3" in page
    assert "3 пользовател" not in page


def test_list_that_is_counted_to_the_bound_does_not_say_that_this_is_all(root_desk, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 2)
    UserFactory()
    UserFactory()
    page = text(root_desk.get(PEOPLE))
    assert "Не меньше: 2" in page
    assert "Всего" not in page


def test_count_is_bounded(db, monkeypatch):
    TicketFactory()
    TicketFactory()
    assert BoundedPaginator(Ticket.objects.order_by("-id"), 1).count == 2
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 1)
    assert BoundedPaginator(Ticket.objects.order_by("-id"), 1).count == 1


@pytest.mark.parametrize("page", ["", "add/"])
def test_page_brings_no_script_that_nobody_uses(root_desk, page):
    shown = root_desk.get(f"/admin/accounts/organization/{page}").content.decode()
    assert "jquery" in shown
    for name in ("xregexp", "urlify", "admin/js/prepopulate.js"):
        assert name not in shown
