"""Words typed into a form and not sent: drafts, and forms that were sent and lost.

A form is lost when its session has ended or its page is too old. What it said is held for its
author in the browser that sent it, and offered there after logging in.
"""

from __future__ import annotations  # QuerySet[Draft] is generic for the type checker only

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Erasure, User
from tickets.models import TEXT_LIMIT, Draft, FormKey, Ticket
from tickets.queries import read_number
from tickets.refusals import TextTooLong

DRAFT_LIFETIME = timedelta(days=7)
HELD_LIFETIME = timedelta(hours=24)
HELD_A_PERSON = 5  # the newest ones
HELD_SIZE = 200 * 1024  # bytes of a lost form
BROWSER_COOKIE = "lost_forms"

# Each form's text, the line above it, and the choices without which the text means something else
TEXTS = {
    "comment": "body",
    "return": "reason",
    "rate": "comment",
    "answer": "answer",
    "note": "note",
    "answer_all": "body",
    "phone": "phone",
    "close": "comment",
    "new_ticket": "description",
    "called": "description",
    "bulk_ask": "answer",
    "bulk_resolve": "answer",
    "bulk_close": "answer",
}
LINES = {"new_ticket": "title", "called": "title"}
CHOICES = {
    "rate": "score",
    "close": "score",
    "answer_all": "status",
    "new_ticket": "product",
    "called": "product",
}
# What else stands in the form: whom an agent was writing for, with variables to fill or not
BESIDE = {"called": ("requester", "email", "first_name", "last_name", "organization", "fills")}

_SALT = "tickets.drafts"


@dataclass(frozen=True)
class Mark:
    """Which form of which ticket a person has before them; the form carries it signed.

    A form about a person has their id behind its name: `called:7`.
    """

    user_id: int
    form: str
    ticket_id: int | None = None

    def sign(self) -> str:
        return signing.dumps([self.user_id, self.form, self.ticket_id], salt=_SALT)


def read_mark(text: str) -> Mark | None:
    """The mark that a form carries; None when it is missing, forged or too old."""
    try:
        user_id, form, ticket_id = signing.loads(text, salt=_SALT, max_age=DRAFT_LIFETIME)
    except signing.BadSignature:
        return None
    return Mark(user_id, form, ticket_id)


@dataclass(frozen=True)
class Kept:
    """Words to put back into a form."""

    form: str
    body: dict[str, Any]
    at: datetime
    is_held: bool

    @property
    def text(self) -> str:
        return str(self.body.get(TEXTS[_kind(self.form)], ""))


def kept_words(user: User, ticket: Ticket | None, browser: str) -> dict[str, Kept]:
    """The newest words of each form, unless that very form was sent after all."""
    now = timezone.now()
    sent = FormKey.objects.filter(user=OuterRef("user"), key=OuterRef("key"))
    about = _about(ticket.pk if ticket else None)
    words = Draft.objects.filter(about, ~Exists(sent), user=user).filter(
        Q(browser="", updated_at__gt=now - DRAFT_LIFETIME)
        | Q(browser=browser, updated_at__gt=now - HELD_LIFETIME)
    )
    return {
        row.form: Kept(row.form, row.body, row.updated_at, bool(row.browser))
        for row in words.order_by("updated_at")
    }


def had_files(post: Mapping[str, str]) -> bool:
    """Whether files were chosen that go with no draft: by a ready answer, or as the page says."""
    return bool(post.get("canned_files") or post.get("had_files"))


def save_draft(*, mark: Mark, key: UUID | None, post: Mapping[str, str]) -> None:
    """Keep the words of a form; empty ones end the draft. Raises TextTooLong."""
    body = _body(mark.form, post)
    longest = max(map(len, body.values()))
    if longest > TEXT_LIMIT:
        raise TextTooLong(longest, TEXT_LIMIT)
    if key and FormKey.objects.filter(user=mark.user_id, key=key).exists():
        return  # it was on its way while the form was sent
    if _has_words(mark.form, body):
        _keep(mark, "", key, body | ({"had_files": True} if had_files(post) else {}))
    else:
        _rows(mark, "").filter(browser="").delete()


