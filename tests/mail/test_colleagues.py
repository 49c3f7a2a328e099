"""Letters about words of colleagues, to followers, and by a person's own choice."""

import pytest
from django.core import mail

from accounts.models import Organization, User
from tests.factories import MessengerAccountFactory, SpecialistFactory, UserFactory, open_ticket
from tests.mail.outbox import answer, mailed_to, send_due
from tickets.clocks import close_silent_tickets
from tickets.comments import add_comment
from tickets.followers import follow, unfollow
from tickets.models import Delivery, Face, Priority
from tickets.preferences import DEFAULTS, Choice, Topic, choose
from tickets.recording import customer
from tickets.services import assign_ticket, change_status, set_priority
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(anna, vera, product):
    return open_ticket(anna, product=product)


@pytest.fixture
def followed(ticket, vera):
    follow(ticket=ticket, user=vera)
    return ticket


def say(ticket, person):
    add_comment(ticket=ticket, actor=customer(person, Face.PORTAL), body="Видно и у меня.")


def words(letter) -> str:
    html, _type = letter.alternatives[0]
    return f"{letter.subject}\n{letter.body}\n{html}"


def letters_to(person):
    return [letter for letter in mail.outbox if letter.to == [person.email]]


# Words of colleagues


def test_requester_hears_of_a_colleague_and_the_client_of_nothing(ticket, anna, vera):
    say(ticket, vera)
    send_due()
    assert mailed_to() == [["anna@alpha.example"]]
    [letter] = mail.outbox
    assert "ваш коллега, Вера М." in letter.body
    assert "Видно и у меня." in letter.body
    assert "поддержк" not in words(letter).lower().replace(">поддержка<", "")
    assert vera.email not in words(letter)


def test_desk_hears_of_a_colleagues_words(ticket, vera, settings):
    settings.STAFF_EMAIL = "desk@support.example"
    say(ticket, vera)
    Delivery.objects.update(due_at=ticket.created_at)
    send_due()
    [letter] = [row for row in mail.outbox if row.to == ["desk@support.example"]]
    assert "коллеги клиента" in letter.subject
    assert letter.body.startswith("Коллега клиента написал")


def test_nameless_colleague_is_called_by_no_login(ticket, anna, vera):
    User.objects.filter(pk=vera.pk).update(first_name="", last_name="")
    vera.refresh_from_db()
    say(ticket, vera)
    send_due()
    assert "Пишет ваш коллега." in mail.outbox[0].body
    assert "vera" not in words(mail.outbox[0])


# Followers


def test_follower_gets_the_answer_and_no_address_of_others(followed, anna, vera, by_agent):
    answer(followed, by_agent)
    assert mailed_to() == [
        ["anna@alpha.example"], ["office@alpha.example"], ["vera@alpha.example"],
    ]  # fmt: skip
    [letter] = letters_to(vera)
    assert "Проверьте сейчас." in letter.body
    for other in (anna.email, anna.organization.email, by_agent.user.email):
        assert other not in words(letter)


def test_follower_is_asked_neither_to_rate_nor_to_return(followed, anna, vera, by_agent):
    change_status(ticket=followed, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    send_due()
    assert "Оцените" in words(letters_to(anna)[0])
    told = words(letters_to(vera)[0])
    assert "Готово." in told
    assert "Оцените" not in told
    assert "верните" not in told


def test_follower_hears_of_the_requesters_words(followed, anna, vera):
    say(followed, anna)
    send_due()
    assert mailed_to() == [["vera@alpha.example"]]
    assert "ваш коллега, Анна К." in mail.outbox[0].body


def test_address_of_the_client_that_follows_gets_one_letter(followed, vera, by_agent):
    Organization.objects.update(email=vera.email.upper())
    answer(followed, by_agent)
    assert mailed_to() == [["anna@alpha.example"], [vera.email.upper()]]


@pytest.mark.parametrize(
    "end",
    [
        lambda ticket, user: User.objects.filter(pk=user.pk).update(organization=None),
        lambda ticket, user: Organization.objects.update(shares_tickets=False),
        lambda ticket, user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda ticket, user: unfollow(ticket=ticket, user=user),
    ],
    ids=["left", "closed to colleagues", "deactivated", "follows no more"],
)
def test_queued_letter_stays_unsent_when_it_may_not_be_read_any_more(followed, vera, by_agent, end):
    add_comment(ticket=followed, actor=by_agent, body="Секрет.")
    end(followed, vera)
    send_due()
    assert letters_to(vera) == []
    assert Delivery.objects.get(recipient=vera).state == Delivery.State.CANCELLED


# One's own choice


def choose_for(person, **choices):
    chosen = {Topic(topic): Choice(*ways) for topic, ways in choices.items()}
    choose(user=person, choices=DEFAULTS | chosen)


def test_answers_come_by_chat_only(ticket, anna, by_agent):
    choose_for(anna, answers=(True, False), status=(True, False))  # it takes the ticket to work
    answer(ticket, by_agent)
    assert mailed_to() == [["office@alpha.example"]]  # the client's copy is nobody's choice


def test_priority_and_assignee_come_by_mail_when_asked_for(ticket, anna, agent, by_agent):
    choose_for(anna, details=(False, True))
    set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_agent)
    assign_ticket(ticket=ticket, assignee=agent, actor=by_agent)
    send_due()
    assert mailed_to() == [["anna@alpha.example"]] * 2
    assert "Высокий" in words(mail.outbox[0])
    assert "Ольга О." in words(mail.outbox[1])


