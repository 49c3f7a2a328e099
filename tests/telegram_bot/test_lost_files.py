"""A file of an answer whose content is gone from the disk."""

from django.core.files.base import ContentFile

from tests.telegram_bot.bot import Bot, Chat
from tickets import recording
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import Attachment, Delivery, Ticket


def test_lost_content_holds_nothing_else_back(ticket: Ticket, agent, chat: Chat, bot: Bot) -> None:
    chat.start()
    staff = recording.agent(agent)
    files = [NewFile(name, 4, content=ContentFile(b"text")) for name in ("one.txt", "two.txt")]
    add_comment(ticket=ticket, actor=staff, body="Смотрите", files=files)
    lost = Attachment.objects.get(name="one.txt")
    lost.file.storage.delete(lost.file.name)
    bot.run_queue()
    add_comment(ticket=ticket, actor=staff, body="Ещё раз")
    bot.run_queue()
    assert [message["media"] and message["media"]["name"] for message in chat.seen[1:]] == [
        None,
        "two.txt",
        None,
    ]
    [failed] = Delivery.objects.filter(channel="telegram").exclude(state=Delivery.State.SENT)
    assert failed.data["attachment"] == lost.pk
    assert failed.state == Delivery.State.FAILED
