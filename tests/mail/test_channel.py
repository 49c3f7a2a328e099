import re
import smtplib

import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.utils import timezone

from tests.factories import TicketFactory, UserFactory, open_ticket
from tickets import services
from tickets.attachments import NewFile
from tickets.channels import MAILED_FILES, EmailChannel
from tickets.delivery import drain, resend
from tickets.models import Delivery
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db

State = Delivery.State


@pytest.fixture
def ticket(anna):
    return TicketFactory(requester=anna, title="Нет <b>связи</b> & «интернета»")


@pytest.fixture
def by_agent(agent):
    return services.agent(agent)


@pytest.fixture
def smtp(monkeypatch):
    """A mail server to break: `smtp["anna@alpha.example"] = OSError()`."""
    errors = {}
    deliver = mail.EmailMultiAlternatives.send

    def send(letter, fail_silently=False):
        error = errors.get(letter.to[0])
        if error:
            raise error
        return deliver(letter, fail_silently)

    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", send)
    return errors


def answer(ticket, by_agent, text="Проверьте сейчас."):
    services.add_comment(ticket=ticket, actor=by_agent, body=text)
    drain("email")


def mailed_to():
    return [letter.to for letter in mail.outbox]


def row_to(address):
    return Delivery.objects.get(channel="email", address=address)


def test_answer_reaches_both_addresses_apart(ticket, by_agent):
    answer(ticket, by_agent)
    assert mailed_to() == [["anna@alpha.example"], ["office@alpha.example"]]
    assert all("Проверьте сейчас." in letter.body for letter in mail.outbox)
    assert not any(letter.cc or letter.bcc for letter in mail.outbox)


def test_answer_reaches_an_equal_address_once(boris, by_agent):
    answer(TicketFactory(requester=boris), by_agent)
    assert mailed_to() == [["boris@beta.example"]]


def test_internal_note_is_never_mailed(ticket, by_agent):
    services.add_comment(ticket=ticket, actor=by_agent, body="Секрет", internal=True)
    drain("email")
    assert mail.outbox == []


def test_own_comment_is_never_mailed(ticket, anna):
    services.add_comment(
        ticket=ticket, actor=services.customer(anna, services.Face.BOT), body="Вопрос"
    )
    drain("email")
    assert mail.outbox == []


def test_new_ticket_is_mailed_to_the_desk_if_it_has_an_address(boris, settings):
    open_ticket(boris)
    settings.STAFF_EMAIL = "desk@support.example"
    open_ticket(boris)
    drain("email")
    assert mailed_to() == [["desk@support.example"]]


# Letters to staff


@pytest.fixture
def desk(settings):
    settings.STAFF_EMAIL = "desk@support.example"
    return settings.STAFF_EMAIL


def ask(ticket, clock, text="Вопрос", files=()):
    """A comment of the requester, and the letters it makes."""
    actor = services.customer(ticket.requester, services.Face.BOT)
    services.add_comment(ticket=ticket, actor=actor, body=text, files=files)
    clock.advance(seconds=3)
    drain("email")


def assign(ticket, agent):
    type(ticket).objects.filter(pk=ticket.pk).update(assignee=agent)


def test_new_ticket_is_told_to_the_desk_with_its_words(anna, desk):
    ticket = open_ticket(anna, title="Нет связи", description="С самого утра.")
    drain("email")
    [letter] = mail.outbox
    assert letter.to == [desk]
    assert letter.subject == f"Новая заявка № {ticket.number}"
    [(html, _mimetype)] = letter.alternatives
    for words in ("Нет связи", "С самого утра.", f"/tickets/ticket/{ticket.pk}/change/"):
        assert words in letter.body
        assert words in html


def test_customers_comment_is_mailed_to_the_assignee_alone(ticket, agent, clock, desk):
    assign(ticket, agent)
    ask(ticket, clock)
    assert mailed_to() == [["olga@support.example"]]
    assert "Вопрос" in mail.outbox[0].body


def test_customers_comment_waits_for_the_rest_of_its_album(ticket, anna, clock, desk, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    actor = services.customer(anna, services.Face.BOT)
    comment = services.add_comment(ticket=ticket, actor=actor, body="Вот фото")
    drain("email")
    assert mail.outbox == []
    services.extend_comment(comment=comment, body="и ещё одно", files=[pdf()])
    clock.advance(seconds=3)
    drain("email")
    [letter] = mail.outbox
    assert "Вот фото\nи ещё одно" in letter.body
    assert len(letter.attachments) == 1


def test_customers_comment_is_mailed_to_the_desk_while_nobody_is_assigned(ticket, clock, desk):
    ask(ticket, clock)
    assert mailed_to() == [[desk]]


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"email": ""}])
def test_assignee_who_cannot_serve_is_replaced_by_the_desk(ticket, agent, clock, desk, change):
    assign(ticket, agent)
    type(agent).objects.filter(pk=agent.pk).update(**change)
    ask(ticket, clock)
    assert mailed_to() == [[desk]]


