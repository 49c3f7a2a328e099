"""Where programs of customers hear of tickets, what they were told and how it went."""

from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from tickets.models import Delivery

URL_LIMIT = 500  # characters
REASON_LIMIT = 300  # the same: of why a request failed
OVERLAP = timedelta(hours=24)  # for which the old secret signs beside a new one


class HookKind(models.TextChoices):
    """What can be told of a ticket, in the order of its life."""

    CREATED = "created", _("заявка создана")
    ANSWERED = "answered", _("поддержка ответила")
    COMMENTED = "commented", _("клиент написал")
    STATUS = "status", _("статус изменён")
    RESOLVED = "resolved", _("заявка выполнена")
    CLOSED = "closed", _("заявка закрыта")
    RATED = "rated", _("поставлена оценка")


class Endpoint(models.Model):
    """An address of a person's program, told of the person's tickets, or of an organization's."""

    class Reason(models.TextChoices):
        OWNER = "owner", _("отключён владельцем")
        GONE = "gone", _("адрес ответил 410: больше не существует")
        FAILING = "failing", _("пять дней ни одной удачной доставки")
        CLOSED = "closed", _("доступ владельца к порталу закрыт")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True,
        related_name="webhooks", verbose_name=_("пользователь"),
    )  # fmt: skip
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="webhooks",
        verbose_name=_("организация"),
    )  # fmt: skip
    url = models.CharField(_("адрес"), max_length=URL_LIMIT)
    kinds = models.JSONField(_("о чём"), default=list)  # values of HookKind
    # As they are: every signature is made with them, so a digest would not do, and a key beside
    # the database would open them to whoever has both. No page, log, archive or desk shows them.
    secret = models.CharField(max_length=100, editable=False)
    previous_secret = models.CharField(max_length=100, blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    is_on = models.BooleanField(_("включён"), default=True)
    switched_off_at = models.DateTimeField(_("отключён"), null=True)
    off_because = models.CharField(_("почему отключён"), max_length=10, choices=Reason, blank=True)
    failing_since = models.DateTimeField(_("не отвечает с"), null=True)
    created_at = models.DateTimeField(_("добавлен"), default=timezone.now)

    class Meta:
        verbose_name = _("вебхук")
        verbose_name_plural = _("вебхуки")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(user=None, organization__isnull=False)
                | Q(user__isnull=False, organization=None),
                name="webhook_has_one_owner",
            )
        ]

    def __str__(self) -> str:
        return self.place

    @property
    def place(self) -> str:
        """For people other than its owner: the rest of an address may be a key."""
        return urlsplit(self.url).netloc

    @property
    def kind_labels(self) -> list[str]:
        return [str(HookKind(kind).label) for kind in self.kinds]

    def secrets_in_force(self, now: datetime) -> list[str]:
        """Not an old one whose end is further ahead than any may be: the clock went back."""
        until = self.previous_until
        if self.previous_secret and until and now < until <= now + OVERLAP:
            return [self.secret, self.previous_secret]
        return [self.secret]


class Message(models.Model):
    """What a delivery says, composed when it is first sent: the same over all its attempts."""

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, related_name="webhook")
    webhook_id = models.CharField(max_length=40, unique=True)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.webhook_id


class Attempt(models.Model):
    """One request, and what came of it."""

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="webhook_attempts"
    )
    at = models.DateTimeField(_("время"), default=timezone.now)
    status = models.PositiveSmallIntegerField(_("код"), null=True)
    milliseconds = models.PositiveIntegerField(_("мс"), default=0)
    answer = models.TextField(_("ответ"), blank=True)
    error = models.CharField(_("ошибка"), max_length=REASON_LIMIT, blank=True)

    class Meta:
        verbose_name = _("попытка вебхука")
        verbose_name_plural = _("попытки вебхуков")
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index("at", name="webhook_attempt_age")]

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.status or self.error}"
