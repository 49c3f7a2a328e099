"""The page of a ticket: one conversation, what is new in it, and who may see what of it."""

import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.models import User
from tests.factories import TicketFactory, UserFactory, open_ticket
from tests.portal.pages import text, url
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import Attachment, Comment, Face, Priority, Ticket, TicketEvent, TicketRead
from tickets.recording import customer
from tickets.refusals import NotRequester
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("logged_in")

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@pytest.fixture
def colleague(anna):
    """Of Anna's organization, which shares its tickets."""
    anna.organization.shares_tickets = True
    anna.organization.save()
    return UserFactory(
        username="gleb",
        email="gleb@alpha.example",
        first_name="Глеб",
        last_name="Титов",
        organization=anna.organization,
    )


def answer(ticket, agent, body="Ответ поддержки", **given) -> Comment:
    return add_comment(ticket=ticket, actor=recording.agent(agent), body=body, **given)


def say(ticket, user, body="Слова клиента", face=Face.PORTAL) -> Comment:
    return add_comment(ticket=ticket, actor=customer(user, face), body=body)


def see(client, ticket, **query) -> str:
    return text(client.get(ticket.get_absolute_url(), query))


def event_html(page: str, place: str) -> str:
    """The entry of the conversation with this id."""
    return re.search(rf'<li class="[^"]*" id="{place}">.*?</li>(?=\s*(?:<li|</ol>))', page, re.S)[0]


# One conversation


def test_conversation_begins_with_the_description(client, anna, agent, ticket):
    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=recording.agent(agent))
    answer(ticket, agent)
    say(ticket, anna)
    page = see(client, ticket)
    told = ["Белый экран после входа.", "Средний → Высокий", "Ответ поддержки", "Слова клиента"]
    conversation = page[page.index('class="timeline"') :]
    assert [conversation.index(words) for words in told] == sorted(map(conversation.index, told))
    assert conversation.count("Заявка создана") == 1


def test_sides_icons_and_channels_tell_who_speaks(client, anna, agent, ticket, colleague):
    theirs = answer(ticket, agent)
    mine = say(ticket, anna, face=Face.BOT)
    other = say(ticket, colleague)
    page = see(client, ticket)
    shown = [event_html(page, f"comment-{made.pk}") for made in (theirs, mine, other)]
    classes = [re.match(r'<li class="([^"]*)"', entry)[1] for entry in shown]
    assert classes == ["event said by-agent", "event said own", "event said"]
    names = [re.search(r"<b>(.*?)</b>", entry)[1] for entry in shown]
    assert names == ["Поддержка · Ольга О.", "Вы", "Глеб Т."]
    channels = [re.findall(r"#(telegram|globe|desk)", entry) for entry in shown]
    assert channels == [["desk"], ["telegram"], ["globe"]]


def test_note_moves_nothing_on_the_card(client, agent, ticket, clock):
    before = see(client, ticket)
    clock.advance(minutes=5)
    answer(ticket, agent, "Секретная заметка", internal=True)
    keys = r'name="(key|author|csrfmiddlewaretoken)" value="[^"]*"|data-since="[^"]*"'
    assert re.sub(keys, "", see(client, ticket)) == re.sub(keys, "", before)


def test_resolved_panel_holds_the_last_answer_above_rating_and_return(client, agent, ticket):
    answer(ticket, agent, "Первый ответ")
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово."
    )
    answer(ticket, agent, "Тайна", internal=True)
    page = see(client, ticket)
    panel = page[page.index("Заявка выполнена") : page.index('id="facts-title"')]
    order = [panel.index(words) for words in ("Готово.", "Оцените выполнение", "Проблема осталась")]
    assert order == sorted(order)
    assert "Первый ответ" not in panel
    assert "Тайна" not in page


