"""The page that merges two tickets: what it shows, who may, and that it acts once."""

from uuid import uuid4

import pytest

from tests.factories import AgentFactory, open_ticket
from tickets.comments import add_comment
from tickets.drafts import Mark, save_draft
from tickets.merging import merge_tickets
from tickets.models import Ticket, TicketEvent, TicketLink

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product, title="Сайт лежит")


@pytest.fixture
def into(anna, product):
    return open_ticket(anna, product=product, title="Общая <заявка>")


def address(ticket: Ticket) -> str:
    return f"/admin/tickets/ticket/{ticket.pk}/merge/"


def card(ticket: Ticket) -> str:
    return f"/admin/tickets/ticket/{ticket.pk}/change/"


def confirmed(into: Ticket, **given) -> dict:
    seen = TicketEvent.objects.latest("pk").pk
    return {"into": into.pk, "seen": seen, "key": str(uuid4())} | given


def merged(ticket: Ticket) -> int | None:
    return Ticket.objects.get(pk=ticket.pk).merged_into_id


def test_page_shows_both_and_changes_nothing(desk, ticket, into):
    page = desk.get(address(ticket), {"into": f"№ {into.pk}"}).content.decode()
    assert "Сайт лежит" in page
    assert "Общая &lt;заявка&gt;" in page
    assert "Отменить объединение нельзя" in page
    assert merged(ticket) is None


def test_confirmed_it_leads_to_the_card_of_the_other(desk, ticket, into):
    response = desk.post(address(ticket) + "?list=tab%3Dmine", confirmed(into), follow=True)
    assert response.redirect_chain == [(card(into) + "?list=tab%3Dmine", 302)]
    assert f"Заявка № {ticket.pk} объединена с этой. Клиент узнает" in response.content.decode()
    assert merged(ticket) == into.pk


def test_sent_twice_it_acts_once(desk, ticket, into):
    sent = confirmed(into)
    for _time in range(2):
        assert desk.post(address(ticket), sent).url == card(into)
    assert TicketEvent.objects.filter(kind="merged").count() == 2  # one in each of the two


def test_double_press_with_another_key_leads_there_too(desk, ticket, into):
    desk.post(address(ticket), confirmed(into))
    assert desk.post(address(ticket), confirmed(into)).url == card(into)


@pytest.mark.parametrize("typed", ["999999", "слова", "-1", "1e3", "٣", "9" * 30])
def test_number_of_nothing_is_refused(desk, ticket, typed):
    page = desk.get(address(ticket), {"into": typed})
    assert "Заявки с таким номером нет." in page.content.decode()
    assert desk.post(address(ticket), {"into": typed}).status_code == 200
    assert merged(ticket) is None


def test_refusal_is_said_before_and_after(desk, ticket, boris, product):
    foreign = open_ticket(boris, product=product)
    words = "Объединить можно заявки одного инициатора"
    assert words in desk.get(address(ticket), {"into": foreign.pk}).content.decode()
    assert words in desk.post(address(ticket), confirmed(foreign)).content.decode()
    assert merged(ticket) is None


def test_what_came_meanwhile_is_looked_at_first(desk, ticket, into, by_anna):
    sent = confirmed(into)
    add_comment(ticket=into, actor=by_anna, body="Уже заработало")
    page = desk.post(address(ticket), sent).content.decode()
    assert "в одной из заявок что-то изменилось" in page
    assert merged(ticket) is None
    desk.post(address(ticket), confirmed(into))
    assert merged(ticket) == into.pk


def test_card_of_the_merged_one_leads_on(desk, ticket, into, by_agent):
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    response = desk.get(card(ticket) + "?list=tab%3Dmine")
    assert response.url == card(into) + "?list=tab%3Dmine"
    assert f"{card(ticket)}?own=1" in desk.get(card(into)).content.decode()
    own = desk.get(card(ticket) + "?own=1").content.decode()
    assert f'Объединена с заявкой <a href="{card(into)}">№ {into.pk}</a>' in own
    assert 'id="card-form"' not in own


def test_answer_written_meanwhile_is_not_lost(desk, ticket, into, by_agent):
    seen = TicketEvent.objects.filter(ticket=ticket).latest("pk").pk
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    sent = {
        "seen": seen + 10, "visibility": "public", "answer": "Мой ответ", "status": "closed",
        "priority": "medium", "initial-priority": "medium", "assignee": "", "initial-assignee": "",
    }  # fmt: skip
    page = desk.post(card(ticket), sent).content.decode()
    assert f"Заявка № {ticket.pk} объединена с № {into.pk}." in page
    assert "Мой ответ" in page


def test_search_by_the_merged_number_finds_it(desk, ticket, into, by_agent):
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    page = desk.get("/admin/tickets/ticket/", {"q": str(ticket.pk)}).content.decode()
    assert card(ticket) in page


@pytest.mark.parametrize(("role", "status"), [("head", 200), ("administrator", 200)])
def test_roles_may(client, ticket, request, role, status):
    client.force_login(request.getfixturevalue(role))
    assert client.get(address(ticket)).status_code == status


def test_staff_without_a_role_may_not(client, ticket, into):
    client.force_login(AgentFactory())
    assert client.get(address(ticket)).status_code == 403
    assert client.post(address(ticket), confirmed(into)).status_code == 403
    assert merged(ticket) is None


def test_customers_are_sent_to_log_in(client, anna, ticket, into):
    client.force_login(anna)
    assert client.post(address(ticket), confirmed(into)).status_code == 302
    assert merged(ticket) is None


def test_missing_ticket_is_missing(desk):
    assert desk.get("/admin/tickets/ticket/999999/merge/").status_code == 404


def test_words_kept_after_the_merge_stand_on_the_other_card(
    desk, specialist, ticket, into, by_agent
):
    """An open card leads there as soon as its ticket is merged; sent there, they are done with."""
    merge_tickets(ticket=ticket, into=into, actor=by_agent, seen=10**9)
    mark = Mark(specialist.pk, "note", ticket.pk)
    save_draft(mark=mark, key=None, post={"note": "Мои слова"})
    page = desk.get(card(ticket), follow=True)
    assert "Мои слова</textarea>" in page.content.decode()
    sent = {"note": "Мои слова", "seen": page.context["seen"], "key": str(uuid4())}
    desk.post(f"/admin/tickets/ticket/{into.pk}/note/", sent)
    assert into.comments.get(body="Мои слова").is_internal
    assert "Мои слова</textarea>" not in desk.get(card(into)).content.decode()


@pytest.mark.parametrize("tool", ["follow", "link"])
def test_card_of_before_the_merge_neither_follows_nor_links(
    desk, ticket, into, product, boris, by_agent, tool
):
    other = open_ticket(boris, product=product)
    merge_tickets(ticket=ticket, into=into, actor=by_agent, seen=10**9)
    sent = {"key": str(uuid4()), "number": other.pk}
    page = desk.post(f"/admin/tickets/ticket/{ticket.pk}/{tool}/", sent, follow=True)
    assert f"Заявка № {ticket.pk} объединена с № {into.pk}." in page.content.decode()
    assert not ticket.followers.filter(user__is_staff=True).exists()
    assert not TicketLink.objects.exists()
