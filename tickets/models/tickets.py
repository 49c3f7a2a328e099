"""The ticket itself, and where reads of it start."""

from datetime import timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import CharField, F, Func, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, Organization, User
from tickets.models.products import Priority, Product
from tickets.status import TicketStatus

TITLE_LIMIT = 60  # characters
TEXT_LIMIT = 20_000  # characters of a description or a comment


class Face(models.TextChoices):
    """Where something was done."""

    PORTAL = "portal", _("портал")
    BOT = "bot", _("Telegram")
    GROUP = "group", _("группа Telegram")
    API = "api", _("API")
    ADMIN = "admin", _("рабочее место специалиста")
    SYSTEM = "system", _("система")


NEWEST_CHANGE = (F("changed_at").desc(), F("id").desc())
# The customer has the last word after an agent answered, or asked without words (then its clock
# has stood still): that somebody took a ticket is no answer, and its first one is due by itself.
CUSTOMER_ANSWERED = (
    ~Q(status="closed")
    & (Q(answered_at__isnull=False) | Q(paused_for__gt=timedelta()))
    & Q(last_word_by_agent=False)
)
AWAITING = (TicketStatus.WAITING, TicketStatus.RESOLVED)  # a rated ticket is closed


def _shared_with(user: User) -> Q:
    return Q(organization=user.organization_id, organization__shares_tickets=True)


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: User) -> Self:
        """Where every read of one ticket starts: foreign and missing look the same.

        One's own, and those of the organization one is in now, where it shares them. Lists take
        `own` or `of_organization`: each has an index.
        """
        if not user.organization_id:
            return self.own(user)
        return self.filter(Q(requester=user) | _shared_with(user))

    def own(self, user: User) -> Self:
        return self.filter(requester=user)

    def of_organization(self, user: User) -> Self:
        """Those of the person's organization, the own ones too, while it shares them."""
        return self.filter(_shared_with(user)) if user.organization_id else self.none()

    def of_programs_of(self, organization: Organization) -> Self:
        """What an organization's tokens see: what they opened, and all that its people share."""
        of_it = self.filter(organization=organization)
        if organization.shares_tickets:
            return of_it
        return of_it.filter(opened_with__organization=organization)

    def awaiting(self) -> Self:
        """What waits for its requester: a question, or a result that is not rated yet.

        As words of the query, not as parameters: else SQLite does not find the index.
        """
        words = [
            Func(template=f"'{status.value}'", output_field=CharField()) for status in AWAITING
        ]
        return self.filter(status__in=words)

    def open(self) -> Self:
        return self.exclude(status=TicketStatus.CLOSED)

    def closed(self) -> Self:
        return self.filter(status=TicketStatus.CLOSED)


