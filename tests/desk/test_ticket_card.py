import re

import pytest
from django.contrib.auth.models import Group
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from desk.ticket_card import refusal_text
from tests.factories import AgentFactory, TicketFactory, open_ticket
from tickets import recording
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import TEXT_LIMIT, Attachment, Comment, Delivery, Face, Ticket, TicketEvent
from tickets.recording import customer
from tickets.refusals import AlreadyDone, TextTooLong, TicketClosed, TicketRefused, TooManyFiles
from tickets.status import TRANSITIONS, Role, TicketStatus

BUTTONS = {
    "answer": "Ответить", "wait": "Ответить и ждать клиента", "resolve": "Ответить и выполнить",
    "close": "Закрыть с ответом",
}  # fmt: skip
STATUSES = {"wait": "waiting", "resolve": "resolved", "close": "closed"}


@pytest.fixture
def ticket(anna, product, settings):
    settings.STAFF_EMAIL = ""
    return open_ticket(anna, product=product, title="Не открывается отчёт")


def card(ticket: Ticket) -> str:
    return f"/admin/tickets/ticket/{ticket.pk}/change/"


def form_of(ticket: Ticket, name: str) -> str:
    """The address of another form of the card."""
    return f"/admin/tickets/ticket/{ticket.pk}/{name}/"


def shown(ticket: Ticket, **given) -> dict:
    """What the card posts with these words."""
    seen = TicketEvent.objects.filter(ticket=ticket).latest("pk").pk
    return {"seen": seen, "answer": "", "act": "answer"} | given


def noted(ticket: Ticket, **given) -> dict:
    data = shown(ticket)
    return {"seen": data["seen"], "note": ""} | given


def state(ticket: Ticket) -> tuple[str, str, int | None]:
    ticket.refresh_from_db()
    return ticket.status, ticket.priority, ticket.assignee_id


def errors(response) -> dict[str, list[str]]:
    assert response.status_code == 200
    return response.context["came_back"].errors


def kinds(ticket: Ticket) -> list[str]:
    rows = TicketEvent.objects.filter(ticket=ticket).order_by("pk")
    return list(rows.values_list("kind", flat=True))


# Answers


def test_answer_takes_a_new_ticket_to_work_and_to_its_author(desk, ticket, specialist):
    log = SimpleUploadedFile("log.txt", b"hello")
    data = shown(ticket, answer="  Пришлите журнал.\r\nСпасибо! ", attachments=[log])
    response = desk.post(card(ticket), data)
    assert (response.status_code, response.url) == (302, card(ticket))
    assert state(ticket) == ("in_progress", "medium", specialist.pk)
    comment = Comment.objects.get()
    assert (comment.body, comment.author) == ("  Пришлите журнал.\nСпасибо!", specialist)
    assert (comment.is_internal, comment.by_agent, comment.face) == (False, True, Face.ADMIN)
    assert comment.attachments.get().name == "log.txt"
    assert kinds(ticket) == ["created", "assigned", "status"]
    letters = Delivery.objects.filter(channel="email").exclude(kind="staff_new")
    told = letters.values_list("kind", "address")
    assert sorted(told) == [("comment", "anna@alpha.example"), ("comment", "office@alpha.example")]


def test_answer_leaves_a_ticket_new_where_the_agent_says_so(desk, ticket):
    desk.post(card(ticket), shown(ticket, answer="Передаю дежурному.", leave_new="on"))
    assert state(ticket) == ("new", "medium", None)
    assert kinds(ticket) == ["created", "commented"]


@pytest.mark.parametrize(("act", "status"), STATUSES.items())
def test_button_says_what_becomes_of_the_ticket(desk, ticket, specialist, act, status):
    desk.post(card(ticket), shown(ticket, answer="Готово.", act=act))
    assert state(ticket) == (status, "medium", specialist.pk)
    assert TicketEvent.objects.latest("pk").comment.body == "Готово."


@pytest.mark.parametrize("act", STATUSES)
def test_no_customer_is_left_without_a_word(desk, ticket, act):
    refused = desk.post(card(ticket), shown(ticket, act=act, answer=" \u200b "))
    assert list(errors(refused)) == ["answer"]
    log = SimpleUploadedFile("log.txt", b"hello")
    refused = desk.post(card(ticket), shown(ticket, act=act, attachments=[log]))
    assert "Напишите клиенту" in errors(refused)["answer"][0]
    assert state(ticket)[0] == "new"
    assert not Comment.objects.exists()


def test_card_offers_what_the_ticket_can_become(desk, ticket):
    for status in TicketStatus:
        Ticket.objects.filter(pk=ticket.pk).update(status=status)
        page = desk.get(card(ticket)).content.decode()
        offered = {act for act in BUTTONS if f'name="act" value="{act}"' in page}
        allowed = [to for to, roles in TRANSITIONS[status].items() if Role.AGENT in roles]
        moves = {act for act, to in STATUSES.items() if to in allowed}
        assert offered == (set() if status == "closed" else moves | {"answer"})


