"""«@igor» in a note tells that agent, once; elsewhere it is only text."""

import pytest
from django.core import mail

from telegram_bot.notices import COMPOSERS
from tests.factories import MessengerAccountFactory, SpecialistFactory, UserFactory, open_ticket
from tickets.comments import add_comment
from tickets.delivery import drain
from tickets.followers import add_follower
from tickets.mentions import known_logins, logins_in
from tickets.models import Delivery
from tickets.recording import agent as serves
from tickets.services import assign_ticket
from tickets.templatetags.words import as_note

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "logins"),
    [
        ("@igor, глянь", ["igor"]),
        ("Спроси @Igor.", ["igor"]),
        ("(@igor) «@olga»", ["igor", "olga"]),
        ("@igor @igor", ["igor"]),
        ("строка\n@i.petrov-2 вторая", ["i.petrov-2"]),
        ("почта igor@support.example", []),
        ("http://example.com/@igor", []),
        ("@@igor и c++@igor", []),
        ("код `@igor` и ниже\n```\n@igor\n```\n", []),
        ("> @igor писал\nок", []),
        ("@lee_dohm, не @lee", ["lee_dohm", "lee"]),
        ("@ пусто @. и @-", []),
        ("@игорь", ["игорь"]),
    ],
)
def test_logins_are_those_that_call_somebody(text, logins):
    assert logins_in(text) == logins


def test_few_are_called_by_one_note():
    assert len(logins_in(" ".join(f"@a{number}" for number in range(100)))) == 20


@pytest.fixture
def igor(db):
    return SpecialistFactory(username="igor", email="igor@support.example")


@pytest.fixture
def olga(db):
    return SpecialistFactory(username="olga", email="olga@support.example")


@pytest.fixture
def ticket(anna):
    ticket = open_ticket(anna)
    Delivery.objects.all().delete()
    return ticket


def note(ticket, author, body, **given):
    Delivery.objects.all().delete()
    add_comment(ticket=ticket, actor=serves(author), body=body, internal=True, **given)
    rows = Delivery.objects.filter(channel="email").order_by("address")
    return [(row.kind, row.address) for row in rows]


def test_agent_is_told_once(ticket, igor, olga):
    assert note(ticket, olga, "@IGOR глянь, @igor") == [("staff_mention", igor.email)]
    drain("email")
    assert mail.outbox[0].subject == f"Вас упомянули в заявке № {ticket.pk}"
    assert "@IGOR глянь" in mail.outbox[0].body
    assert "Кто упомянул" in mail.outbox[0].body


def test_agent_is_told_in_the_chat_too(ticket, igor, olga):
    chat = MessengerAccountFactory(user=igor)
    note(ticket, olga, "@igor <b>глянь</b>")
    row = Delivery.objects.get(channel="telegram")
    assert (row.kind, row.address) == ("staff_mention", chat.address)
    text = COMPOSERS[row.kind](row).params["text"]
    assert f"№ {ticket.pk}</b> · вас упомянули в заметке" in text
    assert "&lt;b&gt;глянь" in text


def test_nobody_is_told_of_themselves(ticket, olga):
    assert note(ticket, olga, "Это я, @olga") == []


@pytest.mark.parametrize("login", ["nobody", "anna", "gone", "roleless"])
def test_only_who_may_read_the_note_is_called(ticket, olga, login):
    SpecialistFactory(username="gone", is_active=False)
    UserFactory(username="roleless", is_staff=True)
    assert note(ticket, olga, f"@{login}") == []


def test_words_to_the_customer_call_nobody(ticket, igor, olga):
    add_comment(ticket=ticket, actor=serves(olga), body="@igor")
    assert not Delivery.objects.filter(recipient=igor).exists()


def test_follower_and_assignee_who_is_called_hears_once(ticket, igor, olga):
    add_follower(ticket=ticket, user=igor, actor=olga)
    assign_ticket(ticket=ticket, assignee=igor, actor=serves(olga))
    assert note(ticket, olga, "@igor") == [("staff_mention", igor.email)]


def test_called_agents_stand_out_in_the_note(igor, olga, anna):
    assert known_logins() == {"igor", "olga"}
    shown = as_note("@igor <b> igor@a.example @nobody", known_logins())
    assert '<span class="mention">@igor</span> &lt;b&gt;' in shown
    assert "@nobody" in shown
    assert shown.count("mention") == 1
