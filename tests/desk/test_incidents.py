"""The page of an incident, its forms, and the action of the list that leads there."""

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests.factories import AgentFactory, TicketFactory, UserFactory, open_ticket
from tests.files import PDF, pdf
from tests.queue import run_queue
from tickets.attachments import attachment_storage
from tickets.canned import save_answer
from tickets.incidents import answer_all, put_under_incident
from tickets.models import CannedAnswer, Comment, IncidentAnswer, Ticket
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db
ADD = "/admin/tickets/ticket/incident/add/"


@pytest.fixture
def incident(anna, product):
    return open_ticket(anna, product=product, title="Упал <узел>")


def address(ticket: Ticket, more: str = "") -> str:
    return f"/admin/tickets/ticket/{ticket.pk}/incident/{more}"


def under(incident: Ticket) -> list[int]:
    return list(
        Ticket.objects.filter(incident=incident).order_by("pk").values_list("pk", flat=True)
    )


@pytest.fixture
def tickets(incident, product, by_agent):
    rows = [open_ticket(UserFactory(), product=product) for _number in range(2)]
    for row in rows:
        put_under_incident(ticket=row, incident=incident, actor=by_agent)
    return rows


def test_tickets_are_added_by_numbers_each_for_itself(desk, incident, product):
    one, two = TicketFactory(product=product), TicketFactory(product=product)
    closed = TicketFactory(product=product, status=TicketStatus.CLOSED)
    numbers = f"№{one.pk}, {two.pk};{closed.pk} 999999 слово"
    response = desk.post(ADD, {"incident": incident.pk, "numbers": numbers}, follow=True)
    page = response.content.decode()
    assert response.redirect_chain[-1][0] == address(incident)
    assert under(incident) == [one.pk, two.pk]
    assert "Добавлено в инцидент: 2 заявки." in page
    assert f"№ {closed.pk}: Заявка закрыта." in page
    assert "№ 999999: заявки с таким номером нет." in page
    assert "№ ?: заявки с таким номером нет." in page
    assert "Упал &lt;узел&gt;" in page


def test_sent_twice_adds_once_and_says_nothing_wrong(desk, incident, product):
    one = TicketFactory(product=product)
    for _time in range(2):
        page = desk.post(ADD, {"incident": incident.pk, "numbers": one.pk}, follow=True)
    assert under(incident) == [one.pk]
    assert "Заявка" not in "".join(map(str, page.context["messages"]))


@pytest.mark.parametrize("typed", ["999999", "слово", "9" * 40])
def test_incident_that_is_none(desk, typed, product):
    one = TicketFactory(product=product)
    page = desk.post(ADD, {"incident": typed, "numbers": one.pk}).content.decode()
    assert "Заявки с таким номером нет." in page
    assert f'value="{one.pk}"' in page


def test_action_of_the_list_brings_the_numbers_along(desk, incident, product):
    rows = [TicketFactory(product=product) for _number in range(2)]
    chosen = {"action": "into_incident", "_selected_action": [row.pk for row in rows]}
    response = desk.post(reverse("admin:tickets_ticket_changelist"), chosen)
    assert response.url == f"{ADD}?numbers={rows[0].pk}+{rows[1].pk}"
    assert f'value="{rows[0].pk} {rows[1].pk}"' in desk.get(response.url).content.decode()


def test_ticket_is_taken_out_twice_without_harm(desk, incident, tickets):
    for _time in range(2):
        sent = desk.post(address(tickets[0], "out/"), {"incident": incident.pk})
        assert sent.url == address(incident, f"?out={tickets[0].pk}")
    assert under(incident) == [tickets[1].pk]
    page = desk.get(sent.url).content.decode()
    assert f"больше не в инциденте № {incident.pk}." in page
    back = {"incident": incident.pk, "numbers": tickets[0].pk}
    desk.post(ADD, back)
    assert under(incident) == [row.pk for row in tickets]
    assert "больше не в инциденте" not in desk.get(sent.url).content.decode()


def test_buttons_name_the_incident(desk, incident, tickets):
    ticket = tickets[0]
    page = desk.get(address(ticket)).content.decode()
    assert f">Убрать из инцидента № {incident.pk}</button>" in page
    page = desk.get(address(incident)).content.decode()
    assert f'"Убрать № {ticket.pk} из инцидента № {incident.pk}"' in page


