"""What `writes.py` compares the product's forms with: the same rows written by plain Django.

Each view checks its form, and in one transaction keeps the form's key (a second press would break
on it), counts the change against a limit, locks the ticket, writes the comment, the event and the
ticket, asks who wants to hear of it by mail, chat, group and webhook, writes a delivery for each
and one task for the queue, and deletes the draft. At the end a message and a redirect. It stores
no files, knows no colleagues, due times, agents' rights beyond `is_staff` or news since the page
was made, and has no words for what it refuses.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django_q.tasks import async_task

from accounts.models import MessengerAccount, Usage, User
from telegram_bot.models import GroupTicket
from tickets.models import (
    Comment,
    Delivery,
    Draft,
    Follower,
    FormKey,
    NoticePreference,
    Product,
    Ticket,
    TicketEvent,
    serving,
)
from tickets.status import TicketStatus
from webhooks.models import Endpoint

CHANGES_A_MINUTE = 30


class KeyedForm(forms.Form):
    key = forms.UUIDField()


class NewForm(KeyedForm):
    product = forms.ModelChoiceField(Product.objects.filter(is_active=True))
    title = forms.CharField(max_length=60)
    description = forms.CharField(max_length=20_000)


class WordsForm(KeyedForm):
    words = forms.CharField(max_length=20_000)


def sent(form_class: type[KeyedForm], purpose: str, **names: str) -> Callable:
    """A view of a valid form, in a transaction that counts the change and keeps the key."""

    def decorate(view: Callable) -> Callable:
        @wraps(view)
        def wrapped(request: HttpRequest, **about: Any) -> HttpResponse:
            data = request.POST.dict()
            form = form_class(data | {name: data.get(field) for name, field in names.items()})
            if not form.is_valid():
                return HttpResponseBadRequest(str(form.errors))
            with transaction.atomic():
                _count(request.user)
                ticket = view(request, form.cleaned_data, **about)
                key, made = form.cleaned_data["key"], {"ticket": ticket.pk}
                FormKey.objects.create(user=request.user, key=key, purpose=purpose, made=made)
                Draft.objects.filter(user=request.user, form=purpose, ticket=ticket).delete()
            messages.success(request, "Сохранено.")
            return redirect("ticket_detail", ticket.pk)

        return wrapped

    return decorate


@sent(NewForm, "new")
def new_ticket(request: HttpRequest, data: dict[str, Any]) -> Ticket:
    user, now = request.user, timezone.now()
    ticket = Ticket.objects.create(
        requester=user,
        organization=user.organization,
        face="portal",
        last_word_by=user,
        changed_by=user,
        **{name: data[name] for name in ("product", "title", "description")},
    )
    event = TicketEvent.objects.create(
        ticket=ticket, kind="created", actor=user, face="portal", created_at=now
    )
    _save(ticket, event)
    _tell(event, list(serving()), "staff_new")
    return ticket


@sent(WordsForm, "comment", words="body")
def comment(request: HttpRequest, data: dict[str, Any], number: int) -> Ticket:
    return _change(request, _own(request, number), words=data["words"])


@sent(WordsForm, "return", words="reason")
def give_back(request: HttpRequest, data: dict[str, Any], number: int) -> Ticket:
    return _change(request, _own(request, number), TicketStatus.IN_PROGRESS, data["words"])


@sent(KeyedForm, "close")
def close(request: HttpRequest, data: dict[str, Any], number: int) -> Ticket:
    return _change(request, _own(request, number), TicketStatus.CLOSED)


@sent(WordsForm, "reply", words="answer")
def answer(request: HttpRequest, data: dict[str, Any], number: int) -> Ticket:
    if not request.user.is_staff:
        raise PermissionDenied
    ticket = get_object_or_404(_locked(), pk=number)
    return _change(request, ticket, TicketStatus.WAITING, data["words"])


def _locked() -> Any:
    related = Ticket.objects.select_related("requester", "organization", "product", "assignee")
    return related.select_for_update(of=("self",))


def _own(request: HttpRequest, number: int) -> Ticket:
    return get_object_or_404(_locked(), pk=number, requester=request.user)


def _count(user: User) -> None:
    now = timezone.now()
    row, _is_new = Usage.objects.select_for_update().get_or_create(user=user, kind="changes")
    if now - row.since > timedelta(minutes=1):
        row.since, row.used = now, 0
    if row.used >= CHANGES_A_MINUTE:
        raise PermissionDenied
    row.used += 1
    row.save()


def _change(
    request: HttpRequest, ticket: Ticket, status: TicketStatus | None = None, words: str = ""
) -> Ticket:
    by = {"by_agent": request.user.is_staff, "face": "admin" if request.user.is_staff else "portal"}
    said = None
    if words:
        said = Comment.objects.create(ticket=ticket, author=request.user, body=words, **by)
    event = TicketEvent.objects.create(
        ticket=ticket,
        kind="status" if status else "comment",
        actor=request.user,
        comment=said,
        old_value=ticket.status if status else "",
        new_value=status or "",
        **by,
    )
    if status:
        ticket.status = status
        ticket.closed_at = event.created_at if status == TicketStatus.CLOSED else None
    _save(ticket, event)
    concerned = [ticket.requester] if request.user.is_staff else [ticket.assignee]
    _tell(event, [person for person in concerned if person], event.kind)
    return ticket


def _save(ticket: Ticket, event: TicketEvent) -> None:
    ticket.version = ticket.desk_version = event.pk
    ticket.updated_at = ticket.changed_at = event.created_at
    ticket.changed_by = ticket.desk_changed_by = event.actor
    if event.comment:
        ticket.last_word_at, ticket.last_word_by = event.created_at, event.actor
        ticket.last_word_by_agent = event.by_agent
    ticket.save()


def _tell(event: TicketEvent, people: list[User], kind: str) -> None:
    """By mail unless they chose otherwise, in their chat, the ticket's group, and by webhooks."""
    ticket = event.ticket
    followers = Follower.objects.filter(ticket=ticket).select_related("user")
    people = [*people, *(row.user for row in followers if row.user != event.actor)]
    chosen = NoticePreference.objects.filter(user__in=people)
    silent = {row.user_id for row in chosen if not row.by_mail}
    ways = [("email", person.email, person) for person in people if person.pk not in silent]
    if event.by_agent and ticket.client_email != ticket.requester.email:
        ways.append(("email", ticket.client_email, None))
    chats = MessengerAccount.objects.filter(user__in=people, channel="telegram")
    ways += [("telegram", chat.address, chat.user) for chat in chats.select_related("user")]
    groups = GroupTicket.objects.filter(ticket=ticket).select_related("group")
    ways += [("telegram", str(row.group.chat_id), None) for row in groups]
    owners = Q(user=ticket.requester_id) | Q(organization=ticket.organization_id)
    hooks = Endpoint.objects.filter(owners, is_on=True).exclude(organization=None, user=None)
    ways += [("webhook", str(hook.pk), None) for hook in hooks]
    Delivery.objects.bulk_create(
        Delivery(
            channel=channel,
            kind=kind[:20],
            event=event,
            ticket=ticket,
            recipient=person,
            address=address,
            key=f"event:{event.pk}:{channel}:{place}",
        )
        for place, (channel, address, person) in enumerate(ways)
    )
    for channel in {channel for channel, _address, _person in ways}:
        async_task("tickets.tasks.drain", channel)


def _path(name: str, view: Callable) -> Any:
    return path(reverse(name, args=[0]).lstrip("/").replace("/0/", "/<int:number>/"), view)


urlpatterns = [
    path(reverse("new_ticket").lstrip("/"), new_ticket),
    _path("ticket_comment", comment),
    _path("ticket_return", give_back),
    _path("ticket_close", close),
    _path("admin:tickets_ticket_change", answer),
]
