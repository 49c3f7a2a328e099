"""Queue entry points: ids in, quiet when the row is gone."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.linking import PinNews
from accounts.models import LinkPin, MessengerAccount, User
from config.queue import enqueue
from telegram_bot import services
from telegram_bot.files import fetch_due_files
from telegram_bot.models import STEP_LIFETIME, Dialog, IncomingUpdate
from tickets.delivery import tell_of_pin

INBOX_RETENTION = timedelta(days=7)


def fetch_files() -> None:
    fetch_due_files()


def tell_of_pin_mail(link_pin_id: int, kind: str) -> None:
    """For one release: what was queued under this name before an upgrade."""
    pin = LinkPin.objects.filter(pk=link_pin_id).first()
    if pin:
        tell_of_pin(pin, PinNews(kind))


def send_test_message(user_id: int) -> None:
    """For one release: what was queued under this name before an upgrade."""
    if user := User.objects.filter(pk=user_id).first():
        services.send_test_message(user)


def every_minute() -> None:
    """For one release: what was queued under this name before an upgrade."""
    enqueue("operations.tasks.every_minute")


def delete_old_dialogs() -> None:
    """Some of those whose draft and words nobody came back to; the next message begins anew.

    The condition is asked again by the deletion: a person may write at this moment.
    """
    old = Dialog.objects.filter(updated_at__lt=timezone.now() - STEP_LIFETIME)
    old.filter(pk__in=list(old.values_list("pk", flat=True)[:1000])).delete()


def forget_ended_links() -> None:
    """Delete what dialogs hold of links that are gone: drafts, kept words, the open question."""
    links = MessengerAccount.objects.in_force().filter(pk=OuterRef("link_id"))
    lost = Dialog.objects.filter(~Exists(links), link_id__isnull=False)
    for number in list(lost.values_list("pk", flat=True)[:200]):
        with transaction.atomic():
            dialog = lost.select_for_update(of=("self",)).filter(pk=number).first()
            if dialog:
                dialog.forget()
                dialog.save()


def delete_old_updates() -> None:
    """Some of the inbox rows past their retention."""
    old = IncomingUpdate.objects.filter(
        received_at__lt=timezone.now() - INBOX_RETENTION, processed_at__isnull=False
    ).order_by("received_at")
    IncomingUpdate.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:1000])).delete()
