import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from django.core import mail
from django.core.files.base import ContentFile

from accounts.models import User
from telegram_bot.models import BotHeartbeat, Group, GroupTicket, TicketMessage
from telegram_bot.notices import COMPOSERS
from telegram_bot.replies import MESSAGE_PART
from tests.factories import (
    MessengerAccountFactory,
    OrganizationFactory,
    ProductFactory,
    SpecialistFactory,
    UserFactory,
    open_ticket,
)
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.clocks import close_silent_tickets
from tickets.comments import add_comment
from tickets.delivery import drain
from tickets.details import change_details
from tickets.models import Delivery, Face, Priority, TicketEvent
from tickets.notices import LAST_PARTS, Audience, Notice, notices_of
from tickets.recording import customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

Kind = TicketEvent.Kind


def to_people(event):
    """Systems hear of every public event, followers of most; this is about the others."""
    silent = (Audience.SYSTEMS, Audience.FOLLOWERS, Audience.WATCHERS)
    return [notice for notice in notices_of(event) if notice.audience not in silent]


def event_of(ticket, kind, actor=None, new="", old="", by_agent=False):
    return TicketEvent(
        ticket=ticket, kind=kind, actor=actor, by_agent=by_agent, face=Face.ADMIN,
        old_value=old, new_value=new,
    )  # fmt: skip


def kinds(event, audience=Audience.CUSTOMER):
    return [notice.kind for notice in notices_of(event) if notice.audience == audience]


@pytest.mark.parametrize(
    ("kind", "new", "notice", "loud"),
    [
        (Kind.STATUS, TicketStatus.IN_PROGRESS, "status", False),
        (Kind.STATUS, TicketStatus.WAITING, "status", True),
        (Kind.STATUS, TicketStatus.RESOLVED, "resolved", True),
        (Kind.STATUS, TicketStatus.CLOSED, "status", False),
        (Kind.PRIORITY, "high", "priority", False),
        (Kind.ASSIGNED, "Ольга О.", "assigned", False),
        (Kind.TITLE, "Иначе", "title", False),
        (Kind.PRODUCT, "Сеть", "product", False),
        (Kind.COMMENTED, "", "comment", False),
    ],
)
def test_customer_hears_of_the_agent(ticket, agent, kind, new, notice, loud):
    event = event_of(ticket, kind, agent, new, by_agent=True)
    told = [row for row in notices_of(event) if row.audience == Audience.CUSTOMER]
    assert told == [Notice(notice, event, Audience.CUSTOMER, loud)]


@pytest.mark.parametrize("old", ["", TicketStatus.RESOLVED])
@pytest.mark.parametrize("by_agent", [True, False])
@pytest.mark.parametrize("kind", Kind.values)
def test_requester_never_hears_of_an_own_action(ticket, anna, kind, by_agent, old):
    event = event_of(ticket, kind, anna, TicketStatus.IN_PROGRESS, old, by_agent)
    to_customer = {
        notice.kind for notice in notices_of(event) if notice.audience == Audience.CUSTOMER
    }
    assert to_customer <= {"buttons"}  # which says nothing, it only takes old buttons away


@pytest.mark.parametrize("kind", [Kind.NOTED, Kind.RATED])
def test_inner_matters_are_not_told(ticket, agent, kind):
    assert to_people(event_of(ticket, kind, agent, by_agent=True)) == []


def test_customer_does_not_hear_that_an_assignee_is_taken_away(ticket, agent):
    assert kinds(event_of(ticket, Kind.ASSIGNED, agent, old="Ольга О.")) == []


@pytest.mark.parametrize(
    ("kind", "new", "notice"),
    [(Kind.STATUS, TicketStatus.CLOSED, "status"), (Kind.REMINDED, "", "reminder")],
)
def test_customer_hears_of_the_system(ticket, kind, new, notice):
    assert kinds(event_of(ticket, kind, None, new)) == [notice]


def test_staff_hears_of_a_new_ticket_a_comment_and_a_return(ticket, anna):
    created = event_of(ticket, Kind.CREATED, anna)
    commented = event_of(ticket, Kind.COMMENTED, anna)
    returned = event_of(ticket, Kind.STATUS, anna, TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED)
    assert to_people(created) == [Notice("staff_new", created, Audience.STAFF)]
    assert to_people(commented) == [
        Notice("staff_comment", commented, Audience.STAFF, delay=LAST_PARTS)
    ]
    assert to_people(returned)[0] == Notice(
        "staff_return", returned, Audience.STAFF, delay=LAST_PARTS
    )


def test_ticket_opened_by_an_agent_is_told_to_its_customer_and_to_the_desk(ticket, agent):
    event = event_of(ticket, Kind.CREATED, agent, by_agent=True)
    assert to_people(event) == [
        Notice("staff_new", event, Audience.STAFF),
        Notice("opened", event, Audience.CUSTOMER, loud=True),
    ]
    ticket.assignee = agent
    assert [row.kind for row in to_people(event)] == ["staff_assigned", "opened"]
    assert kinds(event, Audience.FOLLOWERS) == []


