"""Personal data of `telegram_bot`: dialogs, the inbox, groups."""

from typing import Any

from django.db.models import Q

from accounts.models import Erasure, LinkPin, MessengerAccount, User
from accounts.personal_data import Batch, Entry, Page, Section
from telegram_bot.models import (
    TELEGRAM,
    Dialog,
    GroupProduct,
    GroupTicket,
    IncomingUpdate,
    TicketMessage,
)

ROWS_A_BATCH = 500
DIALOG = ("chat_id", "step", "data", "draft", "draft_at", "kept", "updated_at")
UPDATE = ("chat_id", "message_id", "received_at", "processed_at")


class DialogsSection(Section):
    """Drafts and words of the chat; messages themselves are kept by Telegram, not here."""

    def export(self, user: User, after: int) -> Page:
        ids = _telegram_ids(user)
        dialogs = Dialog.objects.filter(telegram_id__in=ids).order_by("pk").values(*DIALOG)
        inbox = IncomingUpdate.objects.filter(telegram_id__in=ids).order_by("pk").values(*UPDATE)
        groups = GroupProduct.objects.filter(chosen_by=user).order_by("pk")
        chosen = groups.values("group__title", "product__name", "chosen_at")
        opened = GroupTicket.objects.filter(ticket__requester=user).order_by("pk")
        tickets = opened.values("group__title", "ticket_id", "message_id")
        return Page(
            [
                Entry("telegram/dialogs.json", list(dialogs)),
                Entry("telegram/inbox.json", list(inbox)),
                Entry("telegram/group_settings.json", list(chosen)),
                Entry("telegram/group_tickets.json", list(tickets)),
            ]
        )

    def leave(self, erasure: Erasure) -> None:
        """Answers that still wait for Telegram are not sent any more."""
        waiting = IncomingUpdate.objects.filter(
            telegram_id__in=_linked(erasure), reply_due_at__isnull=False
        )
        waiting.update(replies="", reply_due_at=None)

    def erase(self, erasure: Erasure, after: int) -> Batch:
        """Which messages were about the person's tickets also says which chat was the person's."""
        about = Q(ticket__requester=erasure.user) | Q(comment__author=erasure.user)
        messages = TicketMessage.objects.filter(about, pk__gt=after).order_by("pk")
        keys = list(messages.values_list("pk", flat=True)[:ROWS_A_BATCH])
        TicketMessage.objects.filter(pk__in=keys).delete()
        if len(keys) == ROWS_A_BATCH:
            return Batch(len(keys), keys[-1])
        ids = _linked(erasure)
        Dialog.objects.filter(telegram_id__in=ids).delete()
        IncomingUpdate.objects.filter(telegram_id__in=ids).delete()
        return Batch(len(keys))


def _telegram_ids(user: User) -> set[int]:
    links = MessengerAccount.objects.filter(user=user, channel=TELEGRAM)
    pins = LinkPin.objects.filter(registration__user=user, channel=TELEGRAM)
    return _ids([*links.values_list("address", flat=True), *pins.values_list("address", flat=True)])


def _linked(erasure: Erasure) -> set[int]:
    return _ids([address for channel, address in erasure.addresses if channel == TELEGRAM])


def _ids(addresses: list[Any]) -> set[int]:
    return {int(address) for address in addresses if str(address).isdigit()}
