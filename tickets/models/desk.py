"""What agents keep beside tickets: links, ready answers, views, presence, announcements."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tickets.models.products import Product
from tickets.models.tickets import TEXT_LIMIT, Ticket
from tickets.models.words import attachment_path


class TicketLink(models.Model):
    """Two tickets that have to do with each other, the lower number first."""

    lower = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="links_up")
    upper = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="links_down")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["lower", "upper"], name="linked_once"),
            models.CheckConstraint(condition=Q(lower__lt=F("upper")), name="lower_number_first"),
        ]

    def __str__(self) -> str:
        return f"{self.lower_id} — {self.upper_id}"


class CannedAnswerQuerySet(models.QuerySet["CannedAnswer"]):
    def usable_by(self, agent: models.Model) -> Self:
        """Everybody's, and the agent's own."""
        return self.filter(Q(owner=None) | Q(owner=agent))


class CannedAnswer(models.Model):
    """Words for what is asked often. Without an owner they are everybody's."""

    title = models.CharField(_("название"), max_length=100)
    body = models.TextField(_("текст"), max_length=TEXT_LIMIT)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="canned_answers",
        verbose_name=_("чей"),
    )
    product = models.ForeignKey(
        Product,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("продукт"),
    )
    created_at = models.DateTimeField(_("создан"), default=timezone.now)
    updated_at = models.DateTimeField(_("изменён"), auto_now=True)

    objects = CannedAnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("готовый ответ")
        verbose_name_plural = _("готовые ответы")
        ordering: ClassVar = ["title", "id"]
        permissions: ClassVar = [("share_cannedanswer", "Готовые ответы для всех")]

    def __str__(self) -> str:
        return self.title


class CannedFile(models.Model):
    """A file that goes with a ready answer."""

    answer = models.ForeignKey(CannedAnswer, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(_("имя"), max_length=120)
    size = models.PositiveBigIntegerField(_("размер, байт"), default=0)
    content_type = models.CharField(_("тип"), max_length=100, blank=True)
    file = models.FileField(_("файл"), upload_to=attachment_path)

    class Meta:
        verbose_name = _("файл готового ответа")
        verbose_name_plural = _("файлы готовых ответов")
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.name


class SavedView(models.Model):
    """A list with its filters that an agent has given a name."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    name = models.CharField(_("название"), max_length=60)
    query = models.CharField(max_length=1000)  # the address of the list after its `?`

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "name"], name="one_view_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class Presence(models.Model):
    """Who has a card open at the desk, and since when they have been writing."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="presences")
    seen_at = models.DateTimeField(default=timezone.now)
    wrote_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "ticket"], name="present_once")
        ]
        indexes: ClassVar = [models.Index("seen_at", name="presence_age")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.ticket_id}"


class Announcement(models.Model):
    """What customers read on top of the portal and of the bot's menu while it lasts."""

    text = models.CharField(_("текст"), max_length=300)
    incident = models.ForeignKey(
        Ticket,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="announcements",
        verbose_name=_("инцидент"),
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    since = models.DateTimeField(_("с"), default=timezone.now)
    until = models.DateTimeField(_("до"), null=True, blank=True)

    class Meta:
        verbose_name = _("объявление")
        verbose_name_plural = _("объявления")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index("until", name="announcement_end")]

    def __str__(self) -> str:
        return self.text