def test_staff_hears_of_staff_only_when_a_ticket_changes_hands(ticket, agent, anna):
    for actor in (agent, anna):
        for kind in set(Kind.values) - {Kind.CREATED, Kind.ASSIGNED}:
            event = event_of(ticket, kind, actor, by_agent=True)
            assert [row for row in notices_of(event) if row.audience == Audience.STAFF] == []


def hands(event, concerned=()):
    told = [row for row in notices_of(event, concerned) if row.audience == Audience.STAFF]
    return [(row.kind, row.people, row.loud) for row in told]


def test_hands_a_ticket_goes_through_are_told(ticket, agent, by_agent):
    before = SpecialistFactory()
    given = event_of(ticket, Kind.ASSIGNED, before, new="Ольга О.", by_agent=True)
    back = event_of(ticket, Kind.ASSIGNED, agent, old="Ольга О.", by_agent=True)
    by_system = event_of(ticket, Kind.ASSIGNED, None, old="Ольга О.")
    assert hands(back) == [("staff_free", (), False)]
    assert hands(back, [before]) == [("staff_passed", (before,), True), ("staff_free", (), False)]
    assert hands(by_system) == [], "told as one list"
    ticket.assignee = agent
    assert hands(given) == [("staff_assigned", (agent,), True)]
    assert hands(given, [before]) == [
        ("staff_passed", (before,), True), ("staff_assigned", (agent,), True),
    ]  # fmt: skip


def test_it_rings_for_whose_ticket_it_is(ticket, anna, agent):
    commented = event_of(ticket, Kind.COMMENTED, anna)
    assert [row.loud for row in to_people(commented)] == [False]
    ticket.assignee = agent
    assert [row.loud for row in to_people(commented)] == [True]


@pytest.mark.parametrize("new", [TicketStatus.IN_PROGRESS, TicketStatus.CLOSED])
def test_leaving_resolved_takes_old_buttons_away(ticket, agent, new):
    left = event_of(ticket, Kind.STATUS, agent, new, TicketStatus.RESOLVED, by_agent=True)
    assert kinds(left) == ["status", "buttons"]


@pytest.mark.parametrize("by_agent", [True, False])
@pytest.mark.parametrize("kind", Kind.values)
def test_in_public_change_of_status_and_merge_are_told_and_nothing_else(
    ticket, anna, kind, by_agent
):
    event = event_of(ticket, kind, anna, TicketStatus.CLOSED, by_agent=by_agent)
    told = {Kind.STATUS: ["group_status"], Kind.MERGED: ["group_merged"]}
    assert kinds(event, Audience.PUBLIC) == told.get(kind, [])
    assert not any(row.loud for row in notices_of(event) if row.audience == Audience.PUBLIC)


def test_notices_write_nothing(ticket, agent, django_assert_num_queries):
    event = event_of(ticket, Kind.COMMENTED, agent)
    with django_assert_num_queries(0):
        notices_of(event)


# Every kind of notice in every channel, with markup in all that people type

MAILED = {
    "status", "resolved", "comment", "reminder", "staff_new", "staff_comment", "staff_return",
}  # fmt: skip
IN_TELEGRAM = {
    "status", "resolved", "comment", "reminder", "priority", "assigned", "title", "product",
    "continued", "file", "buttons", "group_status",
}  # fmt: skip
TELEGRAM_TAGS = {"b", "i", "u", "s", "a", "code", "pre", "blockquote", "tg-spoiler"}
FIELDS = (
    "title", "product", "description", "body", "answer", "reason", "resolution", "customer",
    "agent", "file", "client",
)  # fmt: skip


def odd(field):
    """Text that shows when it was escaped twice or not at all, or filled into a template again."""
    return f"<evil>{field}&amp;{{{{{field}}}}}"


