"""The card of a ticket."""

import pytest
from django.urls import reverse

from tests.factories import CommentFactory, ProductFactory, TicketFactory, open_ticket
from tests.portal.pages import text, url
from tickets import recording, services
from tickets.comments import add_comment
from tickets.models import Comment, Face, Priority, Ticket, TicketEvent
from tickets.recording import customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("logged_in")

LIST = reverse("ticket_list")


# The card


def test_card_shows_the_facts(client, anna, agent, ticket):
    services.assign_ticket(ticket=ticket, assignee=agent, actor=recording.agent(agent))
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=recording.agent(agent))
    page = text(client.get(ticket.get_absolute_url()))
    assert f"Заявка № {ticket.pk}" in page
    assert "office@alpha.example" in page
    assert "anna@alpha.example" in page
    assert "Высокий" in page
    assert "Ольга О." in page
    assert "Облачный сервер" in page
    assert "Белый экран после входа." in page
    assert "(МСК)" in page
    assert ticket.created_at.strftime(":%S (") in page


def test_foreign_and_missing_look_the_same(client, boris):
    foreign = TicketFactory(requester=boris)
    answers = [
        client.get(reverse("ticket_detail", args=[number]))
        for number in (foreign.pk, foreign.pk + 1000, 10**30)
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({text(answer) for answer in answers}) == 1


@pytest.mark.parametrize("name", ["ticket_comment", "ticket_return", "ticket_rate"])
def test_foreign_ticket_takes_no_post(client, boris, name):
    foreign = TicketFactory(requester=boris, status="resolved")
    data = {"body": "Текст", "reason": "Текст", "score": "5"}
    assert client.post(url(name, foreign), data).status_code == 404
    foreign.refresh_from_db()
    assert (foreign.status, foreign.score) == ("resolved", None)
    assert not Comment.objects.exists()


@pytest.mark.parametrize("name", ["ticket_comment", "ticket_return", "ticket_rate"])
def test_form_addresses_lead_to_the_card(client, ticket, name):
    assert client.get(url(name, ticket)).url == ticket.get_absolute_url()


def test_timeline_tells_who_did_what_and_where(client, anna, agent, ticket):
    staff = recording.agent(agent)
    services.assign_ticket(ticket=ticket, assignee=agent, actor=staff)
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=staff)
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=staff, answer="Пришлите журнал."
    )
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Прислал.")
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=staff, answer="Готово.")
    services.return_to_work(ticket=ticket, actor=customer(anna, Face.PORTAL), reason="Не работает.")
    page = text(client.get(ticket.get_absolute_url()))
    timeline = page[page.index('class="timeline"') : page.index("</ol>")]
    told = [
        "Заявка создана",
        "Исполнитель: Ольга О.",
        "Приоритет: Средний → Высокий",
        "Ожидает ответа клиента",
        "Пришлите журнал.",
        "Прислал.",
        "Выполнена",
        "Возвращена",
        "Не работает.",
    ]
    places = [timeline.index(words) for words in told]
    assert places == sorted(places)
    assert "Поддержка · Ольга О." in timeline
    assert "Telegram" in timeline


def test_internal_notes_do_not_exist_for_customers(client, agent, ticket):
    add_comment(
        ticket=ticket, actor=recording.agent(agent), body="Секретная заметка", internal=True
    )
    hidden = CommentFactory(ticket=ticket, author=agent, body="Спрятанное", is_internal=True)
    TicketEvent.objects.create(
        ticket=ticket, kind="commented", actor=agent, by_agent=True, face="admin", comment=hidden
    )
    page = text(client.get(ticket.get_absolute_url()))
    assert "Секретная заметка" not in page
    assert "Спрятанное" not in page
    assert "Ольга" not in page


def test_markup_is_shown_literally(client, anna, agent):
    evil = "<script>alert(1)</script>"
    product = ProductFactory(name="<i>Диск</i>")
    ticket = open_ticket(anna, product=product, title=evil, description=f"{evil} описание")
    staff = recording.agent(agent)
    add_comment(ticket=ticket, actor=staff, body='<img src=x onerror="alert(2)">')
    for page in (text(client.get(LIST)), text(client.get(ticket.get_absolute_url()))):
        assert evil not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<i>Диск" not in page
        assert "<img src=x" not in page


def test_links_in_texts_cannot_carry_script(client, anna, ticket):
    add_comment(
        ticket=ticket,
        actor=customer(anna, Face.PORTAL),
        body='https://a.example/"onmouseover="alert(1) javascript:alert(2)',
    )
    page = text(client.get(ticket.get_absolute_url()))
    assert 'href="https://a.example/' in page
    assert '"onmouseover' not in page
    assert 'href="javascript' not in page


def test_long_timeline_comes_in_pages(client, anna, ticket):
    events = [
        TicketEvent(ticket=ticket, kind="priority", face="admin", old_value="low", new_value="high")
        for _number in range(120)
    ]
    TicketEvent.objects.bulk_create(events)
    shown, query = [], {}
    while True:
        page = client.get(ticket.get_absolute_url(), query)
        assert "Заявка создана" in text(page)
        assert ("К последним" in text(page)) == bool(query)
        shown = [event.pk for event in page.context["events"]] + shown
        if page.context["older"] is None:
            break
        assert len(page.context["events"]) == 30
        assert f'href="?before={page.context["older"]}#conversation"' in text(page)
        query = {"before": page.context["older"]}
    assert shown == sorted(event.pk for event in TicketEvent.objects.exclude(kind="created"))


def test_card_leads_to_the_ticket_it_is_based_on(client, anna, boris, ticket):
    mine, foreign = TicketFactory(requester=anna), TicketFactory(requester=boris, title="Чужая")
    assert "На основе" not in text(client.get(ticket.get_absolute_url()))
    shown = [(mine, f'<a href="{mine.get_absolute_url()}">№ {mine.pk}</a>')]
    shown.append((foreign, f"№ {foreign.pk}"))  # numbers tell nothing, a link would lead to a 404
    for parent, words in shown:
        Ticket.objects.filter(pk=ticket.pk).update(parent=parent)
        page = text(client.get(ticket.get_absolute_url()))
        assert f"<dt>На основе</dt><dd>{words}</dd>" in page
        assert "Чужая" not in page
