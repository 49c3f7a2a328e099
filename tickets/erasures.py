"""Taking out a person's data: access and identity at once, texts and files by batches."""

import logging
import time

from django.db import transaction
from django.utils import timezone

from accounts.models import Erasure, LinkPin, MessengerAccount, User
from accounts.news import AccountNews
from accounts.personal_data import sections
from accounts.security import Kind, Origin, record
from config.database import is_unavailable, retry_once
from config.queue import enqueue
from tickets.delivery import tell_by_letter
from tickets.exports import drop_exports, require_handling
from tickets.models import Delivery, Ticket
from tickets.refusals import AgentNotErased, TicketsStillOpen

logger = logging.getLogger(__name__)

ROWS_A_CALL = 100
NUMBERS_NAMED = 10  # of the tickets that are still open


def require_erasable(user: User) -> None:
    """Raises AgentNotErased or TicketsStillOpen."""
    if user.is_staff or user.is_superuser:
        raise AgentNotErased
    open_ones = Ticket.objects.own(user).open().order_by("pk")
    numbers = list(open_ones.values_list("pk", flat=True)[: NUMBERS_NAMED + 1])
    if numbers:
        raise TicketsStillOpen(numbers[:NUMBERS_NAMED], more=len(numbers) > NUMBERS_NAMED)


def request_erasure(*, user: User, asked_by: User, origin: Origin | None = None) -> Erasure:
    """End a person's access and identity now; the worker takes out the rest.

    `origin` is where an administrator did it; of one's own erasure no address is kept. Asked for
    again, it is the same erasure. Raises NotYours, AgentNotErased or TicketsStillOpen.
    """
    return retry_once(_request_once, user, asked_by, origin or Origin(asked_by))


def _request_once(user: User, asked_by: User, origin: Origin) -> Erasure:
    with transaction.atomic():
        # The person first, as everybody locks: no ticket is opened and no link made meanwhile.
        user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
        require_handling(user, asked_by)
        if known := Erasure.objects.filter(user=user).first():
            return known
        require_erasable(user)
        erasure = Erasure.objects.create(
            user=user, asked_by=asked_by, email=user.email, addresses=_addresses(user)
        )
        drop_exports(user)
        for section in sections():
            section.leave(erasure)
        record(Kind.ERASED, user=user, origin=origin)
        enqueue("tickets.tasks.work_on_personal_data")
        return erasure


def _addresses(user: User) -> list[list[str]]:
    """Every chat that is or just was the person's: a PIN is asked for where one talks."""
    links = MessengerAccount.objects.filter(user=user)
    pins = LinkPin.objects.filter(registration__user=user, closed_at=None)
    found = {*links.values_list("channel", "address"), *pins.values_list("channel", "address")}
    return [list(pair) for pair in sorted(found)]


def is_erased(user_id: int | None) -> bool:
    return Erasure.objects.filter(user=user_id).exists()


def erasures_under_way() -> bool:
    return Erasure.objects.filter(ended_at=None).exists()


def erase_for_a_slice(end: float) -> bool:
    """Batch after batch of the oldest erasure, each a transaction, until `end` (monotonic).

    False when it has to rest.
    """
    while time.monotonic() < end:
        oldest = Erasure.objects.filter(ended_at=None).order_by("asked_at", "pk").first()
        if oldest is None:
            return True
        try:
            retry_once(_erase_batch, oldest.pk)
        except Exception as error:
            if is_unavailable(error):
                raise
            logger.exception("Erasure %s cannot go on", oldest.pk)
            return False
    return True


def _erase_batch(number: int) -> None:
    with transaction.atomic():
        erasure = (
            Erasure.objects.select_for_update(of=("self",)).select_related("user").get(pk=number)
        )
        todo = sections()
        if erasure.section >= len(todo):
            _finish(erasure)
            return
        batch = todo[erasure.section].erase(erasure, erasure.after)
        erasure.handled += batch.handled
        if batch.after is None:
            erasure.section, erasure.after = erasure.section + 1, 0
        else:
            erasure.after = batch.after
        erasure.save(update_fields=["section", "after", "handled"])


def _finish(erasure: Erasure) -> None:
    """The last letter goes to the old address, which is forgotten with it."""
    tell_by_letter(email=erasure.email, kind=AccountNews.ERASED, key=_letter_key(erasure))
    erasure.addresses, erasure.ended_at = [], timezone.now()
    erasure.save(update_fields=["addresses", "ended_at"])


def _letter_key(erasure: Erasure) -> str:
    return f"{AccountNews.ERASED}:{erasure.pk}"


def forget_last_letters() -> None:
    """Delete the address of people who are erased, once their letter has left or failed."""
    untold = Erasure.objects.exclude(email="").exclude(ended_at=None)
    for erasure in untold.order_by("ended_at")[:ROWS_A_CALL]:
        letters = Delivery.objects.filter(key=_letter_key(erasure))
        if not letters.filter(state=Delivery.State.QUEUED).exists():
            with transaction.atomic():
                letters.delete()
                Erasure.objects.filter(pk=erasure.pk).update(email="")
