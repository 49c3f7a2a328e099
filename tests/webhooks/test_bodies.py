"""What a program is told of each event, and that it always fits."""

import json

import pytest

from tests.factories import CommentFactory, open_ticket
from tests.files import pdf
from tickets import comments, services
from tickets.models import Face, Ticket, TicketEvent
from tickets.recording import customer
from tickets.status import TicketStatus
from webhooks.bodies import BODY_LIMIT, body_of, kinds_of

ALL = Ticket.objects.all()
pytestmark = pytest.mark.django_db
EMOJI = "👩🏽‍🚀" * 5000  # of which each counts four characters and 15 bytes


def events(ticket) -> list[TicketEvent]:
    return list(ticket.events.select_related("comment__author", "actor").order_by("pk"))


def test_each_event_is_told_as_what_it_is(anna, by_agent):
    asks = customer(anna, Face.PORTAL)
    ticket = open_ticket(anna)
    comments.add_comment(ticket=ticket, actor=by_agent, body="Смотрим")
    comments.add_comment(ticket=ticket, actor=by_agent, body="Между нами", internal=True)
    comments.add_comment(ticket=ticket, actor=asks, body="Спасибо")
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=by_agent, answer="Какой у вас браузер?"
    )
    comments.add_comment(ticket=ticket, actor=asks, body="Обычный")
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово")
    services.rate_ticket(ticket=ticket, actor=asks, score=5)

    told = [(event.kind, [kind.value for kind in kinds_of(event)]) for event in events(ticket)]

    assert [row for row in told if row[1]] == [
        ("created", ["created"]),
        ("status", ["answered", "status"]),
        ("commented", ["commented"]),
        ("status", ["answered", "status"]),
        ("commented", ["commented"]),
        ("status", ["status"]),
        ("status", ["resolved", "answered", "status"]),
        ("rated", ["rated"]),
        ("status", ["closed", "status"]),
    ]
    silent = {kind for kind, kinds in told if not kinds}
    assert silent <= {"assigned", "noted"}


def test_body_has_the_ticket_and_what_was_said_with_its_files(anna, by_agent):
    ticket = open_ticket(anna, title="Не открывается отчёт")
    comments.add_comment(ticket=ticket, actor=by_agent, body="Вот план", files=[pdf("план.pdf")])
    event = events(ticket)[-1]

    body = json.loads(body_of("answered", event, ALL))

    assert list(body) == ["type", "timestamp", "data"]
    assert body["type"] == "ticket.answered"
    assert body["timestamp"].endswith("Z")
    assert body["data"]["ticket"]["number"] == ticket.number
    assert body["data"]["event"]["comment"]["body"] == "Вот план"
    assert [file["name"] for file in body["data"]["event"]["comment"]["files"]] == ["план.pdf"]
    assert body["data"]["truncated"] == []


def test_no_internal_word_is_told(anna, by_agent):
    ticket = open_ticket(anna)
    comments.add_comment(ticket=ticket, actor=by_agent, body="Тайна поддержки", internal=True)
    comments.add_comment(ticket=ticket, actor=by_agent, body="Ответ")
    told = [body_of("status", event, ALL) for event in events(ticket) if kinds_of(event)]
    assert told
    assert "Тайна поддержки" not in "".join(told)


@pytest.mark.parametrize("text", [EMOJI[:20_000], '"\\' * 10_000, "\x01" * 20_000, "ы" * 20_000])
def test_body_fits_whatever_the_characters(anna, agent, text):
    ticket = open_ticket(anna)
    comment = CommentFactory(ticket=ticket, author=agent, body=text)
    for number in range(10):
        comment.attachments.create(ticket=ticket, name="ы" * 120, size=number)
    ticket.description = ticket.rating_comment = text
    ticket.save()
    event = ticket.events.create(
        kind="commented", actor=agent, by_agent=True, comment=comment, face=Face.ADMIN
    )

    body = body_of("answered", event, ALL)

    assert len(body.encode()) <= BODY_LIMIT
    told = json.loads(body)["data"]
    assert told["truncated"] == ["/ticket/description", "/ticket/rating_comment",
                                 "/event/comment/body"]  # fmt: skip
    assert text.startswith(told["event"]["comment"]["body"])
    assert len(told["event"]["comment"]["files"]) == 10


def test_short_texts_stay_whole_beside_a_long_one(anna):
    ticket = open_ticket(anna, description="ы" * 20_000, title="Коротко")
    told = json.loads(body_of("created", events(ticket)[0], ALL))["data"]
    assert told["truncated"] == ["/ticket/description"]
    assert told["ticket"]["title"] == "Коротко"
