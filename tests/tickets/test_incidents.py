"""Many tickets under one, and one answer to all: each customer hears it once, in their own."""

import os
import time
from pathlib import Path

import pytest

from accounts.identity import set_access
from accounts.models import Usage
from accounts.quotas import TooManyChanges
from accounts.security import Origin
from tests.factories import (
    AgentFactory,
    CommentFactory,
    TicketFactory,
    UserFactory,
    let_serve,
    open_ticket,
)
from tests.files import PDF, pdf
from tests.queue import run_queue
from tests.threads import in_parallel
from tickets import incidents, recording, services
from tickets.attachments import BYTES_A_DAY, MAX_FILES, NewFile
from tickets.erasures import request_erasure
from tickets.incidents import (
    answer_all,
    give_answer,
    put_under_incident,
    take_out_of_incident,
    with_progress,
)
from tickets.merging import merge_tickets
from tickets.models import (
    Attachment,
    Comment,
    IncidentAnswer,
    IncidentAnswerPart,
    Ticket,
    TicketEvent,
)
from tickets.notices import notices_of
from tickets.queries import public_events
from tickets.refusals import (
    AlreadyDone,
    AnswerMissing,
    FileRefused,
    NotYours,
    TextRequired,
    TicketClosed,
    TicketMerged,
    TooManyFiles,
    VariableUnknown,
)
from tickets.refusals_joining import AlreadyInIncident, IncidentEmpty, IncidentNested
from tickets.status import TicketStatus
from tickets.strays import delete_stray_files
from tickets.tasks import answer_incident, wake_incident_answers

pytestmark = pytest.mark.django_db
State = IncidentAnswerPart.State
LONG = 60.0  # seconds, of a slice


@pytest.fixture
def agent(agent):
    let_serve(agent)
    return agent


@pytest.fixture
def incident(boris, product):
    return open_ticket(boris, product=product, title="Упал узел srv-1")


@pytest.fixture
def tickets(product, incident, by_agent):
    """Three of three customers, under the incident."""
    rows = [open_ticket(UserFactory(), product=product) for _number in range(3)]
    for row in rows:
        put_under_incident(ticket=row, incident=incident, actor=by_agent)
    return rows


def give_all(answer: IncidentAnswer) -> None:
    while give_answer(answer.pk, time.monotonic() + LONG):
        pass


def said(ticket: Ticket) -> list[str]:
    return list(ticket.comments.order_by("pk").values_list("body", flat=True))


def parts(answer: IncidentAnswer) -> list[tuple[str, str]]:
    return list(answer.parts.order_by("ticket_id").values_list("state", "refusal"))


# Tickets under it


def test_customer_sees_nothing_of_it(tickets, incident):
    event = tickets[0].events.get(kind=TicketEvent.Kind.INCIDENT)
    assert (event.new_value, event.is_internal) == (str(incident.pk), True)
    assert notices_of(event) == []
    assert not public_events().filter(kind=TicketEvent.Kind.INCIDENT).exists()
    row = Ticket.objects.get(pk=tickets[0].pk)
    assert row.version < event.pk
    assert row.changed_at < event.created_at


def test_taken_out_and_put_back(tickets, incident, by_agent):
    take_out_of_incident(ticket=tickets[0], actor=by_agent, shown=incident.pk)
    assert Ticket.objects.get(pk=tickets[0].pk).incident_id is None
    with pytest.raises(AlreadyDone):
        take_out_of_incident(ticket=tickets[0], actor=by_agent, shown=incident.pk)
    put_under_incident(ticket=tickets[0], incident=incident, actor=by_agent)
    with pytest.raises(AlreadyDone):
        put_under_incident(ticket=tickets[0], incident=incident, actor=by_agent)


def test_incident_it_is_in_by_now_is_not_the_one_shown(tickets, incident, by_agent, product, anna):
    other = open_ticket(anna, product=product)
    take_out_of_incident(ticket=tickets[0], actor=by_agent, shown=incident.pk)
    put_under_incident(ticket=tickets[0], incident=other, actor=by_agent)
    with pytest.raises(AlreadyDone):
        take_out_of_incident(ticket=tickets[0], actor=by_agent, shown=incident.pk)
    assert Ticket.objects.get(pk=tickets[0].pk).incident == other


def test_no_incident_within_another(tickets, incident, by_agent, product, anna):
    other = open_ticket(anna, product=product)
    for ticket, under in ((incident, incident), (incident, other), (other, tickets[0])):
        with pytest.raises(IncidentNested):
            put_under_incident(ticket=ticket, incident=under, actor=by_agent)


def test_one_incident_at_a_time(tickets, incident, by_agent, product, anna):
    other = open_ticket(anna, product=product)
    with pytest.raises(AlreadyInIncident, match=f"№ {incident.pk}"):
        put_under_incident(ticket=tickets[0], incident=other, actor=by_agent)


