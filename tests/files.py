"""Files as people send them."""

from django.core.files.base import ContentFile

from tickets.attachments import NewFile

PDF = b"%PDF-1.7\n"


def pdf(name="счёт.pdf", content=PDF):
    return NewFile(name, len(content), "application/pdf", ContentFile(content, name=name))
