"""Letters as a channel."""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from email.utils import parseaddr
from functools import partial

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import DatabaseError
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.news import AccountNews
from accounts.time_zones import times_of
from config.backoff import backoff
from config.letters import ImpossibleAddress, build_letter, describe_refusal, is_final
from mail.account_news import account_context
from mail.posting import AnswerLost, Files, post
from mail.reasons import REASONS
from tickets.agents import desk, freed_tickets, hearers_of, require_hearer
from tickets.channels import Cancelled, Channel, Outcome, PermanentError, Recipient, RetryLater
from tickets.followers import followers_of, require_follower
from tickets.leases import LETTERS
from tickets.models import Attachment, Delivery, Ticket, TicketEvent
from tickets.notices import LAST_PARTS, TO_AGENTS, Audience, Notice, NoticeKind
from tickets.preferences import Way, wants
from tickets.set_up import TEST_LETTER

logger = logging.getLogger(__name__)
MAILED = {  # what customers get by mail
    NoticeKind.OPENED, NoticeKind.STATUS, NoticeKind.RESOLVED, NoticeKind.COMMENT,
    NoticeKind.COLLEAGUE, NoticeKind.PRIORITY, NoticeKind.ASSIGNED, NoticeKind.TITLE,
    NoticeKind.PRODUCT, NoticeKind.REMINDER, NoticeKind.MERGED,
}  # fmt: skip
COPIED = {  # of these the client's own address gets a copy
    NoticeKind.STATUS, NoticeKind.RESOLVED, NoticeKind.COMMENT, NoticeKind.REMINDER,
    NoticeKind.MERGED,
}  # fmt: skip
FILES_COME = LAST_PARTS + timedelta(minutes=1)  # how long a letter waits for files on their way


NOWHERE = {  # backends that take letters to no mailbox
    "django.core.mail.backends.console.EmailBackend",
    "django.core.mail.backends.dummy.EmailBackend",
}


class MailKind(TextChoices):
    LINKED = "linked", gettext_lazy("связь с Telegram")
    TEST = TEST_LETTER, gettext_lazy("пробное письмо")


