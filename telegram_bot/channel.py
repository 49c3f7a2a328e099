"""Telegram as a channel: paced sending, and what each refusal of the Bot API means."""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError

from accounts.linking import PinNews
from accounts.models import MessengerAccount
from accounts.services import note_unreachable
from accounts.time_zones import times_of
from config.compiled import Compiled
from telegram_bot.bot_api import Sent, retry_after
from telegram_bot.groups import leave_topic, migrate_group, note_removal
from telegram_bot.models import TELEGRAM, BotHeartbeat, Group, TicketMessage, are_downloads_late
from telegram_bot.notices import COMPOSERS, GroupAnswer, TelegramKind
from telegram_bot.reasons import REASONS
from telegram_bot.replies import MESSAGE_PART, Reply
from telegram_bot.sending import MESSAGES_A_SECOND, Result, Sender
from telegram_bot.services import account_of, tell_person
from telegram_bot.utf16 import split_utf16
from tickets.agents import desk, hearers_of, require_hearer
from tickets.channels import (
    Cancelled,
    Channel,
    ChannelState,
    Outcome,
    PermanentError,
    Recipient,
    RetryLater,
)
from tickets.followers import followers_of, require_follower
from tickets.models import Delivery
from tickets.notices import TO_AGENTS, Audience, Notice, NoticeKind
from tickets.preferences import Way, wants

logger = logging.getLogger(__name__)

PRIVATE_PAUSE = timedelta(seconds=1)
FILES_LAG = timedelta(minutes=10)  # they are fetched one after another, and may be large
GROUP_MESSAGES_A_MINUTE = 18  # Telegram allows 20; the rest is for direct answers


def _links(*people: int) -> QuerySet[MessengerAccount]:
    links = MessengerAccount.objects.in_force().filter(channel=TELEGRAM, user__in=people)
    return links.filter(unreachable_at=None).order_by("pk")


@lru_cache(maxsize=32)
def _links_of(count: int) -> Compiled[MessengerAccount]:
    return Compiled(_links, *[int] * count)


