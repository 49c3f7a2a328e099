import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from tickets.status import TicketStatus

TITLE_LIMIT = 60  # characters
TEXT_LIMIT = 20_000  # characters of a description or a comment


class Priority(models.TextChoices):
    CRITICAL = "critical", _("Критический")
    HIGH = "high", _("Высокий")
    MEDIUM = "medium", _("Средний")
    LOW = "low", _("Низкий")


class Face(models.TextChoices):
    """Where something was done."""

    PORTAL = "portal", _("портал")
    BOT = "bot", _("Telegram")
    GROUP = "group", _("группа Telegram")
    ADMIN = "admin", _("рабочее место специалиста")
    SYSTEM = "system", _("система")


class Product(models.Model):
    name = models.CharField(_("название"), max_length=60, unique=True)
    icon = models.CharField(_("значок"), max_length=8, blank=True)
    position = models.PositiveSmallIntegerField(_("порядок"), default=0)
    is_active = models.BooleanField(_("доступен для новых заявок"), default=True)

    class Meta:
        verbose_name = _("продукт")
        verbose_name_plural = _("продукты")
        ordering: ClassVar = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: User) -> Self:
        """Where every read for a customer starts: foreign and missing look the same."""
        return self.filter(requester=user)

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
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="follow_ups",
        verbose_name=_("создана на основе"),
    )  # fmt: skip
    score = models.PositiveSmallIntegerField(_("оценка"), null=True, blank=True)
    rating_comment = models.TextField(_("комментарий к оценке"), blank=True)
    created_at = models.DateTimeField(_("создана"), default=timezone.now)
    updated_at = models.DateTimeField(_("обновлена"), default=timezone.now)
    resolved_at = models.DateTimeField(_("выполнена"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("напомнили о закрытии"), null=True, blank=True)
    closed_at = models.DateTimeField(_("закрыта"), null=True, blank=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("заявка")
        verbose_name_plural = _("заявки")
        ordering: ClassVar = ["-id"]
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
                "requester", F("id").desc(), condition=~Q(status="closed"), name="ticket_open"
            ),
            models.Index(
                "requester", F("id").desc(), condition=Q(status="closed"), name="ticket_closed"
            ),
            models.Index("status", F("id").desc(), name="ticket_by_status"),
            models.Index("requester", "created_at", name="ticket_recent"),
            models.Index("resolved_at", condition=Q(status="resolved"), name="ticket_resolved"),
        ]

    def __str__(self) -> str:
        return f"№ {self.pk} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("ticket_detail", args=[self.pk])

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


class CommentQuerySet(models.QuerySet["Comment"]):
    def public(self) -> Self:
        """The one filter that keeps internal notes from customers, whatever the face."""
        return self.filter(is_internal=False)


class Comment(models.Model):
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, verbose_name=_("автор")
    )
    by_agent = models.BooleanField(_("от поддержки"))
    is_internal = models.BooleanField(_("внутренняя заметка"), default=False)
    body = models.TextField(_("текст"), blank=True)
    face = models.CharField(_("канал"), max_length=20, choices=Face)
    created_at = models.DateTimeField(_("написан"), default=timezone.now)
    edited_at = models.DateTimeField(_("исправлен"), null=True, blank=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        verbose_name = _("комментарий")
        verbose_name_plural = _("комментарии")
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index("ticket", "id", name="comment_of_ticket")]

    def __str__(self) -> str:
        return _("комментарий № %(id)s") % {"id": self.pk}


ATTACHMENTS = "attachments"  # the folder of the storage


def attachment_path(attachment: "Attachment", _name: str) -> str:
    return f"{ATTACHMENTS}/{timezone.now():%Y/%m}/{uuid.uuid4().hex}"


class Attachment(models.Model):
    """A file of a ticket's description, or of one of its comments."""

    class State(models.TextChoices):
        PENDING = "pending", _("загружается")
        READY = "ready", _("готов")
        REFUSED = "refused", _("не принят")

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="attachments")
    comment = models.ForeignKey(
        Comment, on_delete=models.CASCADE, null=True, blank=True, related_name="attachments"
    )
    name = models.CharField(_("имя"), max_length=120)
    size = models.PositiveBigIntegerField(_("размер, байт"), default=0)
    content_type = models.CharField(_("тип"), max_length=100, blank=True)
    file = models.FileField(_("файл"), upload_to=attachment_path, blank=True)
    source = models.CharField(max_length=250, blank=True)  # `<channel>:<its own reference>`
    state = models.CharField(_("состояние"), max_length=10, choices=State, default=State.READY)
    refusal = models.CharField(_("почему не принят"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("добавлен"), default=timezone.now)

    class Meta:
        verbose_name = _("файл")
        verbose_name_plural = _("файлы")
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index("id", condition=Q(state="pending"), name="attachment_pending"),
            models.Index("file", name="attachment_file"),
        ]

    def __str__(self) -> str:
        return self.name


class TicketEvent(models.Model):
    """What happened to a ticket: its timeline, its audit trail and the source of notices."""

    class Kind(models.TextChoices):
        CREATED = "created", _("заявка создана")
        COMMENTED = "commented", _("комментарий")
        EDITED = "edited", _("комментарий исправлен")
        NOTED = "noted", _("внутренняя заметка")
        STATUS = "status", _("статус")
        PRIORITY = "priority", _("приоритет")
        ASSIGNED = "assigned", _("исполнитель")
        RATED = "rated", _("оценка")
        REMINDED = "reminded", _("напоминание о закрытии")

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(_("событие"), max_length=20, choices=Kind)
    is_internal = models.BooleanField(_("внутреннее"), default=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, verbose_name=_("кто")
    )
    by_agent = models.BooleanField(_("от поддержки"), default=False)
    face = models.CharField(_("канал"), max_length=20, choices=Face)
    old_value = models.CharField(_("было"), max_length=200, blank=True)
    new_value = models.CharField(_("стало"), max_length=200, blank=True)
    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, null=True)
    created_at = models.DateTimeField(_("когда"), default=timezone.now)

    class Meta:
        verbose_name = _("событие заявки")
        verbose_name_plural = _("события заявок")
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index("ticket", "id", name="event_of_ticket"),
            models.Index("ticket", "id", condition=Q(is_internal=False), name="event_public"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.ticket_id}"


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
            models.Index("channel", "sent_at", name="delivery_pace"),
            models.Index("created_at", name="delivery_age"),
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


class FormKey(models.Model):
    """A form that was sent: it acts once, and what it made is told when it comes again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.UUIDField()
    purpose = models.CharField(max_length=20)
    fingerprint = models.CharField(max_length=64)  # of what was sent, files included
    made = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("user", "key", name="form_acts_once")]
        indexes: ClassVar = [models.Index("created_at", name="form_key_age")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.key}"


class Draft(models.Model):
    """Words typed into a form and not sent yet, or sent and lost to an ended session."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    form = models.CharField(max_length=20)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, null=True, related_name="+")
    browser = models.CharField(max_length=43, blank=True)  # that lost a form; of drafts empty
    key = models.UUIDField(null=True)  # of the form that the words were typed into
    body = models.JSONField(default=dict)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("user", "form", "ticket", "browser", name="draft_of_ticket"),
            models.UniqueConstraint(
                "user", "form", "browser", condition=Q(ticket=None), name="draft_of_no_ticket"
            ),
        ]
        indexes: ClassVar = [models.Index("updated_at", name="draft_age")]

    def __str__(self) -> str:
        return f"{self.form} {self.ticket_id or ''}"
