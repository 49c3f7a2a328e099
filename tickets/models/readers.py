"""Who reads a ticket, who follows it, and of what people want to hear."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from tickets.models.tickets import Ticket

RIGHT = "tickets.view_ticket"


class TicketRead(models.Model):
    """How far a person has read a ticket; written only when they read further."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="reads")
    version = models.PositiveBigIntegerField()  # the id of the last public event they saw

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "ticket"], name="one_mark_a_reader")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.ticket_id}: {self.version}"


class FollowerQuerySet(models.QuerySet["Follower"]):
    def in_force(self) -> Self:
        """Those who may still see the ticket they follow: asked anew before each message."""
        return self.filter(Q(user__in=serving()) | self._colleagues)

    def of_colleagues(self) -> Self:
        """Those of them who hear as customers do; whoever serves hears as an agent."""
        return self.filter(self._colleagues).exclude(user__in=serving())

    @property
    def _colleagues(self) -> Q:
        return Q(
            user__is_active=True,
            user__organization=F("ticket__organization"),
            ticket__organization__shares_tickets=True,
        )


def serving() -> models.QuerySet[User]:
    """Agents who may see tickets now: those of `with_perm`, which would ask about each apart."""
    app, name = RIGHT.split(".")
    own = User.user_permissions.through.objects.filter(
        permission__codename=name, permission__content_type__app_label=app
    )
    by_role = User.groups.through.objects.filter(
        group__permissions__codename=name, group__permissions__content_type__app_label=app
    )
    may = Q(is_superuser=True) | Q(pk__in=own.values("user")) | Q(pk__in=by_role.values("user"))
    return User.objects.filter(may, is_staff=True, is_active=True)


class Follower(models.Model):
    """A colleague of the requester, or an agent, who wants to hear of a ticket."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="followers")
    since = models.DateTimeField(default=timezone.now)

    objects = FollowerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "ticket"], name="follows_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.ticket_id}"


class NoticePreference(models.Model):
    """By which ways a person wants to hear of a topic; without a row as `preferences` says."""

    class Topic(models.TextChoices):
        ANSWERS = "answers", _("Ответы поддержки")
        STATUS = "status", _("Статус заявки")
        DETAILS = "details", _("Приоритет, исполнитель, тема и продукт")
        COLLEAGUES = "colleagues", _("Сообщения коллег")
        REMINDERS = "reminders", _("Напоминания о закрытии")
        # For agents
        STAFF_FREE = "staff_free", _("Новые заявки без исполнителя")
        STAFF_OWN = "staff_own", _("Мои заявки")
        STAFF_DUE = "staff_due", _("Сроки")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_preferences"
    )
    topic = models.CharField(max_length=20, choices=Topic)
    by_chat = models.BooleanField()
    by_mail = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "topic"], name="one_preference_a_topic")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.topic}"
