"""What an agent does to a ticket in one go: the form of the card and how it is carried out."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from tickets import services
from tickets.attachments import NewFile
from tickets.drafts import Kept
from tickets.fields import BodyField, FilesField
from tickets.forms import Made, Sending, once
from tickets.models import Priority, Ticket
from tickets.recording import Actor
from tickets.refusals import (
    REFUSALS,
    AlreadyDone,
    AnswerMissing,
    FileRefused,
    KeyReused,
    TextRequired,
    TextTooLong,
    TicketClosed,
    TooManyFiles,
)
from tickets.status import Role, TicketStatus, TransitionNotAllowed, allowed_transitions


class Visibility(models.TextChoices):
    PUBLIC = "public", gettext_lazy("Ответ клиенту")
    INTERNAL = "internal", gettext_lazy("Внутренняя заметка")


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

    def __init__(
        self,
        *args: Any,
        ticket: Ticket,
        may_write: bool,
        kept: Kept | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs["initial"] = {
            **(kept.body if kept else {}),
            "status": ticket.status,
            "priority": ticket.priority,
            "assignee": ticket.assignee_id,
        }
        super().__init__(*args, **kwargs)
        self.ticket = ticket
        # The field takes any status, so that the service judges it; the list offers these.
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

    def save(self, actor: Actor, sending: Sending) -> bool:
        """Carry everything out once or nothing; what was refused is said beside its field.

        Raises KeyReused when the card was saved before with other content.
        """
        try:
            once(sending, partial(self._work, actor))
        except KeyReused:
            raise
        except REFUSALS as refusal:
            field = refused_field(refusal)
            self.add_error(field if field in self.fields else None, refusal_text(refusal))
        except OSError:
            self.add_error(
                "attachments", _("Файлы сейчас не сохраняются. Отправьте текст без них.")
            )
        return not self.errors

    def _work(self, actor: Actor, files: Sequence[NewFile]) -> Made:
        data = self.cleaned_data
        services.work_on_ticket(
            ticket=self.ticket,
            actor=actor,
            seen=data["seen"],
            to=TicketStatus(data["status"]),
            priority=Priority(data["priority"]) if "priority" in self.changed_data else None,
            assignee=data["assignee"],
            reassigns="assignee" in self.changed_data,
            body=data.get("answer", ""),
            files=files,
            internal=data.get("visibility") == Visibility.INTERNAL,
            may_be_silent=data["answer_asked"] or "answer" not in self.fields,
        )
        done = self.ticket.events.filter(pk__gt=data["seen"]).exclude(comment=None)
        return {"comment": done.values_list("comment", flat=True).first()}

    def content(self) -> dict[str, Any]:
        """What the agent asks for, as far as the same card sent twice asks for the same."""
        data = self.cleaned_data
        names = ("visibility", "answer", "status", "priority")
        assignee = data["assignee"].pk if data["assignee"] else None
        return {"assignee": assignee} | {name: data.get(name) for name in names}

    def renew_key(self) -> None:
        """Let what the form says be sent as something new."""
        self.data = {name: self.data[name] for name in self.data if name != "key"}


def refused_field(refusal: Exception) -> str | None:
    """The field of the card a refusal belongs to; None for the whole card."""
    match refusal:
        case TransitionNotAllowed() | AlreadyDone():
            return "status"
        case TextTooLong() | TextRequired() | TicketClosed():
            return "answer"
        case AnswerMissing():
            return "answer"
        case TooManyFiles() | FileRefused():
            return "attachments"
    return None


def refusal_text(refusal: Exception) -> str:
    """The refusal's own words, or what an agent can do instead."""
    if isinstance(refusal, TicketClosed):
        return _("Заявка закрыта: ответить клиенту нельзя, можно оставить заметку.")
    return str(refusal)
