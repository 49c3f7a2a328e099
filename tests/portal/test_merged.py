"""A merged number leads to the other ticket, wherever somebody still has it."""

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import open_ticket
from tests.portal.pages import text, url
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.merging import merge_tickets
from tickets.models import Attachment, Comment, Follower, Ticket, TicketEvent
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("logged_in")


@pytest.fixture
def into(anna, product, by_agent):
    return open_ticket(anna, product=product, title="Общая заявка")


@pytest.fixture
def merged(anna, ticket, into, by_agent):
    file = ContentFile(b"line", "a.txt")
    attached = [NewFile("a.txt", file.size, content=file)]
    author = recording.customer(anna, "portal")
    add_comment(ticket=ticket, actor=author, body="Слова из первой", files=attached)
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    ticket.refresh_from_db()
    return ticket


def test_page_leads_on_and_says_so(client, merged, into):
    response = client.get(merged.get_absolute_url() + "?list=tab%3Dclosed")
    assert response.status_code == 302
    assert response.url.startswith(into.get_absolute_url())
    page = text(client.get(response.url))
    assert f"Заявка № {merged.pk} объединена с этой" in page
    assert "Слова из первой" in page
    assert f"Сюда присоединена заявка № {merged.pk}" in page


def test_foreign_merged_number_is_missing(client, merged, boris):
    client.force_login(boris)
    assert client.get(merged.get_absolute_url()).status_code == 404


def test_moved_file_is_still_read(client, merged, into):
    response = client.get(f"/files/{Attachment.objects.get().pk}/")
    assert response.getvalue() == b"line"


def test_comment_from_an_open_page_arrives(client, merged, into):
    response = client.post(url("ticket_comment", merged), {"body": "Дописал"})
    assert response.url.startswith(into.get_absolute_url())
    assert Comment.objects.latest("pk").ticket == into


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("ticket_rate", {"score": "5", "comment": "Слова к оценке"}),
        ("ticket_return", {"reason": "Слова к оценке"}),
    ],
)
def test_mark_and_return_do_nothing_to_the_other(client, merged, into, by_agent, name, sent):
    services.change_status(ticket=into, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово")
    page = text(client.post(url(name, merged), sent))
    into.refresh_from_db()
    assert (into.status, into.score) == (TicketStatus.RESOLVED, None)
    assert "Заявки объединены" in page
    assert "Слова к оценке" in page


def test_closing_it_does_nothing_to_the_other(client, merged, into):
    client.post(url("ticket_close", merged), {"comment": "решено"})
    into.refresh_from_db()
    assert into.status == TicketStatus.NEW


def test_following_it_follows_the_other(client, anna, vera, merged, into):
    client.force_login(vera)
    response = client.post(url("ticket_follow", merged), {"follow": "yes"})
    assert response.url == into.get_absolute_url()
    assert Follower.objects.get(user=vera).ticket == into


def test_open_page_of_it_hears_of_the_merge(client, merged):
    seen = TicketEvent.objects.filter(ticket=merged).earliest("pk").pk
    answer = client.get(url("ticket_live", merged), {"after": seen, "awaiting": ""}).json()
    assert answer["words"] == "Новое в заявке — показать"
    news = text(client.get(url("ticket_news", merged), {"after": seen}))
    assert f"Объединена с заявкой № {merged.merged_into_id}" in news


def test_open_lists_hold_it_no_more_and_a_search_finds_it(client, merged, into):
    assert merged.get_absolute_url() not in text(client.get("/"))
    found = text(client.get("/", {"tab": "closed", "q": f"№ {merged.pk}"}))
    assert merged.get_absolute_url() in found
    assert "Новое:" not in found


def test_list_costs_no_more_with_merged_ones(client, anna, product, into, by_agent):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/", {"tab": "closed"})
        return len(captured)

    counts = []
    for number in (1, 2):
        for _ in range(number):
            ticket = open_ticket(anna, product=product)
            merge_tickets(ticket=ticket, into=into, actor=by_agent)
        client.get("/", {"tab": "closed"})
        counts.append(queries())
    assert counts[0] == counts[1]


def test_who_sees_only_the_merged_one_sees_its_own_page(
    client, anna, vera, ticket, product, by_agent
):
    hers = open_ticket(vera, product=product)
    merge_tickets(ticket=ticket, into=hers, actor=by_agent)
    type(anna.organization).objects.update(shares_tickets=False)
    page = client.get(ticket.get_absolute_url())
    assert page.status_code == 200
    assert f"Объединена с заявкой № {hers.pk}" in text(page)
    assert Ticket.objects.get(pk=ticket.pk).is_closed
