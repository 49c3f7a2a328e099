"""What an agent does to a ticket beside answering: each a small form on the card."""

from __future__ import annotations  # DetailsForm makes another of its kind

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from desk.lists import DeskAdmin, agent_of
from desk.queue import same_list
from desk.ticket_around import card_of, ticket_of
from tickets.details import change_details
from tickets.followers import add_follower, remove_follower
from tickets.form_fields import TitleField
from tickets.forms import Made, once, read_sending
from tickets.links import link_tickets, unlink_tickets
from tickets.models import Product, Ticket, serving
from tickets.queries import read_number
from tickets.recording import Actor, agent
from tickets.refusals import REFUSALS, NoSuchPerson, SnoozeRefused
from tickets.refusals_joining import NoSuchTicket
from tickets.search import any_spelling
from tickets.snoozing import snooze, wake
from tickets.text import clean_line

MORNING = time(9)
CARD = re.compile(r"/tickets?/([0-9]+)(?:/|$)")
LOGINS = 10  # offered while one is typed
Act = Callable[[HttpRequest, Ticket, Actor], str]


def urls(tickets: DeskAdmin) -> list[URLPattern]:
    view = tickets.admin_site.admin_view
    tools = [
        path(f"<int:pk>/{name}/", view(_posted(tickets, name, act)), name=f"tickets_ticket_{name}")
        for name, act in ACTS.items()
    ]
    return [
        path("logins/", view(_logins), name="tickets_ticket_logins"),
        path("<int:pk>/details/", view(_details(tickets)), name="tickets_ticket_details"),
        *tools,
    ]


def _card(request: HttpRequest, ticket: Ticket) -> HttpResponseRedirect:
    return HttpResponseRedirect(card_of(ticket, request))


def _posted(tickets: DeskAdmin, name: str, act: Act) -> Callable[[HttpRequest, int], HttpResponse]:
    """Carry out a form of the card once, and say on the card what came of it."""

    def view(request: HttpRequest, pk: int) -> HttpResponse:
        ticket = ticket_of(tickets, request, pk)
        if request.method != "POST":  # from the login, after a session that had ended
            return _card(request, ticket)
        try:
            text = _once(request, ticket, name, act)
        except REFUSALS as refusal:
            tickets.message_user(request, str(refusal), messages.WARNING)
        else:
            tickets.message_user(request, text, messages.SUCCESS)
        return _card(request, ticket)

    return view


def _once(request: HttpRequest, ticket: Ticket, name: str, act: Act) -> str:
    """The words of success, also when the same form comes again."""
    user = agent_of(request)
    hidden = ("csrfmiddlewaretoken", "key", "author")
    content = {key: value for key, value in request.POST.items() if key not in hidden}
    sending = read_sending(request, user=user, purpose=name, content=content, ticket=ticket)

    def carry_out(_files: object) -> Made:
        return {"words": act(request, ticket, agent(user))}

    return str(once(sending, carry_out).made["words"])


# Snooze


def _snooze(request: HttpRequest, ticket: Ticket, actor: Actor) -> str:
    until = read_until(request.POST.get("when", ""), request.POST.get("until", ""))
    snooze(ticket=ticket, until=until, actor=actor)
    return _("Заявка отложена до %(until)s.") % {"until": _shown(until)}


def read_until(when: str, typed: str) -> datetime:
    """A time that a form names, in the zone that is in force. Raises SnoozeRefused."""
    now = timezone.localtime()
    if when == "hour":
        return now + timedelta(hours=1)
    if when == "tomorrow":
        return _morning(now, 1)
    if when == "monday":
        return _morning(now, 7 - now.weekday())
    try:
        found = datetime.fromisoformat(typed)
        return found if timezone.is_aware(found) else timezone.make_aware(found)
    except (ValueError, OverflowError):
        raise SnoozeRefused from None


def _morning(now: datetime, days: int) -> datetime:
    return timezone.make_aware(datetime.combine(now.date() + timedelta(days=days), MORNING))


