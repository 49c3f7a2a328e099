import pytest
from django.contrib.auth.models import Group
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from desk.ticket_card import refusal_text
from tests.factories import AgentFactory, TicketFactory, open_ticket
from tickets import recording, services
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import (
    TEXT_LIMIT,
    Attachment,
    Comment,
    Delivery,
    Face,
    Priority,
    Ticket,
    TicketEvent,
)
from tickets.recording import customer
from tickets.refusals import AlreadyDone, TextTooLong, TicketClosed, TicketRefused, TooManyFiles
from tickets.status import TRANSITIONS, Role, TicketStatus


@pytest.fixture
def ticket(anna, product, settings):
    settings.STAFF_EMAIL = ""
    return open_ticket(anna, product=product, title="Не открывается отчёт")


def card(ticket: Ticket) -> str:
    return f"/admin/tickets/ticket/{ticket.pk}/change/"


def shown(ticket: Ticket, **given) -> dict:
    """What the card posts when the agent changed nothing but `given`."""
    ticket.refresh_from_db()
    assignee = ticket.assignee_id or ""
    fields = {
        "seen": TicketEvent.objects.filter(ticket=ticket).latest("pk").pk,
        "visibility": "public",
        "answer": "",
        "status": ticket.status,
        "priority": ticket.priority,
        "initial-priority": ticket.priority,
        "assignee": assignee,
        "initial-assignee": assignee,
    }
    return fields | given


def state(ticket: Ticket) -> tuple[str, str, int | None]:
    ticket.refresh_from_db()
    return ticket.status, ticket.priority, ticket.assignee_id


def errors(response) -> dict[str, list[str]]:
    assert response.status_code == 200
    return response.context["form"].errors


def test_everything_is_saved_in_one_go_through_the_services(desk, ticket, specialist):
    changes = {"status": "waiting", "priority": "high", "assignee": specialist.pk}
    log = SimpleUploadedFile("log.txt", b"hello")
    data = shown(ticket, answer="  Пришлите журнал.\r\nСпасибо! ", attachments=[log], **changes)
    response = desk.post(card(ticket), data)
    assert (response.status_code, response.url) == (302, card(ticket))
    assert state(ticket) == ("waiting", "high", specialist.pk)
    comment = Comment.objects.get()
    assert (comment.body, comment.author) == ("Пришлите журнал.\nСпасибо!", specialist)
    assert (comment.is_internal, comment.by_agent, comment.face) == (False, True, Face.ADMIN)
    assert comment.attachments.get().name == "log.txt"
    kinds = TicketEvent.objects.filter(ticket=ticket).values_list("kind", flat=True)
    assert list(kinds) == ["created", "priority", "assigned", "status"]
    addresses = Delivery.objects.filter(channel="email").values_list("address", flat=True)
    assert sorted(addresses) == ["anna@alpha.example", "office@alpha.example"]


def test_card_offers_the_present_status_and_the_allowed_ones_only(desk, ticket):
    for status in TicketStatus:
        Ticket.objects.filter(pk=ticket.pk).update(status=status)
        form = desk.get(card(ticket)).context["form"]
        offered = [value for value, _label in form.fields["status"].widget.choices]
        allowed = [to for to, roles in TRANSITIONS[status].items() if Role.AGENT in roles]
        assert offered == [status, *allowed]


def test_illegal_transition_posted_by_hand_is_refused(desk, ticket):
    Ticket.objects.filter(pk=ticket.pk).update(status=TicketStatus.CLOSED)
    response = desk.post(card(ticket), shown(ticket, status="in_progress", priority="high"))
    assert errors(response) == {"status": ["Из статуса «Закрыта» нельзя перейти в «В работе»."]}
    assert state(ticket) == ("closed", "medium", None)
    assert TicketEvent.objects.filter(ticket=ticket).count() == 1


def test_unknown_status_is_refused(desk, ticket):
    assert "status" in errors(desk.post(card(ticket), shown(ticket, status="deleted")))


def test_resolving_without_an_answer_is_asked_once(desk, ticket):
    asked = desk.post(card(ticket), shown(ticket, status="resolved", answer=" \u200b "))
    assert list(errors(asked)) == ["answer"]
    assert state(ticket)[0] == "new"
    assert '<input type="hidden" name="answer_asked" value="1">' in asked.content.decode()
    desk.post(card(ticket), shown(ticket, status="resolved", answer_asked="1"))
    assert state(ticket)[0] == "resolved"