def test_panel_finds_an_answer_far_above(client, anna, agent, ticket):
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово."
    )
    TicketEvent.objects.bulk_create(
        TicketEvent(ticket=ticket, kind="commented", actor=anna, face="portal", comment=comment)
        for comment in Comment.objects.bulk_create(
            Comment(ticket=ticket, author=anna, body="Ещё", face="portal", by_agent=False)
            for _number in range(31)
        )
    )
    page = see(client, ticket)
    panel = page[page.index("Заявка выполнена") : page.index('id="facts-title"')]
    assert "Готово." in panel
    older = TicketEvent.objects.latest("pk").pk - 1
    panel = see(client, ticket, before=older).partition('id="facts-title"')[0]
    assert "Последний ответ поддержки" in panel


# As typed


def test_texts_keep_their_form_and_links_are_links(client, agent, ticket):
    answer(ticket, agent, "  server:\n    listen: 80\nсм. https://a.example/x.")
    page = see(client, ticket)
    link = '<a href="https://a.example/x" rel="noopener nofollow">https://a.example/x</a>.'
    assert f'<div class="text">  server:\n    listen: 80\nсм. {link}</div>' in page


def test_pasted_code_comes_through_the_form_as_it_was(client, ticket):
    client.post(url("ticket_comment", ticket), {"body": "\r\n\tif x:\r\n\t\ty\r\n"})
    assert ticket.comments.get().body == "\tif x:\n\t\ty"


# Times


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("", "31 декабря 2025, 23:30 МСК"),
        ("Asia/Novosibirsk", "1 января 2026, 03:30 UTC+7"),
        ("Asia/Kolkata", "1 января 2026, 02:00 IST"),
        ("Mars/Olympus", "31 декабря 2025, 23:30 МСК"),
        ("../etc/passwd", "31 декабря 2025, 23:30 МСК"),
    ],
)
def test_times_have_year_and_zone_of_the_person(client, agent, ticket, zone, shown):
    User.objects.update(time_zone=zone)
    made = answer(ticket, agent)
    at = datetime(2025, 12, 31, 20, 30, tzinfo=UTC)
    TicketEvent.objects.filter(comment=made).update(created_at=at)
    page = see(client, ticket)
    entry = event_html(page, f"comment-{made.pk}")
    [machine, words] = re.search(r'<time datetime="([^"]*)">([^<]*)</time>', entry).groups()
    assert datetime.fromisoformat(machine) == at
    assert words == shown
    assert timezone.get_current_timezone_name() == "Europe/Moscow"  # nobody else's page


# Pictures


def with_file(ticket, agent, name, content, **changed) -> str:
    file = NewFile(name, len(content), "", ContentFile(content, name=name))
    made = answer(ticket, agent, files=[file])
    Attachment.objects.filter(comment=made).update(**changed)
    return f"comment-{made.pk}"


@pytest.mark.parametrize(
    ("name", "content", "changed", "is_shown"),
    [
        ("screen.png", PNG, {}, True),
        ("screen.png", PNG, {"size": 1024**2}, True),
        ("screen.png", PNG, {"size": 1024**2 + 1}, False),
        ("screen.png", PNG, {"state": "pending"}, False),
        ("screen.png", PNG, {"state": "refused"}, False),
        ("журнал.log", b"line", {}, False),
        ("paper.pdf", b"%PDF-1.7", {}, False),
    ],
)
def test_small_pictures_are_shown_late(client, agent, ticket, name, content, changed, is_shown):
    place = with_file(ticket, agent, name, content, **changed)
    entry = event_html(see(client, ticket), place)
    assert name in entry
    assert ("<img" in entry) == is_shown
    if is_shown:
        source = re.search(r'<img src="([^"]*)" alt="" loading="lazy"', entry)[1]
        response = client.get(source)
        assert response["Content-Type"] == "image/png"
        assert b"".join(response.streaming_content) == content


# What is new


def test_reading_is_remembered_and_what_came_since_is_marked(client, anna, agent, ticket):
    first = answer(ticket, agent)
    assert "Новое</p>" not in see(client, ticket)
    assert TicketRead.objects.get().version == Ticket.objects.get().version
    assert first.pk
    say(ticket, anna)
    new = answer(ticket, agent, "Свежий ответ")
    page = see(client, ticket)
    assert page.count("Новое</p>") == 1
    assert "Новое</p>" in event_html(page, f"comment-{new.pk}")
    assert "Новое</p>" not in see(client, ticket)


