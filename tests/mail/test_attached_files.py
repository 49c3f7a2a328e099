"""Files that come with a letter, or are named in it."""

import re

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from mail.posting import MAILED_FILES
from tests.factories import open_ticket
from tests.mail.outbox import answer, ask, pdf, row_to
from tickets import services
from tickets.attachments import NewFile, refuse_file, store_file
from tickets.comments import add_comment
from tickets.delivery import drain
from tickets.models import Delivery, Face
from tickets.recording import customer
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

State = Delivery.State


def attached(letter):
    return [(name, len(data)) for name, data, _mimetype in letter.attachments]


def named(letter):
    """The names a letter lists under each of its headings, the same in text and HTML."""
    [(html, _mimetype)] = letter.alternatives
    found = {}
    for title in ("В письме", "Только на карточке заявки"):
        rows = re.findall(rf"^{title}:\n((?:- .+\n)*)", letter.body, re.M)
        items = re.findall(rf">{title}:</p>\s*<ul[^>]*>(.*?)</ul>", html, re.S)
        if rows or items:
            found[title] = re.findall(r"^- (\S+)", rows[0], re.M)
            assert re.findall(r"<li>([^\s<]+)", items[0]) == found[title]
    return found


def test_files_of_an_answer_come_with_the_letter(ticket, by_agent):
    add_comment(ticket=ticket, actor=by_agent, body="Вот счёт", files=[pdf()])
    drain("email")
    assert len(mail.outbox) == 2
    for letter in mail.outbox:
        [(name, data, mimetype)] = letter.attachments
        assert (name, data, mimetype) == ("счёт.pdf", b"%PDF-1.7", "application/octet-stream")


def test_files_of_a_status_with_an_answer_come_too(ticket, by_agent):
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово", files=[pdf()]
    )
    drain("email")
    assert [attached(letter) for letter in mail.outbox] == [[("счёт.pdf", 8)]] * 2


def test_files_of_other_comments_and_of_the_description_stay_away(anna, by_agent):
    ticket = open_ticket(anna, files=[pdf("описание.pdf")])
    add_comment(ticket=ticket, actor=by_agent, body="x", internal=True, files=[pdf()])
    answer(ticket, by_agent)
    assert [letter.attachments for letter in mail.outbox] == [[], [], []]  # one to the desk


def test_letter_waits_for_files_on_their_way(ticket, clock, desk):
    ask(ticket, clock, files=[NewFile("фото.pdf", 8)])
    assert mail.outbox == []
    assert row_to(desk).state == State.QUEUED
    store_file(attachment=ticket.attachments.get(), content=ContentFile(b"%PDF-1.7"))
    clock.advance(seconds=5)
    drain("email")
    [letter] = mail.outbox
    assert attached(letter) == [("фото.pdf", 8)]
    assert named(letter) == {"В письме": ["фото.pdf"]}


def test_letter_waits_a_minute_for_files_then_names_them(ticket, clock, desk):
    files = [pdf("есть.pdf"), NewFile("ждём.pdf", 0)]
    ask(ticket, clock, files=files)
    clock.advance(seconds=50)
    drain("email")
    assert mail.outbox == []
    clock.advance(seconds=10)
    drain("email")
    [letter] = mail.outbox
    assert attached(letter) == [("есть.pdf", 8)]
    assert named(letter) == {"В письме": ["есть.pdf"], "Только на карточке заявки": ["ждём.pdf"]}


def test_reason_of_a_return_waits_for_its_files_too(ticket, anna, desk, clock):
    type(ticket).objects.update(status=TicketStatus.RESOLVED)
    actor = customer(anna, Face.BOT)
    files = [NewFile("фото.pdf", 8)]
    services.return_to_work(ticket=ticket, actor=actor, reason="Пусто", files=files)
    clock.advance(seconds=61)
    drain("email")
    assert mail.outbox == []
    store_file(attachment=ticket.attachments.get(), content=ContentFile(b"%PDF-1.7"))
    clock.advance(seconds=5)
    drain("email")
    assert [attached(letter) for letter in mail.outbox] == [[("фото.pdf", 8)]]


