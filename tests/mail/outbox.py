"""What is mailed, and to whom."""

from django.core import mail
from django.core.files.base import ContentFile
from django.utils import timezone

from mail.channel import EmailChannel
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.delivery import drain
from tickets.models import Delivery, Face
from tickets.recording import customer


def send_due():
    """As the worker does: one drain after another while anything is due, however slow it is."""
    for _drain in range(10):
        drain("email")
        if not EmailChannel().next_rows().filter(due_at__lte=timezone.now()).exists():
            return


def answer(ticket, by_agent, text="Проверьте сейчас."):
    add_comment(ticket=ticket, actor=by_agent, body=text)
    send_due()


def ask(ticket, clock, text="Вопрос", files=()):
    """A comment of the requester, and the letters it makes."""
    actor = customer(ticket.requester, Face.BOT)
    add_comment(ticket=ticket, actor=actor, body=text, files=files)
    clock.advance(seconds=61)
    send_due()


def mailed_to():
    return [letter.to for letter in mail.outbox]


def row_to(address):
    return Delivery.objects.get(channel="email", address=address)


def pdf(name="счёт.pdf", size=8):
    data = b"%PDF-1.7".ljust(size, b" ")
    return NewFile(name, size, "application/pdf", ContentFile(data, name=name))