def test_earlier_pages_and_notes_count_as_nothing_read(client, agent, ticket):
    answer(ticket, agent)
    see(client, ticket, before=TicketEvent.objects.latest("pk").pk)
    assert not TicketRead.objects.exists()
    see(client, ticket)
    read = TicketRead.objects.get().version
    answer(ticket, agent, "Заметка", internal=True)
    see(client, ticket)
    assert TicketRead.objects.get().version == read


# Colleagues


def test_colleague_reads_and_writes_but_sees_no_addresses(client, colleague, resolved):
    client.force_login(colleague)
    page = see(client, resolved)
    main = page[page.index("<main") :]
    assert "Анна К." in main
    assert "anna@alpha.example" not in page
    assert "office@alpha.example" not in page
    for words in ("Оценить выполнение</button>", "Вернуть в работу", 'type="radio"'):
        assert words not in page
    client.post(url("ticket_comment", resolved), {"body": "От коллеги"})
    assert resolved.comments.latest("pk").author == colleague


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("ticket_return", {"reason": "Не работает"}),
        ("ticket_rate", {"score": "1", "comment": "Не работает"}),
        ("ticket_return", {}),
        ("ticket_rate", {}),
    ],
)
def test_colleague_neither_rates_nor_returns(client, colleague, resolved, name, data):
    client.force_login(colleague)
    response = client.post(url(name, resolved), data)
    resolved.refresh_from_db()
    assert response.status_code == 403
    assert str(NotRequester()) in text(response)
    assert ("Не работает</textarea>" in text(response)) == bool(data)
    assert (resolved.status, resolved.score) == (TicketStatus.RESOLVED, None)


def test_switch_off_or_gone_sees_nothing(client, colleague, ticket):
    client.force_login(colleague)
    assert client.get(ticket.get_absolute_url()).status_code == 200
    colleague.organization.shares_tickets = False
    colleague.organization.save()
    assert client.get(ticket.get_absolute_url()).status_code == 404
    assert client.get(url("ticket_live", ticket), {"after": 0}).status_code == 404


# Cost


@pytest.mark.each_case
@pytest.mark.parametrize("rows", [1, 30])
def test_card_queries(client, anna, agent, rows, django_assert_num_queries):
    parent = TicketFactory(requester=anna)
    ticket = open_ticket(anna, parent=parent)
    for number in range(rows):
        with_file(ticket, agent, f"{number}.png", PNG)
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово."
    )
    see(client, ticket)
    with django_assert_num_queries(8):
        assert client.get(ticket.get_absolute_url()).status_code == 200


def test_closed_card_queries(client, closed, linked, django_assert_num_queries):
    see(client, closed)
    with django_assert_num_queries(8):
        assert client.get(closed.get_absolute_url()).status_code == 200


def test_page_with_100_events_is_light(client, anna, agent, ticket):
    words = "Реплика отстаёт на сорок секунд, журнал приложен. " * 4
    rows = Comment.objects.bulk_create(
        Comment(ticket=ticket, author=agent, body=words, face="admin", by_agent=True)
        for _number in range(60)
    )
    TicketEvent.objects.bulk_create(
        TicketEvent(
            ticket=ticket,
            kind="commented" if place % 5 else "priority",
            old_value="low",
            new_value="high",
            actor=agent,
            by_agent=True,
            face="admin",
            comment=rows[place // 2] if place % 5 else None,
        )
        for place in range(100)
    )
    assert len(client.get(ticket.get_absolute_url()).content) < 30_000


@pytest.mark.parametrize("rows", [1, 20])
def test_comment_takes_as_many_queries_on_a_long_card(
    client, anna, ticket, rows, django_assert_num_queries
):
    for number in range(rows):
        add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body=str(number))
    with django_assert_num_queries(22):
        client.post(f"/tickets/{ticket.pk}/comment/", {"body": "Ещё", "key": uuid4()})
    assert ticket.comments.latest("pk").body == "Ещё"