def test_illegal_transition_posted_by_hand_is_refused(desk, ticket):
    Ticket.objects.filter(pk=ticket.pk).update(status=TicketStatus.WAITING)
    response = desk.post(card(ticket), shown(ticket, act="wait", answer="Ещё?"))
    assert errors(response) == {"__all__": ["Это уже сделано."]}
    assert state(ticket)[0] == "waiting"
    assert not Comment.objects.exists()


def test_unknown_button_is_refused(desk, ticket):
    refused = desk.post(card(ticket), shown(ticket, act="delete", answer="Слова"))
    assert "act" in errors(refused)
    assert not Comment.objects.exists()


def test_note_stays_internal_and_moves_nothing(desk, ticket):
    data = noted(ticket, note="Секрет.", act="resolve", answer="Не оттуда")
    assert desk.post(form_of(ticket, "note"), data).url == card(ticket)
    assert state(ticket) == ("new", "medium", None)
    assert Comment.objects.get().body == "Секрет."
    assert Comment.objects.get().is_internal
    assert Comment.objects.public().count() == 0
    assert not Delivery.objects.filter(event__comment__isnull=False).exists()


def test_note_is_not_taken_for_an_answer(desk, ticket):
    said = desk.post(form_of(ticket, "note"), noted(ticket, note="Секрет."), follow=True)
    assert "Заметка сохранена, клиент её не увидит." in said.content.decode()


def test_refused_note_comes_back_as_a_note(desk, ticket):
    response = desk.post(form_of(ticket, "note"), noted(ticket, note="ё" * (TEXT_LIMIT + 1)))
    assert list(errors(response)) == ["note"]
    page = response.content.decode()
    assert 'value="note" form="nothing" id="kind-note" checked' in page
    assert desk.get(form_of(ticket, "note")).url == card(ticket)


def test_each_voice_looks_different(desk, ticket, specialist, anna, boris):
    by_other = recording.agent(AgentFactory(first_name="Мария"))
    add_comment(ticket=ticket, actor=recording.agent(specialist), body="Мои слова")
    add_comment(ticket=ticket, actor=by_other, body="Слова Марии")
    add_comment(ticket=ticket, actor=by_other, body="Только нам", internal=True)
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Слова клиента")
    page = desk.get(card(ticket)).content.decode()
    for voice, words, who in (
        ("own", "Мои слова", "вы"), ("agent", "Слова Марии", "поддержка"),
        ("note", "Только нам", "заметка"), ("customer", "Слова клиента", "клиент"),
    ):  # fmt: skip
        event = page.partition(f' said said-{voice}" data-event')[2].partition("</li>")[0]
        assert words in event
        assert f'<span class="who">{who}</span>' in event
    assert "🔒 Внутренняя заметка" in page


def test_newest_words_stand_beside_the_composer(desk, ticket, by_agent):
    for number in range(3):
        add_comment(ticket=ticket, actor=by_agent, body=f"Слова {number}")
    page = desk.get(card(ticket)).content.decode()
    order = ["Белый экран", "Слова 0", "Слова 1", "Слова 2", 'id="card-form"']
    assert sorted(order, key=page.index) == order


def test_long_history_comes_in_pages(desk, ticket, by_agent, django_assert_num_queries):
    for number in range(70):
        add_comment(ticket=ticket, actor=by_agent, body=f"Слова {number}.")
    page = desk.get(card(ticket)).content.decode()
    assert page.count('class="event ') == 20
    assert "Слова 69." in page
    assert "Слова 49." not in page
    earlier = desk.get(link_to_older(page))
    assert "Слова 49." in earlier.content.decode()
    assert "Слова 50." not in earlier.content.decode()
    assert earlier.context["seen"] == TicketEvent.objects.latest("pk").pk


def test_earlier_events_are_reached_from_a_form_that_came_back(desk, ticket, by_agent):
    for number in range(40):
        add_comment(ticket=ticket, actor=by_agent, body=f"Слова {number}.")
    came_back = desk.post(form_of(ticket, "note"), {"note": "", "seen": ""})
    earlier = desk.get(link_to_older(came_back.content.decode()))
    assert "Слова 10." in earlier.content.decode()


def link_to_older(page: str) -> str:
    return re.search(r'<a href="([^"#]*before=[0-9]+)#history" data-older>', page)[1]


# What came meanwhile


