"""Forms that were sent, and words that were not sent yet."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tickets.models.tickets import Ticket


class FormKey(models.Model):
    """A form that was sent: it acts once, and what it made is told when it comes again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.UUIDField()
    purpose = models.CharField(max_length=20)
    fingerprint = models.CharField(max_length=64)  # of what was sent, files included
    made = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("user", "key", name="form_acts_once")]
        indexes: ClassVar = [
            models.Index("created_at", name="form_key_age"),
            models.Index("key", name="form_key"),  # of organizations, whoever was named
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.key}"


class Draft(models.Model):
    """Words typed into a form and not sent yet, or sent and lost to an ended session."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    form = models.CharField(max_length=20)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, null=True, related_name="+")
    browser = models.CharField(max_length=43, blank=True)  # that lost a form; of drafts empty
    key = models.UUIDField(null=True)  # of the form that the words were typed into
    body = models.JSONField(default=dict)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("user", "form", "ticket", "browser", name="draft_of_ticket"),
            models.UniqueConstraint(
                "user", "form", "browser", condition=Q(ticket=None), name="draft_of_no_ticket"
            ),
        ]
        indexes: ClassVar = [models.Index("updated_at", name="draft_age")]

    def __str__(self) -> str:
        return f"{self.form} {self.ticket_id or ''}"
