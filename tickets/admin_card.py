"""What an agent does to a ticket in one go: the form of the card and how it is carried out."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from tickets import services
from tickets.attachments import MAX_FILES, FileRefused, NewFile, stored_contents
from tickets.forms import BodyField, FilesField
from tickets.models import Priority, Ticket
from tickets.services import Actor
from tickets.status import Role, TicketStatus, TransitionNotAllowed, allowed_transitions

Refusal = (services.TicketRefused, TransitionNotAllowed, FileRefused)


class Visibility(models.TextChoices):
    PUBLIC = "public", gettext_lazy("Ответ клиенту")
    INTERNAL = "internal", gettext_lazy("Внутренняя заметка")


class TicketChanged(services.TicketRefused):
    """Something happened to the ticket after the card was shown."""


class AnswerMissing(services.TicketRefused):
    """A ticket is resolved without a word to the customer, for the first time of asking."""


class CardForm(forms.Form):
    """`seen` is the last event the card showed: what came later was not taken into account."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    answer_asked = forms.BooleanField(required=False, widget=forms.HiddenInput)
    visibility = forms.ChoiceField(
        label=gettext_lazy("Кто увидит текст"),
        choices=Visibility,
        initial=Visibility.PUBLIC,
        widget=forms.RadioSelect,
    )
    answer = BodyField(
        label=gettext_lazy("Текст"), required=False, widget=forms.Textarea(attrs={"rows": 6})
    )
    attachments = FilesField(
        label=gettext_lazy("Файлы"),
        required=False,
        help_text=gettext_lazy("До 10 файлов, каждый до 50 МБ."),
    )
    status = forms.ChoiceField(label=gettext_lazy("Статус"), choices=TicketStatus)
    priority = forms.ChoiceField(
        label=gettext_lazy("Приоритет"), choices=Priority, show_hidden_initial=True
    )
    assignee = forms.ModelChoiceField(
        label=gettext_lazy("Исполнитель"),
        queryset=User.objects.none(),
        required=False,
        widget=AutocompleteSelect(Ticket._meta.get_field("assignee"), admin.site),
        show_hidden_initial=True,
    )

    def __init__(self, *args: Any, ticket: Ticket, may_write: bool, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "status": ticket.status,
            "priority": ticket.priority,
            "assignee": ticket.assignee_id,
        }
        super().__init__(*args, **kwargs)
        self.ticket = ticket
        # Any status is read, so that the service refuses; these are offered.
        offered = [TicketStatus(ticket.status), *allowed_transitions(ticket.status, Role.AGENT)]
        cast(forms.ChoiceField, self.fields["status"]).widget.choices = [
            (to.value, to.label) for to in offered
        ]
        agents = models.Q(is_staff=True, is_active=True)
        cast(forms.ModelChoiceField, self.fields["assignee"]).queryset = User.objects.filter(
            agents | models.Q(pk=ticket.assignee_id)  # who left may stay
        )
        if not may_write:
            for name in ("visibility", "answer", "attachments"):
                del self.fields[name]

    def save(self, actor: Actor) -> bool:
        """Carry everything out or nothing; what was refused is said beside its field."""
        try:
            files = self.cleaned_data.get("attachments", [])
            with stored_contents(files) as stored, transaction.atomic():
                self._carry_out(actor, stored)
        except Refusal as refusal:
            field = refused_field(refusal)
            self.add_error(field if field in self.fields else None, refusal_text(refusal))
        except OSError:
            self.add_error(
                "attachments", _("Файлы сейчас не сохраняются. Отправьте текст без них.")
            )
        return not self.errors

    def _carry_out(self, actor: Actor, files: Sequence[NewFile]) -> None:
        data = self.cleaned_data
        ticket = Ticket.objects.select_for_update().get(pk=self.ticket.pk)
        if ticket.events.values_list("pk", flat=True).last() != data["seen"]:
            raise TicketChanged
        if "priority" in self.changed_data and data["priority"] != ticket.priority:
            services.set_priority(ticket=ticket, priority=Priority(data["priority"]), actor=actor)
        if "assignee" in self.changed_data and data["assignee"] != ticket.assignee:
            services.assign_ticket(ticket=ticket, assignee=data["assignee"], actor=actor)
        self._answer(ticket, actor, files)

    def _answer(self, ticket: Ticket, actor: Actor, files: Sequence[NewFile]) -> None:
        data = self.cleaned_data
        to = TicketStatus(data["status"])
        body = data.get("answer", "")
        internal = data.get("visibility") == Visibility.INTERNAL
        moves = to != ticket.status
        told = bool(body) and not internal
        asked = data["answer_asked"] or "answer" not in self.fields
        if moves and to == TicketStatus.RESOLVED and not told and not asked:
            raise AnswerMissing
        if (body or files) and (internal or not moves):
            services.add_comment(
                ticket=ticket, actor=actor, body=body, files=files, internal=internal
            )
            body, files = "", []
        if moves:
            services.change_status(ticket=ticket, to=to, actor=actor, answer=body, files=files)


def take_to_work(*, ticket: Ticket, actor: Actor) -> None:
    """Assign a ticket to the agent and start it. Raises AlreadyDone when both are so."""
    done = 0
    with transaction.atomic():
        for change in (_start, _assign):
            try:
                change(ticket, actor)
                done += 1
            except services.AlreadyDone:
                continue
        if not done:
            raise services.AlreadyDone


def _start(ticket: Ticket, actor: Actor) -> None:
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=actor)


def _assign(ticket: Ticket, actor: Actor) -> None:
    services.assign_ticket(ticket=ticket, assignee=actor.user, actor=actor)


def refused_field(refusal: Exception) -> str | None:
    """The field of the card a refusal belongs to; None for the whole card."""
    match refusal:
        case TransitionNotAllowed() | services.AlreadyDone():
            return "status"
        case services.TextTooLong() | services.TextRequired() | services.TicketClosed():
            return "answer"
        case AnswerMissing():
            return "answer"
        case services.TooManyFiles() | FileRefused():
            return "attachments"
    return None


def refusal_text(refusal: Exception) -> str:
    match refusal:
        case TicketChanged():
            return _(
                "Пока карточка была открыта, заявка изменилась: посмотрите историю ниже. "
                "Ничего не сохранено, ваш текст на месте. Проверьте его и сохраните ещё раз."
            )
        case AnswerMissing():
            return _(
                "Напишите клиенту, что сделано. Чтобы выполнить заявку без ответа, сохраните "
                "ещё раз."
            )
        case TransitionNotAllowed():
            return _("Из статуса «%(status)s» нельзя перейти в «%(to)s».") % {
                "status": refusal.status.label,
                "to": refusal.to.label,
            }
        case services.AlreadyDone():
            return _("Это уже сделано.")
        case services.TicketClosed():
            return _("Заявка закрыта: ответить клиенту нельзя, можно оставить заметку.")
        case services.TextTooLong():
            return str(refusal)
        case services.TooManyFiles():
            return _("Можно приложить не больше %(limit)d файлов.") % {"limit": MAX_FILES}
        case FileRefused():
            return str(refusal)
    return _("Так изменить заявку нельзя.")
