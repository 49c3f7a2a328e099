"""Forms of the desk filled in by hand: refused with words, never with an error of ours."""

import re

import pytest
from django.contrib import admin

from tests.desk.test_rights import ROWS, admin_of
from tests.factories import OrganizationFactory, UserFactory, open_ticket
from tickets.models import Ticket

pytestmark = pytest.mark.each_case

IDS = ["x", "-1", "1e3", "٣", "9" * 40, "1_0", "", "None", "1,2", "\ufffd"]


def path_of(one: admin.ModelAdmin, page: str = "") -> str:
    return f"/admin/{one.opts.app_label}/{one.opts.model_name}/{page}"


@pytest.mark.parametrize("label", ROWS)
def test_action_on_a_row_that_cannot_be(root_desk, label):
    ROWS[label]()
    one = admin_of(label)
    for action in ["delete_selected", *one.actions, "no_such", "__class__"]:
        for number in IDS:
            for rows in ({"_selected_action": [number, "1"]}, {"select_across": "1"}):
                data = {"action": action, "index": number, "post": "yes", **rows}
                response = root_desk.post(path_of(one), data)
                assert response.status_code in {200, 302, 400, 403}, (action, data)


@pytest.mark.parametrize("label", ROWS)
def test_page_of_a_row_that_cannot_be(root_desk, label):
    for number in filter(None, IDS):
        for page in ("change", "delete", "history"):
            response = root_desk.get(path_of(admin_of(label), f"{number}/{page}/"))
            assert response.status_code in {302, 403, 404}, (number, page)


CARD = {"answer": "", "act": "answer"}
FACTS = {"priority": "medium", "initial-priority": "medium", "assignee": "", "initial-assignee": ""}
FORGED = [
    *[{"seen": number} for number in IDS],
    *[{"key": number} for number in IDS],
    {"act": "merged", "answer": "Слова"},
    {"act": "resolve"},
    {"answer": "щ" * 20_001},
]


@pytest.mark.parametrize("change", FORGED, ids=str)
def test_card(desk, anna, change):
    ticket = open_ticket(anna)
    path = f"/admin/tickets/ticket/{ticket.pk}/change/"
    page = desk.get(path).content.decode()
    hidden = dict(re.findall(r'name="(seen|key)"[^>]*value="([^"]*)"', page))
    response = desk.post(path, CARD | hidden | change)
    assert response.status_code in {200, 302}
    ticket.refresh_from_db()
    assert ticket.assignee is None
    assert ticket.priority == Ticket._meta.get_field("priority").default
    assert not ticket.comments.exists()


@pytest.mark.parametrize(
    "change",
    [*[{name: number} for name in ("assignee", "initial-assignee") for number in IDS if number],
     {"priority": "urgent"}, {"priority": ""}],
    ids=str,
)  # fmt: skip
def test_facts_of_a_card(desk, anna, change):
    ticket = open_ticket(anna)
    response = desk.post(f"/admin/tickets/ticket/{ticket.pk}/facts/", FACTS | change)
    assert response.status_code in {200, 302}
    ticket.refresh_from_db()
    assert (ticket.assignee, ticket.priority) == (None, "medium")


@pytest.mark.parametrize("number", IDS)
def test_presence_takes_any_number(desk, anna, number):
    path = f"/admin/tickets/ticket/{open_ticket(anna).pk}/presence/"
    assert desk.post(path, {"seen": number, "writes": number}).status_code == 200


def test_customer_is_no_assignee(desk, anna):
    ticket = open_ticket(anna)
    path = f"/admin/tickets/ticket/{ticket.pk}/facts/"
    page = desk.post(path, FACTS | {"assignee": anna.pk})
    assert page.status_code == 200
    ticket.refresh_from_db()
    assert ticket.assignee is None


@pytest.mark.parametrize("number", IDS)
def test_organization_of_a_person(root_desk, number):
    OrganizationFactory()
    person = UserFactory()
    data = {"email": person.email, "username": person.username, "organization": number}
    for page in ("add/", f"{person.pk}/change/"):
        response = root_desk.post(f"/admin/accounts/user/{page}", data)
        assert response.status_code in {200, 302}
    person.refresh_from_db()
    assert person.organization is None


ROW = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": "1", "_save": "1",
       "form-0-position": "1"}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        *[{name: number} for number in IDS for name in ROW if name != "_save"],
        {"form-TOTAL_FORMS": "99999999"},
    ],
    ids=str,
)
def test_rows_of_a_list(root_desk, product, change):
    response = root_desk.post("/admin/tickets/product/", ROW | change)
    assert response.status_code in {200, 302, 400}
