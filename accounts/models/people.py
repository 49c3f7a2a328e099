"""People and their organizations."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.mail_domains import check_mail_domain
from config.backoff import CLOCK_SKEW
from config.compiled import Compiled

SIGN_UP_LIFETIME = timedelta(hours=24)
INVITATION_LIFETIME = timedelta(days=7)


class Organization(models.Model):
    name = models.CharField(_("название"), max_length=200, unique=True)
    email = models.EmailField(
        _("почта клиента"),
        blank=True,
        help_text=_("Сюда приходит копия каждого ответа поддержки."),
    )
    shares_tickets = models.BooleanField(
        _("сотрудники видят заявки друг друга"),
        default=False,
        help_text=_("Все, кто сейчас в организации, читают её заявки и пишут в них."),
    )
    mail_domain = models.CharField(
        _("почтовый домен"),
        max_length=253,
        blank=True,
        validators=[check_mail_domain],
        help_text=_("Например, example.ru. С почтой в этом домене можно попросить о вступлении."),
    )

    class Meta:
        verbose_name = _("организация")
        verbose_name_plural = _("организации")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("mail_domain"),
                condition=~models.Q(mail_domain=""),
                name="one_organization_a_mail_domain",
                violation_error_message=_("Этот домен уже указан у другой организации."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class OrganizationRole(models.TextChoices):
    MEMBER = "member", _("сотрудник")
    ADMINISTRATOR = "administrator", _("администратор организации")


class UserManager(DjangoUserManager["User"]):
    def lock(self, number: int) -> "User | None":
        """Nobody else's until the transaction ends; who they are, and whether still active.

        `no_key`: rows that only refer to the person can still be written.
        """
        return _LOCKED.first(number)

    def by_login(self, login: str) -> "User | None":
        """The account a person means by a username or an e-mail; an e-mail is tried first.

        A username may come with a capital, or with all: as it is typed it goes before.
        """
        user = self.by_email(login).first() if "@" in login else None
        user = user or self.filter(username=login).first()
        return user or self.filter(username=login.lower()).first()

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
    organization_role = models.CharField(
        _("роль в организации"),
        max_length=20,
        choices=OrganizationRole,
        default=OrganizationRole.MEMBER,
        help_text=_("Администратор открывает заявки коллегам и решает, кого принять."),
    )
    time_zone = models.CharField(_("часовой пояс"), max_length=50, blank=True, editable=False)
    # The consent that a person gave when they signed up by themselves
    consent_version = models.CharField(max_length=20, blank=True, editable=False)
    consented_at = models.DateTimeField(null=True, editable=False)
    reset_mailed_at = models.DateTimeField(null=True, editable=False)  # by «Забыли пароль?»

    objects: ClassVar = UserManager()

    class Meta:
        verbose_name = _("пользователь")
        verbose_name_plural = _("пользователи")
        permissions: ClassVar = [
            ("manage_staff", "Can give and take roles and manage staff"),
            ("change_user_email", "Can change the e-mail of others"),
            ("handle_personal_data", "Can export and erase personal data"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message=_("Пользователь с такой почтой уже есть."),
            )
        ]
        indexes: ClassVar = [
            models.Index("id", condition=models.Q(is_staff=True), name="user_staff"),
            models.Index("id", condition=models.Q(is_active=False), name="user_closed"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def short_name(self) -> str:
        """Анна К.: a name that may be shown to others."""
        nameless = _("Без имени") if "@" in self.username else self.username  # no e-mail to others
        return self.colleague_name or str(nameless)

    @property
    def colleague_name(self) -> str:
        """The same after «ваш коллега»: empty where somebody has no name."""
        if self.first_name and self.last_name:
            return f"{self.first_name} {self.last_name[0]}."
        return self.first_name

    @property
    def is_organization_administrator(self) -> bool:
        is_administrator = self.organization_role == OrganizationRole.ADMINISTRATOR
        return bool(self.organization_id) and is_administrator


def _locked(number: int) -> models.QuerySet[User]:
    rows = User.objects.select_for_update(no_key=True).filter(pk=number)
    return rows.only("is_active").order_by()


_LOCKED = Compiled(_locked, int)


class JoinRequest(models.Model):
    """A person whose e-mail is of an organization's domain waits for its word."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, related_name="join_request", verbose_name=_("кто")
    )
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="join_requests",
        verbose_name=_("организация"),
    )
    asked_at = models.DateTimeField(_("когда"), default=timezone.now)

    class Meta:
        verbose_name = _("просьба о вступлении")
        verbose_name_plural = _("просьбы о вступлении")
        indexes: ClassVar = [models.Index("asked_at", name="join_request_age")]

    def __str__(self) -> str:
        return _("просьба о вступлении № %(id)s") % {"id": self.pk}


class SignUp(models.Model):
    """An e-mail that somebody typed to sign up; its owner goes on by the link of a letter."""

    email = models.EmailField()
    asked_at = models.DateTimeField(default=timezone.now)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(Lower("email"), "asked_at", name="sign_up_of_email"),
            models.Index("asked_at", name="sign_up_age"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def has_expired(self, now: datetime) -> bool:
        """Also when it was asked for in the future: the clock went back."""
        return not now - SIGN_UP_LIFETIME < self.asked_at <= now + CLOCK_SKEW


class Invitation(models.Model):
    """A letter that asks a person to set their first password; the newest one is in force."""

    class State(models.TextChoices):
        UNSENT = "unsent", _("не ушло")
        SENT = "sent", _("отправлено")
        EXPIRED = "expired", _("истекло")
        ACCEPTED = "accepted", _("принято")

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="invitation")
    nonce = models.CharField(max_length=32, unique=True)
    asked_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def state(self) -> State:
        if self.accepted_at:
            return self.State.ACCEPTED
        if self.has_expired(timezone.now()):
            return self.State.EXPIRED
        return self.State.SENT if self.sent_at else self.State.UNSENT

    def has_expired(self, now: datetime) -> bool:
        return not now - INVITATION_LIFETIME < self.asked_at <= now + CLOCK_SKEW

    @property
    def until(self) -> datetime:
        return self.asked_at + INVITATION_LIFETIME