@pytest.mark.parametrize("which", ["ticket", "incident"])
def test_closed_and_merged_ones_are_refused(incident, anna, product, by_agent, which):
    ticket = open_ticket(anna, product=product)
    end = ticket if which == "ticket" else incident
    services.change_status(ticket=end, to=TicketStatus.CLOSED, actor=by_agent, answer="Конец")
    with pytest.raises(TicketClosed):
        put_under_incident(ticket=ticket, incident=incident, actor=by_agent)
    Ticket.objects.filter(pk=end.pk).update(merged_into=open_ticket(anna, product=product))
    with pytest.raises(TicketMerged):
        put_under_incident(ticket=ticket, incident=incident, actor=by_agent)


def test_only_agents(incident, tickets, by_anna):
    with pytest.raises(NotYours):
        put_under_incident(ticket=tickets[0], incident=incident, actor=by_anna)
    with pytest.raises(NotYours):
        take_out_of_incident(ticket=tickets[0], actor=by_anna, shown=incident.pk)
    with pytest.raises(NotYours):
        answer_all(incident=incident, actor=by_anna, body="Слова")


# One answer to all


@pytest.mark.parametrize("status", [None, TicketStatus.WAITING, TicketStatus.RESOLVED])
def test_each_hears_it_once_in_their_own_ticket(tickets, incident, by_agent, status):
    answer = answer_all(incident=incident, actor=by_agent, body="Узел заменили", status=status)
    run_queue()
    for ticket in tickets:
        assert said(ticket) == ["Узел заменили"]
        ticket.refresh_from_db()
        assert ticket.status == (status or TicketStatus.IN_PROGRESS)  # as any answer does
        told = ticket.comments.get()
        assert (told.by_agent, told.is_internal, told.author) == (True, False, by_agent.user)
    assert said(incident) == []
    assert IncidentAnswer.objects.get(pk=answer.pk).finished_at


def test_where_the_status_cannot_go_the_words_arrive(tickets, incident, by_agent):
    services.change_status(
        ticket=tickets[0], to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово"
    )
    answer = answer_all(
        incident=incident, actor=by_agent, body="Проверьте", status=TicketStatus.WAITING
    )
    give_all(answer)
    tickets[0].refresh_from_db()
    assert tickets[0].status == TicketStatus.RESOLVED
    assert said(tickets[0]) == ["Готово", "Проверьте"]


def test_closed_ones_are_left_out_and_those_closed_meanwhile_are_named(tickets, incident, by_agent):
    services.change_status(
        ticket=tickets[0], to=TicketStatus.CLOSED, actor=by_agent, answer="Конец"
    )
    answer = answer_all(incident=incident, actor=by_agent, body="Слова")
    services.change_status(
        ticket=tickets[1], to=TicketStatus.CLOSED, actor=by_agent, answer="Конец"
    )
    give_all(answer)
    assert parts(answer) == [(State.REFUSED, "Заявка закрыта."), (State.GIVEN, "")]
    assert [said(row) for row in tickets] == [["Конец"], ["Конец"], ["Слова"]]
    [row] = with_progress([answer])
    assert (row.given, row.refused, row.number) == (1, 1, 2)


def test_merged_meanwhile_the_other_one_hears_it(tickets, incident, by_agent, product):
    answer = answer_all(incident=incident, actor=by_agent, body="Слова")
    into = open_ticket(tickets[0].requester, product=product)
    merge_tickets(ticket=tickets[0], into=into, actor=by_agent)
    give_all(answer)
    assert said(into)[-1] == "Слова"
    assert Comment.objects.filter(body="Слова").count() == 3


def test_merged_after_the_batch_was_read_the_other_one_hears_it(
    tickets, incident, by_agent, product, monkeypatch
):
    other = open_ticket(tickets[1].requester, product=product, title="О том же")
    answer = answer_all(incident=incident, actor=by_agent, body="Починили")
    give = incidents._give

    def merge_before_the_second(part):
        if part.ticket_id == tickets[1].pk:
            merge_tickets(ticket=tickets[1], into=other, actor=by_agent)
        give(part)

    monkeypatch.setattr(incidents, "_give", merge_before_the_second)
    assert give_answer(answer.pk, time.monotonic() + LONG)
    assert not give_answer(answer.pk, time.monotonic() + LONG)
    assert Comment.objects.filter(ticket=other, body="Починили").count() == 1
    assert not answer.parts.exclude(state=State.GIVEN).exists()


