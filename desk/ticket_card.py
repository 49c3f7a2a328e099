"""What an agent does on the card of a ticket: its forms, and how each is carried out once."""

from __future__ import annotations  # ChoiceField[Any] is generic for the type checker only

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, cast

from django import forms
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from desk.assignee import AssigneeField
from desk.canned_picker import ReadyFilesField, let_choose
from tickets import services
from tickets.attachments import NewFile
from tickets.drafts import Kept
from tickets.form_fields import BodyField, FilesField
from tickets.forms import Made, Sending, once
from tickets.models import Priority, Ticket
from tickets.queries import read_number
from tickets.recording import Actor
from tickets.refusals import (
    REFUSALS,
    AnswerMissing,
    AssigneeCannotServe,
    FileRefused,
    KeyReused,
    TextRequired,
    TextTooLong,
    TicketClosed,
    TicketMerged,
    TooManyBytes,
    TooManyFiles,
    VariableUnknown,
)
from tickets.status import Role, TicketStatus, allowed_transitions

FILES_NOT_KEPT = gettext_lazy("Файлы сейчас не сохраняются. Отправьте текст без них.")


class Act(models.TextChoices):
    """What sending an answer does, as its button says."""

    ANSWER = "answer", gettext_lazy("Ответить")
    WAIT = "wait", gettext_lazy("Ответить и ждать клиента")
    RESOLVE = "resolve", gettext_lazy("Ответить и выполнить")
    CLOSE = "close", gettext_lazy("Закрыть с ответом")


STATUSES = {
    Act.WAIT: TicketStatus.WAITING,
    Act.RESOLVE: TicketStatus.RESOLVED,
    Act.CLOSE: TicketStatus.CLOSED,
}


class WordsForm(forms.Form):
    """Words with files. `seen` is the last event the card showed: what came later is news."""

    words: ClassVar[str]
    internal: ClassVar[bool] = False
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, ticket: Ticket, agent: User, kept: Kept | None = None, **kwargs: Any
    ) -> None:
        kwargs["initial"] = kept.body if kept else {}
        super().__init__(*args, **kwargs)
        self.ticket, self.agent = ticket, agent

    @property
    def text(self) -> forms.BoundField:
        return self[self.words]

    @property
    def enclosed(self) -> forms.BoundField:
        return self["attachments"]

    def save(self, actor: Actor, sending: Sending) -> bool:
        """Carry everything out once or nothing; what was refused is said beside its field.

        Raises KeyReused when the form was sent before with other content.
        """
        try:
            once(sending, partial(self._work, actor))
        except KeyReused:
            raise
        except REFUSALS as refusal:
            self.add_error(refused_field(refusal, self.words), refusal_text(refusal))
        except OSError:
            self.add_error("attachments", FILES_NOT_KEPT)
        return not self.errors

    def _work(self, actor: Actor, files: Sequence[NewFile]) -> Made:
        comment = services.work_on_ticket(
            ticket=self.ticket,
            actor=actor,
            seen=self.cleaned_data["seen"],
            body=self.cleaned_data[self.words],
            files=files,
            internal=self.internal,
            **self.moves(),
        )
        return {"comment": comment.pk}

    def moves(self) -> dict[str, Any]:
        """What else the services are to do."""
        return {}

    def content(self) -> dict[str, Any]:
        """What the agent asks for, as far as the same form sent twice asks for the same."""
        return {self.words: self.cleaned_data.get(self.words)}

    def saved(self) -> str:
        return _("Заявка № %(number)d сохранена.") % {"number": self.ticket.number}

    def renew_key(self) -> None:
        """Let what the form says be sent as something new."""
        self.data = {name: self.data[name] for name in self.data if name != "key"}


class ReplyForm(WordsForm):
    words = "answer"
    answer = BodyField(
        label=gettext_lazy("Ответ клиенту"),
        required=False,  # a file may be enough: the services know
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    attachments = FilesField()
    canned_files = ReadyFilesField()
    act = forms.ChoiceField(choices=Act, required=False)
    # Unticked it says nothing, so that what is said is the exception
    leave_new = forms.BooleanField(label=gettext_lazy("не брать в работу"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        let_choose(self.agent, self)

    def clean_act(self) -> Act:
        return Act(self.cleaned_data["act"] or Act.ANSWER)

    def moves(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"to": STATUSES.get(data["act"]), "takes_to_work": not data["leave_new"]}

    def content(self) -> dict[str, Any]:
        names = ("act", "leave_new")
        return super().content() | {name: self.cleaned_data.get(name) for name in names}

    def buttons(self) -> list[Act]:
        """Sending with each status the ticket can take, the plain one first."""
        allowed = allowed_transitions(self.ticket.status, Role.AGENT)
        return [act for act in Act if act not in STATUSES or STATUSES[act] in allowed]


class NoteForm(WordsForm):
    words = "note"
    internal = True
    note = BodyField(
        label=gettext_lazy("Внутренняя заметка"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    attachments = FilesField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["attachments"].widget.attrs["id"] = "id_note_files"  # two forms on a page

    def saved(self) -> str:
        """Nobody is to take it for an answer."""
        return _("Заметка сохранена, клиент её не увидит.")


class FactsForm(forms.Form):
    """Priority and assignee, each with what the card showed: nothing is put back over others."""

    priority = forms.ChoiceField(
        label=gettext_lazy("Приоритет"), choices=Priority, show_hidden_initial=True
    )
    assignee = AssigneeField(required=False, show_hidden_initial=True)

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        kwargs["initial"] = {"priority": ticket.priority, "assignee": ticket.assignee_id}
        super().__init__(*args, **kwargs)
        self.ticket = ticket
        field = cast(AssigneeField, self.fields["assignee"])
        field.offer(empty=_("не назначен"), now=ticket.assignee)

    def save(self, actor: Actor) -> bool:
        try:
            services.change_facts(ticket=self.ticket, actor=actor, **self._changes())
        except AssigneeCannotServe as refusal:
            self.add_error("assignee", str(refusal))
        except REFUSALS as refusal:
            self.add_error(None, refusal_text(refusal))
        return not self.errors

    def _changes(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        changed: dict[str, Any] = {}
        if "priority" in self.changed_data:
            changed["priority"] = (self._shown("priority"), Priority(data["priority"]))
        if "assignee" in self.changed_data:
            shown = self._shown("assignee")
            changed["assignee"] = (read_number(shown), data["assignee"])
        return changed

    def _shown(self, name: str) -> str:
        return str(self.data.get(self[name].html_initial_name) or "")


def refused_field(refusal: Exception, words: str) -> str | None:
    """The field a refusal belongs to, `words` or the files; None for the whole form."""
    match refusal:
        case TextTooLong() | TextRequired() | TicketClosed() | AnswerMissing() | VariableUnknown():
            return words
        case TooManyFiles() | FileRefused() | TooManyBytes():
            return "attachments"
    return None


def refusal_text(refusal: Exception) -> str:
    """The refusal's own words, or what an agent can do instead."""
    if isinstance(refusal, TicketClosed) and not isinstance(refusal, TicketMerged):
        return _("Заявка закрыта: ответить клиенту нельзя, можно оставить заметку.")
    return str(refusal)