def test_what_came_meanwhile_is_shown_marked_and_words_stay(desk, ticket, anna):
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Раньше")
    data = shown(ticket, act="wait", answer="Мой длинный ответ")
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body="Уже заработало!")
    response = desk.post(card(ticket), data)
    assert "появилось новое" in errors(response)["__all__"][0]
    page = response.content.decode()
    assert "Мой длинный ответ</textarea>" in page
    assert page.count("event-fresh") == 1
    assert "Уже заработало!" in page.partition("event-fresh")[2].partition("</li>")[0]
    assert state(ticket)[0] == "new"
    again = data | {"seen": response.context["seen"]}
    assert desk.post(card(ticket), again).status_code == 302
    assert state(ticket)[0] == "waiting"


def test_nothing_is_marked_on_a_card_that_was_just_opened(desk, ticket):
    assert "event-fresh" not in desk.get(card(ticket)).content.decode()


def test_second_press_adds_no_second_comment(desk, ticket):
    data = shown(ticket, answer="Смотрим.")
    desk.post(card(ticket), data)
    assert "__all__" in errors(desk.post(card(ticket), data))
    assert Comment.objects.count() == 1


@pytest.mark.parametrize(("status", "is_offered"), [("resolved", True), ("closed", False)])
def test_card_offers_an_answer_only_while_the_ticket_takes_one(desk, ticket, status, is_offered):
    Ticket.objects.filter(pk=ticket.pk).update(status=status)
    page = desk.get(card(ticket)).content.decode()
    assert ("Ответ увидит клиент" in page) is is_offered
    assert ('id="card-form"' in page) is is_offered
    assert ("ответить клиенту нельзя, можно оставить заметку" in page) is not is_offered
    assert 'id="note-form"' in page


def test_answer_says_where_it_will_go(desk, ticket):
    page = " ".join(desk.get(card(ticket)).content.decode().split())
    assert "Уйдёт: Почта anna@alpha.example, Почта office@alpha.example." in page


def test_closed_ticket_takes_notes_but_no_answers(desk, ticket):
    Ticket.objects.filter(pk=ticket.pk).update(status=TicketStatus.CLOSED)
    refused = desk.post(card(ticket), shown(ticket, answer="Ещё?"))
    assert list(errors(refused)) == ["answer"]
    assert "Ещё?</textarea>" in refused.content.decode()
    desk.post(form_of(ticket, "note"), noted(ticket, note="Для отчёта"))
    assert Comment.objects.get().is_internal


@pytest.mark.parametrize(
    ("name", "content"),
    [("virus.exe", b"MZ"), ("photo.png", b"not a picture"), ("empty.txt", b"")],
)
def test_unfit_file_is_told_beside_the_field(desk, ticket, name, content):
    data = shown(ticket, answer="Смотрите файл")
    data["attachments"] = [SimpleUploadedFile(name, content)]
    response = desk.post(card(ticket), data)
    assert list(errors(response)) == ["attachments"]
    assert "Смотрите файл</textarea>" in response.content.decode()
    assert state(ticket)[0] == "new"
    assert not Attachment.objects.exists()


def test_too_many_files_and_too_long_text_are_refused(desk, ticket):
    files = [SimpleUploadedFile(f"{n}.txt", b"hello") for n in range(11)]
    data = shown(ticket, answer="ё" * (TEXT_LIMIT + 1), attachments=files)
    assert sorted(errors(desk.post(card(ticket), data))) == ["answer", "attachments"]
    assert not Comment.objects.exists()


