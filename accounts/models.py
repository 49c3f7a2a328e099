from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import F
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from config.backoff import CLOCK_SKEW

PIN_LIFETIME = timedelta(minutes=10)  # from the moment the mail left


class Organization(models.Model):
    name = models.CharField(_("название"), max_length=200, unique=True)
    email = models.EmailField(
        _("почта клиента"),
        blank=True,
        help_text=_("Сюда приходит копия каждого ответа поддержки."),
    )

    class Meta:
        verbose_name = _("организация")
        verbose_name_plural = _("организации")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class UserManager(DjangoUserManager["User"]):
    def by_login(self, login: str) -> "User | None":
        """The account a person means by a username or an e-mail; an e-mail is tried first."""
        user = self.by_email(login).first() if "@" in login else None
        return user or self.filter(username=login).first()

    def by_email(self, email: str) -> "models.QuerySet[User]":
        """Whoever has this e-mail in any letter case; the unique index answers."""
        return self.alias(lower_email=Lower("email")).filter(lower_email=email.lower())


class User(AbstractUser):
    email = models.EmailField(_("почта"))
    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="users",
        verbose_name=_("организация"),
    )
    reset_mailed_at = models.DateTimeField(null=True, editable=False)  # by «Забыли пароль?»

    objects: ClassVar = UserManager()

    class Meta:
        verbose_name = _("пользователь")
        verbose_name_plural = _("пользователи")
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message=_("Пользователь с такой почтой уже есть."),
            )
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def short_name(self) -> str:
        """Анна К.: a name that may be shown to others."""
        if self.first_name and self.last_name:
            return f"{self.first_name} {self.last_name[0]}."
        return self.first_name or self.username.partition("@")[0]


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
