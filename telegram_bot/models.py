from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.statements import upsert
from tickets.models import Attachment, Comment, Product, Ticket

ALIVE_FOR = timedelta(seconds=60)
STEP_LIFETIME = timedelta(hours=24)  # of a dialog's step, draft and kept words


DRAFT_STEPS = {"product", "title", "description", "files", "confirm"}  # of a dialog
TELEGRAM = "telegram"  # the channel, in every row that names one


class IncomingUpdate(models.Model):
    """An update as it came, kept from before it is confirmed until its replies are sent."""

    bot_id = models.BigIntegerField()
    update_id = models.BigIntegerField()
    telegram_id = models.BigIntegerField(_("Telegram ID"))
    chat_id = models.BigIntegerField(_("чат"))
    album = models.CharField(max_length=64, blank=True)  # media_group_id
    message_id = models.BigIntegerField(default=0)  # of a message or an edited one
    digest = models.CharField(max_length=64, blank=True)  # of what it says, never the words
    payload = models.TextField(blank=True)  # ASCII JSON, blank once processed
    received_at = models.DateTimeField(_("получено"), default=timezone.now)
    attempts = models.PositiveSmallIntegerField(_("попыток"), default=0)
    due_at = models.DateTimeField(_("следующая попытка"), default=timezone.now)
    processed_at = models.DateTimeField(_("обработано"), null=True)
    error = models.CharField(_("ошибка"), max_length=300, blank=True)
    replies = models.TextField(blank=True)  # JSON list of Bot API calls still to make
    reply_attempts = models.PositiveSmallIntegerField(_("попыток ответа"), default=0)
    reply_due_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("входящее обновление")
        verbose_name_plural = _("входящие обновления")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["bot_id", "update_id"], name="update_once")
        ]
        indexes: ClassVar = [
            models.Index(
                "bot_id",
                "telegram_id",
                "id",
                condition=Q(processed_at=None),
                name="update_by_turns",
            ),
            models.Index(
                "reply_due_at", condition=Q(reply_due_at__isnull=False), name="update_replies_due"
            ),
            models.Index("received_at", name="update_received"),
            models.Index(
                "chat_id", "message_id", condition=~Q(message_id=0), name="update_of_message"
            ),
        ]

    def __str__(self) -> str:
        return str(self.update_id)


class Dialog(models.Model):
    """Where one person is in one chat: survives any restart, may be opened by any process."""

    telegram_id = models.BigIntegerField(_("Telegram ID"))
    chat_id = models.BigIntegerField(_("чат"))
    step = models.CharField(_("шаг"), max_length=40, blank=True)
    data = models.JSONField(default=dict)  # what the step has to remember
    draft = models.JSONField(default=dict)  # of a new ticket; outlives other steps
    draft_at = models.DateTimeField(null=True)
    open_part = models.CharField(max_length=64, blank=True)  # album or text that may go on
    open_comment_id = models.BigIntegerField(null=True)  # the comment its parts belong to
    kept = models.JSONField(default=list)  # words and files said outside of any step
    minute_at = models.DateTimeField(null=True)  # the minute in which updates are counted
    minute_count = models.PositiveIntegerField(default=0)  # an album counts once
    minute_album = models.CharField(max_length=64, blank=True)
    minute_refused = models.BooleanField(default=False)  # the person was told to wait
    link_id = models.BigIntegerField(null=True)  # whose words these are; of guests none
    updated_at = models.DateTimeField(_("обновлён"), auto_now=True)

    class Meta:
        verbose_name = _("диалог")
        verbose_name_plural = _("диалоги")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["telegram_id", "chat_id"], name="one_dialog")
        ]
        indexes: ClassVar = [
            models.Index("link_id", condition=Q(link_id__isnull=False), name="dialog_of_link")
        ]

    def __str__(self) -> str:
        return f"{self.telegram_id} {self.step}"

    @property
    def has_draft(self) -> bool:
        """Whether the draft has an answer already, not only its own id and its parent."""
        return bool(self.draft.keys() - {"id", "parent"})

    def set_step(self, step: str, **data: Any) -> None:
        """Go to a step with what it has to remember; `save` keeps it."""
        self.step, self.data = step, data

    def belong_to(self, link: int | None) -> None:
        """Whose the dialog is from now on: what was said by a link that is gone is forgotten."""
        if self.link_id not in (None, link):
            self.forget()
        self.link_id = link

    def forget(self) -> None:
        self.set_step("")
        self.draft, self.draft_at, self.kept = {}, None, []
        self.open_part, self.open_comment_id, self.link_id = "", None, None


class TelegramFile(models.Model):
    """The download of an attachment whose content is still in Telegram."""

    attachment = models.OneToOneField(
        Attachment, on_delete=models.CASCADE, related_name="telegram_file"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    fetched_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index("due_at", condition=Q(fetched_at=None), name="telegram_file_due")
        ]

    def __str__(self) -> str:
        return f"{self.attachment_id}"