class Ticket(models.Model):
    """One problem of one requester. Written by `services`, `comments` and `clocks` only."""

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="tickets",
        verbose_name=_("инициатор"),
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("клиент")
    )
    product = models.ForeignKey(Product, on_delete=models.PROTECT, verbose_name=_("продукт"))
    title = models.CharField(_("тема"), max_length=TITLE_LIMIT)
    description = models.TextField(_("описание"))
    status = models.CharField(
        _("статус"), max_length=20, choices=TicketStatus, default=TicketStatus.NEW
    )
    priority = models.CharField(
        _("приоритет"), max_length=10, choices=Priority, default=Priority.MEDIUM
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="assigned_tickets",
        verbose_name=_("исполнитель"),
        limit_choices_to={"is_staff": True, "is_active": True},
    )
    face = models.CharField(_("канал"), max_length=20, choices=Face)
    opened_with = models.ForeignKey(
        ApiToken, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        db_index=False, verbose_name=_("открыта токеном"),
    )  # fmt: skip
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="follow_ups",
        verbose_name=_("создана на основе"),
    )  # fmt: skip
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged",
        verbose_name=_("объединена с"),
    )  # fmt: skip
    incident = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="incident_tickets",
        verbose_name=_("инцидент"),
    )  # fmt: skip
    snoozed_until = models.DateTimeField(_("отложена до"), null=True, blank=True)
    score = models.PositiveSmallIntegerField(_("оценка"), null=True, blank=True)
    rating_comment = models.TextField(_("комментарий к оценке"), blank=True)
    created_at = models.DateTimeField(_("создана"), default=timezone.now)
    updated_at = models.DateTimeField(_("обновлена"), default=timezone.now)
    # What customers see of it last: lists of theirs rest on these, and internal notes move nothing
    changed_at = models.DateTimeField(_("изменена для клиента"), default=timezone.now)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    version = models.PositiveBigIntegerField(default=0)  # the id of its newest public event
    # The same for agents, notes included: its newest event, whose it is, and the newest of anybody
    # else. Empty where nothing has happened since these are kept.
    desk_version = models.PositiveBigIntegerField(null=True)
    desk_changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    desk_version_before = models.PositiveBigIntegerField(null=True)
    last_word_at = models.DateTimeField(_("последнее сообщение"), default=timezone.now)
    last_word_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    last_word_by_agent = models.BooleanField(default=False)
    # Due times, kept by `due`
    answered_at = models.DateTimeField(_("первый ответ"), null=True, blank=True)
    answer_due_at = models.DateTimeField(_("ответить до"), null=True, blank=True)
    answer_warned_at = models.DateTimeField(null=True, blank=True)
    answer_breached_at = models.DateTimeField(_("ответ просрочен"), null=True, blank=True)
    solution_due_at = models.DateTimeField(_("решить до"), null=True, blank=True)
    solution_warned_at = models.DateTimeField(null=True, blank=True)
    solution_breached_at = models.DateTimeField(_("решение просрочено"), null=True, blank=True)
    next_due_at = models.DateTimeField(_("срок"), null=True, blank=True)
    tell_due_at = models.DateTimeField(null=True, blank=True)  # of the next warning or breach
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_for = models.DurationField(default=timedelta)
    resolved_at = models.DateTimeField(_("выполнена"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("напомнили о закрытии"), null=True, blank=True)
    closed_at = models.DateTimeField(_("закрыта"), null=True, blank=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("заявка")
        verbose_name_plural = _("заявки")
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [("view_report", "Отчёт о работе поддержки")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(score=None) | Q(score__range=(1, 5)), name="score_from_1_to_5"
            ),
            models.CheckConstraint(
                condition=Q(status__in=TicketStatus.values), name="ticket_status_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                "requester", *NEWEST_CHANGE, condition=~Q(status="closed"), name="ticket_own_open"
            ),
            models.Index(
                "requester", *NEWEST_CHANGE, condition=Q(status="closed"), name="ticket_own_closed"
            ),
            models.Index(
                "requester",
                *NEWEST_CHANGE,
                condition=Q(status__in=["waiting", "resolved"]),
                name="ticket_awaiting",
            ),
            # With the status, so that a filter by it reads no ticket it does not show
            models.Index("organization", *NEWEST_CHANGE, "status", name="ticket_of_organization"),
            models.Index(*NEWEST_CHANGE, name="ticket_newest_change"),
            models.Index("next_due_at", "id", condition=~Q(status="closed"), name="ticket_due"),
            models.Index(
                "next_due_at", "id", condition=CUSTOMER_ANSWERED, name="ticket_customer_answered"
            ),
            models.Index(
                "assignee",
                "next_due_at",
                "id",
                condition=~Q(status="closed"),
                name="ticket_due_of_agent",
            ),
            models.Index(
                "tell_due_at", condition=Q(tell_due_at__isnull=False), name="ticket_due_untold"
            ),
            models.Index("status", F("id").desc(), name="ticket_by_status"),
            # What is closed only grows: a value that few of them have is not looked for in all
            *(
                models.Index(
                    name, F("id").desc(), condition=Q(status="closed"), name=f"ticket_closed_{name}"
                )
                for name in ("face", "priority", "score")
            ),
            models.Index("requester", "created_at", name="ticket_recent"),
            models.Index(
                "opened_with",
                "created_at",
                condition=Q(opened_with__isnull=False),
                name="ticket_of_token",
            ),
            models.Index("resolved_at", condition=Q(status="resolved"), name="ticket_resolved"),
            models.Index("created_at", name="ticket_created"),
            models.Index("answered_at", name="ticket_answered"),
            models.Index("closed_at", "id", condition=Q(score__isnull=False), name="ticket_rated"),
            # Nothing but what reports read of tickets, so that they need not read the tickets
            models.Index(
                "id",
                "product",
                "assignee",
                "organization",
                "merged_into",
                "created_at",
                "answered_at",
                "answer_breached_at",
                "solution_breached_at",
                name="ticket_figures",
            ),
            models.Index(
                "snoozed_until", condition=Q(snoozed_until__isnull=False), name="ticket_snoozed"
            ),
        ]

    def __str__(self) -> str:
        return f"№ {self.pk} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("ticket_detail", args=[self.pk])

    def awaits(self, user: User) -> bool:
        """Whether it waits for this person: one of the rows of `awaiting`."""
        return self.status in AWAITING and self.requester_id == user.pk

    @property
    def number(self) -> int:
        return self.pk

    @property
    def is_closed(self) -> bool:
        return self.status == TicketStatus.CLOSED

    @property
    def client_email(self) -> str:
        """Where a copy of every answer goes."""
        if self.organization and self.organization.email:
            return self.organization.email
        return self.requester.email
