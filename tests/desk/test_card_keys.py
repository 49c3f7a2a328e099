"""The agent's card acts once, says truthfully what is saved, and keeps words that were lost."""

from html import unescape
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.desk.test_ticket_card import card, errors, form_of, noted, shown
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


def sent_note(ticket, **given) -> dict:
    return noted(ticket, key=str(uuid4()), **given)


def page(response) -> str:
    return unescape(response.content.decode())


def test_answer_whose_response_was_lost_is_said_to_be_saved(desk, ticket):
    data = sent(ticket, answer="Смотрим.")
    for _press in range(2):
        response = desk.post(card(ticket), data, follow=True)
        assert response.redirect_chain[0][0] == card(ticket)
        assert f"Заявка № {ticket.pk} сохранена." in page(response)
        assert "Не сохранено" not in page(response)
    assert Comment.objects.count() == 1
    assert TicketEvent.objects.filter(ticket=ticket).count() == 3


def test_saved_answer_is_so_whatever_others_did_since(desk, ticket):
    data = sent(ticket, answer="Смотрим.")
    desk.post(card(ticket), data)
    other = recording.agent(AgentFactory())
    services.change_status(ticket=ticket, to=TicketStatus.WAITING, actor=other, answer="Готово.")
    assert desk.post(card(ticket), data).status_code == 302
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.WAITING


def test_change_of_another_is_refused_under_a_fresh_key_and_its_key_can_be_used(desk, ticket):
    data = sent(ticket, answer="Смотрим.")
    other = recording.agent(AgentFactory())
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=other)
    response = desk.post(card(ticket), data)
    assert "появилось новое" in errors(response)["__all__"][0]
    assert f'name="key" value="{data["key"]}"' in page(response)
    again = data | {"seen": response.context["seen"]}
    assert desk.post(card(ticket), again).status_code == 302
    assert Comment.objects.get().body == "Смотрим."


@pytest.mark.parametrize(
    ("name", "field", "words"),
    [("change", "answer", "Сохранённый ответ:"), ("note", "note", "Сохранённая заметка:")],
)
def test_other_words_are_offered_beside_the_saved_ones(desk, ticket, name, field, words):
    data = (sent_note if name == "note" else sent)(ticket, **{field: "Первый ответ"})
    desk.post(form_of(ticket, name), data)
    response = desk.post(form_of(ticket, name), data | {field: "Второй ответ"})
    text = page(response)
    assert SAVED_BEFORE in text
    assert words in text
    assert "Первый ответ</blockquote>" in text
    assert "Второй ответ</textarea>" in text
    assert "Не сохранено" not in text
    assert data["key"] not in text
    assert Comment.objects.get().body == "Первый ответ"
    form = text.partition('id="note-form"' if name == "note" else 'id="card-form"')[2]
    key = form.partition('name="key" value="')[2].partition('"')[0]
    again = data | {field: "Второй ответ", "key": key, "seen": response.context["seen"]}
    assert desk.post(form_of(ticket, name), again).status_code == 302
    assert list(Comment.objects.values_list("body", flat=True)) == ["Первый ответ", "Второй ответ"]


def test_same_words_for_other_eyes_are_not_the_same_form(desk, ticket):
    data = sent_note(ticket, note="Слова")
    desk.post(form_of(ticket, "note"), data)
    assert SAVED_BEFORE in page(desk.post(card(ticket), data | {"answer": "Слова"}))
    assert Comment.objects.public().count() == 0


def test_another_file_is_not_the_same_form(desk, ticket):
    data = sent(ticket, answer="Слова")
    for content in (b"first", b"first", b"other"):
        file = SimpleUploadedFile("log.txt", content)
        response = desk.post(card(ticket), data | {"attachments": [file]})
    assert SAVED_BEFORE in page(response)
    assert Comment.objects.get().attachments.count() == 1


def test_another_button_is_not_the_same_form(desk, ticket):
    data = sent(ticket, answer="Слова")
    desk.post(card(ticket), data)
    assert SAVED_BEFORE in page(desk.post(card(ticket), data | {"act": "resolve"}))
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.IN_PROGRESS


@pytest.mark.django_db(transaction=True)
def test_twenty_presses_at_once_are_one_answer(superuser, ticket):
    data = sent(ticket, answer="Смотрим.")
    agents = [Client() for _one in range(20)]
    for one in agents:
        one.force_login(superuser)
    calls = [lambda one=one: one.post(card(ticket), data).status_code for one in agents]
    assert in_parallel(*calls) == [302] * 20
    assert Comment.objects.count() == 1


# Drafts and lost answers


def author(agent, ticket, form="answer") -> str:
    return Mark(agent.pk, form, ticket.pk).sign()


def tab_open(text) -> str:
    """The kind of words that the card shows a box for."""
    return next(kind for kind in ("reply", "note") if f'id="kind-{kind}" checked' in text)


def test_drafts_of_note_and_answer_stand_apart(desk, specialist, ticket):
    note = {"author": author(specialist, ticket, "note"), "note": "Не для клиента"}
    assert desk.post("/drafts/", note).status_code == 204
    text = page(desk.get(card(ticket)))
    assert "Черновик от " in text
    assert "Не для клиента</textarea>" in text.partition('id="note-form"')[2]
    assert "Не для клиента" not in text.partition('id="card-form"')[2].partition("</form>")[0]
    assert tab_open(text) == "note"
    answer = {"author": author(specialist, ticket), "answer": "Для клиента"}
    desk.post("/drafts/", answer)
    text = page(desk.get(card(ticket)))
    assert "Для клиента</textarea>" in text.partition('id="card-form"')[2].partition("</form>")[0]
    assert tab_open(text) == "reply"


def test_draft_of_an_answer_is_its_authors(desk, specialist, ticket):
    desk.post("/drafts/", {"author": author(specialist, ticket), "answer": "Мой черновик"})
    desk.force_login(AgentFactory(is_superuser=True))
    assert "Мой черновик" not in page(desk.get(card(ticket)))


def test_answer_ends_its_draft(desk, specialist, ticket):
    desk.post("/drafts/", {"author": author(specialist, ticket), "answer": "Смотр"})
    desk.post(card(ticket), sent(ticket, answer="Смотрим."))
    assert not Draft.objects.exists()


def test_note_of_an_ended_session_comes_back_to_its_author(desk, specialist, ticket):
    desk.logout()
    data = sent_note(ticket, note="Длинная заметка")
    path = form_of(ticket, "note")
    lost = desk.post(path, data | {"author": author(specialist, ticket, "note")})
    assert lost.url == f"/login/?next={path}"
    assert "Ваш текст сохранён" in page(desk.get(lost.url))
    assert not Comment.objects.exists()
    desk.force_login(AgentFactory(is_superuser=True))
    assert "Длинная заметка" not in page(desk.get(card(ticket)))
    desk.force_login(specialist)
    text = page(desk.get(path, follow=True))
    assert AGAIN in text
    assert "Длинная заметка</textarea>" in text.partition('id="note-form"')[2]
    assert tab_open(text) == "note"


def test_who_only_reads_gets_no_words_back(client, agent, ticket):
    agent.user_permissions.set(
        Group.objects.get(name="Специалист поддержки").permissions.filter(codename="view_ticket")
    )
    Draft.objects.create(user=agent, form="answer", ticket=ticket, body={"answer": "Слова"})
    client.force_login(agent)
    assert "Слова" not in page(client.get(card(ticket)))