def are_downloads_late(since: datetime) -> bool:
    """Whether files are due, or not even planned, since before a time."""
    pending = Attachment.objects.filter(
        state=Attachment.State.PENDING, source__startswith=f"{TELEGRAM}:"
    )
    planned = Q(telegram_file__fetched_at=None, telegram_file__due_at__lt=since)
    return pending.filter(planned | Q(telegram_file=None, created_at__lt=since)).exists()


class TicketMessage(models.Model):
    """A message about a ticket, the bot's or a comment's: a reply to it is a comment, too."""

    chat_id = models.BigIntegerField()
    message_id = models.BigIntegerField()
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="telegram_messages")
    has_resolution = models.BooleanField(default=False)  # carries rate / return buttons
    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, null=True)
    text = models.TextField(blank=True)  # what this message gave to the comment
    for_agents = models.BooleanField(default=False)  # a reply to it leads to the desk instead

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chat_id", "message_id"], name="one_ticket_a_message")
        ]

    def __str__(self) -> str:
        return f"{self.chat_id}/{self.message_id}"

    @classmethod
    def note(
        cls,
        chat_id: int,
        message_id: int,
        ticket_id: int,
        *,
        has_resolution: bool = False,
        for_agents: bool = False,
    ) -> None:
        """Remember which ticket a message of the bot is about now."""
        cls._put(
            chat_id,
            message_id,
            ticket_id,
            has_resolution=has_resolution,
            for_agents=for_agents,
        )

    @classmethod
    def note_part(cls, chat_id: int, message_id: int, comment: Comment, text: str) -> None:
        """Remember what a person's message gave to a comment: edited, it corrects that."""
        cls._put(chat_id, message_id, comment.ticket_id, comment=comment, text=text)

    @staticmethod
    def _put(chat_id: int, message_id: int, ticket_id: int, **about: Any) -> None:
        """In one query, whether the message is known or new."""
        row = TicketMessage(chat_id=chat_id, message_id=message_id, ticket_id=ticket_id, **about)
        upsert(row, unique=("chat_id", "message_id"), changed=("ticket", *about))


class BotHeartbeat(models.Model):
    """Written by a running bot: who it is and when it was last seen alive."""

    bot_id = models.BigIntegerField(primary_key=True)
    username = models.CharField(_("имя бота"), max_length=64)
    seen_at = models.DateTimeField(_("на связи"))

    class Meta:
        verbose_name = _("бот на связи")
        verbose_name_plural = _("боты на связи")

    def __str__(self) -> str:
        return f"@{self.username}"

    @property
    def is_alive(self) -> bool:
        now = timezone.now()
        return now - ALIVE_FOR < self.seen_at < now + ALIVE_FOR

    @classmethod
    def latest(cls) -> "BotHeartbeat | None":
        return cls.objects.order_by("-seen_at").first()


class Group(models.Model):
    """A Telegram group the bot was added to; `chat_id` follows a migration to a supergroup."""

    chat_id = models.BigIntegerField(_("чат"), unique=True)
    title = models.CharField(_("название"), max_length=255, blank=True)
    bot_is_admin = models.BooleanField(_("бот — администратор"), default=False)
    welcome_message_id = models.BigIntegerField(null=True)
    added_at = models.DateTimeField(_("бот добавлен"), default=timezone.now)
    removed_at = models.DateTimeField(_("бот удалён"), null=True, blank=True)

    class Meta:
        verbose_name = _("группа Telegram")
        verbose_name_plural = _("группы Telegram")

    def __str__(self) -> str:
        return self.title or str(self.chat_id)


class GroupProduct(models.Model):
    """What tickets of a group, or of one of its topics, are about."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="products")
    topic = models.BigIntegerField(_("тема"), default=0)  # message_thread_id, 0 = the whole group
    product = models.ForeignKey(Product, on_delete=models.PROTECT, verbose_name=_("продукт"))
    chosen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, verbose_name=_("кто выбрал")
    )
    chosen_at = models.DateTimeField(_("когда"), default=timezone.now)

    class Meta:
        verbose_name = _("услуга группы")
        verbose_name_plural = _("услуги групп")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group", "topic"], name="one_product_a_topic")
        ]

    def __str__(self) -> str:
        return str(self.product)


class GroupTicket(models.Model):
    """Where in a group a ticket came from: one ticket per message."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="group_ticket")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="tickets")
    chat_id = models.BigIntegerField()  # of the message: a migrated group leaves its messages there
    message_id = models.BigIntegerField()
    topic = models.BigIntegerField(default=0)
    album = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("заявка из группы")
        verbose_name_plural = _("заявки из групп")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chat_id", "message_id"], name="one_ticket_per_message")
        ]

    def __str__(self) -> str:
        return f"{self.group} {self.ticket_id}"
