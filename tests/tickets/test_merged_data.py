"""What an archive and an erasure do with words that a merge or a split has taken elsewhere."""

import json
import zipfile

import pytest
from django.core.files.base import ContentFile

from tests.factories import open_ticket
from tests.tickets.personal_data import whole_database, work_off
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.erasures import request_erasure
from tickets.exports import archive_path, request_export
from tickets.merging import merge_tickets
from tickets.models import Face, Ticket
from tickets.recording import customer
from tickets.splitting import files_of, split_comment
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db


def text_file(name: str) -> NewFile:
    content = ContentFile("тайна".encode(), name)
    return NewFile(name, content.size, content=content)


@pytest.fixture
def ticket(anna, product):
    """Anna's, with words and files of hers."""
    ticket = open_ticket(
        anna, product=product, title="Тайна Анны", description="Тайна в описании",
        files=[text_file("тайна.txt")],
    )  # fmt: skip
    actor = customer(anna, Face.PORTAL)
    add_comment(ticket=ticket, actor=actor, body="Тайна в словах", files=[text_file("тайна2.txt")])
    return ticket


@pytest.fixture
def into(vera, product):
    """Of her colleague, who stays."""
    return open_ticket(vera, product=product, title="Заявка Веры")


def archive_of(person) -> dict[str, str]:
    export = request_export(user=person, asked_by=person)
    work_off()
    with zipfile.ZipFile(archive_path(export.pk)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_own_words_in_the_colleagues_ticket_are_in_the_archive(ticket, into, anna, by_agent):
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    anna.refresh_from_db()
    files = archive_of(anna)
    card = json.loads(files[f"tickets/{ticket.pk}/ticket.json"])
    assert (card["merged_into"], card["comments"]) == (into.pk, [])
    said = [row for name, text in files.items() if "comments/" in name for row in json.loads(text)]
    assert {row["ticket"] for row in said} == {into.pk}
    assert any(row["body"] == "Тайна в словах" for row in said)
    contents = [name for name in files if "/files/" in name]
    assert sorted(name.rsplit("-", 1)[1] for name in contents) == ["тайна.txt", "тайна2.txt"]


def test_colleague_gets_none_of_them(ticket, into, vera, by_agent):
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    files = archive_of(vera)
    assert not [name for name in files if "/files/" in name]
    assert f"tickets/{ticket.pk}/ticket.json" not in files


def test_erased_person_is_erased_there_too(ticket, into, anna, by_agent, settings):
    merge_tickets(ticket=ticket, into=into, actor=by_agent)
    request_erasure(user=anna, asked_by=anna)
    work_off()
    assert "айна" not in whole_database()
    assert Ticket.objects.get(pk=into.pk).title == "Заявка Веры"
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


def test_erased_person_is_erased_from_both_sides_of_a_split(
    ticket, anna, by_agent, product, settings
):
    comment = ticket.comments.get()
    made = split_comment(
        comment=comment, product=product, title="Тайна отдельно", actor=by_agent,
        files=files_of(comment),
    )  # fmt: skip
    Ticket.objects.filter(pk__in=[ticket.pk, made.pk]).update(status=TicketStatus.CLOSED)
    request_erasure(user=anna, asked_by=anna)
    work_off()
    assert "айна" not in whole_database()
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
