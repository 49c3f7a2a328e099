"""Ready answers: who may use and change which, and how their words are filled in.

A variable is a Russian word in braces. Everything else is literal, and a value is never read again:
nothing of a text or of a customer's data is ever executed.
"""

from __future__ import annotations  # File[Any] is generic for the type checker only

import re
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import Case, QuerySet, When
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.quotas import use
from tickets.attachments import (
    BYTES_A_DAY,
    MAX_FILES,
    NewFile,
    StoredContent,
    attachment_storage,
    delete_content,
    stored_contents,
)
from tickets.models import CannedAnswer, CannedFile, Ticket
from tickets.recording import clean_body
from tickets.refusals import NotYours, TooManyFiles, VariableUnknown
from tickets.search import any_spelling

SHARE = "tickets.share_cannedanswer"
VARIABLES = ("имя", "номер", "тема", "продукт", "специалист")
# JSON, a shell's ${HOME} and a log line in braces are none.
VARIABLE = re.compile(r"\{[ ]*([А-Яа-яЁё]+(?:[ _-]+[А-Яа-яЁё]+)*)[ ]*\}")
FOUND_LIMIT = 20  # answers offered at once
WORDS_LIMIT = 6  # of a search


def values_for(ticket: Ticket, agent: User) -> dict[str, str]:
    """What stands in the place of each variable. `ticket` with its requester and product."""
    return {
        "имя": ticket.requester.first_name or _("уважаемый клиент"),
        "номер": str(ticket.number),
        "тема": ticket.title,
        "продукт": str(ticket.product),
        "специалист": agent.short_name,
    }


def sample_values() -> dict[str, str]:
    """Invented ones, to show what becomes of a text."""
    return {
        "имя": _("Анна"),
        "номер": "1024",
        "тема": _("Не открывается отчёт"),
        "продукт": _("Облачный сервер"),
        "специалист": _("Игорь П."),
    }


def fill(body: str, values: Mapping[str, str]) -> str:
    """The words with each variable replaced, once: braces within a value stay what they are."""
    return VARIABLE.sub(lambda found: values.get(found[1].lower(), found[0]), body)


def require_known(body: str) -> None:
    """Raise VariableUnknown where something looks like a variable and is none."""
    unknown = [found[0] for found in VARIABLE.finditer(body) if found[1].lower() not in VARIABLES]
    if unknown:
        raise VariableUnknown(list(dict.fromkeys(unknown)), VARIABLES)


def may_change(agent: User, answer: CannedAnswer) -> bool:
    """One's own, and everybody's with the right to share. Who may change any is asked elsewhere."""
    return answer.owner_id == agent.pk if answer.owner_id else agent.has_perm(SHARE)


def found(answers: QuerySet[CannedAnswer], words: str) -> QuerySet[CannedAnswer]:
    """Those that have every word in their title or text, in whatever letters."""
    for word in words.split()[:WORDS_LIMIT]:
        in_title = any_spelling("title__icontains", word)
        answers = answers.filter(in_title | any_spelling("body__icontains", word))
    return answers


def answers_for(product_id: int | None, agent: User, words: str) -> list[CannedAnswer]:
    """At most FOUND_LIMIT with their files: of the product, of no product, of others."""
    of_product = Case(When(product=product_id, then=0), When(product=None, then=1), default=2)
    word = (words.split() or [""])[0]
    by_title = Case(When(any_spelling("title__icontains", word), then=0), default=1)
    usable = CannedAnswer.objects.usable_by(agent).select_related("product")
    ordered = found(usable, words).order_by(of_product, by_title, "title", "pk")
    return list(ordered.prefetch_related("files")[:FOUND_LIMIT])


def files_chosen(agent: User, ids: Iterable[int]) -> list[CannedFile]:
    """Files of answers the agent may use, as far as they are still there; at most MAX_FILES + 1."""
    usable = CannedAnswer.objects.usable_by(agent)
    rows = CannedFile.objects.filter(answer__in=usable, pk__in=set(ids))[: MAX_FILES + 1]
    return [row for row in rows if attachment_storage().exists(str(row.file))]


def as_new_file(file: CannedFile) -> NewFile:
    """To be kept once more by whoever sends it: the answer may be deleted before the ticket."""
    content = StoredContent(str(file.file), file.size)
    return NewFile(file.name, file.size, file.content_type, content)


def save_answer(
    *,
    answer: CannedAnswer,
    actor: User,
    for_all: bool,
    files: Sequence[NewFile] = (),
    dropped: Sequence[CannedFile] = (),
) -> None:
    """Keep a new or changed answer: everybody's, or else its owner's, who is the actor.

    Raises NotYours, TextRequired, TextTooLong, VariableUnknown, TooManyFiles, TooManyBytes and
    FileRefused.
    """
    answer.body = clean_body(answer.body)
    require_known(answer.body)
    with stored_contents(files) as stored, transaction.atomic():
        _own(answer, actor, for_all)
        answer.save()
        _drop_files(answer.files.filter(pk__in=[file.pk for file in dropped]))
        if answer.files.count() + len(stored) > MAX_FILES:
            raise TooManyFiles(MAX_FILES)
        if stored:
            use(actor, BYTES_A_DAY, sum(file.size for file in stored))
        for file in stored:
            kind = file.content_type[:100]
            answer.files.create(name=file.name, size=file.size, content_type=kind, file=file.stored)


def _own(answer: CannedAnswer, actor: User, for_all: bool) -> None:
    known = CannedAnswer.objects.select_for_update().filter(pk=answer.pk).first()
    if known and not may_change(actor, known):
        raise NotYours
    was_for_all = bool(known and known.owner_id is None)
    if for_all != was_for_all and not actor.has_perm(SHARE):
        raise NotYours
    answer.owner = None if for_all else actor


def delete_answer(*, answer: CannedAnswer, actor: User) -> None:
    """Delete an answer with its files; what was sent of them is not touched. Raises NotYours."""
    if not may_change(actor, answer):
        raise NotYours
    with transaction.atomic():
        _drop_files(answer.files.all())
        answer.delete()


def _drop_files(files: QuerySet[CannedFile]) -> None:
    names = list(files.values_list("file", flat=True))
    files.delete()
    transaction.on_commit(lambda: [delete_content(name) for name in names] and None)
