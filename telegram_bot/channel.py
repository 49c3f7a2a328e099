"""Telegram as a channel: paced sending, and what each refusal of the Bot API means."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError

from accounts.linking import PinNews
from accounts.models import MessengerAccount
from accounts.services import note_unreachable
from telegram_bot.bot_api import Sent, make_call, retry_after, short_lived_bot
from telegram_bot.groups import leave_topic, migrate_group, note_removal
from telegram_bot.models import TELEGRAM, BotHeartbeat, Group, TicketMessage, are_downloads_late
from telegram_bot.notices import COMPOSERS, GroupAnswer, TelegramKind
from telegram_bot.replies import MESSAGE_PART, Reply
from telegram_bot.utf16 import split_utf16
from tickets.channels import (
    Cancelled,
    Channel,
    ChannelState,
    Outcome,
    PermanentError,
    Recipient,
    RetryLater,
)
from tickets.delivery import tell
from tickets.models import Delivery
from tickets.notices import Audience, Notice, NoticeKind

logger = logging.getLogger(__name__)

MESSAGES_A_SECOND = 25  # over all; Telegram allows about 30, the rest is for direct answers
PRIVATE_PAUSE = timedelta(seconds=1)
FILES_LAG = timedelta(minutes=10)  # they are fetched one after another, and may be large
GROUP_MESSAGES_A_MINUTE = 18  # Telegram allows 20; the rest is for direct answers


class TelegramChannel(Channel):
    name = TELEGRAM
    label = "Telegram"
    icon = "✈️"
    kinds = (NoticeKind, PinNews, TelegramKind, GroupAnswer)
    lease = "telegram"
    batch = MESSAGES_A_SECOND

    def recipients(self, notice: Notice) -> Iterable[Recipient]:
        if notice.audience == Audience.PUBLIC:
            yield from self._group_of(notice)
        if notice.audience != Audience.CUSTOMER:
            return
        accounts = MessengerAccount.objects.filter(
            channel=self.name,
            user=notice.event.ticket.requester,
            user__is_active=True,
            unreachable_at=None,
        )
        for account in accounts.select_related("user"):
            yield Recipient(account.address, account.user)

    def _group_of(self, notice: Notice) -> Iterable[Recipient]:
        groups = Group.objects.filter(tickets__ticket=notice.event.ticket, removed_at=None)
        for chat_id in groups.values_list("chat_id", flat=True):
            yield Recipient(str(chat_id))

    def parts(self, notice: Notice) -> Iterable[tuple[str, dict[str, int]]]:
        """A long text goes on in further messages, each file is a message of its own."""
        if notice.kind == NoticeKind.OFFERS_END:
            offers = TicketMessage.objects.filter(ticket=notice.event.ticket, has_resolution=True)
            for number in offers.order_by("pk").values_list("message_id", flat=True):
                yield NoticeKind.OFFERS_END, {"message": number}
            return
        yield notice.kind, {}
        comment = notice.event.comment
        if comment is None or notice.audience != Audience.CUSTOMER:
            return
        for part in range(1, len(split_utf16(comment.body, MESSAGE_PART))):
            yield TelegramKind.CONTINUED, {"part": part}
        for number in comment.attachments.values_list("pk", flat=True):
            yield TelegramKind.FILE, {"attachment": number}

    def held_back(self, addresses: Sequence[str]) -> set[str]:
        now = timezone.now()
        recent = Delivery.objects.filter(
            channel=self.name,
            address__in=addresses,
            sent_at__gt=now - timedelta(minutes=1),
            sent_at__lte=now,
        )
        groups = Q(address__startswith="-", sent__gte=GROUP_MESSAGES_A_MINUTE)
        people = ~Q(address__startswith="-") & Q(last__gt=now - PRIVATE_PAUSE)
        paced = recent.values("address").annotate(sent=Count("pk"), last=Max("sent_at"))
        return set(paced.filter(groups | people).values_list("address", flat=True))

    def send(self, deliveries: Sequence[Delivery]) -> Iterable[Outcome]:
        ready: list[tuple[Delivery, Reply]] = []
        for delivery in deliveries:
            try:
                ready.append((delivery, self._message(delivery)))
            except (Cancelled, PermanentError, RetryLater, DatabaseError) as error:
                yield Outcome(delivery, error)
            except Exception as error:  # what cannot be made now will not be made later
                logger.exception("Message %s cannot be made", delivery.pk)
                yield Outcome(delivery, PermanentError(type(error).__name__))
        for place, result in _send_all([message for _delivery, message in ready]):
            delivery, message = ready[place]
            if isinstance(result, TelegramError):
                yield Outcome(delivery, self._meaning(delivery, result))
            elif isinstance(result, Exception):
                yield Outcome(delivery, PermanentError(type(result).__name__))
            else:
                if isinstance(result, Sent):
                    _note_sent(message, result)
                yield Outcome(delivery)

    def addressee(self, delivery: Delivery) -> str:
        """Chats have names; their numbers say nothing."""
        if delivery.recipient is None:
            return _("группа %(number)s") % {"number": delivery.address}
        name = delivery.recipient.short_name
        account = self._account(delivery)
        return f"{name} ({account})" if account and account.username else name

    def why_not_again(self, delivery: Delivery) -> str:
        account = self._account(delivery)
        if account is None or account.unreachable_at is None:
            return ""
        return _(
            "Бот заблокирован: %(name)s. Повторите отправку, когда человек снова напишет боту."
        ) % {"name": self.addressee(delivery)}

    def _account(self, delivery: Delivery) -> MessengerAccount | None:
        """The link a delivery goes to; None when the person has linked another chat since."""
        if delivery.recipient is None:
            return None
        for account in delivery.recipient.messengers.all():  # lists have fetched them before
            if (account.channel, account.address) == (self.name, delivery.address):
                return account
        return None

    def state(self) -> ChannelState:
        """Whether the bot is there, and where people find it."""
        heartbeat = BotHeartbeat.latest()
        if heartbeat is None:
            return ChannelState(is_working=False)
        url = f"{settings.TELEGRAM_LINK_URL}/{heartbeat.username}"
        return ChannelState(heartbeat.is_alive, heartbeat.username, url)

    def problems(self) -> list[str]:
        found = super().problems()
        if are_downloads_late(timezone.now() - FILES_LAG):
            found.append("files overdue")
        heartbeat = BotHeartbeat.latest()
        if heartbeat is None or not heartbeat.is_alive:
            found.append("bot not running")
        return found

    def _message(self, delivery: Delivery) -> Reply:
        """What to send now. Raises Cancelled when the person may not be told any more."""
        if (
            delivery.recipient_id
            and not MessengerAccount.objects.filter(
                channel=self.name,
                user=delivery.recipient_id,
                address=delivery.address,
                user__is_active=True,
                unreachable_at=None,
            ).exists()
        ):
            raise Cancelled(_("бот заблокирован или Telegram отвязан"))
        if delivery.address.startswith("-") and not delivery.kind.startswith("group_"):
            raise PermanentError("not for a group")
        if (
            delivery.address.startswith("-")
            and Group.objects.filter(
                chat_id=int(delivery.address), removed_at__isnull=False
            ).exists()
        ):
            self._tell_requester(delivery)
            raise Cancelled
        compose = COMPOSERS.get(delivery.kind)
        if compose is None:
            raise PermanentError(f"unknown kind {delivery.kind}")
        return compose(delivery)

    def _meaning(self, delivery: Delivery, error: TelegramError) -> Exception:
        if isinstance(error, RetryAfter):
            return RetryLater(retry_after(error))
        if isinstance(error, ChatMigrated):
            migrate_group(int(delivery.address), error.new_chat_id)
            delivery.address = str(error.new_chat_id)
            return RetryLater(timedelta())
        if not isinstance(error, Forbidden | BadRequest):
            return error
        if delivery.address.startswith("-"):
            self._lost_in_group(delivery, error)
        elif isinstance(error, Forbidden) or "chat not found" in error.message.lower():
            note_unreachable(channel=self.name, address=delivery.address)
        return PermanentError(error.message)

    def _lost_in_group(self, delivery: Delivery, error: TelegramError) -> None:
        """The group cannot be written to: note it, and tell the requester in private."""
        if isinstance(error, Forbidden) or "chat not found" in error.message.lower():
            note_removal(int(delivery.address))
        self._tell_requester(delivery)

    def _tell_requester(self, delivery: Delivery) -> None:
        """A ticket that the group cannot hear of is confirmed in the private chat."""
        person = delivery.data.get("person")
        account = MessengerAccount.objects.filter(channel=self.name, user=person).first()
        if delivery.kind == GroupAnswer.CREATED and account:
            tell(
                channel=self.name,
                kind=TelegramKind.CREATED,
                address=account.address,
                key=f"created:{delivery.data['ticket']}",
                recipient=account.user,
                ticket_id=delivery.data["ticket"],
                data={"ticket": delivery.data["ticket"]},
            )


def _note_sent(message: Reply, sent: Sent) -> None:
    if sent.left_topic:
        leave_topic(sent.chat_id, sent.left_topic)
    if message.ticket_id:
        TicketMessage.note(
            sent.chat_id,
            sent.message_id,
            message.ticket_id,
            has_resolution=message.has_resolution,
        )


def _send_all(messages: Sequence[Reply]) -> Iterator[tuple[int, object]]:
    """Send side by side; yield the place of each message and its result as soon as it is known.

    The caller records it before the next is waited for, so that a killed process sends again
    only what was on its way.
    """
    if not messages:
        return
    with asyncio.Runner() as runner:
        results = _results(messages)
        while (found := runner.run(_next(results))) is not None:
            yield found


async def _next(results: AsyncIterator[tuple[int, object]]) -> tuple[int, object] | None:
    return await anext(results, None)


async def _results(messages: Sequence[Reply]) -> AsyncIterator[tuple[int, object]]:
    """Begun in a pace of MESSAGES_A_SECOND; errors come in the place of results."""

    async def send(bot: Bot, place: int, message: Reply) -> tuple[int, object]:
        await asyncio.sleep(place / MESSAGES_A_SECOND)
        try:
            return place, await make_call(bot, message.as_call())
        except TelegramError as error:
            return place, error
        except Exception as error:
            logger.exception("A message cannot be sent")
            return place, error

    async with short_lived_bot() as bot:
        calls = [
            asyncio.create_task(send(bot, place, message)) for place, message in enumerate(messages)
        ]
        for call in asyncio.as_completed(calls):
            yield await call
