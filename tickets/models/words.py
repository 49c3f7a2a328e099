"""What was said and what happened: comments, files, events."""

import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from tickets.models.tickets import Face, Ticket


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
    split_into = models.ForeignKey(
        Ticket, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("выделен в заявку"),
    )  # fmt: skip

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
        DUE = "due", _("срок")
        TITLE = "title", _("тема")
        PRODUCT = "product", _("продукт")
        MERGED = "merged", _("объединение")
        SPLIT = "split", _("комментарий выделен")
        LINKED = "linked", _("связь с заявкой")
        INCIDENT = "incident", _("инцидент")
        SNOOZED = "snoozed", _("отложена")

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
    # Of a move that solved the ticket, kept by `due`: for how many seconds its clock had run, and
    # when the ticket, having come back, was solved the next time
    solved_in = models.FloatField(null=True)
    solved_again_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("событие заявки")
        verbose_name_plural = _("события заявок")
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index("ticket", "id", name="event_of_ticket"),
            models.Index("ticket", "id", condition=Q(is_internal=False), name="event_public"),
            models.Index(
                "created_at",
                "ticket",
                "solved_again_at",
                "solved_in",
                "by_agent",
                "actor",
                condition=Q(solved_in__isnull=False),
                name="event_solved",
            ),
            models.Index(
                "created_at",
                "ticket",
                name="event_returned",
                condition=Q(
                    kind="status",
                    old_value__in=["resolved", "closed"],
                    new_value__in=["new", "in_progress", "waiting"],
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.ticket_id}"

    @cached_property
    def is_followed(self) -> bool:
        """Whether anybody follows its ticket, in force or not: most tickets nobody does."""
        return self.ticket.followers.exists()
