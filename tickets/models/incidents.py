"""One answer to all tickets of an incident: what is said and sent, and who has it already."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tickets.models.tickets import TEXT_LIMIT, Ticket
from tickets.models.words import attachment_path
from tickets.status import TicketStatus


class IncidentAnswer(models.Model):
    incident = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="answers_to_all")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    body = models.TextField(_("текст"), max_length=TEXT_LIMIT)
    status = models.CharField(_("статус"), max_length=20, choices=TicketStatus, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index("id", condition=Q(finished_at=None), name="incident_answer_begun")
        ]

    def __str__(self) -> str:
        return f"{self.incident_id}: {self.pk}"


class IncidentFile(models.Model):
    """A file of an answer to all. Its content is kept once: rows of each ticket name the same."""

    answer = models.ForeignKey(IncidentAnswer, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()  # bytes
    content_type = models.CharField(max_length=100, blank=True)
    file = models.FileField(upload_to=attachment_path)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.name


class IncidentAnswerPart(models.Model):
    """The answer to one ticket: given in the transaction that marks it as given."""

    class State(models.TextChoices):
        WAITING = "waiting", _("в очереди")
        GIVEN = "given", _("отправлен")
        REFUSED = "refused", _("не отправлен")

    answer = models.ForeignKey(IncidentAnswer, on_delete=models.CASCADE, related_name="parts")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    refusal = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["answer", "ticket"], name="answered_once")
        ]
        indexes: ClassVar = [
            models.Index("answer", "id", condition=Q(state="waiting"), name="incident_part_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.answer_id} {self.ticket_id}"