def test_note_is_no_answer_when_a_ticket_is_resolved(desk, ticket):
    data = shown(ticket, status="resolved", visibility="internal", answer="Диск заменили.")
    assert list(errors(desk.post(card(ticket), data))) == ["answer"]
    assert not Comment.objects.exists()


def test_note_stays_internal_also_beside_a_new_status(desk, ticket):
    data = shown(ticket, status="in_progress", visibility="internal", answer="Секрет.")
    desk.post(card(ticket), data)
    assert state(ticket)[0] == "in_progress"
    assert Comment.objects.get().is_internal
    assert Comment.objects.public().count() == 0
    assert not Delivery.objects.filter(event__comment__isnull=False).exists()


def test_note_looks_different_from_an_answer(desk, ticket, specialist):
    actor = recording.agent(specialist)
    add_comment(ticket=ticket, actor=actor, body="Ответ всем")
    add_comment(ticket=ticket, actor=actor, body="Только нам", internal=True)
    page = desk.get(card(ticket)).content.decode()
    assert '<div class="words">Ответ всем</div>' in page
    assert '<div class="words note">Только нам</div>' in page
    assert "🔒 Внутренняя заметка" in page


def test_change_of_another_agent_is_not_overwritten_and_nothing_is_lost(desk, ticket):
    data = shown(ticket, status="waiting", answer="Мой длинный ответ")
    other = recording.agent(AgentFactory())
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=other)
    response = desk.post(card(ticket), data)
    assert "заявка изменилась" in errors(response)["__all__"][0]
    page = response.content.decode()
    assert "Мой длинный ответ</textarea>" in page
    assert state(ticket)[0] == "in_progress"
    again = data | {"seen": response.context["seen"]}
    assert desk.post(card(ticket), again).status_code == 302
    assert state(ticket)[0] == "waiting"


def test_second_press_adds_no_second_comment(desk, ticket):
    data = shown(ticket, answer="Смотрим.")
    desk.post(card(ticket), data)
    assert "__all__" in errors(desk.post(card(ticket), data))
    assert Comment.objects.count() == 1


def test_field_the_agent_left_alone_is_not_written(desk, ticket):
    data = shown(ticket, answer="Смотрим.")
    Ticket.objects.filter(pk=ticket.pk).update(priority=Priority.CRITICAL)
    desk.post(card(ticket), data)
    assert state(ticket)[1] == "critical"


@pytest.mark.parametrize(("status", "is_offered"), [("resolved", True), ("closed", False)])
def test_card_offers_an_answer_only_while_the_ticket_takes_one(desk, ticket, status, is_offered):
    Ticket.objects.filter(pk=ticket.pk).update(status=status)
    page = desk.get(card(ticket)).content.decode()
    assert ("Ответ клиенту" in page) is is_offered
    assert ("Ответ увидит клиент" in page) is is_offered
    assert ("ответить клиенту нельзя, можно оставить заметку" in page) is not is_offered
    assert ('type="hidden" name="visibility" value="internal"' in page) is not is_offered


def test_closed_ticket_takes_notes_but_no_answers(desk, ticket):
    Ticket.objects.filter(pk=ticket.pk).update(status=TicketStatus.CLOSED)
    refused = desk.post(card(ticket), shown(ticket, answer="Ещё?"))
    assert list(errors(refused)) == ["answer"]
    assert "Ещё?</textarea>" in refused.content.decode()
    desk.post(card(ticket), shown(ticket, answer="Для отчёта", visibility="internal"))
    assert Comment.objects.get().is_internal


@pytest.mark.parametrize(
    ("name", "content"),
    [("virus.exe", b"MZ"), ("photo.png", b"not a picture"), ("empty.txt", b"")],
)
def test_unfit_file_is_told_beside_the_field(desk, ticket, name, content):
    data = shown(ticket, answer="Смотрите файл", status="in_progress")
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
    data = shown(ticket, answer="Смотрите", status="in_progress")
    data["attachments"] = [SimpleUploadedFile("log.txt", b"hello")]
    assert list(errors(desk.post(card(ticket), data))) == ["attachments"]
    assert state(ticket)[0] == "new"
    assert not Comment.objects.exists()


def test_customer_or_left_agent_cannot_be_assigned(desk, ticket, boris):
    left = AgentFactory(is_active=False)
    for person in (boris, left):
        assert "assignee" in errors(desk.post(card(ticket), shown(ticket, assignee=person.pk)))
    Ticket.objects.filter(pk=ticket.pk).update(assignee=left)
    assert desk.post(card(ticket), shown(ticket, answer="Смотрим.")).status_code == 302
    assert state(ticket)[2] == left.pk