def _shown(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j E, H:i")


def _wake(request: HttpRequest, ticket: Ticket, actor: Actor) -> str:
    wake(ticket=ticket, actor=actor)
    return _("Заявка больше не отложена.")


# Links


def _link(request: HttpRequest, ticket: Ticket, actor: Actor) -> str:
    other = link_tickets(ticket=ticket, number=_number(request), actor=actor)
    return _("Заявка связана с № %(number)d.") % {"number": other.pk}


def _unlink(request: HttpRequest, ticket: Ticket, actor: Actor) -> str:
    number = _number(request)
    unlink_tickets(ticket=ticket, number=number, actor=actor)
    return _("Связь с № %(number)d убрана.") % {"number": number}


def _number(request: HttpRequest) -> int:
    """A number, or the address of a card of the desk or the portal."""
    typed = clean_line(request.POST.get("number", ""))
    address = CARD.search(typed)
    number = read_number(address[1] if address else typed.lstrip("№# "))
    if number is None:
        raise NoSuchTicket(typed)
    return number


# Followers


def _follow(request: HttpRequest, ticket: Ticket, actor: Actor) -> str:
    user = _person(request)
    add_follower(ticket=ticket, user=user, actor=agent_of(request))
    if user == actor.user:
        return _("Вы следите за заявкой.")
    return _("За заявкой следит %(name)s.") % {"name": user}


def _unfollow(request: HttpRequest, ticket: Ticket, actor: Actor) -> str:
    user = _person(request)
    remove_follower(ticket=ticket, user=user, actor=agent_of(request))
    if user == actor.user:
        return _("Вы больше не следите за заявкой.")
    return _("%(name)s больше не следит за заявкой.") % {"name": user}


def _person(request: HttpRequest) -> User:
    """By login or e-mail; without either the agent."""
    typed = clean_line(request.POST.get("person", "")).removeprefix("@")
    found = User.objects.by_login(typed) if typed else agent_of(request)
    if found is None:
        raise NoSuchPerson
    return found


def _logins(request: HttpRequest) -> JsonResponse:
    """Agents whose login or name begins so, while one of them is typed."""
    if not request.user.has_perm("tickets.change_ticket"):
        raise PermissionDenied
    term = clean_line(request.GET.get("term", "")[:50])
    named = any_spelling("first_name__istartswith", term) if term else Q()
    named |= any_spelling("last_name__istartswith", term) if term else Q()
    found = serving().filter(Q(username__istartswith=term) | named).order_by("username")[:LOGINS]
    rows = [{"login": user.username, "name": str(user)} for user in found]
    return JsonResponse({"agents": rows if term else []})


ACTS: dict[str, Act] = {
    "snooze": _snooze,
    "wake": _wake,
    "link": _link,
    "unlink": _unlink,
    "follow": _follow,
    "unfollow": _unfollow,
}


# Title and product


class DetailsForm(forms.Form):
    """`was_…` are what the form showed: what somebody else has changed since is not overwritten."""

    saved: Ticket | None = None  # as it is now, where that is another than the form showed
    was_title = forms.CharField(widget=forms.HiddenInput, strip=False)
    was_product = forms.IntegerField(widget=forms.HiddenInput)
    title = TitleField(
        label=gettext_lazy("Тема"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    product = forms.ModelChoiceField(
        label=gettext_lazy("Продукт"), queryset=Product.objects.all(), empty_label=None
    )

    def __init__(self, data: Any = None, *, ticket: Ticket) -> None:
        shown: dict[str, Any] = {"title": ticket.title, "product": ticket.product_id}
        super().__init__(data, initial=shown | {f"was_{name}": shown[name] for name in shown})
        offered = Q(is_active=True) | Q(pk=ticket.product_id)
        choices = [(row.pk, str(row)) for row in Product.objects.filter(offered)]
        cast(forms.ModelChoiceField, self.fields["product"]).widget.choices = choices

    def save(self, request: HttpRequest, ticket: Ticket) -> None:
        """Raises KeyReused and what the service refuses; the same once more is as good."""
        data = self.cleaned_data

        def act(_request: HttpRequest, ticket: Ticket, actor: Actor) -> str:
            was = (data["was_title"], data["was_product"])
            change_details(
                ticket=ticket, title=data["title"], product=data["product"], was=was, actor=actor
            )
            return _("Тема и продукт сохранены.")

        text = _once(request, ticket, "details", act)
        messages.success(request, text)

    def renewed(self, refusal: Exception, ticket: Ticket) -> DetailsForm:
        """What was typed, over what is saved now, to be sent as something new."""
        typed = {name: self.data[name] for name in ("title", "product")}
        was = {"was_title": ticket.title, "was_product": ticket.product_id}
        form = DetailsForm(typed | was, ticket=ticket)
        form.add_error(None, str(refusal))
        form.saved = ticket
        return form


def _details(tickets: DeskAdmin) -> Callable[[HttpRequest, int], HttpResponse]:
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        ticket = ticket_of(tickets, request, pk)
        form = DetailsForm(request.POST if request.method == "POST" else None, ticket=ticket)
        if request.method == "POST" and form.is_valid():
            try:
                form.save(request, ticket)
                return _card(request, ticket)
            except REFUSALS as refusal:
                form = form.renewed(refusal, ticket_of(tickets, request, pk))
        return _details_page(tickets, request, ticket, form)

    return view


def _details_page(
    tickets: DeskAdmin, request: HttpRequest, ticket: Ticket, form: DetailsForm
) -> TemplateResponse:
    context = {
        **tickets.admin_site.each_context(request),
        "title": _("Ошибка: ") * bool(form.errors) + _("Тема и продукт"),
        "opts": tickets.opts,
        "ticket": ticket,
        "form": form,
        "same_list": same_list(request),
    }
    return TemplateResponse(request, "admin/tickets/ticket/details.html", context)
