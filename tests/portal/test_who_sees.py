"""Every page and file of a ticket, and each person: the table of who is shown what."""

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from accounts.models import Organization, User
from tests.factories import AgentFactory, OrganizationFactory, UserFactory, open_ticket
from tests.portal.pages import text
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import Attachment, Comment, Follower, Ticket, TicketEvent
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db
SECRET = "Пароль от стенда"
SEEN, HIDDEN, LED_AWAY = 200, 404, 302


def file(name: str) -> NewFile:
    return NewFile(name, 4, "", ContentFile(b"line", name=name))


@pytest.fixture
def ticket(anna, vera, agent, product):
    """Anna's, with a file, an answer with a file, and a note with a file."""
    from tickets.recording import agent as serves

    ticket = open_ticket(anna, product=product, title=SECRET, files=[file("журнал.log")])
    add_comment(ticket=ticket, actor=serves(agent), body="Ответ", files=[file("ответ.log")])
    add_comment(
        ticket=ticket, actor=serves(agent), body="Заметка", files=[file("заметка.log")],
        internal=True,
    )  # fmt: skip
    Ticket.objects.update(status=TicketStatus.RESOLVED)
    ticket.refresh_from_db()
    return ticket


def requester(ticket):
    return ticket.requester


def colleague(ticket):
    return User.objects.get(username="vera@alpha.example")


def follower(ticket):
    Follower.objects.create(user=colleague(ticket), ticket=ticket)
    return colleague(ticket)


def outsider(ticket):
    return UserFactory(organization=OrganizationFactory(shares_tickets=True))


def loner(ticket):
    return UserFactory()


def former_colleague(ticket):
    """Left, and follows still."""
    person = follower(ticket)
    User.objects.filter(pk=person.pk).update(organization=None)
    return User.objects.get(pk=person.pk)


def moved_colleague(ticket):
    person = follower(ticket)
    person.organization = OrganizationFactory(shares_tickets=True)
    person.save()
    return person


def unshared_colleague(ticket):
    person = follower(ticket)
    Organization.objects.filter(pk=person.organization_id).update(shares_tickets=False)
    return User.objects.get(pk=person.pk)


def administrator_who_left(ticket):
    person = former_colleague(ticket)
    User.objects.filter(pk=person.pk).update(organization_role="administrator")
    return User.objects.get(pk=person.pk)


def requester_who_left(ticket):
    User.objects.filter(pk=ticket.requester_id).update(organization=None)
    return User.objects.get(pk=ticket.requester_id)


def trainee(ticket):
    """Staff without rights, of the same organization once."""
    return AgentFactory()


def closed_colleague(ticket):
    """Whose account was closed: every page leads to the login."""
    person = follower(ticket)
    User.objects.filter(pk=person.pk).update(is_active=False)
    return User.objects.get(pk=person.pk)


INSIDE = (requester, colleague, follower, requester_who_left)
OUTSIDE = (
    outsider, loner, former_colleague, moved_colleague, unshared_colleague,
    administrator_who_left, trainee,
)  # fmt: skip
PAGES = {
    "card": lambda ticket: reverse("ticket_detail", args=[ticket.pk]),
    "file": lambda ticket: _file(ticket, "журнал.log"),
    "file of an answer": lambda ticket: _file(ticket, "ответ.log"),
}
FORMS = {
    "comment": ("ticket_comment", {"body": "Слова"}),
    "return": ("ticket_return", {"reason": "Причина"}),
    "rate": ("ticket_rate", {"score": "5"}),
    "follow": ("ticket_follow", {"follow": "yes"}),
}


def _file(ticket, name):
    return reverse("attachment_download", args=[ticket.attachments.get(name=name).pk])


def answer(response) -> int:
    if response.streaming:
        b"".join(response.streaming_content)
    return response.status_code


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", INSIDE + OUTSIDE, ids=lambda who: who.__name__)
def test_page_is_shown_to_who_may_see_it_now(client, ticket, who, page):
    client.force_login(who(ticket))
    expected = SEEN if who in INSIDE else HIDDEN
    assert answer(client.get(PAGES[page](ticket))) == expected


@pytest.mark.parametrize("page", PAGES)
def test_closed_account_is_led_to_the_login(client, ticket, page):
    client.force_login(closed_colleague(ticket))
    assert answer(client.get(PAGES[page](ticket))) == LED_AWAY


@pytest.mark.parametrize("who", INSIDE + OUTSIDE, ids=lambda who: who.__name__)
def test_file_of_a_note_is_shown_to_no_customer(client, ticket, who):
    client.force_login(who(ticket))
    assert answer(client.get(_file(ticket, "заметка.log"))) == HIDDEN


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("who", OUTSIDE, ids=lambda who: who.__name__)
def test_form_of_who_may_not_see_it_does_nothing(client, ticket, who, form):
    name, data = FORMS[form]
    client.force_login(who(ticket))
    before = (TicketEvent.objects.count(), Comment.objects.count(), Follower.objects.count())
    assert answer(client.post(reverse(name, args=[ticket.pk]), data)) == HIDDEN
    after = (TicketEvent.objects.count(), Comment.objects.count(), Follower.objects.count())
    assert after == before
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.RESOLVED


@pytest.mark.parametrize(
    ("form", "expected"),
    [("comment", LED_AWAY), ("return", 403), ("rate", 403), ("follow", LED_AWAY)],
)
def test_colleague_comments_and_follows_and_ends_nothing(client, ticket, form, expected):
    name, data = FORMS[form]
    client.force_login(colleague(ticket))
    assert answer(client.post(reverse(name, args=[ticket.pk]), data)) == expected
    ticket.refresh_from_db()
    assert (ticket.status, ticket.score) == (TicketStatus.RESOLVED, None)
    assert ticket.comments.filter(body="Слова").count() == (form == "comment")
    assert ticket.followers.count() == (form == "follow")


@pytest.mark.parametrize("who", OUTSIDE, ids=lambda who: who.__name__)
def test_no_page_with_a_name_shows_it_to_an_outsider(client, ticket, who):
    client.force_login(who(ticket))
    for name in ("ticket_list", "group_list", "organization", "notifications", "profile", "help"):
        page = client.get(reverse(name), follow=True)
        assert page.status_code == 200
        assert SECRET not in text(page)


def test_button_to_follow_stands_on_a_colleagues_card_only(client, ticket, vera, anna):
    card, follow = PAGES["card"](ticket), reverse("ticket_follow", args=[ticket.pk])
    client.force_login(vera)
    assert follow in text(client.get(card))
    assert "Вы следите за заявкой" in text(client.post(follow, {"follow": "yes"}, follow=True))
    assert "Не следить" in text(client.get(card))
    client.post(follow, {"follow": "no"})
    assert not Follower.objects.exists()
    client.force_login(anna)
    assert follow not in text(client.get(card))
    client.post(follow, {"follow": "yes"})
    assert not Follower.objects.exists()


def test_files_of_a_colleagues_words_are_read_by_the_requester(client, ticket, vera, anna):
    from tickets.models import Face
    from tickets.recording import customer

    actor = customer(vera, Face.PORTAL)
    add_comment(ticket=ticket, actor=actor, body="Вот", files=[file("вера.log")])
    client.force_login(anna)
    assert answer(client.get(_file(ticket, "вера.log"))) == SEEN
    assert Attachment.objects.count() == 4
