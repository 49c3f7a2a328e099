"""What protects an account: limits, sessions, the log."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User
from config.backoff import CLOCK_SKEW

EMAIL_CHANGE_LIFETIME = timedelta(hours=24)  # from the moment its link was asked for


class Usage(models.Model):
    """How much of a kind a person has done since a time; counted by `quotas` only."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="usage")
    kind = models.CharField(max_length=20)
    since = models.DateTimeField(default=timezone.now)
    used = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "kind"], name="one_usage_a_kind")
        ]
        indexes: ClassVar = [models.Index("since", name="usage_since")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind}"


class RecoveryCode(models.Model):
    """One of the codes that open the second step of a login once each; it is gone when used."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "digest"], name="one_recovery_code")
        ]

    def __str__(self) -> str:
        return str(self.pk)


class EmailChange(models.Model):
    """A new e-mail that waits for its owner; until they confirm it the old one is in force."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    email = models.EmailField()
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("смена почты")
        verbose_name_plural = _("смены почты")
        indexes: ClassVar = [models.Index("asked_at", name="email_change_age")]

    def __str__(self) -> str:
        return _("смена почты № %(id)s") % {"id": self.pk}

    @property
    def is_own(self) -> bool:
        """Whether the person asked for it, rather than an administrator."""
        return self.actor_id == self.user_id

    def has_expired(self, now: datetime) -> bool:
        """Also when it was asked for in the future: the clock went back."""
        return not now - EMAIL_CHANGE_LIFETIME < self.asked_at <= now + CLOCK_SKEW


class Session(AbstractBaseSession):
    """A browser somebody is signed in with, or that has something to remember without that."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="sessions")
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=300, blank=True)
    seen_at = models.DateTimeField(auto_now=True)

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from accounts.sessions import SessionStore  # it stores these rows

        return SessionStore


class SecurityEvent(models.Model):
    """What was done to an account, by whom and from where; no secret, e-mail or phone."""

    class Kind(models.TextChoices):
        LOGIN = "login", _("вход")
        LOGIN_FAILED = "login_failed", _("неудачный вход")
        WRONG_PASSWORD = "wrong_password", _("неверный пароль при изменении данных")
        LOCKED = "locked", _("блокировка: много неверных паролей")
        ADDRESS_CLOSED = "address_closed", _("блокировка: с адреса перебирают аккаунты")
        BESIEGED = "besieged", _("вход замедлен: пароль подбирают с разных адресов")
        WRONG_CODE = "wrong_code", _("неверный код второго шага")
        RECOVERY_CODE_USED = "recovery_code_used", _("вход по одноразовому коду")
        SECOND_FACTOR_ON = "second_factor_on", _("второй шаг входа включён")
        SECOND_FACTOR_OFF = "second_factor_off", _("второй шаг входа отключён")
        SECOND_FACTOR_RESET = "second_factor_reset", _("второй шаг входа сброшен")
        CODES_RENEWED = "codes_renewed", _("одноразовые коды созданы заново")
        LOGOUT = "logout", _("выход")
        SESSIONS_ENDED = "sessions_ended", _("выход на всех устройствах")
        EMAIL_ASKED = "email_asked", _("смена почты запрошена")
        EMAIL_CANCELLED = "email_cancelled", _("смена почты отменена")
        EMAIL_CONFIRMED = "email_confirmed", _("смена почты подтверждена")
        PASSWORD_CHANGED = "password_changed", _("смена пароля")
        RESET_ASKED = "reset_asked", _("запрос сброса пароля")
        RESET_MAILED = "reset_mailed", _("письмо для сброса пароля отправлено")
        PASSWORD_RESET = "password_reset", _("пароль задан по ссылке из письма")
        PHONE_CHANGED = "phone_changed", _("смена телефона")
        CONSENT_WITHDRAWN = "consent_withdrawn", _("согласие отозвано")
        LINKED = "linked", _("связь с мессенджером создана")
        UNLINKED = "unlinked", _("связь с мессенджером удалена")
        RIGHTS_CHANGED = "rights_changed", _("права изменены")
        ROLE_CHANGED = "role_changed", _("роль в организации изменена")
        SHARING_CHANGED = "sharing_changed", _("заявки организации открыты или закрыты коллегам")
        JOIN_ASKED = "join_asked", _("просьба о вступлении в организацию")
        JOINED = "joined", _("принятие в организацию")
        JOIN_REFUSED = "join_refused", _("отказ в принятии в организацию")
        INVITED = "invited", _("приглашение на портал")
        SIGN_UP_ASKED = "sign_up_asked", _("запрос регистрации на портале")
        SIGNED_UP = "signed_up", _("регистрация на портале")
        TOKEN_MADE = "token_made", _("токен API создан")
        TOKEN_REVOKED = "token_revoked", _("токен API отозван")
        WEBHOOK_ADDED = "webhook_added", _("вебхук добавлен")
        WEBHOOK_CHANGED = "webhook_changed", _("вебхук изменён")
        WEBHOOK_SECRET = "webhook_secret", _("секрет вебхука сменён")
        WEBHOOK_REMOVED = "webhook_removed", _("вебхук удалён")
        DEACTIVATED = "deactivated", _("вход закрыт")
        ACTIVATED = "activated", _("вход открыт")
        ERASED = "erased", _("аккаунт удалён")

    user = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        related_name="security_events",
        verbose_name=_("пользователь"),
    )
    actor = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("кто сделал")
    )
    kind = models.CharField(_("что"), max_length=30, choices=Kind.choices)
    # A keyed digest of the login that was typed: tells accounts apart, also those that do not exist
    login_digest = models.CharField(max_length=32, blank=True, editable=False)
    address = models.GenericIPAddressField(_("IP-адрес"), null=True)
    browser = models.CharField(_("браузер"), max_length=300, blank=True)
    details = models.CharField(_("подробности"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("время"), default=timezone.now)

    class Meta:
        verbose_name = _("событие безопасности")
        verbose_name_plural = _("журнал безопасности")
        indexes: ClassVar = [
            models.Index("address", "kind", "created_at", name="security_of_address"),
            models.Index("user", "kind", "created_at", name="security_of_user"),
            models.Index("kind", F("id").desc(), name="security_of_kind"),
            models.Index("created_at", name="security_age"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