def test_refused_file_holds_no_letter_and_is_not_named(ticket, anna, clock, desk):
    actor = customer(anna, Face.BOT)
    files = [NewFile("нет.pdf", 8)]
    add_comment(ticket=ticket, actor=actor, body="Вопрос", files=files)
    refuse_file(attachment=ticket.attachments.get(), reason="Пустой.")
    clock.advance(seconds=61)
    drain("email")
    [letter] = mail.outbox
    assert attached(letter) == []
    assert named(letter) == {}
    assert "нет.pdf" not in letter.body


def test_file_whose_content_is_missing_is_left_to_the_card(ticket, by_agent):
    comment = add_comment(
        ticket=ticket, actor=by_agent, body="Файлы", files=[pdf("а.pdf"), pdf("б.pdf")]
    )
    lost = comment.attachments.get(name="а.pdf")
    lost.file.storage.delete(lost.file.name)
    drain("email")
    for letter in mail.outbox:
        assert attached(letter) == [("б.pdf", 8)]
        assert named(letter) == {"В письме": ["б.pdf"], "Только на карточке заявки": ["а.pdf"]}


@pytest.mark.parametrize("error", [PermissionError(13, "x"), OSError(5, "x"), OSError(116, "x")])
def test_file_that_cannot_be_read_holds_no_letter(ticket, by_agent, monkeypatch, error):
    def fail(*_args, **_options):
        raise error

    add_comment(ticket=ticket, actor=by_agent, body="Файлы", files=[pdf("а.pdf")])
    monkeypatch.setattr(FileSystemStorage, "open", fail)
    drain("email")
    assert [named(letter) for letter in mail.outbox] == [
        {"Только на карточке заявки": ["а.pdf"]}
    ] * 2


def test_new_ticket_is_told_with_the_files_of_its_description(anna, desk, clock):
    files = [pdf("схема.pdf"), NewFile("фото.pdf", 8)]
    ticket = open_ticket(anna, files=files)
    drain("email")
    assert mail.outbox == []
    add_comment(ticket=ticket, actor=customer(anna, Face.PORTAL), body="x", files=[pdf()])
    coming = ticket.attachments.get(name="фото.pdf")
    store_file(attachment=coming, content=ContentFile(b"%PDF-1.7"))
    clock.advance(seconds=61)
    drain("email")
    about_ticket, about_comment = mail.outbox
    assert attached(about_ticket) == [("схема.pdf", 8), ("фото.pdf", 8)]
    assert named(about_ticket) == {"В письме": ["схема.pdf", "фото.pdf"]}
    assert named(about_comment) == {"В письме": ["счёт.pdf"]}


def test_ten_megabytes_of_files_fit_into_a_letter(ticket, by_agent):
    assert MAILED_FILES == 10 * 1024**2
    files = [pdf("а.pdf", MAILED_FILES - 8), pdf("б.pdf", 8)]
    add_comment(ticket=ticket, actor=by_agent, body="Файлы", files=files)
    drain("email")
    assert attached(mail.outbox[0]) == [("а.pdf", MAILED_FILES - 8), ("б.pdf", 8)]


def test_what_does_not_fit_is_named_and_left_on_the_card(ticket, by_agent, monkeypatch):
    monkeypatch.setattr("mail.posting.MAILED_FILES", 30)
    files = [pdf("а.pdf", 20), pdf("б.pdf", 11), pdf("в.pdf", 10), pdf("г.pdf", 8)]
    add_comment(ticket=ticket, actor=by_agent, body="Файлы", files=files)
    drain("email")
    for letter in mail.outbox:
        assert attached(letter) == [("а.pdf", 20), ("в.pdf", 10)]
        assert named(letter) == {
            "В письме": ["а.pdf", "в.pdf"],
            "Только на карточке заявки": ["б.pdf", "г.pdf"],
        }