def test_without_assignee_and_desk_nobody_is_mailed(ticket, clock):
    ask(ticket, clock)
    assert mail.outbox == []
    assert not Delivery.objects.filter(channel="email").exists()


def test_assignee_dismissed_meanwhile_is_not_mailed(ticket, anna, agent, clock, desk):
    assign(ticket, agent)
    services.add_comment(
        ticket=ticket, actor=services.customer(anna, services.Face.BOT), body="Вопрос"
    )
    type(agent).objects.filter(pk=agent.pk).update(is_active=False)
    clock.advance(seconds=3)
    drain("email")
    assert mail.outbox == []
    assert row_to("olga@support.example").state == State.CANCELLED


def test_return_is_told_with_its_reason(ticket, anna, agent, desk):
    type(ticket).objects.update(status=TicketStatus.RESOLVED, assignee=agent)
    actor = services.customer(anna, services.Face.PORTAL)
    services.return_to_work(ticket=ticket, actor=actor, reason="Снова пропал <отчёт>")
    drain("email")
    [letter] = mail.outbox
    assert letter.to == ["olga@support.example"]
    assert letter.subject == f"Заявка № {ticket.number} возвращена в работу"
    assert "Снова пропал <отчёт>" in letter.body
    assert "Снова пропал &lt;отчёт&gt;" in letter.alternatives[0][0]


def test_staff_hears_neither_of_staff_nor_of_ratings(ticket, anna, by_agent, agent, desk):
    assign(ticket, agent)
    services.add_comment(ticket=ticket, actor=by_agent, body="Заметка", internal=True)
    services.add_comment(ticket=ticket, actor=by_agent, body="Ответ")
    services.change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent)
    actor = services.customer(anna, services.Face.BOT)
    services.rate_ticket(ticket=ticket, actor=actor, score=5)
    drain("email")
    assert {address for [address] in mailed_to()} == {"anna@alpha.example", "office@alpha.example"}


def test_agent_who_asks_as_a_customer_does_not_hear_of_it_as_the_assignee(agent, clock, desk):
    ticket = TicketFactory(requester=agent, assignee=agent)
    ask(ticket, clock)
    assert mail.outbox == []


def test_staff_letters_do_not_reach_the_customer(anna, ticket, clock, desk):
    ask(ticket, clock)
    open_ticket(anna)
    drain("email")
    assert mailed_to() == [[desk], [desk]]


# Files


def pdf(name="счёт.pdf", size=8):
    data = b"%PDF-1.7".ljust(size, b" ")
    return NewFile(name, size, "application/pdf", ContentFile(data, name=name))


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
    services.add_comment(ticket=ticket, actor=by_agent, body="Вот счёт", files=[pdf()])
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
    services.add_comment(ticket=ticket, actor=by_agent, body="x", internal=True, files=[pdf()])
    answer(ticket, by_agent)
    assert [letter.attachments for letter in mail.outbox] == [[], []]


def test_letter_waits_for_files_on_their_way(ticket, clock, desk):
    ask(ticket, clock, files=[NewFile("фото.pdf", 8)])
    assert mail.outbox == []
    assert row_to(desk).state == State.QUEUED
    services.store_file(attachment=ticket.attachments.get(), content=ContentFile(b"%PDF-1.7"))
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
    actor = services.customer(anna, services.Face.BOT)
    files = [NewFile("фото.pdf", 8)]
    services.return_to_work(ticket=ticket, actor=actor, reason="Пусто", files=files)
    drain("email")
    assert mail.outbox == []
    services.store_file(attachment=ticket.attachments.get(), content=ContentFile(b"%PDF-1.7"))
    clock.advance(seconds=5)
    drain("email")
    assert [attached(letter) for letter in mail.outbox] == [[("фото.pdf", 8)]]


def test_refused_file_holds_no_letter_and_is_not_named(ticket, anna, clock, desk):
    actor = services.customer(anna, services.Face.BOT)
    files = [NewFile("нет.pdf", 8)]
    services.add_comment(ticket=ticket, actor=actor, body="Вопрос", files=files)
    services.refuse_file(attachment=ticket.attachments.get(), reason="Пустой.")
    clock.advance(seconds=3)
    drain("email")
    [letter] = mail.outbox
    assert attached(letter) == []
    assert named(letter) == {}
    assert "нет.pdf" not in letter.body


def test_file_whose_content_is_missing_is_left_to_the_card(ticket, by_agent):
    comment = services.add_comment(
        ticket=ticket, actor=by_agent, body="Файлы", files=[pdf("а.pdf"), pdf("б.pdf")]
    )
    lost = comment.attachments.get(name="а.pdf")
    lost.file.storage.delete(lost.file.name)
    drain("email")
    for letter in mail.outbox:
        assert attached(letter) == [("б.pdf", 8)]
        assert named(letter) == {"В письме": ["б.pdf"], "Только на карточке заявки": ["а.pdf"]}


