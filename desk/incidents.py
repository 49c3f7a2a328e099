"""The page of an incident: tickets under it, one answer to all of them, and how far it has come."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.quotas import QuotaReached
from config.numerals import plural
from desk.canned_picker import ReadyFilesField, let_choose
from desk.lists import DeskAdmin, agent_of
from desk.queue import same_list
from desk.ticket_around import MAY_WRITE, page, ticket_of
from desk.ticket_card import FILES_NOT_KEPT, refusal_text, refused_field
from tickets.attachments import NewFile
from tickets.drafts import Kept, kept_words, read_browser
from tickets.form_fields import BodyField, FilesField
from tickets.forms import Made, Sending, once, read_sending
from tickets.incidents import (
    OFFERED,
    answer_all,
    put_under_incident,
    take_out_of_incident,
    with_progress,
)
from tickets.models import IncidentAnswer, IncidentAnswerPart, Ticket, TicketEvent
from tickets.queries import newest_page, read_number
from tickets.recording import agent
from tickets.refusals import REFUSALS, AlreadyDone, KeyReused
from tickets.status import TicketStatus

TICKETS_A_PAGE = 100
NUMBERS_AT_ONCE = 200  # typed, or ticked in a list
ANSWERS_SHOWN = 5
REFUSED_SHOWN = 50
BETWEEN_NUMBERS = re.compile(r"[\s,;№#]+")
ANSWER_ALL = "answer_all"
ADD = "admin:tickets_ticket_into_incident"


def urls(admin: DeskAdmin) -> list[URLPattern]:
    def incident(request: HttpRequest, number: int) -> HttpResponse:
        return _show(admin, request, ticket_of(admin, request, number))

    def add(request: HttpRequest) -> HttpResponse:
        return _add(admin, request)

    def take_out(request: HttpRequest, number: int) -> HttpResponse:
        return _take_out(admin, request, number)

    def answer(request: HttpRequest, number: int) -> HttpResponse:
        return _answer(admin, request, number)

    view = admin.admin_site.admin_view
    return [
        path("incident/add/", view(add), name="tickets_ticket_into_incident"),
        path("<int:number>/incident/", view(incident), name="tickets_ticket_incident"),
        path(
            "<int:number>/incident/out/",
            view(take_out),
            name="tickets_ticket_out_of_incident",
        ),
        path(
            "<int:number>/incident/answer/",
            view(answer),
            name="tickets_ticket_answer_all",
        ),
    ]


class AnswerForm(forms.Form):
    body = BodyField(
        label=gettext_lazy("Ответ"),
        required=False,  # a file may be enough: the services know
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    attachments = FilesField()
    canned_files = ReadyFilesField()
    status = forms.ChoiceField(
        label=gettext_lazy("Статус заявок после ответа"),
        required=False,
        choices=[("", gettext_lazy("не менять")), *((to.value, to.label) for to in OFFERED)],
    )

    def __init__(self, *args: Any, agent: User, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "answer_%s", **kwargs})
        self.agent = agent
        let_choose(agent, self)

    @property
    def text(self) -> forms.BoundField:
        return self["body"]

    @property
    def enclosed(self) -> forms.BoundField:
        return self["attachments"]

    def save(self, request: HttpRequest, incident: Ticket) -> bool:
        """Answer all once; what was refused is said beside its field."""
        try:
            once(self._sending(request, incident), partial(self._work, incident))
        except KeyReused:
            self.data = {name: self.data[name] for name in self.data if name != "key"}
            text = _("Эта форма уже отправила другой ответ: он ниже. Новый ещё не отправлен.")
            self.add_error(None, text)
        except REFUSALS as refusal:
            self.add_error(refused_field(refusal, "body"), refusal_text(refusal))
        except OSError:
            self.add_error("attachments", FILES_NOT_KEPT)
        return not self.errors

    def _sending(self, request: HttpRequest, incident: Ticket) -> Sending:
        data = self.cleaned_data
        return read_sending(
            request,
            user=self.agent,
            purpose=ANSWER_ALL,
            content={"body": data["body"], "status": data["status"]},
            files=[*data["attachments"], *data["canned_files"]],
            ticket=incident,
        )

    def _work(self, incident: Ticket, files: Sequence[NewFile]) -> Made:
        data = self.cleaned_data
        answer = answer_all(
            incident=incident,
            actor=agent(self.agent),
            body=data["body"],
            status=TicketStatus(data["status"]) if data["status"] else None,
            files=files,
        )
        return {"answer": answer.pk}


def address_of(incident: Ticket, request: HttpRequest) -> str:
    return reverse("admin:tickets_ticket_incident", args=[incident.pk]) + same_list(request)


def _show(
    admin: DeskAdmin, request: HttpRequest, ticket: Ticket, form: AnswerForm | None = None
) -> HttpResponse:
    rows = Ticket.objects.filter(incident=ticket).select_related("requester", "organization")
    before = read_number(request.GET.get("before", ""))
    found, older = newest_page(rows, before, TICKETS_A_PAGE)
    answers = with_progress(IncidentAnswer.objects.filter(incident=ticket)[:ANSWERS_SHOWN])
    text = _("Заявка № %(number)d") if ticket.incident_id else _("Инцидент № %(number)d")
    title = text % {"number": ticket.pk}
    kept = None if form else _kept(request, ticket)
    form = form or AnswerForm(agent=agent_of(request), initial=kept.body if kept else None)
    return page(
        admin, request, ticket, "incident",
        title=title, tickets=found, older=older, before=before, answers=answers,
        refused=_refused(answers), taken_out=_taken_out(request, ticket), form=form, kept=kept,
        here=address_of(ticket, request),
        is_going_on=any(row.finished_at is None for row in answers),
    )  # fmt: skip


def _kept(request: HttpRequest, ticket: Ticket) -> Kept | None:
    """The words of an answer to all that was not sent, or lost with its session."""
    return kept_words(agent_of(request), ticket, read_browser(request.COOKIES)).get(ANSWER_ALL)


def _refused(answers: Sequence[IncidentAnswer]) -> list[IncidentAnswerPart]:
    """To whom the newest answer could not be given, and why."""
    parts = IncidentAnswerPart.objects.filter(
        answer__in=answers[:1], state=IncidentAnswerPart.State.REFUSED
    )
    return list(parts[:REFUSED_SHOWN])


# Tickets under it


def adding_page(numbers: list[int]) -> str:
    """The address of the page that puts these under an incident."""
    return f"{reverse(ADD)}?{urlencode({'numbers': ' '.join(map(str, numbers))})}"


def read_numbers(text: str) -> list[int]:
    """At most NUMBERS_AT_ONCE, each once; what is none counts as the number of no ticket."""
    words = filter(None, BETWEEN_NUMBERS.split(text))
    numbers = dict.fromkeys(read_number(word) or 0 for word in words)
    return list(numbers)[:NUMBERS_AT_ONCE]


def _add(admin: DeskAdmin, request: HttpRequest) -> HttpResponse:
    """By numbers, from the page of the incident or for tickets that were ticked in a list."""
    if not admin.has_change_permission(request):
        raise PermissionDenied
    sent = request.POST if request.method == "POST" else request.GET
    typed, numbers = sent.get("incident", ""), sent.get("numbers", "")
    [number] = read_numbers(typed)[:1] or [0]
    incident = Ticket.objects.filter(pk=number).first()
    if request.method == "POST" and incident:
        _put_each(request, incident, read_numbers(numbers))
        return redirect(address_of(incident, request))
    if typed:
        messages.warning(request, _("Заявки с таким номером нет."))
    return page(
        admin, request, None, "into_incident",
        title=_("В инцидент"), typed=typed, numbers=numbers,
    )  # fmt: skip


def _put_each(request: HttpRequest, incident: Ticket, numbers: list[int]) -> None:
    """Each for itself; what is there already is what was asked for."""
    found = Ticket.objects.in_bulk(numbers)
    done, actor = 0, agent(agent_of(request))
    for number in numbers:
        try:
            if number not in found:
                text = _("№ %(number)s: заявки с таким номером нет.") % {"number": number or "?"}
                messages.warning(request, text)
                continue
            put_under_incident(ticket=found[number], incident=incident, actor=actor)
        except AlreadyDone:
            continue
        except REFUSALS as refusal:
            messages.warning(request, f"№ {number}: {refusal}")
            if isinstance(refusal, QuotaReached):
                break
        else:
            done += 1
    if done:
        noun = plural(done, _("заявка"), _("заявки"), _("заявок"))
        text = _("Добавлено в инцидент: %(done)d %(noun)s.") % {"done": done, "noun": noun}
        messages.success(request, text)


def _take_out(admin: DeskAdmin, request: HttpRequest, number: int) -> HttpResponse:
    """The number is of the ticket that leaves its incident."""
    ticket = ticket_of(admin, request, number)
    shown = read_number(request.POST.get("incident", ""))
    incident = Ticket.objects.filter(pk=shown).first() if shown else None
    if incident is None:  # from the login, after a session that had ended
        return redirect(address_of(ticket.incident or ticket, request))
    try:
        take_out_of_incident(ticket=ticket, actor=agent(agent_of(request)), shown=incident.pk)
    except AlreadyDone:
        pass  # pressed twice: it is as asked for
    except REFUSALS as refusal:
        messages.warning(request, str(refusal))
    here = address_of(incident, request)
    return redirect(f"{here}{'&' if '?' in here else '?'}out={ticket.pk}")


def _taken_out(request: HttpRequest, incident: Ticket) -> Ticket | None:
    """The ticket that has just left, while it has not come back."""
    number = read_number(request.GET.get("out", ""))
    events = TicketEvent.objects.filter(ticket=number, kind=TicketEvent.Kind.INCIDENT)
    last = events.select_related("ticket").last() if number else None
    return last.ticket if last and last.old_value == str(incident.pk) else None


# One answer to all


def _answer(admin: DeskAdmin, request: HttpRequest, number: int) -> HttpResponse:
    incident, user = ticket_of(admin, request, number), agent_of(request)
    if request.method != "POST":
        return redirect(address_of(incident, request))
    if not user.has_perm(MAY_WRITE):
        raise PermissionDenied
    form = AnswerForm(request.POST, request.FILES, agent=user)
    if not (form.is_valid() and form.save(request, incident)):
        return _show(admin, request, incident, form)
    messages.success(request, _("Ответ отправляется. Обновите страницу, чтобы увидеть, как идёт."))
    return redirect(address_of(incident, request))
