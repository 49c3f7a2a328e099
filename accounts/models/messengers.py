"""The way from a person to a messenger: phone and consent, the PIN, the link."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from config.backoff import CLOCK_SKEW

PIN_LIFETIME = timedelta(minutes=10)  # from the moment the mail left


class BotRegistration(models.Model):
    """A phone and the consent to use portal data in a messenger; kept after it is withdrawn."""

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="registrations", verbose_name=_("пользователь")
    )
    channel = models.CharField(_("мессенджер"), max_length=20)
    phone = models.CharField(_("телефон"), max_length=12)
    consent_version = models.CharField(_("версия согласия"), max_length=20)
    consented_at = models.DateTimeField(_("согласие дано"))
    ip = models.GenericIPAddressField(_("IP-адрес"), null=True)
    user_agent = models.CharField(_("браузер"), max_length=300, blank=True)
    withdrawn_at = models.DateTimeField(_("отозвано"), null=True, blank=True)

    class Meta:
        verbose_name = _("регистрация в чат-боте")
        verbose_name_plural = _("регистрации в чат-боте")
        constraints: ClassVar = [
            models.UniqueConstraint(
                "user",
                "channel",
                condition=models.Q(withdrawn_at=None),
                name="one_registration_a_channel",
            )
        ]
        indexes: ClassVar = [
            models.Index("phone", condition=models.Q(withdrawn_at=None), name="registration_phone")
        ]

    def __str__(self) -> str:
        return _("регистрация %(user)s") % {"user": self.user}


class MessengerAccountQuerySet(models.QuerySet["MessengerAccount"]):
    def in_force(self) -> "MessengerAccountQuerySet":
        """Links by which somebody may be served and told: asked anew before each message."""
        consent = BotRegistration.objects.filter(
            user=OuterRef("user"), channel=OuterRef("channel"), withdrawn_at=None
        )
        return self.filter(Exists(consent), user__is_active=True)


class MessengerAccount(models.Model):
    """A confirmed link. It exists only while the registration it was made for is in force."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="messengers",
        verbose_name=_("пользователь"),
    )
    channel = models.CharField(_("мессенджер"), max_length=20)
    address = models.CharField(_("ID в мессенджере"), max_length=64)
    username = models.CharField(_("имя в мессенджере"), max_length=64, blank=True)
    linked_at = models.DateTimeField(_("связан"), auto_now_add=True)
    unreachable_at = models.DateTimeField(_("недоступен с"), null=True, blank=True)

    objects: ClassVar = MessengerAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("связь с мессенджером")
        verbose_name_plural = _("связи с мессенджерами")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "address"], name="one_link_an_address"),
            models.UniqueConstraint(fields=["user", "channel"], name="one_link_a_channel"),
        ]

    def __str__(self) -> str:
        return f"@{self.username}" if self.username else self.address


class LinkPin(models.Model):
    """One request for a PIN. The code itself is never stored, only its keyed digest."""

    registration = models.ForeignKey(
        BotRegistration,
        on_delete=models.CASCADE,
        related_name="pins",
        verbose_name=_("регистрация"),
    )
    channel = models.CharField(_("мессенджер"), max_length=20)
    address = models.CharField(_("ID в мессенджере"), max_length=64)
    digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(_("запрошен"), auto_now_add=True)
    mail_attempts = models.PositiveSmallIntegerField(_("попыток отправки"), default=0)
    mail_due_at = models.DateTimeField(_("следующая отправка"), null=True)
    sent_at = models.DateTimeField(_("отправлен"), null=True)
    expires_at = models.DateTimeField(_("действует до"), null=True)
    tries = models.PositiveSmallIntegerField(_("попыток ввода"), default=0)
    exhausted_at = models.DateTimeField(_("попытки кончились"), null=True)
    closed_at = models.DateTimeField(_("закрыт"), null=True)

    class Meta:
        verbose_name = _("ПИН-код")
        verbose_name_plural = _("ПИН-коды")
        constraints: ClassVar = [
            models.UniqueConstraint(
                "channel", "address", condition=models.Q(closed_at=None), name="one_open_pin"
            )
        ]
        indexes: ClassVar = [
            models.Index("registration", F("created_at").desc(), name="pin_recent"),
            models.Index("mail_due_at", condition=models.Q(closed_at=None), name="pin_mail_due"),
        ]

    def __str__(self) -> str:
        return _("ПИН-код № %(id)s") % {"id": self.pk}

    def has_expired(self, now: datetime) -> bool:
        """Also when it would be valid for too long: the clock went back."""
        if self.expires_at is None:
            return False
        return not now < self.expires_at <= now + PIN_LIFETIME + CLOCK_SKEW
