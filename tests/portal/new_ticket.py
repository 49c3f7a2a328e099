"""The form of a new ticket, filled in."""

from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tickets.models import Product

NEW = reverse("new_ticket")
TITLE, DESCRIPTION = "Не открывается отчёт", "Белый экран <после> входа."


def filled(chosen: Product, **given) -> dict:
    data = {"product": chosen.pk, "title": TITLE, "description": DESCRIPTION, "key": str(uuid4())}
    return data | given


def journal(content: bytes = b"line", name: str = "журнал.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)