def test_new_ticket_is_told_with_the_files_of_its_description(anna, desk, clock):
    files = [pdf("схема.pdf"), NewFile("фото.pdf", 8)]
    ticket = open_ticket(anna, files=files)
    drain("email")
    assert mail.outbox == []
    services.add_comment(
        ticket=ticket, actor=services.customer(anna, services.Face.PORTAL), body="x", files=[pdf()]
    )
    coming = ticket.attachments.get(name="фото.pdf")
    services.store_file(attachment=coming, content=ContentFile(b"%PDF-1.7"))
    clock.advance(seconds=5)
    drain("email")
    about_ticket, about_comment = mail.outbox
    assert attached(about_ticket) == [("схема.pdf", 8), ("фото.pdf", 8)]
    assert named(about_ticket) == {"В письме": ["схема.pdf", "фото.pdf"]}
    assert named(about_comment) == {"В письме": ["счёт.pdf"]}


def test_ten_megabytes_of_files_fit_into_a_letter(ticket, by_agent):
    assert MAILED_FILES == 10 * 1024**2
    files = [pdf("а.pdf", MAILED_FILES - 8), pdf("б.pdf", 8)]
    services.add_comment(ticket=ticket, actor=by_agent, body="Файлы", files=files)
    drain("email")
    assert attached(mail.outbox[0]) == [("а.pdf", MAILED_FILES - 8), ("б.pdf", 8)]


def test_what_does_not_fit_is_named_and_left_on_the_card(ticket, by_agent, monkeypatch):
    monkeypatch.setattr("tickets.channels.MAILED_FILES", 30)
    files = [pdf("а.pdf", 20), pdf("б.pdf", 11), pdf("в.pdf", 10), pdf("г.pdf", 8)]
    services.add_comment(ticket=ticket, actor=by_agent, body="Файлы", files=files)
    drain("email")
    for letter in mail.outbox:
        assert attached(letter) == [("а.pdf", 20), ("в.pdf", 10)]
        assert named(letter) == {
            "В письме": ["а.pdf", "в.pdf"],
            "Только на карточке заявки": ["б.pdf", "г.pdf"],
        }


# Form


def test_letters_of_a_ticket_are_one_thread_of_different_letters(ticket, by_agent):
    other = TicketFactory(requester=ticket.requester)
    answer(ticket, by_agent, "Первый")
    answer(ticket, by_agent, "Второй")
    answer(other, by_agent, "О другом")
    messages = [letter.message() for letter in mail.outbox]
    assert len({message["Message-ID"] for message in messages}) == 6
    threads = [message["References"] for message in messages]
    assert threads == [threads[0]] * 4 + [threads[4]] * 2
    assert threads[0] != threads[4]
    assert [message["In-Reply-To"] for message in messages] == threads


def test_letter_sent_again_keeps_its_id(ticket, by_agent):
    answer(ticket, by_agent)
    row = row_to("anna@alpha.example")
    Delivery.objects.filter(pk=row.pk).update(state=State.FAILED)
    resend(row)
    drain("email")
    first, again = (letter for letter in mail.outbox if letter.to == ["anna@alpha.example"])
    assert first.extra_headers == again.extra_headers


def test_headers_stop_mail_loops_and_make_threads(ticket, by_agent, settings):
    settings.DEFAULT_FROM_EMAIL = "Поддержка <help@support.example>"
    answer(ticket, by_agent)
    letter = mail.outbox[0]
    thread = f"<ticket-{ticket.pk}@support.example>"
    assert letter.extra_headers == {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Message-ID": f"<delivery-{row_to('anna@alpha.example').pk}@support.example>",
        "In-Reply-To": thread,
        "References": thread,
    }
    assert letter.message()["From"].endswith("<help@support.example>")


@pytest.mark.parametrize(
    ("to", "kind"),
    [(TicketStatus.IN_PROGRESS, "status"), (TicketStatus.RESOLVED, "resolved")],
)
def test_every_letter_names_ticket_and_has_both_forms(ticket, by_agent, to, kind):
    services.change_status(ticket=ticket, to=to, actor=by_agent)
    drain("email")
    letter = mail.outbox[0]
    [(html, mimetype)] = letter.alternatives
    assert row_to("anna@alpha.example").kind == kind
    assert str(ticket.number) in letter.subject
    assert mimetype == "text/html"
    assert html


def test_markup_is_literal_in_text_and_escaped_in_html(ticket, by_agent):
    answer(ticket, by_agent, "<script>alert(1)</script> & «да»")
    letter = mail.outbox[0]
    [(html, _mimetype)] = letter.alternatives
    assert "<script>alert(1)</script> & «да»" in letter.body
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "&amp;" not in letter.subject
    assert "&lt;" not in letter.subject


