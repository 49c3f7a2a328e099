"""Keeps the rows of groups as Telegram has them: is the bot in it, under which id and title."""

from django.db import transaction
from django.utils import timezone

from telegram_bot.models import TELEGRAM, Group, GroupTicket
from tickets.delivery import move_deliveries


def known_group(chat_id: int, title: str) -> Group:
    """The group of a chat that the bot is in: locked, with its present title."""
    title = title[:255]
    group, _created = Group.objects.select_for_update().get_or_create(
        chat_id=chat_id, defaults={"title": title}
    )
    if group.removed_at or (title and group.title != title):
        group.title, group.removed_at = title or group.title, None
        group.save(update_fields=["title", "removed_at"])
    return group


def note_removal(chat_id: int) -> None:
    Group.objects.filter(chat_id=chat_id).update(
        removed_at=timezone.now(), bot_is_admin=False, welcome_message_id=None
    )


def migrate_group(old: int, new: int) -> None:
    """Follow a group to its supergroup: its row, its set-up and what waits to be sent."""
    with transaction.atomic():
        group = Group.objects.select_for_update().filter(chat_id=old).first()
        if group is None:
            return
        double = Group.objects.filter(chat_id=new).first()  # made by an update that came first
        if double:
            group.bot_is_admin |= double.bot_is_admin
            GroupTicket.objects.filter(group=double).update(group=group)
            taken = group.products.values("topic")
            double.products.exclude(topic__in=taken).update(group=group)
            double.delete()
        group.chat_id, group.welcome_message_id, group.removed_at = new, None, None
        group.save()
        move_deliveries(channel=TELEGRAM, old=str(old), new=str(new))


def leave_topic(chat_id: int, topic: int) -> None:
    """A topic is deleted or closed: news of its tickets go to the group as a whole."""
    GroupTicket.objects.filter(group__chat_id=chat_id, topic=topic).update(topic=0)
