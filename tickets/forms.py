"""Forms that people send: a key makes one act of many presses, drafts keep unsent words.

Without a key, as from a page of an older release, a form acts each time it comes.
"""

from __future__ import annotations  # File[Any] is generic for the type checker only

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Organization, User
from config.database import retry_once
from tickets.attachments import NewFile, stored_contents
from tickets.drafts import Mark, delete_old_words, forget_words, read_browser
from tickets.models import FormKey, Ticket
from tickets.refusals import KeyReused

logger = logging.getLogger(__name__)

KEY_LIFETIME = timedelta(hours=24)
ROWS_A_CALL = 1000  # more than a minute brings, too few to hold anybody up

Made = dict[str, Any]


@dataclass(frozen=True)
class Sending:
    """A form as a person sent it; the same key with the same fingerprint is the same press.

    A key of an `organization`, whose programs act for several people, is no other under another
    name: make it of both.
    """

    user: User
    purpose: str
    key: UUID | None
    fingerprint: str
    ticket: Ticket | None = None
    browser: str = ""  # whose held words are done with when this succeeds
    files: Sequence[NewFile] = field(default=())
    organization: Organization | None = None


@dataclass(frozen=True)
class Done:
    made: Made
    is_new: bool = False


def read_key(text: str) -> UUID | None:
    """The key that a form carries; what is none counts as missing."""
    try:
        return UUID(text) if text.isascii() else None
    except ValueError:
        return None


def read_sending(
    request: HttpRequest,
    *,
    user: User,
    purpose: str,
    content: Mapping[str, Any],
    files: Sequence[NewFile] = (),
    ticket: Ticket | None = None,
) -> Sending:
    """A form of a page as it came, with its values cleaned."""
    about = {"ticket": ticket.pk if ticket else None}
    return Sending(
        user=user,
        purpose=purpose,
        key=read_key(request.POST.get("key", "")),
        fingerprint=fingerprint({**content, **about}, files),
        ticket=ticket,
        browser=read_browser(request.COOKIES),
        files=files,
    )


def fingerprint(content: Mapping[str, Any], files: Sequence[NewFile] = ()) -> str:
    """A digest of cleaned values, which JSON can hold, and of files by name, size and content."""
    digest = sha256(json.dumps(content, sort_keys=True).encode())
    for file in files:
        digest.update(json.dumps([file.name, file.size]).encode())
        if file.content is not None:
            for chunk in file.content.chunks():
                digest.update(chunk)
            file.content.seek(0)
    return digest.hexdigest()


def once(
    sending: Sending, act: Callable[[Sequence[NewFile]], Made], *, with_files: bool = True
) -> Done:
    """Let `act` happen for the first press, with the stored files; tell others what it made.

    The key, the act and the end of the form's draft are one transaction, so a press that comes
    meanwhile waits for its outcome. Raises KeyReused when other content comes under the key.
    """
    if sending.files and (done := recall(sending)):  # their storing would be in vain
        return done
    with stored_contents(sending.files if with_files else ()) as files:
        return retry_once(_act_once, sending, act, files)


def once_even_without_files(sending: Sending, act: Callable[[Sequence[NewFile]], Made]) -> Done:
    """The same, without the files where they cannot be stored: the words are not lost with them."""
    try:
        return once(sending, act)
    except OSError:
        logger.exception("files of a form of user %s could not be stored", sending.user.pk)
        return once(sending, act, with_files=False)


def _act_once(
    sending: Sending, act: Callable[[Sequence[NewFile]], Made], files: Sequence[NewFile]
) -> Done:
    with transaction.atomic():
        # One after the other: two forms of a person would wait for each other's row for ever.
        if sending.organization:
            organizations = Organization.objects.select_for_update(no_key=True)
            organizations.filter(pk=sending.organization.pk).first()
        User.objects.lock(sending.user.pk)
        if done := recall(sending):
            return done
        made = act(files)
        if sending.key:
            FormKey.objects.create(
                user=sending.user,
                key=sending.key,
                purpose=sending.purpose,
                fingerprint=sending.fingerprint,
                made=made,
            )
        ticket_id = sending.ticket.pk if sending.ticket else None
        mark = Mark(sending.user.pk, sending.purpose, ticket_id)
        forget_words(mark=mark, browser=sending.browser)
        return Done(made, is_new=True)


def recall(sending: Sending) -> Done | None:
    """What this very form made before. Raises KeyReused when it was sent with other content."""
    if sending.key is None:
        return None
    whose = {} if sending.organization else {"user": sending.user}
    known = FormKey.objects.filter(key=sending.key, **whose).first()
    if known is None:
        return None
    if (known.purpose, known.fingerprint) != (sending.purpose, sending.fingerprint):
        raise KeyReused(known.made)
    return Done(known.made)


def is_sent(user: User, key: UUID) -> bool:
    return FormKey.objects.filter(user=user, key=key).exists()


def delete_old_forms() -> None:
    """Keys, drafts and held words that are past their time."""
    old = FormKey.objects.filter(created_at__lt=timezone.now() - KEY_LIFETIME)
    FormKey.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:ROWS_A_CALL])).delete()
    delete_old_words(ROWS_A_CALL)