def test_answer_with_a_status_comes_to_who_wants_answers(ticket, anna, by_agent):
    choose_for(anna, answers=(False, True), status=(False, False))
    change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=by_agent)
    send_due()
    assert letters_to(anna) == []
    change_status(ticket=ticket, to=TicketStatus.WAITING, actor=by_agent, answer="Какая версия?")
    send_due()
    assert "Какая версия?" in letters_to(anna)[0].body


def test_words_that_take_a_waiting_ticket_back_come_with_the_status_in_one_letter(
    ticket, anna, vera, by_agent
):
    vlad = UserFactory(organization=anna.organization)
    follow(ticket=ticket, user=vlad)
    change_status(ticket=ticket, to=TicketStatus.WAITING, actor=by_agent, answer="Какая версия?")
    send_due()
    mail.outbox.clear()
    add_comment(ticket=ticket, actor=customer(vera, Face.PORTAL), body="Седьмая")
    send_due()
    for person in (anna, vlad):
        [letter] = letters_to(person)
        [(html, _mimetype)] = letter.alternatives
        for words in ("Седьмая", "Заявка снова в работе.", "Вера М."):
            assert words in letter.body
            assert words in html
    add_comment(ticket=ticket, actor=customer(vera, Face.PORTAL), body="И ещё")
    send_due()
    assert "снова в работе" not in letters_to(anna)[-1].body


def test_who_wants_either_the_words_or_the_status_gets_the_letter(ticket, anna, vera, by_agent):
    choose_for(anna, colleagues=(False, False), status=(False, True))
    change_status(ticket=ticket, to=TicketStatus.WAITING, actor=by_agent, answer="Какая версия?")
    add_comment(ticket=ticket, actor=customer(vera, Face.PORTAL), body="Седьмая")
    add_comment(ticket=ticket, actor=customer(vera, Face.PORTAL), body="И ещё")
    send_due()
    assert ["Седьмая" in letter.body for letter in letters_to(anna)] == [False, True]


@pytest.mark.parametrize("status", [(False, False), (True, False)])
def test_resolved_comes_by_mail_where_no_chat_can_hear(ticket, anna, by_agent, status):
    choose_for(anna, answers=(False, False), status=status)
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    send_due()
    assert [letter.subject for letter in letters_to(anna)] == [f"Заявка № {ticket.pk} выполнена"]


def test_resolved_comes_by_chat_alone_where_that_is_wanted(ticket, anna, by_agent):
    MessengerAccountFactory(user=anna)
    choose_for(anna, answers=(False, False), status=(True, False))
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    assert set(Delivery.objects.filter(recipient=anna).values_list("channel", "kind")) == {
        ("telegram", "resolved")
    }


def test_silent_person_hears_that_the_ticket_is_resolved_and_nothing_else(
    ticket, anna, vera, by_agent, clock
):
    """Of every kind of notice, not of some."""
    MessengerAccountFactory(user=anna)
    choose(user=anna, choices=dict.fromkeys(Topic, Choice(by_chat=False, by_mail=False)))
    answer(ticket, by_agent)
    say(ticket, vera)
    set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_agent)
    assign_ticket(ticket=ticket, assignee=SpecialistFactory(), actor=by_agent)
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    clock.advance(days=5)
    close_silent_tickets()
    assert ticket.events.filter(kind="reminded").exists()
    told = Delivery.objects.filter(recipient=anna).values_list("channel", "kind")
    assert list(told) == [("email", "resolved")]


def test_choice_of_one_is_not_of_others(ticket, anna, vera, by_agent):
    choose_for(vera, answers=(False, False))
    answer(ticket, by_agent)
    assert len(letters_to(anna)) == 1
