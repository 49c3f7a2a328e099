"""Personal data of `tickets`: tickets, comments, files, drafts, what was told."""

from collections import defaultdict
from functools import partial
from typing import IO, Any

from django.db.models import Case, F, QuerySet, TextField, Value, When

from accounts.models import Erasure, User
from accounts.news import AccountNews
from accounts.personal_data import ERASED_TEXT, Batch, Entry, Page, Section
from tickets.attachments import delete_content, unnamed
from tickets.delivery import cancel_waiting
from tickets.drafts import forget_person
from tickets.models import (
    Attachment,
    CannedFile,
    Comment,
    Delivery,
    Draft,
    Follower,
    FormKey,
    Presence,
    Ticket,
    TicketEvent,
    TicketRead,
)
from tickets.queries import own_files, public_events, public_files

TICKETS_A_BATCH = 50
ROWS_A_BATCH = 500
BYTES_A_PAGE = 50 * 1024**2  # of contents; a page holds at least one
Kind = TicketEvent.Kind


class TicketsSection(Section):
    """Tickets with what their requester may see of them; a ticket is erased whole or not yet."""

    def export(self, user: User, after: int) -> Page:
        rows = Ticket.objects.own(user).filter(pk__gt=after).select_related("product")
        tickets = list(rows.select_related("organization").order_by("pk")[:TICKETS_A_BATCH])
        comments = _by_ticket(_public_comments(tickets))
        events = _by_ticket(public_events().filter(ticket__in=tickets).order_by("pk"))
        files = _by_ticket(public_files().filter(ticket__in=tickets).order_by("pk"))
        entries = [
            Entry(
                f"tickets/{row.pk}/ticket.json",
                _ticket(row)
                | {
                    "events": _events(user, events[row.pk], comments[row.pk]),
                    "comments": [_comment(user, comment) for comment in comments[row.pk]],
                    "files": [_file(file) for file in files[row.pk]],
                },
            )
            for row in tickets
        ]
        return Page(entries, _next(tickets, TICKETS_A_BATCH))

    def erase(self, erasure: Erasure, after: int) -> Batch:
        rows = Ticket.objects.select_for_update(of=("self",), no_key=True)
        of_person = rows.filter(requester=erasure.user, pk__gt=after).order_by("pk")
        tickets = list(of_person[:TICKETS_A_BATCH])
        own = Comment.objects.filter(ticket__in=tickets, author=erasure.user, by_agent=False)
        _erase_files(own_files(erasure.user).filter(ticket__in=tickets))
        _erase_comments(own)
        Ticket.objects.filter(pk__in=[row.pk for row in tickets]).update(
            title=ERASED_TEXT,
            description=ERASED_TEXT,
            rating_comment=_erased_if_any("rating_comment"),
        )
        titles = TicketEvent.objects.filter(ticket__in=tickets, kind=Kind.TITLE)
        titles.update(old_value=ERASED_TEXT, new_value=ERASED_TEXT)  # what it was called before
        Delivery.objects.filter(ticket__in=tickets).delete()  # with names, and rows of its events
        return Batch(len(tickets), _next(tickets, TICKETS_A_BATCH))


class WordsSection(Section):
    """What the person wrote in tickets of others. Answers of an agent are the desk's words."""

    def export(self, user: User, after: int) -> Page:
        rows = self._rows(user, after).filter(is_internal=False).prefetch_related("attachments")
        comments = list(rows.order_by("pk")[:ROWS_A_BATCH])
        told = [{"ticket": row.ticket_id} | _comment(user, row) for row in comments]
        name = f"comments/{after}.json"
        return Page([Entry(name, told)] if told else [], _next(comments, ROWS_A_BATCH))

    def erase(self, erasure: Erasure, after: int) -> Batch:
        rows = list(self._rows(erasure.user, after).order_by("pk")[:ROWS_A_BATCH])
        comments = Comment.objects.filter(pk__in=[row.pk for row in rows])
        _erase_files(own_files(erasure.user).filter(comment__in=comments))
        _erase_comments(comments)
        return Batch(len(rows), _next(rows, ROWS_A_BATCH))

    def _rows(self, user: User, after: int) -> QuerySet[Comment]:
        mine = Comment.objects.filter(author=user, by_agent=False, pk__gt=after)
        return mine.exclude(ticket__requester=user)