def test_assignee_search_finds_staff_only(desk, specialist, anna):
    query = {"app_label": "tickets", "model_name": "ticket", "field_name": "assignee"}
    found = desk.get("/admin/autocomplete/", query).json()["results"]
    assert [row["id"] for row in found] == [str(specialist.pk)]


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
    rights = Group.objects.get().permissions.exclude(codename="add_comment")
    agent.user_permissions.set(rights)
    client.force_login(agent)
    assert 'name="answer"' not in client.get(card(ticket)).content.decode()
    data = shown(ticket, answer="Ответ", status="in_progress")
    assert client.post(card(ticket), data).status_code == 302
    assert state(ticket)[0] == "in_progress"
    assert not Comment.objects.exists()


def test_agent_without_the_right_to_change_only_reads(client, agent, ticket):
    agent.user_permissions.set(Group.objects.get().permissions.filter(codename="view_ticket"))
    client.force_login(agent)
    page = client.get(card(ticket)).content.decode()
    assert ticket.description in page
    assert "card-form" not in page
    assert client.post(card(ticket), shown(ticket, status="closed")).status_code == 403
    assert state(ticket)[0] == "new"


def test_staff_without_rights_and_customers_see_nothing(client, agent, anna, ticket):
    client.force_login(agent)
    assert client.get(card(ticket)).status_code == 403
    assert client.get("/admin/tickets/ticket/").status_code == 403
    client.force_login(anna)
    for response in (client.get(card(ticket)), client.post(card(ticket), {"status": "closed"})):
        assert response.status_code == 302
        assert response.url.startswith("/admin/login/")


@pytest.mark.parametrize("number", ["0", "999999", "abc", "٥", "9" * 40])
def test_missing_ticket_is_a_404(desk, number):
    assert desk.get(f"/admin/tickets/ticket/{number}/change/").status_code == 404


def test_ticket_is_neither_added_nor_deleted(desk, root, ticket):
    for staff in (None, root):
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
    # session (1 + 3 to keep it alive), user, 2 of rights, ticket, events, comments' files,
    # deliveries, people's links, the ticket's files, assignee's choice, the draft
    with django_assert_num_queries(14):
        desk.get(card(ticket))


@pytest.fixture
def root(db):
    return AgentFactory(username="root", is_superuser=True)


@pytest.fixture
def failed(ticket, specialist):
    add_comment(ticket=ticket, actor=recording.agent(specialist), body="Ответ")
    delivery = Delivery.objects.filter(channel="email").latest("pk")
    delivery.state, delivery.error = Delivery.State.FAILED, "SMTP 550"
    delivery.save()
    return delivery


def test_card_shows_how_each_notice_fared(desk, ticket, failed):
    page = desk.get(card(ticket)).content.decode()
    assert "Не доставлено уведомлений: 1" in page
    assert "SMTP 550" in page
    assert "в очереди" in page
    assert "Повторить" not in page


def test_superuser_resends_from_the_card(desk, root, ticket, failed):
    desk.force_login(root)
    path = f"/admin/tickets/delivery/{failed.pk}/resend/"
    assert path in desk.get(card(ticket)).content.decode()
    assert desk.get(path).status_code == 405
    response = desk.post(path)
    assert response.url == f"{card(ticket)}#event-{failed.event_id}"
    failed.refresh_from_db()
    assert (failed.state, failed.error) == ("queued", "")


def test_agent_of_the_group_cannot_resend(desk, failed):
    assert desk.post(f"/admin/tickets/delivery/{failed.pk}/resend/").status_code == 403
    data = {"action": "send_again", "_selected_action": [failed.pk]}
    assert "send_again" not in desk.get("/admin/tickets/delivery/").content.decode()
    desk.post("/admin/tickets/delivery/", data)
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_superuser_resends_from_the_list_what_has_ended(desk, root, failed):
    desk.force_login(root)
    data = {"action": "send_again", "_selected_action": [failed.pk]}
    desk.post("/admin/tickets/delivery/", data)
    failed.refresh_from_db()
    assert failed.state == "queued"
    again = desk.post("/admin/tickets/delivery/", data, follow=True)
    assert "Повторять нечего" in again.content.decode()


def test_every_refusal_has_words_of_its_own():
    refusals = [
        TicketClosed(), AlreadyDone(), TooManyFiles(10),
        TextTooLong(2, 1),
    ]  # fmt: skip
    texts = [refusal_text(refusal) for refusal in refusals]
    assert len(set(texts)) == len(texts)
    assert refusal_text(TicketRefused()) not in texts