@pytest.mark.parametrize("named", ["", "слово", "999999"])
def test_button_that_names_no_incident_takes_out_of_none(desk, incident, tickets, named):
    sent = desk.post(address(tickets[0], "out/"), {"incident": named})
    assert sent.url == address(incident)
    assert len(under(incident)) == 2


@pytest.mark.parametrize("out", ["", "0", "слово", "999999"])
def test_nothing_is_said_of_what_has_not_left(desk, incident, tickets, out):
    for number in (out, tickets[0].pk):
        page = desk.get(address(incident, f"?out={number}")).content.decode()
        assert "больше не в инциденте" not in page


def test_links_of_an_answer_that_came_back_lead_to_the_page(desk, incident, tickets, monkeypatch):
    monkeypatch.setattr("desk.incidents.TICKETS_A_PAGE", 1)
    desk.post(address(incident, "answer/"), {"body": "Слова", "status": ""})
    page = desk.post(address(incident, "answer/?list=tab%3Dmine"), {"body": ""}).content.decode()
    here = address(incident, "?list=tab%3Dmine")
    assert f'<a href="{here}">Обновить' in page
    link = page.partition("Следующие")[0].rpartition('href="')[2].partition('"')[0]
    assert link.startswith(f"{here}&amp;before=")
    assert desk.get(link.replace("&amp;", "&")).status_code == 200


def test_answer_to_all_is_sent_once_and_shown(desk, incident, tickets):
    sent = {"body": "Узел заменили", "status": "resolved", "key": str(uuid4())}
    for _time in range(2):
        response = desk.post(address(incident, "answer/"), sent)
        assert response.url == address(incident)
    run_queue()
    assert Comment.objects.filter(body="Узел заменили").count() == 2
    page = desk.get(address(incident)).content.decode()
    assert "Ответ всем отправлен: 2 из 2" in " ".join(page.split())
    assert "<progress" not in page


def test_other_words_under_the_same_form_are_kept(desk, incident, tickets):
    key = str(uuid4())
    desk.post(address(incident, "answer/"), {"body": "Первый", "status": "", "key": key})
    page = desk.post(address(incident, "answer/"), {"body": "Другой", "status": "", "key": key})
    assert IncidentAnswer.objects.count() == 1
    assert "Другой" in page.content.decode()
    assert "уже отправила другой ответ" in page.content.decode()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"body": " ", "status": ""}, "Текст не может быть пустым."),
        ({"body": " ", "status": "waiting"}, "чего вы от него ждёте"),
        ({"body": "{отчество}, готово", "status": ""}, "Такой переменной нет: {отчество}."),
        ({"body": "Слова", "status": "closed"}, "Выберите корректный вариант"),
        ({"body": "а" * 20_001, "status": ""}, "нужно не больше"),
    ],
)
def test_answer_that_cannot_be_is_said_beside_its_field(desk, incident, tickets, sent, words):
    page = desk.post(address(incident, "answer/"), sent).content.decode()
    assert words in page
    assert not IncidentAnswer.objects.exists()


def test_files_reach_each_customer_once(desk, incident, tickets, specialist):
    file = canned(specialist, pdf("памятка.pdf")).files.get()
    sent = {"body": "{имя}, готово", "status": "", "key": str(uuid4()), "canned_files": file.pk}
    for _press in range(2):
        given = {**sent, "attachments": SimpleUploadedFile("акт.pdf", PDF)}
        assert desk.post(address(incident, "answer/"), given).url == address(incident)
    run_queue()
    for ticket in tickets:
        names = [row.name for row in ticket.comments.get().attachments.all()]
        assert names == ["акт.pdf", "памятка.pdf"]
    page = desk.get(address(incident)).content.decode()
    assert "📎 акт.pdf" in page
    assert "📎 памятка.pdf" in page


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("вирус.exe", PDF, "«вирус.exe» принять нельзя"),
        ("счёт.pdf", b"MZ", "не похоже"),
        ("счёт.pdf", b"", "пустой"),
    ],
)
def test_refused_file_is_said_beside_the_files(desk, incident, tickets, name, content, words):
    given = {"body": "Слова", "status": "resolved"}
    file = SimpleUploadedFile(name, content)
    response = desk.post(address(incident, "answer/"), {**given, "attachments": file})
    form = response.context["form"]
    assert words in str(form.errors["attachments"])
    assert (form["body"].value(), form["status"].value()) == ("Слова", "resolved")
    assert not IncidentAnswer.objects.exists()