class FilesSection(Section):
    """The contents of the person's own files; they are erased with their words."""

    def export(self, user: User, after: int) -> Page:
        ready = own_files(user).filter(state=Attachment.State.READY, pk__gt=after)
        files: list[Attachment] = []
        size = 0
        for file in ready.order_by("pk")[:ROWS_A_BATCH]:
            if files and size + file.size > BYTES_A_PAGE:
                return Page([_content(row) for row in files], files[-1].pk)
            files.append(file)
            size += file.size
        return Page([_content(row) for row in files], _next(files, ROWS_A_BATCH))


class DraftsSection(Section):
    def export(self, user: User, after: int) -> Page:
        rows = Draft.objects.filter(user=user).order_by("pk")
        drafts = rows.values("form", "ticket_id", "body", "updated_at")
        forms = FormKey.objects.filter(user=user).order_by("pk").values("purpose", "created_at")
        return Page([Entry("drafts.json", list(drafts)), Entry("sent_forms.json", list(forms))])

    def leave(self, erasure: Erasure) -> None:
        Draft.objects.filter(user=erasure.user).delete()
        forget_person(erasure.user, erasure.email)
        FormKey.objects.filter(user=erasure.user).delete()
        own = list(Ticket.objects.own(erasure.user).values_list("pk", flat=True))
        FormKey.objects.filter(made__ticket__in=own).delete()  # what others' programs were told
        TicketRead.objects.filter(user=erasure.user).delete()


class ChoicesSection(Section):
    """What the person follows, and of what they want to hear."""

    def export(self, user: User, after: int) -> Page:
        followed = Follower.objects.filter(user=user).order_by("pk").values("ticket_id", "since")
        chosen = user.notice_preferences.order_by("pk").values("topic", "by_chat", "by_mail")
        entries = [
            Entry("followed_tickets.json", list(followed)),
            Entry("notification_choices.json", list(chosen)),
        ]
        return Page(entries)

    def leave(self, erasure: Erasure) -> None:
        Follower.objects.filter(user=erasure.user).delete()
        erasure.user.notice_preferences.all().delete()


class DeskSection(Section):
    """What an agent keeps at the desk for themselves; what is everybody's stays."""

    def export(self, user: User, after: int) -> Page:
        answers = user.canned_answers.order_by("pk").values("title", "body", "created_at")
        views = user.saved_views.order_by("pk").values("name", "query")
        entries = [("canned_answers.json", answers), ("saved_views.json", views)]
        return Page([Entry(name, list(rows)) for name, rows in entries if rows])

    def leave(self, erasure: Erasure) -> None:
        Presence.objects.filter(user=erasure.user).delete()
        erasure.user.saved_views.all().delete()
        for name in CannedFile.objects.filter(answer__owner=erasure.user).values_list("file"):
            delete_content(*name)
        erasure.user.canned_answers.all().delete()


class DeliveriesSection(Section):
    """What was told to the person: when and how it fared, never the words."""

    def export(self, user: User, after: int) -> Page:
        rows = Delivery.objects.filter(recipient=user, pk__gt=after).order_by("pk")
        told = list(rows.values(*DELIVERY)[:ROWS_A_BATCH])
        more = told[-1]["id"] if len(told) == ROWS_A_BATCH else None
        return Page([Entry(f"deliveries/{after}.json", told)] if told else [], more)

    def leave(self, erasure: Erasure) -> None:
        cancel_waiting(erasure.user)

    def erase(self, erasure: Erasure, after: int) -> Batch:
        rows = _keys(Delivery.objects.filter(recipient=erasure.user), after)
        Delivery.objects.filter(pk__in=rows).delete()
        if len(rows) == ROWS_A_BATCH:
            return Batch(len(rows), rows[-1])
        for channel, address in erasure.addresses:  # news of PINs name no recipient
            Delivery.objects.filter(channel=channel, address=address).delete()
        asked = Delivery.objects.filter(kind=AccountNews.SIGN_UP)  # before there was an account
        asked.filter(address__iexact=erasure.email).delete()
        return Batch(len(rows))