def test_killed_in_between_everybody_hears_it_once(tickets, incident, by_agent, monkeypatch):
    answer = answer_all(incident=incident, actor=by_agent, body="Слова")
    real, calls = incidents._say, []

    def die(*args):
        real(*args)
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt  # as a signal would: between the words and their mark

    with monkeypatch.context() as patch:
        patch.setattr(incidents, "_say", die)
        with pytest.raises(KeyboardInterrupt):
            give_answer(answer.pk, time.monotonic() + LONG)
    give_all(answer)
    assert [said(row) for row in tickets] == [["Слова"]] * 3


def test_quota_of_the_agent_only_delays(tickets, incident, by_agent, monkeypatch):
    answer = answer_all(incident=incident, actor=by_agent, body="Слова")

    def refuse(*_args):
        raise TooManyChanges(30)

    with monkeypatch.context() as patch:
        patch.setattr("tickets.recording.use", refuse)
        assert give_answer(answer.pk, time.monotonic() + LONG) is False
    assert {state for state, _refusal in parts(answer)} == {State.WAITING}
    wake_incident_answers()
    run_queue()
    assert [said(row) for row in tickets] == [["Слова"]] * 3


@pytest.mark.parametrize("lost", ["way in", "right"])
def test_nothing_more_is_said_for_an_agent_who_has_left(
    tickets, incident, agent, by_agent, monkeypatch, lost
):
    answer = answer_all(incident=incident, actor=by_agent, body="Работает.")
    monkeypatch.setattr(incidents, "PARTS_A_CALL", 1)
    assert give_answer(answer.pk, time.monotonic() + LONG)
    if lost == "way in":
        set_access(agent, is_active=False, origin=Origin(AgentFactory(is_superuser=True)))
    else:
        agent.user_permissions.clear()
    give_all(answer)
    assert [said(ticket) for ticket in tickets] == [["Работает."], [], []]
    refused = (State.REFUSED, "У вас нет права на это изменение.")
    assert parts(answer) == [(State.GIVEN, ""), refused, refused]


def test_slice_that_is_over_goes_on_as_a_task(tickets, incident, by_agent):
    answer = answer_all(incident=incident, actor=by_agent, body="Слова")
    assert give_answer(answer.pk, time.monotonic() - 1) is True
    assert said(tickets[0]) == []
    answer_incident(answer.pk)
    run_queue()
    assert [said(row) for row in tickets] == [["Слова"]] * 3


def test_nothing_to_say_and_nobody_to_hear(incident, tickets, by_agent):
    with pytest.raises(TextRequired):
        answer_all(incident=incident, actor=by_agent, body=" \u200b")
    Ticket.objects.filter(incident=incident).update(status=TicketStatus.CLOSED)
    with pytest.raises(IncidentEmpty):
        answer_all(incident=incident, actor=by_agent, body="Слова")


@pytest.mark.parametrize("number", [1, 3])
def test_queries_of_beginning_an_answer(
    incident, by_agent, number, django_assert_num_queries, product
):
    for row in TicketFactory.create_batch(number, product=product):
        Ticket.objects.filter(pk=row.pk).update(incident=incident)
    answer_all(incident=incident, actor=by_agent, body="Раньше")
    with django_assert_num_queries(9):
        answer_all(incident=incident, actor=by_agent, body="Слова")


@pytest.mark.django_db(transaction=True)
def test_two_workers_give_it_once(agent, anna, product):
    incident = open_ticket(anna, product=product)
    rows = [TicketFactory(product=product) for _number in range(6)]
    actor = recording.agent(agent)
    for row in rows:
        put_under_incident(ticket=row, incident=incident, actor=actor)
    answer = answer_all(incident=incident, actor=actor, body="Слова")
    assert in_parallel(*[lambda: give_all(answer)] * 3) == [None] * 3
    assert [said(row) for row in rows] == [["Слова"]] * 6


@pytest.mark.django_db(transaction=True)
def test_two_incidents_put_under_each_other_at_once(agent, anna, product):
    one, two = open_ticket(anna, product=product), open_ticket(anna, product=product)
    actor = recording.agent(agent)
    results = in_parallel(
        lambda: put_under_incident(ticket=one, incident=two, actor=actor),
        lambda: put_under_incident(ticket=two, incident=one, actor=actor),
    )
    assert sorted(isinstance(result, IncidentNested) for result in results) == [False, True]


# Its files, and what is each one's own


def content(file: Attachment) -> bytes:
    return Path(file.file.path).read_bytes()


