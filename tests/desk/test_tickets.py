"""What is done to tickets from the list at the desk."""

import re
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from accounts.models import User
from desk.bulk import BULK
from tests.factories import (
    AgentFactory,
    SpecialistFactory,
    TicketFactory,
    open_ticket,
)
from tickets.comments import add_comment
from tickets.models import Comment, Delivery, Face, Ticket, TicketEvent
from tickets.recording import agent, customer
from tickets.refusals import AssigneeCannotServe, ProductUnavailable
from tickets.services import assign_ticket
from tickets.status import TicketStatus

LIST = "/admin/tickets/ticket/"


def act(desk, action: str, *tickets: Ticket) -> str:
    data = {"action": action, "_selected_action": [ticket.pk for ticket in tickets]}
    return desk.post(LIST, data, follow=True).content.decode()


def statuses() -> list[str]:
    return list(Ticket.objects.order_by("pk").values_list("status", flat=True))


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


# With words or a choice


WORDS = {"answer": "Проверьте, пожалуйста."}
CHANGES = [
    ("ask", WORDS, {"status": "waiting"}),
    ("resolve", WORDS, {"status": "resolved"}),
    ("close", WORDS, {"status": "closed"}),
    ("priority", {"priority": "high"}, {"priority": "high"}),
    ("assign", {"assignee": "igor"}, {"assignee__username": "igor"}),
]


def begin(desk, action: str, *tickets: Ticket, query: str = "") -> str:
    """The address of the page that asks for what is needed."""
    data = {"action": action, "_selected_action": [ticket.pk for ticket in tickets]}
    return desk.post(LIST + query, data).url


