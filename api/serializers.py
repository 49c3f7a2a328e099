"""What programs are given: the keys of tickets/plain.py, each declared with its type.

Values that will grow in number are texts: a client made from the schema breaks over a new choice.
"""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.serializers import (
    BooleanField,
    CharField,
    ChoiceField,
    EmailField,
    IntegerField,
    ListField,
    URLField,
)

from accounts.models import Scope
from api.fields import Moment
from tickets.kin import hide_foreign
from tickets.models import Attachment, Priority
from tickets.plain import comment_data, event_data, file_data, ticket_data
from tickets.status import Role, TicketStatus


class Named(serializers.Serializer):
    id = IntegerField()
    name = CharField()


class TicketOut(serializers.Serializer):
    number = IntegerField()
    url = URLField()
    title = CharField()
    description = CharField()
    status = ChoiceField(choices=TicketStatus.choices)
    priority = ChoiceField(choices=Priority.choices)
    product = Named()
    requester = Named()
    organization = Named(allow_null=True)
    assignee = Named(allow_null=True)
    opened_in = CharField()  # a Face: there may be more
    parent = IntegerField(allow_null=True)
    merged_into = IntegerField(allow_null=True)
    score = IntegerField(allow_null=True, min_value=1, max_value=5)
    rating_comment = CharField(allow_blank=True)
    created_at = Moment()
    changed_at = Moment()
    resolved_at = Moment(allow_null=True)
    closed_at = Moment(allow_null=True)


class ByOut(serializers.Serializer):
    role = ChoiceField(choices=Role.choices)
    person = Named(allow_null=True)


class FileOut(serializers.Serializer):
    id = IntegerField()
    name = CharField()
    size = IntegerField()
    content_type = CharField(allow_blank=True)
    state = ChoiceField(choices=Attachment.State.choices)
    comment = IntegerField(allow_null=True)
    created_at = Moment()


class CommentOut(serializers.Serializer):
    id = IntegerField()
    body = CharField(allow_blank=True)
    internal = BooleanField()
    by = ByOut()
    created_at = Moment()
    edited_at = Moment(allow_null=True)
    files = FileOut(many=True)


class SentFilesOut(CommentOut):
    """`files_refused`: why the words were kept without the files; null when all is there."""

    files_refused = CharField(allow_null=True)


class EventOut(serializers.Serializer):
    id = IntegerField()
    kind = CharField()  # of TicketEvent.Kind: there will be more
    internal = BooleanField()
    at = Moment()
    by = ByOut()
    old = CharField(allow_blank=True)
    new = CharField(allow_blank=True)
    comment = CommentOut(allow_null=True)


class TicketPageOut(serializers.Serializer):
    results = TicketOut(many=True)
    next = URLField(allow_null=True)
    previous = URLField(allow_null=True)


class EventPageOut(serializers.Serializer):
    results = EventOut(many=True)
    next = URLField(allow_null=True)


class CommentPageOut(serializers.Serializer):
    results = CommentOut(many=True)
    next = URLField(allow_null=True)


class FilePageOut(serializers.Serializer):
    results = FileOut(many=True)
    next = URLField(allow_null=True)


class ProductsOut(serializers.Serializer):
    results = Named(many=True)


class PersonOut(Named):
    email = EmailField()


class TokenOut(serializers.Serializer):
    name = CharField()
    prefix = CharField()
    expires_at = Moment()


class BotOut(serializers.Serializer):
    """How far the registration in the chat bot has come; consent is given on the portal only."""

    channel = CharField()
    state = ChoiceField(
        choices=[
            "unregistered", "waiting_for_phone", "pin_leaving", "pin_sent", "pin_expired", "linked",
        ]
    )  # fmt: skip


class MeOut(serializers.Serializer):
    person = PersonOut(allow_null=True)
    organization = Named(allow_null=True)
    scopes = ListField(child=ChoiceField(choices=Scope.choices))
    token = TokenOut(allow_null=True)
    bots = BotOut(many=True)


class ErrorOut(serializers.Serializer):
    """`pointer`: where in the body, «#/title»; of a query the parameter's name."""

    pointer = CharField()
    detail = CharField()
    code = CharField()


class ProblemOut(serializers.Serializer):
    type = URLField()
    title = CharField()
    status = IntegerField()
    detail = CharField()
    code = CharField()
    errors = ErrorOut(many=True, required=False)


def ticket_out(ticket: Any, readable: Any) -> Mapping[str, Any]:
    """The ticket for who may read those of `readable`, `Caller.tickets`: it names no others."""
    found = ticket_data(ticket)
    hide_foreign(readable, tickets=[found])
    return TicketOut(found).data


def file_out(file: Any) -> Mapping[str, Any]:
    return FileOut(file_data(file)).data


def comment_out(comment: Any, files: Any = ()) -> Mapping[str, Any]:
    return CommentOut(_comment(comment, files)).data


def event_out(event: Any, files: Any = ()) -> dict[str, Any]:
    found = event_data(event, files) | {"internal": event.is_internal}
    if event.comment:
        found["comment"] = _comment(event.comment, files)
    return EventOut(found).data


def _comment(comment: Any, files: Any) -> dict[str, Any]:
    return comment_data(comment, files) | {"internal": comment.is_internal}