class Shown(HTMLParser):
    """The tags of a text, and what a reader sees."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def fields_in(text):
    """How often each field stands in a text literally; every mention of it must be such a one."""
    found = Counter()
    for field in FIELDS:
        literal = odd(field)
        found[field] = text.count(literal)
        mentions = len(re.findall(rf"\b{field}\b", text))
        assert mentions == found[field] * len(re.findall(rf"\b{field}\b", literal)), field
    return +found


@pytest.fixture
def life(settings, clock):
    """A ticket from a group that lives through everything, its texts full of markup."""
    settings.STAFF_EMAIL = "desk@support.example"
    anna = UserFactory(
        first_name=odd("customer"), last_name="K",
        organization=OrganizationFactory(name=odd("client")),
    )  # fmt: skip
    agent = SpecialistFactory(first_name=odd("agent"), last_name="O")
    account = MessengerAccountFactory(user=anna)
    anna, agent = User.objects.get(pk=anna.pk), User.objects.get(pk=agent.pk)
    by_anna, by_agent = customer(anna, Face.GROUP), recording.agent(agent)
    ticket = open_ticket(
        anna, product=ProductFactory(name=odd("product")), title=odd("title"),
        description=odd("description"),
    )  # fmt: skip
    BotHeartbeat.objects.create(bot_id=1, username="help_bot", seen_at=clock.now())
    group = Group.objects.create(chat_id=-100500, title="Группа")
    GroupTicket.objects.create(ticket=ticket, group=group, chat_id=-100500, message_id=7)
    TicketMessage.objects.create(
        chat_id=int(account.address), message_id=8, ticket=ticket, has_resolution=True
    )

    def move(to, actor=by_agent, answer=""):
        services.change_status(ticket=ticket, to=to, actor=actor, answer=answer)

    services.set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_agent)
    services.assign_ticket(ticket=ticket, assignee=agent, actor=by_agent)
    was = (ticket.title, ticket.product_id)
    change_details(
        ticket=ticket, title=odd("title") + "!", product=ProductFactory(name=odd("product") + "!"),
        was=was, actor=by_agent,
    )  # fmt: skip
    add_comment(
        ticket=ticket, actor=by_agent, body=odd("body") + " слово" * MESSAGE_PART + odd("body"),
        files=[NewFile(odd("file") + ".txt", 3, content=ContentFile(b"abc", name="a.txt"))],
    )  # fmt: skip
    move(TicketStatus.WAITING, answer=odd("answer"))
    add_comment(ticket=ticket, actor=by_anna, body=odd("body"))
    move(TicketStatus.RESOLVED, answer=odd("resolution"))
    services.return_to_work(ticket=ticket, actor=by_anna, reason=odd("reason"))
    move(TicketStatus.RESOLVED, answer=odd("resolution"))
    clock.advance(days=5)
    close_silent_tickets()
    clock.advance(days=2)
    close_silent_tickets()
    return ticket


def kinds_of(channel):
    return set(Delivery.objects.filter(channel=channel).values_list("kind", flat=True))


def test_a_whole_life_makes_every_kind_of_notice(life):
    assert life.events.last().new_value == TicketStatus.CLOSED
    assert kinds_of("email") == MAILED
    assert kinds_of("telegram") == IN_TELEGRAM


def test_every_kind_of_letter_shows_what_people_typed_literally(life):
    rows = {str(row.pk): row for row in Delivery.objects.filter(channel="email")}
    for _ in range(len(rows)):
        drain("email")
    assert len(mail.outbox) == len(rows)
    seen = {}
    for letter in mail.outbox:
        kind = rows[re.search(r"delivery-(\d+)@", letter.extra_headers["Message-ID"])[1]].kind
        shown = Shown(letter.alternatives[0][0])
        assert "evil" not in shown.tags
        assert "{%" not in shown.text + letter.body + letter.subject
        assert f"№ {life.pk}" in letter.subject
        assert fields_in(letter.subject) == {}
        text = fields_in(letter.body)
        html = fields_in(shown.text)
        assert text == html, "both forms of a letter say the same"
        seen.setdefault(kind, set()).update(text)
    everywhere = {"title", "product"}
    assert seen == {
        "status": everywhere | {"agent", "answer"},
        "resolved": everywhere | {"agent", "resolution"},
        "comment": everywhere | {"agent", "body", "file"},
        "reminder": everywhere,
        "staff_new": everywhere | {"description", "customer"},
        "staff_comment": everywhere | {"customer", "body"},
        "staff_return": everywhere | {"customer", "reason"},
    }


def test_every_kind_of_telegram_message_shows_what_people_typed_literally(life):
    seen = {}
    for row in Delivery.objects.filter(channel="telegram").order_by("pk"):
        reply = COMPOSERS[row.kind](row)
        shown = Shown(reply.params.get("text") or reply.params.get("caption") or "")
        assert shown.tags <= TELEGRAM_TAGS, row.kind
        assert "{%" not in shown.text
        assert row.kind == "buttons" or f"№ {life.pk}" in shown.text
        seen.setdefault(row.kind, set()).update(fields_in(shown.text))
        if row.kind == "buttons":  # only the newest offer is taken back, and once
            TicketMessage.objects.update(has_resolution=True)
    assert seen == {
        "status": {"title", "answer"},
        "resolved": {"title", "resolution"},
        "comment": {"agent", "body"},
        "reminder": {"title"},
        "priority": {"title"},
        "assigned": {"title", "agent"},
        "title": {"title"},
        "product": {"title", "product"},
        "continued": {"body"},
        "file": set(),
        "buttons": set(),
        "group_status": set(),
    }


def test_in_a_group_nothing_is_told_but_the_status(life):
    rows = Delivery.objects.filter(address="-100500")
    assert {row.kind for row in rows} == {"group_status"}
    label = rf"[^\w<]*({'|'.join(map(str, TicketStatus.labels))})"
    for row in rows:
        text = COMPOSERS[row.kind](row).params["text"]
        assert re.fullmatch(rf"№ {life.pk}: {label} → {label}", text)