def fill(desk, address: str, **given):
    """What the page sends: its hidden fields, and what was given."""
    page = desk.get(address).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(key|seen-\d+)" value="([^"]*)">', page))
    if "assignee" in given:
        given["assignee"] = User.objects.get(username=given["assignee"]).pk
    return {**hidden, **given}


@pytest.fixture
def igor(db):
    return SpecialistFactory(username="igor", last_name="Петров")


@pytest.mark.parametrize(("action", "given", "expected"), CHANGES)
def test_change_asks_for_what_it_needs_and_tells_of_the_rest(
    desk, igor, anna, product, action, given, expected
):
    free = open_ticket(anna, product=product)
    refused = TicketFactory(
        status=TicketStatus.CLOSED, assignee=igor, priority="high", title="Старая"
    )
    address = begin(desk, action, free, refused, query="?tab=open&priority=medium")
    page = desk.get(address).content.decode()
    assert f"№ {free.pk} {free.title}" in page
    assert f"№ {refused.pk} Старая" in page
    sent = fill(desk, address, **given)
    response = desk.post(address, sent, follow=True)
    assert response.redirect_chain == [(f"{LIST}?tab=open&priority=medium", 302)]
    told = response.content.decode()
    assert "Готово: 1 заявка." in told
    assert f"№ {refused.pk}: " in told
    assert f"№ {free.pk}: " not in told
    assert Ticket.objects.filter(pk=free.pk, **expected).exists()
    if "answer" in given:
        assert free.comments.get().body == given["answer"]


@pytest.mark.parametrize(("action", "given", "expected"), CHANGES)
def test_change_sent_twice_or_reloaded_acts_once(
    desk, igor, anna, product, action, given, expected
):
    ticket = open_ticket(anna, product=product)
    address = begin(desk, action, ticket)
    sent = fill(desk, address, **given)
    answers = [desk.post(address, sent, follow=True).content.decode() for _press in range(3)]
    assert ticket.events.count() == 2 + ("answer" in given)  # who answers takes it
    for told in answers:
        assert "Готово: 1 заявка." in told
        assert "уже сделано" not in told


@pytest.mark.parametrize(("action", "given", "expected"), CHANGES)
def test_nothing_happens_without_what_is_asked_for(desk, igor, action, given, expected):
    ticket = TicketFactory()
    address = begin(desk, action, ticket)
    sent = fill(desk, address) | dict.fromkeys(given, " ")
    page = desk.post(address, sent).content.decode()
    assert "<title>Ошибка: " in page
    assert ticket.events.count() == 0
    assert f'name="key" value="{sent["key"]}"' in page


def test_other_words_under_a_sent_form_are_asked_about(desk, anna, product):
    ticket = open_ticket(anna, product=product)
    address = begin(desk, "ask", ticket)
    sent = fill(desk, address, answer="Первое.")
    desk.post(address, sent)
    page = desk.post(address, {**sent, "answer": "Второе."}).content.decode()
    assert "уже отправлена с другим содержанием, изменено: 1 заявка" in page
    assert "Второе." in page
    assert sent["key"] not in page
    assert ticket.comments.count() == 1


def test_words_that_met_an_ended_session_come_back(desk, specialist, anna, product):
    address = begin(desk, "resolve", open_ticket(anna, product=product))
    page = desk.get(address).content.decode()
    author = re.search(r'name="author" value="([^"]+)"', page)[1]
    sent = {**fill(desk, address, answer="Исправили."), "author": author}
    desk.logout()
    assert desk.post(address, sent).status_code in (200, 302)
    assert not Comment.objects.exists()
    desk.force_login(specialist)
    page = desk.get(address).content.decode()
    assert "Исправили." in page
    assert "Ваш текст сохранён" in page
    assert "Исправили." not in desk.get(address.replace("resolve", "close")).content.decode()


def test_words_do_not_go_past_a_new_word_of_the_customer(desk, anna, product):
    ticket = open_ticket(anna, product=product)
    address = begin(desk, "resolve", ticket)
    sent = fill(desk, address, answer="Готово.")
    add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="Ещё не работает!")
    told = desk.post(address, sent, follow=True).content.decode()
    assert f"№ {ticket.pk}: Пока вы выбирали, заявка изменилась." in told
    assert statuses() == ["new"]


def test_ticket_that_a_colleague_took_meanwhile_is_not_taken_over(desk, igor, anna, product):
    ticket = open_ticket(anna, product=product)
    shown = re.search(r'name="shown" value="(\d+)"', desk.get(LIST).content.decode())[1]
    assign_ticket(ticket=ticket, assignee=igor, actor=agent(igor))
    data = {"action": "take", "_selected_action": [ticket.pk], "shown": shown}
    told = desk.post(LIST, data, follow=True).content.decode()
    assert "заявка изменилась" in told
    ticket.refresh_from_db()
    assert ticket.assignee == igor


def test_take_sent_twice_tells_the_same(desk, anna, product):
    tickets = [open_ticket(anna, product=product) for _row in range(2)]
    key = {"key": str(uuid4()), "action": "take"}
    for ticket in (tickets[0], tickets[0], tickets[1]):  # then the browser went back
        data = {**key, "_selected_action": [ticket.pk]}
        assert "Готово: 1 заявка." in desk.post(LIST, data, follow=True).content.decode()
    assert statuses() == ["in_progress"] * 2


def test_who_serves_no_tickets_is_refused_for_each(desk, anna, product):
    tickets = [open_ticket(anna, product=product) for _row in range(2)]
    address = begin(desk, "assign", *tickets)
    sent = fill(desk, address, assignee=AgentFactory().username)
    told = desk.post(address, sent, follow=True).content.decode()
    for ticket in tickets:
        assert f"№ {ticket.pk}: {AssigneeCannotServe()}" in told
    assert not Ticket.objects.exclude(assignee=None).exists()


def test_list_offers_no_more_agents_than_it_holds(desk, specialist, product, monkeypatch):
    SpecialistFactory(last_name="Яблокова")
    monkeypatch.setattr("desk.assignee.AGENTS_OFFERED", 1)
    page = desk.get(f"{LIST}bulk/assign/?ticket={TicketFactory(product=product).pk}")
    choices = page.context["form"].fields["assignee"].widget.choices
    assert choices == [("", "—"), (specialist.pk, str(specialist))]


@pytest.mark.parametrize("action", BULK)
def test_changes_need_the_right_to_change(client, agent, action):
    agent.user_permissions.set(Permission.objects.filter(codename="view_ticket"))
    client.force_login(agent)
    ticket = TicketFactory()
    act(client, action, ticket)
    address = f"{LIST}bulk/{action}/?ticket={ticket.pk}"
    assert client.get(address).status_code == 403
    given = {"answer": "Слово.", "priority": "high", "assignee": agent.pk, "seen": 0}
    assert client.post(address, given).status_code == 403
    assert ticket.events.count() == 0


@pytest.mark.parametrize("action", ["ask", "resolve", "close"])
def test_words_need_the_right_to_write(client, agent, action):
    rights = ("view_ticket", "change_ticket")
    agent.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client.force_login(agent)
    ticket = TicketFactory()
    assert f'<option value="{action}">' not in client.get(LIST).content.decode()
    assert client.get(f"{LIST}bulk/{action}/?ticket={ticket.pk}").status_code == 403
    assert client.get(f"{LIST}bulk/priority/?ticket={ticket.pk}").status_code == 200


@pytest.mark.each_case
@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("?ticket=x", 400), ("?ticket=1&ticket=", 400), ("?ticket=99999", 200)],
)
def test_address_that_names_no_tickets_is_refused(desk, query, status):
    assert desk.get(f"{LIST}bulk/ask/{query}").status_code == status
    assert desk.get(f"{LIST}bulk/delete/?ticket=1").status_code == 404


def test_more_than_a_page_is_refused(desk):
    query = "&".join(f"ticket={number}" for number in range(1, 52))
    assert desk.get(f"{LIST}bulk/ask/?{query}").status_code == 400


@pytest.mark.parametrize("rows", [1, 3])
def test_page_query_count(desk, anna, product, rows, django_assert_num_queries):
    address = begin(desk, "ask", *[open_ticket(anna, product=product) for _row in range(rows)])
    desk.get(LIST)
    # session, user, 2 of rights, kept words, newest events, tickets
    with django_assert_num_queries(7):
        desk.get(address)


def test_delete_action_does_not_exist(desk):
    ticket = TicketFactory()
    act(desk, "delete_selected", ticket)
    assert Ticket.objects.filter(pk=ticket.pk).exists()


def test_all_at_once_is_at_most_a_page(desk, monkeypatch):
    monkeypatch.setattr("desk.tickets.TicketAdmin.list_per_page", 2)
    tickets = [TicketFactory() for _row in range(3)]
    data = {"action": "take", "_selected_action": [tickets[0].pk], "select_across": "1"}
    desk.post(LIST, data)
    assert sorted(statuses()) == ["in_progress", "in_progress", "new"]


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
