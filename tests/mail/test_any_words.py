"""Whatever people call themselves and their tickets, a letter keeps its headers and its readers."""

from email import message_from_bytes, policy

from django.core import mail
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.factories import ProductFactory, TicketFactory, UserFactory
from tests.mail.outbox import pdf, send_due
from tickets.attachments import clean_file_name
from tickets.comments import add_comment
from tickets.models import TITLE_LIMIT, Face, Product, Ticket
from tickets.recording import customer
from tickets.text import clean_line

HEADERS = {
    "Content-Type", "MIME-Version", "Subject", "From", "To", "Date", "Message-ID",
    "Auto-Submitted", "X-Auto-Response-Suppress", "References", "In-Reply-To",
    "Content-Transfer-Encoding",
}  # fmt: skip
NASTY = [
    "x\r\nBcc: evil@evil.example",
    "x\nContent-Type: text/html\n\n<script>",
    "=?utf-8?q?x=0d=0aBcc:_evil@evil.example?=",
    "=?utf-8?b?" + "QQ==" * 10,
    "x\u2028Bcc: a@b\u2029\x85\x0b\x0cTo: c@d",
    "ж" * 60,
    "🙂" * 60,
    "a" * 60,
    "Re: [№ 1] <a@b>, c@d;",
    '"quoted" <a@b.example>, "x',
    "{{ ticket }} {% include 'x' %} %(x)s %s {0}",
    "</title><script>alert(1)</script>",
    "\u202eevil",
    "--===============0==",
    ".",
]
words = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
some = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@some
@given(title=words, name=words, body=words, product=words)
@example("=?utf-8?q?a?=", "=?utf-8?q?b?=", ".", "c")
def test_letter(db, clock, by_agent, desk, title, name, body, product):
    mail.outbox.clear()
    title = clean_line(title)[:TITLE_LIMIT].strip() or "x"  # as every face keeps it
    requester = UserFactory(first_name=name.replace("\0", "")[:150], last_name=title)
    Ticket.objects.all().delete()
    Product.objects.all().delete()
    made = ProductFactory(name=product.replace("\0", "")[:60] or "x")
    ticket = TicketFactory(requester=requester, title=title, product=made)
    for by in (customer(requester, Face.BOT), by_agent):
        add_comment(ticket=ticket, actor=by, body=f"Слова: {body}", files=[pdf(f"файл {body}.pdf")])
        clock.advance(seconds=61)
        send_due()
    assert [letter.to for letter in mail.outbox] == [[desk], [requester.email]]
    for letter in mail.outbox:
        raw = letter.message().as_bytes()
        read = message_from_bytes(raw, policy=policy.default)
        assert set(read.keys()) <= HEADERS
        assert len(read.keys()) == len(set(read.keys()))
        assert [str(address) for address in read["To"].addresses] == letter.to
        assert read["From"].addresses[0].addr_spec == "support@localhost"
        assert len(read["From"].addresses) == 1
        assert max(map(len, raw.splitlines())) <= 998
        assert title in letter.body
        [attached] = [part.get_filename() for part in read.iter_attachments()]
        assert attached == clean_file_name(f"файл {body}.pdf")
        html = read.get_body(("html",)).get_content()
        assert "<script" not in html