DELIVERY = (
    "id", "channel", "kind", "ticket_id", "address", "state", "attempts", "created_at", "sent_at",
)  # fmt: skip


def _next(rows: list[Any], limit: int) -> int | None:
    return rows[-1].pk if len(rows) == limit else None


def _keys(rows: QuerySet[Any], after: int) -> list[int]:
    found = rows.filter(pk__gt=after).order_by("pk")
    return list(found.values_list("pk", flat=True)[:ROWS_A_BATCH])


def _public_comments(tickets: list[Ticket]) -> QuerySet[Comment]:
    shown = Comment.objects.public().filter(ticket__in=tickets).order_by("pk")
    return shown.select_related("author").prefetch_related("attachments")


def _by_ticket(rows: QuerySet[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.ticket_id].append(row)
    return found


# Plain data


def _ticket(ticket: Ticket) -> dict[str, Any]:
    return {
        "number": ticket.pk,
        "title": ticket.title,
        "description": ticket.description,
        "product": ticket.product.name,
        "organization": ticket.organization.name if ticket.organization else None,
        "status": ticket.status,
        "priority": ticket.priority,
        "face": ticket.face,
        "based_on": ticket.parent_id,
        "merged_into": ticket.merged_into_id,
        "score": ticket.score,
        "rating_comment": ticket.rating_comment,
        "created_at": ticket.created_at,
        "resolved_at": ticket.resolved_at,
        "closed_at": ticket.closed_at,
    }


def _events(user: User, events: list[TicketEvent], shown: list[Comment]) -> list[dict[str, Any]]:
    """Without those that tell of a comment which is not shown."""
    public = {comment.pk for comment in shown}
    return [
        {
            "kind": event.kind,
            "at": event.created_at,
            "by": _side(user, event.actor_id, event.by_agent),
            "face": event.face,
            "old": event.old_value,
            "new": event.new_value,
            "comment": event.comment_id if event.comment_id in public else None,
        }
        for event in events
        if event.kind != Kind.COMMENTED or event.comment_id in public
    ]


def _comment(user: User, comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.pk,
        "by": _side(user, comment.author_id, comment.by_agent),
        "author": comment.author.short_name if comment.author else None,
        "body": comment.body,
        "face": comment.face,
        "created_at": comment.created_at,
        "edited_at": comment.edited_at,
        "files": [file.pk for file in comment.attachments.all()],
    }


def _side(user: User, author_id: int | None, by_agent: bool) -> str:
    if by_agent:
        return "support"
    return "you" if author_id == user.pk else "other" if author_id else "system"


def _file(file: Attachment) -> dict[str, Any]:
    return {
        "id": file.pk,
        "comment": file.comment_id,
        "name": file.name,
        "size": file.size,
        "type": file.content_type,
        "state": file.state,
        "refusal": file.refusal,
        "created_at": file.created_at,
    }


def _content(file: Attachment) -> Entry:
    name = f"tickets/{file.ticket_id}/files/{file.pk}-{file.name}"
    return Entry(name, content=partial(_open, file))


def _open(file: Attachment) -> IO[bytes]:
    content: IO[bytes] = file.file.open("rb")
    return content


# Taking out


def _erase_comments(comments: QuerySet[Comment]) -> None:
    comments.update(body=ERASED_TEXT)
    edits = TicketEvent.objects.filter(comment__in=comments, kind=Kind.EDITED)
    edits.update(old_value=ERASED_TEXT)  # what a comment said before


def _erase_files(files: QuerySet[Attachment]) -> None:
    """Contents first: what is killed in between is done again, and no content is left behind.

    One that another row names as well stays, though only agents' files are shared today.
    """
    rows = dict(files.values_list("pk", "file"))
    for name in unnamed([name for name in rows.values() if name], gone=rows):
        delete_content(name)
    Attachment.objects.filter(pk__in=rows).delete()


def _erased_if_any(field: str) -> Case:
    return Case(
        When(**{field: ""}, then=F(field)), default=Value(ERASED_TEXT), output_field=TextField()
    )
