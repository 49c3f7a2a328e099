"""The agent's card acts once, says truthfully what is saved, and keeps words that were lost."""

from html import unescape
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.desk.test_ticket_card import card, errors, shown
from tests.factories import AgentFactory, open_ticket
from tests.threads import in_parallel
from tickets import recording, services
from tickets.drafts import Mark
from tickets.models import Comment, Draft, TicketEvent
from tickets.status import TicketStatus

SAVED_BEFORE = "Эта карточка уже сохранена."
AGAIN = "Вы вошли снова."


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product)


def sent(ticket, **given) -> dict:
    return shown(ticket, key=str(uuid4()), **given)


def page(response) -> str:
    return unescape(response.content.decode())


def test_answer_whose_response_was_lost_is_said_to_be_saved(desk, ticket):
    data = sent(ticket, answer="Смотрим.", status="in_progress")
    for _press in range(2):
        response = desk.post(card(ticket), data, follow=True)
        assert response.redirect_chain[0][0] == card(ticket)
        assert f"Заявка № {ticket.pk} сохранена." in page(response)
        assert "Не сохранено" not in page(response)
    assert Comment.objects.count() == 1
    assert TicketEvent.objects.filter(ticket=ticket).count() == 2


def test_saved_answer_is_so_whatever_others_did_since(desk, ticket):
    data = sent(ticket, answer="Смотрим.")
    desk.post(card(ticket), data)
    other = recording.agent(AgentFactory())
    services.change_status(ticket=ticket, to=TicketStatus.WAITING, actor=other)
    assert desk.post(card(ticket), data).status_code == 302
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.WAITING


def test_change_of_another_is_refused_under_a_fresh_key_and_its_key_can_be_used(desk, ticket):
    data = sent(ticket, answer="Смотрим.")
    other = recording.agent(AgentFactory())
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=other)
    response = desk.post(card(ticket), data)
    assert "заявка изменилась" in errors(response)["__all__"][0]
    assert f'name="key" value="{data["key"]}"' in page(response)
    again = data | {"seen": response.context["seen"], "status": "in_progress"}
    assert desk.post(card(ticket), again).status_code == 302
    assert Comment.objects.get().body == "Смотрим."


@pytest.mark.parametrize(
    ("visibility", "words"),
    [("public", "Сохранённый ответ:"), ("internal", "Сохранённая заметка:")],
)
def test_other_words_are_offered_beside_the_saved_ones(desk, ticket, visibility, words):
    data = sent(ticket, answer="Первый ответ", visibility=visibility)
    desk.post(card(ticket), data)
    response = desk.post(card(ticket), data | {"answer": "Второй ответ"})
    text = page(response)
    assert SAVED_BEFORE in text
    assert words in text
    assert "Первый ответ</blockquote>" in text
    assert "Второй ответ</textarea>" in text
    assert "Не сохранено" not in text
    assert data["key"] not in text
    assert Comment.objects.get().body == "Первый ответ"
    key = text.partition('name="key" value="')[2].partition('"')[0]
    again = data | {"answer": "Второй ответ", "key": key, "seen": response.context["seen"]}
    assert desk.post(card(ticket), again).status_code == 302
    assert list(Comment.objects.values_list("body", flat=True)) == ["Первый ответ", "Второй ответ"]


def test_same_words_for_other_eyes_are_not_the_same_form(desk, ticket):
    data = sent(ticket, answer="Слова", visibility="internal")
    desk.post(card(ticket), data)
    assert SAVED_BEFORE in page(desk.post(card(ticket), data | {"visibility": "public"}))
    assert Comment.objects.public().count() == 0


def test_another_file_is_not_the_same_form(desk, ticket):
    data = sent(ticket, answer="Слова")
    for content in (b"first", b"first", b"other"):
        file = SimpleUploadedFile("log.txt", content)
        response = desk.post(card(ticket), data | {"attachments": [file]})
    assert SAVED_BEFORE in page(response)
    assert Comment.objects.get().attachments.count() == 1


def test_resolving_without_words_is_still_asked_once(desk, ticket):
    data = sent(ticket, status="resolved")
    assert list(errors(desk.post(card(ticket), data))) == ["answer"]
    assert desk.post(card(ticket), data | {"answer_asked": "1"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.RESOLVED


@pytest.mark.django_db(transaction=True)
def test_twenty_presses_at_once_are_one_answer(superuser, ticket):
    data = sent(ticket, answer="Смотрим.", status="in_progress")
    agents = [Client() for _one in range(20)]
    for one in agents:
        one.force_login(superuser)
    calls = [lambda one=one: one.post(card(ticket), data).status_code for one in agents]
    assert in_parallel(*calls) == [302] * 20
    assert Comment.objects.count() == 1


# Drafts and lost answers


def author(agent, ticket) -> str:
    return Mark(agent.pk, "answer", ticket.pk).sign()


def test_draft_of_a_note_stays_a_note(desk, specialist, ticket):
    data = {"author": author(specialist, ticket), "answer": "Не для клиента"}
    assert desk.post("/drafts/", data | {"visibility": "internal"}).status_code == 204
    response = desk.get(card(ticket))
    assert "Черновик от " in page(response)
    assert "Не для клиента</textarea>" in page(response)
    form = response.context["form"]
    assert (form["visibility"].value(), form["status"].value()) == ("internal", "new")


def test_draft_of_an_answer_is_its_authors(desk, specialist, ticket):
    desk.post("/drafts/", {"author": author(specialist, ticket), "answer": "Мой черновик"})
    desk.force_login(AgentFactory(is_superuser=True))
    assert "Мой черновик" not in page(desk.get(card(ticket)))


def test_answer_ends_its_draft(desk, specialist, ticket):
    desk.post("/drafts/", {"author": author(specialist, ticket), "answer": "Смотр"})
    desk.post(card(ticket), sent(ticket, answer="Смотрим."))
    assert not Draft.objects.exists()


def test_answer_of_an_ended_session_comes_back_to_its_author(desk, specialist, ticket):
    desk.logout()
    data = sent(ticket, answer="Длинный ответ", visibility="internal", status="resolved")
    lost = desk.post(card(ticket), data | {"author": author(specialist, ticket)})
    assert lost.url == f"/login/?next={card(ticket)}"
    assert "Ваш текст сохранён" in page(desk.get(lost.url))
    assert not Comment.objects.exists()
    desk.force_login(AgentFactory(is_superuser=True))
    assert "Длинный ответ" not in page(desk.get(card(ticket)))
    desk.force_login(specialist)
    response = desk.get(card(ticket))
    text = page(response)
    assert AGAIN in text
    assert "Статус, приоритет и исполнителя выберите заново." in text
    assert "Длинный ответ</textarea>" in text
    form = response.context["form"]
    assert (form["visibility"].value(), form["status"].value()) == ("internal", "new")


def test_who_only_reads_gets_no_words_back(client, agent, ticket):
    agent.user_permissions.set(Group.objects.get().permissions.filter(codename="view_ticket"))
    Draft.objects.create(user=agent, form="answer", ticket=ticket, body={"answer": "Слова"})
    client.force_login(agent)
    assert "Слова" not in page(client.get(card(ticket)))
