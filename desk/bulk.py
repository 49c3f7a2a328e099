"""What is done to ticked tickets of the list: at once, or on a page that asks for the words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.numerals import plural
from desk.assignee import AssigneeField
from desk.lists import DeskAdmin, agent_of
from desk.queue import list_behind, same_list
from desk.ticket_around import MAY_WRITE
from tickets import services
from tickets.bulk import Change, Kind, Outcome, change_each, newest_events
from tickets.drafts import Kept, kept_words, read_browser
from tickets.form_fields import BodyField
from tickets.forms import read_sending
from tickets.models import Priority, Ticket
from tickets.queries import read_number
from tickets.recording import agent
from tickets.refusals import KeyReused
from tickets.status import TicketStatus


class AgentForm(forms.Form):
    assignee = AssigneeField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(AssigneeField, self.fields["assignee"]).offer(empty="—")


class PriorityForm(forms.Form):
    priority = forms.ChoiceField(label=gettext_lazy("Приоритет"), choices=Priority)


class WordsForm(forms.Form):
    answer = BodyField(
        label=gettext_lazy("Текст для клиента"),
        help_text=gettext_lazy("Его получит инициатор каждой заявки."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )


@dataclass(frozen=True)
class Bulk:
    """A change of several tickets; `asks` is what has to be known for it."""

    title: Any
    change: Callable[[Mapping[str, Any]], Change]
    asks: type[forms.Form]
    heeds: frozenset[Kind] | None = None
    speaks: bool = False


def _tell(to: TicketStatus) -> Callable[[Mapping[str, Any]], Change]:
    return lambda data: partial(services.change_status, to=to, answer=data["answer"])


BULK = {
    "take": Bulk(
        gettext_lazy("Взять в работу"),
        lambda _data: services.take_to_work,
        forms.Form,
        frozenset({Kind.ASSIGNED}),
    ),
    "assign": Bulk(
        gettext_lazy("Назначить исполнителя"),
        lambda data: partial(services.assign_ticket, assignee=data["assignee"]),
        AgentForm,
        frozenset({Kind.ASSIGNED}),
    ),
    "priority": Bulk(
        gettext_lazy("Изменить приоритет"),
        lambda data: partial(services.set_priority, priority=Priority(data["priority"])),
        PriorityForm,
        frozenset({Kind.PRIORITY}),
    ),
    "ask": Bulk(
        gettext_lazy("Запросить ответ клиента"), _tell(TicketStatus.WAITING), WordsForm, speaks=True
    ),
    "resolve": Bulk(
        gettext_lazy("Выполнить"), _tell(TicketStatus.RESOLVED), WordsForm, speaks=True
    ),
    "close": Bulk(gettext_lazy("Закрыть"), _tell(TicketStatus.CLOSED), WordsForm, speaks=True),
}


def purpose_of(name: str) -> str:
    """What a form of this change is called; words that were not sent are kept for each apart."""
    return f"bulk_{name}"


def may(request: HttpRequest, name: str) -> bool:
    """Beside the right to change tickets: words to customers need one of their own."""
    return not BULK[name].speaks or request.user.has_perm(MAY_WRITE)


def page_of(request: HttpRequest, name: str, numbers: list[int]) -> str:
    """Where a change of these tickets asks for what it needs."""
    behind = request.GET.urlencode()
    query = [("ticket", number) for number in numbers] + [("list", behind)] * bool(behind)
    return f"{reverse('admin:tickets_ticket_bulk', args=[name])}?{urlencode(query)}"


def carry_out(
    request: HttpRequest,
    name: str,
    seen: Mapping[int, int],
    data: Mapping[str, Any],
    *,
    afresh: bool = False,
) -> Outcome:
    """Once for the key of the form, or `afresh` whatever was sent before. Raises KeyReused."""
    content = {key: getattr(value, "pk", value) for key, value in data.items()}
    person = agent_of(request)
    sending = read_sending(
        request,
        user=person,
        purpose=purpose_of(name),
        content={**content, "do": name, "tickets": sorted(seen)},
    )
    bulk = BULK[name]
    return change_each(
        sending=replace(sending, key=None) if afresh else sending,
        actor=agent(person),
        seen=seen,
        change=bulk.change(data),
        heeds=bulk.heeds,
    )


def tell(request: HttpRequest, outcome: Outcome) -> None:
    """How many were changed, and a line for each that was refused."""
    for number, text in outcome.refused:
        messages.warning(request, f"№ {number}: {text}")
    if done := len(outcome.done):
        noun = plural(done, _("заявка"), _("заявки"), _("заявок"))
        messages.success(request, f"{_('Готово')}: {done} {noun}.")


# The page


def urls(admin: DeskAdmin) -> list[URLPattern]:
    def bulk(request: HttpRequest, name: str) -> HttpResponse:
        if not admin.has_change_permission(request):
            raise PermissionDenied
        if name not in BULK:
            raise Http404
        if not may(request, name):
            raise PermissionDenied
        return _bulk_page(admin, request, name)

    view = admin.admin_site.admin_view(bulk)
    return [path("bulk/<slug:name>/", view, name="tickets_ticket_bulk")]


def _bulk_page(admin: DeskAdmin, request: HttpRequest, name: str) -> HttpResponse:
    numbers = _numbers(request, admin.list_per_page)
    if request.method != "POST":
        person, browser = agent_of(request), read_browser(request.COOKIES)
        kept = kept_words(person, None, browser).get(purpose_of(name))
        form = BULK[name].asks(initial=kept.body if kept else None)
        return _render(admin, request, name, form, numbers, kept=kept)
    form = BULK[name].asks(request.POST)
    if form.is_valid():
        try:
            outcome = carry_out(request, name, _seen(request, numbers), form.cleaned_data)
        except KeyReused as refusal:
            form = BULK[name].asks({**request.POST.dict(), "key": ""})  # a key of its own
            form.add_error(None, _was_sent(refusal))
        else:
            tell(request, outcome)
            return HttpResponseRedirect(list_behind(request))
    return _render(admin, request, name, form, numbers)


def _render(
    admin: DeskAdmin,
    request: HttpRequest,
    name: str,
    form: forms.Form,
    numbers: list[int],
    kept: Kept | None = None,
) -> HttpResponse:
    tickets = Ticket.objects.filter(pk__in=numbers).select_related("requester", "organization")
    seen = newest_events(numbers)
    title = str(BULK[name].title)
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Ошибка: ") * bool(form.errors) + title,
        "heading": title,
        "opts": admin.opts,
        "form": form,
        "kept": kept,
        "purpose": purpose_of(name),
        "rows": [(ticket, seen[ticket.pk]) for ticket in tickets.order_by("pk")],
        "list_behind": list_behind(request),
        "same_list": same_list(request),
    }
    return TemplateResponse(request, "admin/tickets/ticket/bulk.html", context)


def _numbers(request: HttpRequest, most: int) -> list[int]:
    """At most a page of tickets: the list ticks no more."""
    given = [read_number(text) for text in request.GET.getlist("ticket")]
    numbers = sorted({number for number in given if number})
    if None in given or not 0 < len(numbers) <= most:
        raise BadRequest
    return numbers


def _seen(request: HttpRequest, numbers: list[int]) -> dict[int, int]:
    """The last event of each that the page knew; those the page did not show are left alone."""
    given = {number: read_number(request.POST.get(f"seen-{number}", "")) for number in numbers}
    seen = {number: event for number, event in given.items() if event is not None}
    if not seen:
        raise BadRequest
    return seen


def _was_sent(refusal: KeyReused) -> str:
    done = len(refusal.made.get("done", []))
    noun = plural(done, _("заявка"), _("заявки"), _("заявок"))
    return _(
        "Эта форма уже отправлена с другим содержанием, изменено: %(done)d %(noun)s. "
        "Проверьте список и отправьте ещё раз, если это нужно."
    ) % {"done": done, "noun": noun}
