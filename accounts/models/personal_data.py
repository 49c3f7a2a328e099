"""Archives of what is kept about a person, and its end."""

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class DataExport(models.Model):
    """An archive of all that is kept about a person, for the one who asked for it."""

    class State(models.TextChoices):
        MAKING = "making", _("готовится")
        READY = "ready", _("готов")
        FAILED = "failed", _("не получился")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports")
    asked_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.MAKING)
    section = models.PositiveSmallIntegerField(default=0)  # that is being written
    after = models.BigIntegerField(default=0)  # the last row of it that was written
    size = models.PositiveBigIntegerField(default=0)  # bytes written so far
    attempts = models.PositiveSmallIntegerField(default=0)  # begun anew so often
    asked_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "asked_by"], name="one_export_an_asker")
        ]
        indexes: ClassVar = [
            models.Index("asked_at", condition=models.Q(state="making"), name="export_making"),
            models.Index("ended_at", name="export_age"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Erasure(models.Model):
    """A person whose data are being taken out, or were; stays as the record that it was done."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="erasure")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    email = models.EmailField(blank=True)  # for the last letter; blank once that has ended
    addresses = models.JSONField(default=list)  # [channel, address] of the links, until the end
    section = models.PositiveSmallIntegerField(default=0)
    after = models.BigIntegerField(default=0)
    handled = models.PositiveIntegerField(default=0)  # rows so far
    asked_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index("asked_at", condition=models.Q(ended_at=None), name="erasure_under_way"),
            models.Index("ended_at", condition=~models.Q(email=""), name="erasure_untold"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
