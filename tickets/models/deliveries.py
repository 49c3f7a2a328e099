"""What leaves, and the right of one process to send it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tickets.models.tickets import Ticket
from tickets.models.words import TicketEvent


class Delivery(models.Model):
    """One message to one address through one channel; it leaves in the order of its id."""

    class State(models.TextChoices):
        QUEUED = "queued", _("в очереди")
        SENT = "sent", _("отправлено")
        FAILED = "failed", _("не доставлено")
        CANCELLED = "cancelled", _("отменено")

    channel = models.CharField(_("канал"), max_length=20)
    kind = models.CharField(_("что"), max_length=20)
    event = models.ForeignKey(
        TicketEvent, on_delete=models.CASCADE, null=True, related_name="deliveries"
    )
    ticket = models.ForeignKey(
        Ticket, on_delete=models.CASCADE, null=True, related_name="deliveries",
        verbose_name=_("заявка"),
    )  # fmt: skip
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, verbose_name=_("кому")
    )
    address = models.CharField(_("адрес"), max_length=254)
    key = models.CharField(max_length=300, unique=True)
    data = models.JSONField(default=dict)  # what the message needs; for groups also names
    due_at = models.DateTimeField(_("срок"), default=timezone.now)
    attempts = models.PositiveSmallIntegerField(_("попыток"), default=0)
    state = models.CharField(_("состояние"), max_length=10, choices=State, default=State.QUEUED)
    error = models.CharField(_("ошибка"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("создано"), default=timezone.now)
    first_tried_at = models.DateTimeField(_("первая попытка"), null=True)
    sent_at = models.DateTimeField(_("отправлено"), null=True)

    class Meta:
        verbose_name = _("уведомление")
        verbose_name_plural = _("уведомления")
        indexes: ClassVar = [
            models.Index("channel", "due_at", condition=Q(state="queued"), name="delivery_due"),
            models.Index(
                "channel", "address", "id", condition=Q(state="queued"), name="delivery_order"
            ),
            models.Index(
                "channel",
                "address",
                "ticket",
                "id",
                condition=Q(state="queued"),
                name="delivery_ticket_order",
            ),  # fmt: skip
            models.Index("channel", "address", "id", name="delivery_newest"),
            models.Index("channel", "sent_at", name="delivery_pace"),
            models.Index("created_at", name="delivery_age"),
            models.Index("created_at", condition=Q(state="failed"), name="delivery_failed"),
        ]

    def __str__(self) -> str:
        return _("уведомление № %(id)s") % {"id": self.pk}


class Lease(models.Model):
    """The right of one process to do one thing until a time; see `tickets.leases`."""

    name = models.CharField(primary_key=True, max_length=50)
    owner = models.CharField(max_length=100)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.owner}"