def hold_words(
    *, mark: Mark, browser: str, key: UUID | None, post: Mapping[str, str], had_files: bool
) -> bool:
    """Hold what a lost form said; False where nothing was said or its author has left."""
    body = _body(mark.form, post)
    if not _has_words(mark.form, body):
        return False
    body["had_files"] = had_files
    with transaction.atomic():
        author = User.objects.lock(mark.user_id)
        if author is None or not author.is_active:
            return False
        _keep(mark, browser, key, body)
        held = Draft.objects.filter(user=author).exclude(browser="").order_by("-updated_at", "-pk")
        surplus = list(held.values_list("pk", flat=True)[HELD_A_PERSON:])
        Draft.objects.filter(pk__in=surplus).delete()
    return True


def forget_words(*, mark: Mark, browser: str) -> None:
    """End the draft of a form and what this browser lost of it."""
    _rows(mark, browser).delete()


def forget_person(user: User, email: str) -> None:
    """End what others were writing for a person, chosen or typed in as somebody new."""
    named = Q(body__requester=str(user.pk))
    if email:
        named |= Q(body__email__iexact=email)
    Draft.objects.filter(named, form__startswith="called").delete()


def _keep(mark: Mark, browser: str, key: UUID | None, body: dict[str, Any]) -> None:
    where: dict[str, Any] = {"user_id": mark.user_id, "ticket_id": mark.ticket_id}
    what = {"key": key, "body": body, "updated_at": timezone.now()}
    Draft.objects.update_or_create(form=mark.form, browser=browser, **where, defaults=what)


def _rows(mark: Mark, browser: str) -> QuerySet[Draft]:
    return Draft.objects.filter(
        _about(mark.ticket_id), user=mark.user_id, form=mark.form, browser__in={"", browser}
    )


def _about(ticket_id: int | None) -> Q:
    """Words for a ticket that was merged while they were typed belong to the other one now."""
    about = Q(ticket=ticket_id)
    return about | Q(ticket__merged_into=ticket_id) if ticket_id else about


def fields_of(form: str) -> list[str]:
    """The names of all that is kept of a form, its text first; none of a form without words."""
    form = _kind(form)
    names = [kind[form] for kind in (TEXTS, LINES, CHOICES) if form in kind]
    return [*names, *BESIDE.get(form, ())]


def _kind(form: str) -> str:
    return form.partition(":")[0]


def _body(form: str, post: Mapping[str, str]) -> dict[str, Any]:
    return {name: post.get(name, "").replace("\0", "") for name in fields_of(form)}


def _has_words(form: str, body: Mapping[str, str]) -> bool:
    """Words for somebody who has been erased meanwhile are none."""
    person = read_number(body.get("requester", ""))
    if person and Erasure.objects.filter(user=person).exists():
        return False
    form = _kind(form)
    return any(body[kind[form]].strip() for kind in (TEXTS, LINES) if form in kind)


def new_browser() -> str:
    return token_urlsafe(32)


def read_browser(cookies: Mapping[str, str]) -> str:
    """The name under which this browser's lost forms are held; empty when it lost none."""
    name = cookies.get(BROWSER_COOKIE, "")
    return name if re.fullmatch(r"[A-Za-z0-9_-]{43}", name) else ""


def delete_old_words(rows_a_call: int) -> None:
    now = timezone.now()
    old = Draft.objects.filter(
        Q(updated_at__lt=now - DRAFT_LIFETIME)
        | ~Q(browser="") & Q(updated_at__lt=now - HELD_LIFETIME)
    )
    old.filter(pk__in=list(old.values_list("pk", flat=True)[:rows_a_call])).delete()
