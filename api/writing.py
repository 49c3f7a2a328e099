"""How the API changes something: in one name, once a key, and only what was seen if so asked."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import NAMESPACE_URL, UUID, uuid5

from django.http import HttpResponse
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from accounts.models import User
from accounts.tokens import member_named
from api.base import ApiView
from api.callers import Caller
from api.finding import find_to_change
from api.problems import Problem, error_at, pointer
from api.serializers import ticket_out
from tickets.attachments import NewFile
from tickets.forms import Made, Sending, fingerprint, once
from tickets.models import Ticket
from tickets.recording import Actor
from tickets.versions import change_of, version_of

PURPOSE = "api"  # of keys, beside the names of forms
KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Answer:
    """What is kept with the key, to be given again."""

    body: Mapping[str, Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def person_of(caller: Caller, form: Mapping[str, Any]) -> User:
    """In whose name the caller writes. Raises Problem for who is no member."""
    if caller.user:
        return caller.user
    email = form["on_behalf_of"]
    person = member_named(caller.organization, email) if caller.organization else None
    if person is None:
        detail = _("В организации нет сотрудника с такой почтой.")
        errors = [error_at(pointer("on_behalf_of"), "no_such_member", detail)]
        raise Problem(422, "no_such_member", detail, errors=errors)
    return person


def answer_once(
    view: ApiView,
    person: User,
    act: Callable[[Sequence[NewFile]], Answer],
    *,
    content: Mapping[str, Any],
    files: Sequence[NewFile] = (),
    carry_out: Callable[..., Any] = once,
) -> HttpResponse:
    """What `act` answers, or what it answered when the same request came under this key before.

    `content` is what was sent, as it came. Raises KeyReused when the key came with another request.
    """
    request = view.request

    def keep(stored: Sequence[NewFile]) -> Made:
        answer = act(stored)
        text = JSONRenderer().render(answer.body).decode()  # as rows, the database sorts its keys
        about = {"ticket": answer.body.get("number")}  # an erasure asks whose it is
        return {"status": answer.status, "body": text, "headers": answer.headers, **about}

    key = _key(request, view.caller)
    about = {"method": request.method, "path": request.path, "body": dict(content)}
    sending = Sending(
        user=person,
        purpose=PURPOSE,
        key=key,
        fingerprint=fingerprint(about, files) if key else "",
        files=files,
        organization=view.caller.organization,
    )
    done = carry_out(sending, keep)
    response = HttpResponse(
        done.made["body"],
        status=done.made["status"],
        content_type="application/json",
        headers=done.made["headers"],
    )
    if not done.is_new:
        response["Idempotency-Replayed"] = "true"
    return response


def _key(request: Request, caller: Caller) -> UUID | None:
    """A key is its owner's: of the person, or of the organization, whatever token it comes with."""
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    if not KEY.fullmatch(text):
        detail = _("Idempotency-Key — от 1 до 255 видимых знаков ASCII.")
        raise Problem(400, "bad_idempotency_key", detail)
    if caller.organization:
        owner = f"organization {caller.organization.pk}"
    else:
        owner = f"person {caller.user.pk if caller.user else ''}"
    return uuid5(NAMESPACE_URL, f"{owner} {text}")


# Versions


def tag_of(ticket: Ticket, caller: Caller) -> str:
    """The ETag of a ticket for this reader."""
    return f'"{version_of(ticket, internal=caller.serves)}"'


def ticket_answer(ticket: Ticket, caller: Caller, *, status: int = 200) -> Answer:
    """The ticket as it is now, with its ETag."""
    now = caller.cards().get(pk=ticket.pk)
    return Answer(ticket_out(now, caller.tickets), status, {"ETag": tag_of(now, caller)})


@contextmanager
def matched(request: Request, caller: Caller, ticket: Ticket, actor: Actor) -> Iterator[None]:
    """A change that happens only while the ticket is what `If-Match` names, if it names any.

    Raises TicketChanged.
    """
    given = request.headers.get("If-Match")
    tags = None if given is None else parse_etags(given)
    versions = None if tags is None or "*" in tags else {tag.strip('"') for tag in tags}
    with change_of(ticket, actor, versions=versions, internal=caller.serves):
        yield


def change_ticket(
    view: ApiView,
    number: int,
    actor: Actor,
    act: Callable[[Ticket, Sequence[NewFile]], Answer],
    *,
    content: Mapping[str, Any],
    **given: Any,
) -> HttpResponse:
    """What `act` makes of the ticket of a number: once a key, and only if it matches."""
    caller, request = view.caller, view.request

    def change(stored: Sequence[NewFile]) -> Answer:
        ticket = find_to_change(caller, number)
        with matched(request, caller, ticket, actor):
            return act(ticket, stored)

    person = cast(User, actor.user)
    return answer_once(view, person, change, content=content, **given)


def is_known(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names it: the caller has this version."""
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in tags or tag in {one.removeprefix("W/") for one in tags}