def contents(settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


@pytest.mark.parametrize("status", [None, TicketStatus.RESOLVED])
def test_each_gets_the_files_whose_content_is_kept_once(
    tickets, incident, by_agent, settings, status
):
    files = [pdf("план.pdf"), pdf("акт.pdf", PDF + b"2")]
    answer = answer_all(incident=incident, actor=by_agent, body="Слова", status=status, files=files)
    give_all(answer)
    for ticket in tickets:
        sent = ticket.comments.get().attachments.all()
        assert [(row.name, row.state) for row in sent] == [
            ("план.pdf", "ready"), ("акт.pdf", "ready"),
        ]  # fmt: skip
        assert [content(row) for row in sent] == [PDF, PDF + b"2"]
    assert len(contents(settings)) == 2


def test_files_alone_are_enough_where_no_status_asks_for_words(tickets, incident, by_agent):
    give_all(answer_all(incident=incident, actor=by_agent, body="", files=[pdf()]))
    assert [said(row) for row in tickets] == [[""]] * 3
    with pytest.raises(AnswerMissing):
        answer_all(
            incident=incident, actor=by_agent, body=" ", status=TicketStatus.WAITING, files=[pdf()]
        )


def test_files_count_once_however_many_get_them(tickets, incident, by_agent):
    give_all(answer_all(incident=incident, actor=by_agent, body="Слова", files=[pdf()]))
    assert Usage.objects.get(user=by_agent.user, kind=BYTES_A_DAY.kind).used == len(PDF)


@pytest.mark.parametrize(
    ("files", "refusal"),
    [
        ([pdf()] * (MAX_FILES + 1), TooManyFiles),
        ([pdf(), pdf("вирус.exe")], FileRefused),
        ([NewFile("x.pdf", BYTES_A_DAY.limit)], FileRefused),
    ],
)
def test_refused_files_leave_nothing(tickets, incident, by_agent, settings, files, refusal):
    with pytest.raises(refusal):
        answer_all(incident=incident, actor=by_agent, body="Слова", files=files)
    assert not IncidentAnswer.objects.exists()
    assert contents(settings) == []


def test_killed_in_between_everybody_gets_the_files_once(
    tickets, incident, by_agent, settings, monkeypatch
):
    answer = answer_all(incident=incident, actor=by_agent, body="Слова", files=[pdf()])
    real, calls = incidents._say, []

    def die(*args):
        real(*args)
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(incidents, "_say", die)
        with pytest.raises(KeyboardInterrupt):
            give_answer(answer.pk, time.monotonic() + LONG)
    give_all(answer)
    assert [row.attachments.count() for row in tickets] == [1, 1, 1]
    assert len(contents(settings)) == 1


def test_refused_one_leaves_the_content_to_the_others(tickets, incident, by_agent):
    answer = answer_all(incident=incident, actor=by_agent, body="Слова", files=[pdf()])
    Ticket.objects.filter(pk=tickets[0].pk).update(status=TicketStatus.CLOSED)
    give_all(answer)
    assert not tickets[0].attachments.exists()
    assert [content(row.attachments.get()) for row in tickets[1:]] == [PDF, PDF]


def test_sweep_leaves_a_content_that_waits_for_its_tickets(
    tickets, incident, by_agent, settings, anna, product
):
    open_ticket(anna, product=product, files=[pdf()])  # without any the sweep does nothing
    answer = answer_all(incident=incident, actor=by_agent, body="Слова", files=[pdf()])
    for path in contents(settings):
        os.utime(path, (0, 0))
    delete_stray_files()
    give_all(answer)
    assert content(tickets[0].attachments.get()) == PDF


def test_erased_customer_takes_no_file_from_the_others(tickets, incident, by_agent):
    """Nor where a file of their own shares its content."""
    give_all(answer_all(incident=incident, actor=by_agent, body="Слова", files=[pdf()]))
    shared = tickets[0].attachments.get()
    tickets[0].attachments.create(name="своё.pdf", file=str(shared.file))
    Ticket.objects.filter(pk=tickets[0].pk).update(status=TicketStatus.CLOSED)
    request_erasure(user=tickets[0].requester, asked_by=tickets[0].requester)
    run_queue()
    assert [row.name for row in tickets[0].attachments.all()] == ["счёт.pdf"]
    assert [content(row.attachments.get()) for row in tickets] == [PDF] * 3


def test_variables_are_each_customers_own(tickets, incident, by_agent):
    body = "{Имя}, заявка {номер}: {тема}. {специалист}"
    give_all(answer_all(incident=incident, actor=by_agent, body=body))
    assert [said(row) for row in tickets] == [
        [f"{row.requester.first_name}, заявка {row.pk}: {row.title}. {by_agent.user.short_name}"]
        for row in tickets
    ]


def test_variable_that_nothing_stands_for_is_refused(tickets, incident, by_agent):
    with pytest.raises(VariableUnknown, match="{отчество}"):
        answer_all(incident=incident, actor=by_agent, body="{отчество}, готово")


def test_notes_are_never_part_of_it(tickets, incident, by_agent):
    CommentFactory(ticket=incident, author=by_agent.user, body="Тайна", is_internal=True)
    give_all(answer_all(incident=incident, actor=by_agent, body="Слова"))
    assert not Comment.objects.filter(body="Тайна").exclude(ticket=incident).exists()