class TelegramChannel(Channel):
    name = TELEGRAM
    label = "Telegram"
    icon = "✈️"
    kinds = (NoticeKind, PinNews, TelegramKind, GroupAnswer)
    lease = "telegram"
    reasons = REASONS
    batch = MESSAGES_A_SECOND

    def __init__(self) -> None:
        self._sender: Sender | None = None  # of the drain under way

    def recipients(self, notice: Notice) -> Iterable[Recipient]:
        if notice.audience == Audience.PUBLIC:
            yield from self._group_of(notice)
        if notice.audience == Audience.FOLLOWERS:
            yield from self._followers(notice)
        if notice.audience in TO_AGENTS:
            yield from self._agents(notice)
        requester = notice.event.ticket.requester
        if notice.audience != Audience.CUSTOMER or not wants(requester, notice, Way.CHAT):
            return
        account = account_of(requester)
        if account and account.unreachable_at is None:
            yield Recipient(account.address, account.user, {"link": account.pk})

    def _followers(self, notice: Notice) -> Iterable[Recipient]:
        rows = {
            row.user_id: row
            for row in followers_of(notice.event)
            if wants(row.user, notice, Way.CHAT)
        }
        for link in self._links_of(rows):
            row = rows[link.user_id]
            yield Recipient(link.address, row.user, {"link": link.pk, "follower": row.pk})

    def _agents(self, notice: Notice) -> Iterable[Recipient]:
        """Agents who linked their Telegram, as customers do. The desk hears in each of its chats,
        whether or not it has an address for letters: a mailbox rings on nobody's phone."""
        hearers = hearers_of(notice)
        people = {user.pk: user for user in hearers.by[Way.CHAT]}
        for link in self._links_of(people):
            data = {"link": link.pk, **hearers.data}
            yield Recipient(link.address, people[link.user_id], data)

    def desk(self) -> Iterable[Recipient]:
        people = {user.pk: user for user in desk(Way.CHAT)}
        for link in self._links_of(people):
            yield Recipient(link.address, people[link.user_id], {"link": link.pk})

    def _links_of(self, people: Collection[int]) -> Iterable[MessengerAccount]:
        if not people:
            return []
        return _links_of(len(people)).rows(*people)

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
        to_people = notice.audience in (Audience.CUSTOMER, Audience.FOLLOWERS)
        if comment is None or not to_people or notice.kind == NoticeKind.COLLEAGUE:
            return  # a colleague's comment still grows: its notice leads to it
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

    @property
    def is_busy(self) -> bool:
        return bool(self._sender and self._sender.is_busy)

    def send(self, deliveries: Sequence[Delivery]) -> Iterable[Outcome]:
        """Begin these calls in their turns, and say what became of earlier ones meanwhile."""
        for delivery in deliveries:
            try:
                message = self._message(delivery)
            except (Cancelled, PermanentError, RetryLater, DatabaseError) as error:
                yield Outcome(delivery, error)
            except Exception as error:  # what cannot be made now will not be made later
                logger.exception("Message %s cannot be made", delivery.pk)
                yield Outcome(delivery, PermanentError(type(error).__name__))
            else:
                yield from self._begin(delivery, message)
        if self._sender and len(deliveries) < self.batch:  # nothing else is due
            yield from self._outcomes(self._sender.results())

    def finish(self) -> Iterable[Outcome]:
        sender, self._sender = self._sender, None
        if sender:
            yield from self._outcomes(sender.finish())

    def _begin(self, delivery: Delivery, message: Reply) -> Iterator[Outcome]:
        self._sender = self._sender or Sender()
        yield from self._outcomes(self._sender.next_turn())
        try:
            _require_link(delivery)  # it may have ended since the message was made
        except Cancelled as refusal:
            yield Outcome(delivery, refusal)
        else:
            self._sender.begin(delivery, message)

    def _outcomes(self, results: Iterable[Result]) -> Iterator[Outcome]:
        for delivery, message, result in results:
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

    def unset(self) -> str:
        if not settings.TELEGRAM_BOT_TOKEN:
            return _("не задан TELEGRAM_BOT_TOKEN, его выдаёт @BotFather")
        return ""

    def lacks(self) -> str:
        if BotHeartbeat.latest():
            return ""
        return self.unset() or _("бот ещё не выходил на связь (python manage.py runbot)")

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
        """What to send now. Raises Cancelled when there is nobody to tell it to any more."""
        _require_link(delivery)
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
        with times_of(delivery.recipient):
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
        account = account_of(delivery.data.get("person"))
        if delivery.kind == GroupAnswer.CREATED and account:
            number = delivery.data["ticket"]
            key = f"created:{number}"
            tell_person(
                account, kind=TelegramKind.CREATED, key=key, ticket_id=number, ticket=number
            )


def _require_link(delivery: Delivery) -> None:
    """Raise Cancelled unless the link that a private message was meant for is in force.

    And, of a follower and of an agent, unless they may still hear of the ticket.
    """
    if delivery.recipient_id is None:
        return
    require_follower(delivery)
    require_hearer(delivery)
    links = MessengerAccount.objects.in_force().filter(
        channel=TELEGRAM,
        user=delivery.recipient_id,
        address=delivery.address,
        unreachable_at=None,
    )
    if link := delivery.data.get("link"):  # what was queued by an earlier version names none
        links = links.filter(pk=link)
    if not links.exists():
        raise Cancelled(_("бот заблокирован или Telegram отвязан"))


def _note_sent(message: Reply, sent: Sent) -> None:
    if sent.left_topic:
        leave_topic(sent.chat_id, sent.left_topic)
    if message.ticket_id:
        TicketMessage.note(
            sent.chat_id,
            sent.message_id,
            message.ticket_id,
            has_resolution=message.has_resolution,
            for_agents=message.for_agents,
        )
