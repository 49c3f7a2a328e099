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

from config.mail import ImpossibleAddress, build_letter, describe_refusal, is_final
from mail.posting import Files, post
from tickets.channels import Cancelled, Channel, Outcome, PermanentError, Recipient, RetryLater
from tickets.leases import LETTERS
from tickets.models import Attachment, Delivery, Ticket, TicketEvent
from tickets.notices import LAST_PARTS, Audience, Notice, NoticeKind

logger = logging.getLogger(__name__)
MAILED = {  # what customers get by mail
    NoticeKind.STATUS, NoticeKind.RESOLVED, NoticeKind.COMMENT, NoticeKind.REMINDER,
}  # fmt: skip
FILES_COME = LAST_PARTS + timedelta(minutes=1)  # how long a letter waits for files on their way


class MailKind(TextChoices):
    LINKED = "linked", gettext_lazy("связь с Telegram")


class EmailChannel(Channel):
    name = "email"
    label = gettext_lazy("Почта")
    icon = "✉️"
    kinds = (NoticeKind, MailKind)
    lease = LETTERS
    conversation = ("address", "ticket")  # many tickets write to one shared mailbox
    batch = 1  # a slow server must not hold more than one letter

    def recipients(self, notice: Notice) -> Iterable[Recipient]:
        ticket = notice.event.ticket
        if notice.audience == Audience.STAFF:
            return self._staff(ticket, notice)
        if notice.audience != Audience.CUSTOMER or notice.kind not in MAILED:
            return []
        requester = Recipient(ticket.requester.email, ticket.requester)
        found = {requester.address.casefold(): requester}
        found.setdefault(ticket.client_email.casefold(), Recipient(ticket.client_email))
        return [recipient for recipient in found.values() if recipient.address]

    def _staff(self, ticket: Ticket, notice: Notice) -> Iterable[Recipient]:
        """The assignee; the whole desk for new tickets and for those without an assignee."""
        assignee = ticket.assignee
        if assignee and assignee == notice.event.actor:
            return []
        desk = [Recipient(settings.STAFF_EMAIL)] if settings.STAFF_EMAIL else []
        if notice.kind == NoticeKind.STAFF_NEW or assignee is None:
            return desk
        serves = assignee.is_active and assignee.is_staff and assignee.email
        return [Recipient(assignee.email, assignee)] if serves else desk

    def send(self, deliveries: Sequence[Delivery]) -> Iterable[Outcome]:
        for delivery in deliveries:
            try:
                self._send_one(delivery)
            except (Cancelled, RetryLater, DatabaseError) as error:
                yield Outcome(delivery, error)
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
        event = delivery.event
        files = _files_of(event) if event else []
        coming = any(file.state == Attachment.State.PENDING for file in files)
        if coming and timedelta() <= timezone.now() - delivery.created_at < FILES_COME:
            raise RetryLater(timedelta(seconds=5))
        ready = [file for file in files if file.state == Attachment.State.READY]
        post(partial(self._write, delivery, files), ready, attempt=delivery.attempts)

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
        }
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


def _files_of(event: TicketEvent) -> list[Attachment]:
    """What came with the words of a letter: with a comment, or with a new ticket's description."""
    if event.comment is None and event.kind != TicketEvent.Kind.CREATED:
        return []
    files = event.ticket.attachments.filter(comment=event.comment)
    return list(files.exclude(state=Attachment.State.REFUSED))
