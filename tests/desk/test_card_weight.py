"""A ticket that has gone on for long: its card shows a page of it, and costs what others cost."""

from django.core.files.uploadedfile import SimpleUploadedFile

from desk.beside import EVENTS_SHOWN
from tests.factories import open_ticket
from tests.weight import KILOBYTE, weight_of
from tickets import recording
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import Delivery, Face, TicketEvent
from tickets.recording import customer

EVENTS = 500
WORDS = "Не открывается отчёт за квартал: страница белая, в журнале ошибка 502. " * 2


def test_card_of_500_events_asks_no_more_and_weighs_little(
    desk, anna, specialist, product, django_assert_num_queries
):
    ticket = open_ticket(anna, product=product, title="Не открывается отчёт")
    by_both = [customer(anna, Face.BOT), recording.agent(specialist)]
    for actor in by_both:
        log = NewFile("log.txt", 5, "", SimpleUploadedFile("log.txt", b"hello"))
        add_comment(ticket=ticket, actor=actor, body=WORDS, files=[log])
    said = list(TicketEvent.objects.filter(ticket=ticket, comment__isnull=False))
    for number in range(EVENTS):
        event = said[number % 2]
        event.comment.pk = event.pk = None
        event.comment.save()
        event.comment_id = event.comment.pk
        event.save()
        Delivery.objects.create(
            event=event, ticket=ticket, channel="email", recipient=anna, key=str(event.pk),
            state="failed", error="SMTP 552 5.2.2 Mailbox full",
        )  # fmt: skip
    with django_assert_num_queries(21):
        response = desk.get(f"/admin/tickets/ticket/{ticket.pk}/change/")
    assert response.content.decode().count('data-event="') == EVENTS_SHOWN
    assert weight_of(response) <= 150 * KILOBYTE