def test_full_disk_is_told_and_nothing_is_half_done(desk, ticket, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(default_storage, "save", fail)
    data = shown(ticket, answer="Смотрите")
    data["attachments"] = [SimpleUploadedFile("log.txt", b"hello")]
    assert list(errors(desk.post(card(ticket), data))) == ["attachments"]
    assert state(ticket)[0] == "new"
    assert not Comment.objects.exists()


def test_facts_of_a_ticket_cannot_be_changed(desk, ticket, boris):
    data = shown(ticket, answer="Смотрим.", title="Другая", description="Другое")
    desk.post(card(ticket), data | {"requester": boris.pk, "score": 5, "face": "bot"})
    before = (ticket.title, ticket.description, ticket.requester_id)
    ticket.refresh_from_db()
    assert (ticket.title, ticket.description, ticket.requester_id) == before
    assert (ticket.score, ticket.face) == (None, "portal")


def test_markup_is_shown_literally(desk, anna, product):
    text = "<script>alert(1)</script>"
    ticket = open_ticket(anna, product=product, title=text, description=text)
    add_comment(ticket=ticket, actor=customer(anna, Face.BOT), body=text)
    for path in (card(ticket), "/admin/tickets/ticket/"):
        page = desk.get(path).content.decode()
        assert text not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_answer_box_needs_the_right_to_comment(client, agent, ticket):
    rights = Group.objects.get(name="Специалист поддержки").permissions.exclude(
        codename="add_comment"
    )
    agent.user_permissions.set(rights)
    client.force_login(agent)
    assert 'name="answer"' not in client.get(card(ticket)).content.decode()
    assert client.post(card(ticket), shown(ticket, answer="Ответ")).status_code == 403
    assert client.post(form_of(ticket, "note"), noted(ticket, note="Ответ")).status_code == 403
    assert client.post(form_of(ticket, "take"), {"shown": ""}).status_code == 302
    assert state(ticket)[0] == "in_progress"
    assert not Comment.objects.exists()


def test_agent_without_the_right_to_change_only_reads(client, agent, ticket):
    agent.user_permissions.set(
        Group.objects.get(name="Специалист поддержки").permissions.filter(codename="view_ticket")
    )
    client.force_login(agent)
    page = client.get(card(ticket)).content.decode()
    assert ticket.description in page
    assert "card-form" not in page
    assert client.post(card(ticket), shown(ticket, act="close", answer="-")).status_code == 403
    for name in ("note", "facts", "take", "resume"):
        assert client.post(form_of(ticket, name), {}).status_code == 403
    assert state(ticket) == ("new", "medium", None)


def test_staff_without_rights_and_customers_see_nothing(client, anna, ticket):
    client.force_login(AgentFactory())
    assert client.get(card(ticket)).status_code == 403
    assert client.get("/admin/tickets/ticket/").status_code == 403
    client.force_login(anna)
    for response in (client.get(card(ticket)), client.post(card(ticket), {"status": "closed"})):
        assert response.status_code == 302
        assert response.url.startswith("/admin/login/")


@pytest.mark.parametrize("number", ["0", "999999", "abc", "٥", "9" * 40])
def test_missing_ticket_is_a_404(desk, number):
    assert desk.get(f"/admin/tickets/ticket/{number}/change/").status_code == 404


def test_ticket_is_neither_added_nor_deleted(desk, superuser, ticket):
    for staff in (None, superuser):
        if staff:
            desk.force_login(staff)
        assert desk.get("/admin/tickets/ticket/add/").status_code == 403
        path = f"/admin/tickets/ticket/{ticket.pk}/delete/"
        assert desk.post(path, {"post": "yes"}).status_code == 403
    assert Ticket.objects.filter(pk=ticket.pk).exists()


def test_history_page_is_the_card(desk, ticket):
    response = desk.get(f"/admin/tickets/ticket/{ticket.pk}/history/")
    assert response.url == card(ticket)


def test_card_of_a_ticket_without_events_can_be_read(desk, anna):
    assert desk.get(card(TicketFactory(requester=anna))).status_code == 200


@pytest.mark.parametrize("rounds", [1, 3])
def test_card_query_count(desk, ticket, anna, specialist, rounds, django_assert_num_queries):
    for number in range(rounds):
        actors = [customer(anna, Face.BOT), recording.agent(specialist)]
        for actor in actors:
            files = [NewFile("log.txt", 5, "", SimpleUploadedFile("log.txt", b"hello"))]
            add_comment(ticket=ticket, actor=actor, body=f"Раз {number}", files=files)
    # session (1 + 3 for the hour of staff), user, 2 of rights, ticket, that it was seen; agents,
    # drafts, events, deliveries, files, what failed, people's links, both neighbours, registration,
    # other tickets, 3 for the ways of an answer
    with django_assert_num_queries(21):
        desk.get(card(ticket))


def test_every_refusal_has_words_of_its_own():
    refusals = [
        TicketClosed(), AlreadyDone(), TooManyFiles(10),
        TextTooLong(2, 1),
    ]  # fmt: skip
    texts = [refusal_text(refusal) for refusal in refusals]
    assert len(set(texts)) == len(texts)
    assert refusal_text(TicketRefused()) not in texts


def test_texts_are_shown_as_typed(desk, ticket, by_agent, by_anna):
    add_comment(
        ticket=ticket, actor=by_anna, body="  server:\n    listen: 80\nhttps://a.example/x."
    )
    add_comment(ticket=ticket, actor=by_agent, body="```\n  <b>\n```", internal=True)
    page = desk.get(card(ticket)).content.decode()
    link = '<a href="https://a.example/x" rel="noopener nofollow">https://a.example/x</a>.'
    assert f'<div class="words">  server:\n    listen: 80\n{link}</div>' in page
    assert '<div class="words note"><pre>\n  &lt;b&gt;</pre></div>' in page


def test_only_who_may_see_tickets_is_offered_as_assignee(desk, ticket, specialist):
    left = AgentFactory(username="left", is_active=False)
    AgentFactory(username="no_role")
    assert offered(desk, ticket) == ["", specialist.pk]
    Ticket.objects.filter(pk=ticket.pk).update(assignee=left)
    assert offered(desk, ticket) == ["", specialist.pk, left.pk], "who left may stay"


def offered(desk, ticket):
    field = desk.get(card(ticket)).context["form"].fields["assignee"]
    return [choice for choice, _name in field.widget.choices]