def test_newlines_in_names_never_break_the_subject(ticket, by_agent, anna, agent):
    odd = "Имя\r\nBcc: all@example.com"
    type(anna).objects.update(first_name=odd, last_name="\n")
    type(ticket).objects.update(title="Тема\r\nBcc: all@example.com")
    type(ticket.product).objects.update(name="Продукт\nX-Evil: 1")
    type(anna.organization).objects.update(name="ООО\r\nX-Evil: 1")
    answer(ticket, by_agent)
    assert len(mail.outbox) == 2
    for letter in mail.outbox:
        message = letter.message()
        assert "\n" not in letter.subject
        assert message["Bcc"] is None
        assert message["X-Evil"] is None


def test_deactivated_person_is_not_mailed_but_the_client_is(ticket, by_agent, anna):
    services.add_comment(ticket=ticket, actor=by_agent, body="Ответ")
    type(anna).objects.filter(pk=anna.pk).update(is_active=False)
    drain("email")
    assert row_to("anna@alpha.example").state == State.CANCELLED
    assert row_to("office@alpha.example").state == State.SENT
    assert mailed_to() == [["office@alpha.example"]]


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPRecipientsRefused({"anna@alpha.example": (550, b"no such user")}),
        smtplib.SMTPDataError(554, b"spam"),
    ],
)
def test_final_refusal_is_one_try_and_holds_nobody(ticket, by_agent, smtp, error):
    smtp["anna@alpha.example"] = error
    answer(ticket, by_agent)
    row = row_to("anna@alpha.example")
    assert (row.state, row.attempts) == (State.FAILED, 1)
    assert "55" in row.error
    assert mailed_to() == [["office@alpha.example"]]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("refused"),
        TimeoutError("slow"),
        smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPRecipientsRefused({"anna@alpha.example": (451, b"later")}),
        smtplib.SMTPDataError(452, b"full"),
        smtplib.SMTPAuthenticationError(535, b"bad credentials"),
        smtplib.SMTPConnectError(554, b"your host is blocked"),
        smtplib.SMTPHeloError(550, b"who are you"),
        smtplib.SMTPSenderRefused(550, b"not from here", "support@localhost"),
    ],
)
def test_passing_trouble_is_tried_again(ticket, by_agent, smtp, error, clock, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    smtp["anna@alpha.example"] = error
    answer(ticket, by_agent)
    row = row_to("anna@alpha.example")
    assert row.state == State.QUEUED
    assert row.due_at > timezone.now()
    assert mailed_to() == [["office@alpha.example"]]
    smtp.clear()
    clock.advance(seconds=3)
    drain("email")
    assert mailed_to() == [["office@alpha.example"], ["anna@alpha.example"]]


def test_letter_that_cannot_be_made_holds_no_other(ticket, by_agent, smtp, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    smtp["anna@alpha.example"] = ValueError("odd")
    answer(ticket, by_agent)
    assert mailed_to() == [["office@alpha.example"]]
    row = row_to("anna@alpha.example")
    assert (row.state, row.error) == (State.FAILED, "ValueError")


def test_letter_whose_kind_has_no_template_holds_no_other(ticket, by_agent, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    services.add_comment(ticket=ticket, actor=by_agent, body="Ответ")
    Delivery.objects.filter(address="anna@alpha.example").update(kind="unheard")
    drain("email")
    assert mailed_to() == [["office@alpha.example"]]


def test_person_without_an_address_gets_no_row(by_agent):
    answer(TicketFactory(requester=UserFactory(email="")), by_agent)
    assert not Delivery.objects.filter(channel="email").exists()
    assert mail.outbox == []


def test_letters_are_claimed_one_by_one():
    """A slow server then holds one letter, not a batch whose claim runs out."""
    assert EmailChannel.batch == 1


def test_mail_shares_its_lease_with_other_slow_work():
    """So that one worker of three stays free for PIN mail whatever else is slow."""
    assert EmailChannel.lease == "slow work"


def test_order_of_letters_to_an_address_is_kept(ticket, by_agent, smtp, clock, monkeypatch):
    monkeypatch.setattr("tickets.delivery.SLICE", 0.5)
    smtp["anna@alpha.example"] = OSError()
    answer(ticket, by_agent, "Первый ответ")
    smtp.clear()
    answer(ticket, by_agent, "Второй ответ")
    assert ["anna@alpha.example"] not in mailed_to()
    clock.advance(seconds=10)
    drain("email")
    bodies = [letter.body for letter in mail.outbox if letter.to == ["anna@alpha.example"]]
    assert ["Первый" in bodies[0], "Второй" in bodies[1]] == [True, True]