class EmailChannel(Channel):
    name = "email"
    label = gettext_lazy("Почта")
    icon = "✉️"
    kinds = (NoticeKind, AccountNews, MailKind)
    takes_emails = True
    reasons = REASONS
    lease = LETTERS
    conversation = ("address", "ticket")  # many tickets write to one shared mailbox
    longest_pause = timedelta(hours=1)
    batch = 1  # a slow server must not hold more than one letter

    def unset(self) -> str:
        if settings.EMAIL_BACKEND in NOWHERE:
            return _("не задан EMAIL_URL, адрес почтового сервера: письма никуда не уходят")
        return ""

    def recipients(self, notice: Notice) -> Iterable[Recipient]:
        ticket = notice.event.ticket
        if notice.audience in TO_AGENTS:
            return self._staff(notice)
        if notice.kind not in MAILED:
            return []
        if notice.audience == Audience.FOLLOWERS:
            return self._followers(notice)
        return self._requester(ticket, notice) if notice.audience == Audience.CUSTOMER else []

    def _requester(self, ticket: Ticket, notice: Notice) -> Iterable[Recipient]:
        """The requester as they have chosen, and the client's own address."""
        if ticket.requester.email and wants(ticket.requester, notice, Way.MAIL):
            yield Recipient(ticket.requester.email, ticket.requester)
        if notice.kind in COPIED and not _is_same(ticket.client_email, ticket.requester.email):
            yield Recipient(ticket.client_email)

    def _followers(self, notice: Notice) -> Iterable[Recipient]:
        """But not to an address that has its own copy."""
        copy = notice.event.ticket.client_email if notice.kind in COPIED else ""
        for row in followers_of(notice.event):
            if wants(row.user, notice, Way.MAIL) and not _is_same(row.user.email, copy):
                yield Recipient(row.user.email, row.user, {"follower": row.pk})

    def _staff(self, notice: Notice) -> Iterable[Recipient]:
        """The agents it is for; where that is the whole desk, the address of the desk instead."""
        hearers = hearers_of(notice)
        if hearers.is_desk and settings.STAFF_EMAIL:
            actor = notice.event.actor
            if actor is None or not _is_same(settings.STAFF_EMAIL, actor.email):
                yield Recipient(settings.STAFF_EMAIL)
            return
        for user in hearers.by[Way.MAIL]:
            yield Recipient(user.email, user, hearers.data)

    def desk(self) -> Iterable[Recipient]:
        if settings.STAFF_EMAIL:
            return [Recipient(settings.STAFF_EMAIL)]
        return [Recipient(user.email, user) for user in desk(Way.MAIL)]

    def send(self, deliveries: Sequence[Delivery]) -> Iterable[Outcome]:
        for delivery in deliveries:
            try:
                self._send_one(delivery)
            except (Cancelled, RetryLater, DatabaseError) as error:
                yield Outcome(delivery, error)
            except AnswerLost as error:
                yield Outcome(delivery, self._after_lost_answer(delivery, error))
            except (OSError, ImpossibleAddress) as error:
                final = is_final(error)
                yield Outcome(delivery, PermanentError(describe_refusal(error)) if final else error)
            except Exception as error:  # what cannot be made now will not be made later
                logger.exception("Letter %s cannot be made", delivery.pk)
                yield Outcome(delivery, PermanentError(type(error).__name__))
            else:
                yield Outcome(delivery)

    def _send_one(self, delivery: Delivery) -> None:
        if delivery.recipient and not delivery.recipient.is_active:
            raise Cancelled(_("доступ человека к порталу закрыт"))
        require_follower(delivery)
        require_hearer(delivery)
        event = delivery.event
        files = _files_of(event) if event else []
        taken = [] if delivery.data.get("desk") else files  # many letters: those are on the card
        coming = any(file.state == Attachment.State.PENDING for file in taken)
        if coming and timedelta() <= timezone.now() - delivery.created_at < FILES_COME:
            raise RetryLater(timedelta(seconds=5))
        ready = [file for file in taken if file.state == Attachment.State.READY]
        post(partial(self._write, delivery, files), ready, attempt=delivery.attempts)

    def _after_lost_answer(self, delivery: Delivery, error: AnswerLost) -> Exception:
        """A letter may arrive each time: it goes ever more rarely."""
        before = delivery.data.get("unanswered", 0) if delivery.attempts > 1 else 0
        count = before + 1
        data = {**delivery.data, "unanswered": count}
        Delivery.objects.filter(pk=delivery.pk).update(data=data)
        later = RetryLater(backoff(2 * count - 1, longest=self.longest_pause))
        later.__cause__ = error
        return later

    def _write(
        self, delivery: Delivery, files: Sequence[Attachment], attached: Files
    ) -> EmailMultiAlternatives:
        event = delivery.event
        context = {
            "delivery": delivery,
            "event": event,
            "ticket": event.ticket if event else None,
            "user": delivery.recipient,
            "attached": list(attached),
            "on_card": [file for file in files if file not in attached],
            **account_context(delivery),
            **(
                {"freed": freed_tickets(delivery)}
                if delivery.kind == NoticeKind.STAFF_FREED
                else {}
            ),
        }
        with times_of(delivery.recipient):
            letter = build_letter(
                delivery.kind, to=delivery.address, context=context, headers=self._headers(delivery)
            )
        for file, content in attached.items():
            letter.attach(file.name, content, "application/octet-stream")
        return letter

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        """Headers by which mail programs keep the letters of a ticket together."""
        if not delivery.event:
            return {}
        domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
        thread = f"<ticket-{delivery.event.ticket_id}@{domain}>"
        return {
            "Message-ID": f"<delivery-{delivery.pk}@{domain}>",
            "In-Reply-To": thread,
            "References": thread,
        }


def _is_same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _files_of(event: TicketEvent) -> list[Attachment]:
    """What came with the words of a letter: with a comment, or with a new ticket's description."""
    if event.comment is None and event.kind != TicketEvent.Kind.CREATED:
        return []
    files = event.ticket.attachments.filter(comment=event.comment)
    return list(files.exclude(state=Attachment.State.REFUSED))
