"""The forms that write, for `pages.py`: a ticket opened, a comment, a status that changes.

A POST with its CSRF token goes through the whole product, in a transaction that is rolled back
after it: the database stays as it was, quotas and the key of the form too. What a commit costs is
not in the figures, nor is the end of a transaction that the product would have committed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.db.models import Max
from django.urls import reverse
from django_q.models import OrmQ

from benchmarks.pages import AGENT, CUSTOMER, Side, logged_in
from tickets.models import Comment, Delivery, Product, Ticket, TicketEvent
from tickets.status import TicketStatus

TOKEN = "x" * 32
FORM = "application/x-www-form-urlencoded"
WORDS = "Перезапустили ещё раз, ошибка та же: https://status.example/503. Логи приложим позже."
COUNTED = (Ticket, Comment, TicketEvent, Delivery, OrmQ)  # what the plain views write as well


class Form(Side):
    """A form, sent anew each time; `fields` beside its token and its key."""

    answer = "302 Found"

    def __init__(self, application: Callable, who: str, path: str, fields: dict[str, Any]) -> None:
        super().__init__(application, f"{logged_in(who)}; csrftoken={TOKEN}", [path])
        self.fields = fields

    def environ(self, number: int) -> dict[str, Any]:
        sent = {"csrfmiddlewaretoken": TOKEN, "key": uuid4(), **self.fields}
        body = urlencode(sent).encode()
        return super().environ(number) | {
            "REQUEST_METHOD": "POST", "CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }  # fmt: skip

    def get(self, number: int) -> bytes:
        with rolled_back():
            return super().get(number)

    def shown(self, _body: bytes) -> object:
        """How many rows of each table one press adds: what all sides must agree in."""
        newest = {model: model.objects.aggregate(pk=Max("pk"))["pk"] or 0 for model in COUNTED}
        with rolled_back():
            super().get(0)
            return {
                model.__name__: model.objects.filter(pk__gt=pk).count()
                for model, pk in newest.items()
            }


@contextmanager
def rolled_back() -> Iterator[None]:
    """Between two requests Django would give up a connection that is in a transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def forms() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Name, who sends it, where to, and what is in it."""
    mine = Ticket.objects.filter(requester__username=CUSTOMER).exclude(assignee=None)
    working, resolved = (
        mine.filter(status=status).order_by("pk").first()
        for status in (TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED)
    )
    product = Product.objects.filter(is_active=True).first()
    new = {"product": product.pk, "title": "Сервер не отвечает", "description": WORDS}
    seen = working.events.latest("pk").pk
    at_desk = reverse("admin:tickets_ticket_change", args=[working.pk])
    reply = {"seen": seen, "answer": WORDS, "act": "wait"}
    yield "create", CUSTOMER, reverse("new_ticket"), new
    for name, ticket, fields in (
        ("comment", working, {"seen": seen, "body": WORDS}),
        ("return", resolved, {"reason": WORDS}),
        ("close", working, {"score": "", "comment": ""}),
    ):
        yield name, CUSTOMER, reverse(f"ticket_{name}", args=[ticket.pk]), fields
    yield "desk, status", AGENT, at_desk, reply