def test_files_that_cannot_be_stored_are_said_so(desk, incident, tickets, monkeypatch):
    def full(*_args):
        raise OSError(28, "full")

    monkeypatch.setattr(attachment_storage(), "save", full)
    file = SimpleUploadedFile("акт.pdf", PDF)
    given = {"body": "Слова", "status": "", "attachments": file}
    page = desk.post(address(incident, "answer/"), given).content.decode()
    assert "Файлы сейчас не сохраняются" in page
    assert "Слова</textarea>" in page
    assert not IncidentAnswer.objects.exists()


def test_file_of_a_foreign_answer_is_refused(desk, incident, tickets):
    file = canned(AgentFactory(), pdf("чужое.pdf")).files.get()
    given = {"body": "Слова", "status": "", "canned_files": file.pk}
    page = desk.post(address(incident, "answer/"), given).content.decode()
    assert "Файла готового ответа больше нет" in page
    assert "чужое" not in page
    assert not IncidentAnswer.objects.exists()


def test_files_of_a_ready_answer_that_a_lost_session_took_are_said_so(
    desk, incident, tickets, specialist
):
    file = canned(specialist, pdf("памятка.pdf")).files.get()
    page = desk.get(address(incident)).content.decode()
    author = page.split('name="author" value="')[1].split('"')[0]
    desk.logout()
    given = {"body": "Слова", "status": "", "canned_files": file.pk, "author": author}
    desk.post(address(incident, "answer/"), given)
    desk.force_login(specialist)
    page = desk.get(address(incident)).content.decode()
    assert "Слова</textarea>" in page
    assert "Файлы не сохранились: приложите их заново." in page


def canned(owner, *files):
    answer = CannedAnswer(title="Готово", body="{имя}, готово")
    save_answer(answer=answer, actor=owner, for_all=False, files=files)
    return answer


def test_refused_ones_are_named(desk, incident, tickets, by_agent):
    answer_all(incident=incident, actor=by_agent, body="Слова")
    Ticket.objects.filter(pk=tickets[0].pk).update(status=TicketStatus.CLOSED)
    assert "<progress" in desk.get(address(incident)).content.decode()
    run_queue()
    page = desk.get(address(incident)).content.decode()
    assert f"№ {tickets[0].pk}</a>: Заявка закрыта." in page


def test_card_of_an_incident_says_that_an_answer_there_reaches_one_only(desk, incident, tickets):
    for ticket, is_said in ((incident, True), (tickets[0], False)):
        page = desk.get(f"/admin/tickets/ticket/{ticket.pk}/change/").content.decode()
        assert ("ответ отсюда их клиенты не увидят" in page) == is_said


def test_page_of_a_ticket_under_an_incident_leads_there(desk, incident, tickets):
    page = desk.get(address(tickets[0])).content.decode()
    assert address(incident) in page
    assert "Ответить всем" not in page


@pytest.mark.parametrize("number", [1, 3])
def test_page_costs_the_same_with_more_tickets(
    desk, incident, product, number, by_agent, django_assert_num_queries
):
    for row in TicketFactory.create_batch(number, product=product):
        Ticket.objects.filter(pk=row.pk).update(incident=incident)
    answer_all(incident=incident, actor=by_agent, body="Слова")
    desk.get(address(incident))
    with django_assert_num_queries(11):
        desk.get(address(incident))


def test_announcement_is_for_heads(desk, client, head, incident):
    link = f"/admin/tickets/announcement/add/?incident={incident.pk}"
    assert link not in desk.get(address(incident)).content.decode()
    client.force_login(head)
    assert link in client.get(address(incident)).content.decode()


def test_staff_without_a_role_may_nothing(client, incident, tickets):
    client.force_login(AgentFactory())
    assert client.get(address(incident)).status_code == 403
    assert client.get(ADD).status_code == 403
    for place, sent in (
        (ADD, {"incident": incident.pk, "numbers": "1"}),
        (address(tickets[0], "out/"), {}),
        (address(incident, "answer/"), {"body": "Слова", "status": ""}),
    ):
        assert client.post(place, sent).status_code == 403
    assert len(under(incident)) == 2
    assert not IncidentAnswer.objects.exists()


def test_customers_see_no_number_of_it(client, incident, tickets):
    client.force_login(tickets[0].requester)
    page = client.get(tickets[0].get_absolute_url()).content.decode()
    assert f"№ {incident.pk}" not in page
    assert "нцидент" not in page
