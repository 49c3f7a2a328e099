"""Comments: written, corrected, joined by further parts and late files."""

import pytest
from django.utils import timezone

from tests.factories import AgentFactory, CommentFactory, TicketFactory, open_ticket
from tests.files import pdf
from tests.queue import queued
from tests.threads import in_parallel
from tests.tickets.traces import DRAIN_MAIL, files_on_disk, happened, letters, told
from tickets import recording
from tickets.attachments import NewFile
from tickets.comments import add_comment, correct_comment, extend_comment, extend_description
from tickets.models import Attachment, Comment, Delivery, Face, Ticket, TicketEvent
from tickets.recording import SYSTEM, customer
from tickets.refusals import (
    FileRefused,
    NotYours,
    TextRequired,
    TextTooLong,
    TicketClosed,
    TooLate,
    TooManyFiles,
)
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def comment(ticket, by_anna):
    return add_comment(ticket=ticket, actor=by_anna, body="Не работает отчёт")


def announced(count):
    return [NewFile(f"{number}.jpg", 0) for number in range(count)]


def correct(comment, actor, new, old="Не работает отчёт"):
    correct_comment(comment=comment, actor=actor, old=old, new=new)


def extend(comment, body="", files=()):
    extend_comment(comment=comment, body=body, files=files)


def stored(comment):
    return Comment.objects.get(pk=comment.pk)


# Comments


def test_agents_comment_is_told_to_both_addresses(ticket, by_agent):
    comment = add_comment(ticket=ticket, actor=by_agent, body="Проверьте сейчас.")
    assert (comment.body, comment.by_agent, comment.is_internal) == (
        "Проверьте сейчас.", True, False,
    )  # fmt: skip
    assert happened() == [("assigned", "", "Ольга О."), ("status", "new", "in_progress")]
    assert told() == letters("comment")  # one letter says all of it
    assert queued().count(DRAIN_MAIL) == 1


def test_answer_to_what_is_in_work_is_a_comment(ticket, by_agent):
    Ticket.objects.update(status=TicketStatus.IN_PROGRESS)
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте сейчас.")
    assert happened() == [("commented", "", "")]
    assert told() == letters("comment")


def test_new_ticket_of_a_colleague_stays_theirs(ticket, by_agent):
    colleague = AgentFactory()
    Ticket.objects.update(assignee=colleague)
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте сейчас.")
    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee) == (TicketStatus.IN_PROGRESS, colleague)


def test_answer_leaves_a_ticket_new_where_that_is_wanted(ticket, by_agent):
    add_comment(ticket=ticket, actor=by_agent, body="Жду коллегу.", takes_to_work=False)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee) == (TicketStatus.NEW, None)
    assert ticket.answered_at is not None


def test_first_answer_is_one_also_for_the_clock(ticket, by_agent):
    comment = add_comment(ticket=ticket, actor=by_agent, body="Проверьте сейчас.")
    ticket.refresh_from_db()
    assert ticket.answered_at == comment.created_at
    assert ticket.next_due_at == ticket.solution_due_at


def test_note_takes_no_ticket(ticket, by_agent):
    add_comment(ticket=ticket, actor=by_agent, body="Для нас.", internal=True)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee) == (TicketStatus.NEW, None)


def test_customers_comment_is_told_to_nobody(ticket, by_anna):
    comment = add_comment(ticket=ticket, actor=by_anna, body="Ещё вопрос.")
    assert comment.by_agent is False
    assert happened() == [("commented", "", "")]
    assert told() == []
    assert queued() == []


def test_customers_comment_takes_a_waiting_ticket_back_to_work(ticket, by_anna):
    Ticket.objects.update(status=TicketStatus.WAITING)
    add_comment(ticket=ticket, actor=by_anna, body="Вот данные.")
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.IN_PROGRESS
    assert happened() == [("commented", "", ""), ("status", "waiting", "in_progress")]
    assert told() == []


@pytest.mark.parametrize("status", ["new", "in_progress", "resolved"])
def test_customers_comment_keeps_any_other_status(ticket, by_anna, status):
    Ticket.objects.update(status=status)
    add_comment(ticket=ticket, actor=by_anna, body="Ещё вопрос.")
    ticket.refresh_from_db()
    assert ticket.status == status


def test_agents_comment_keeps_a_waiting_ticket_waiting(ticket, by_agent):
    Ticket.objects.update(status=TicketStatus.WAITING)
    add_comment(ticket=ticket, actor=by_agent, body="Напоминаю.")
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.WAITING


def test_internal_note_is_told_to_nobody_and_not_public(ticket, by_agent):
    note = add_comment(ticket=ticket, actor=by_agent, body="Клиент злится", internal=True)
    assert note.is_internal
    assert list(ticket.comments.public()) == []
    assert happened() == [("noted", "", "")]
    assert Delivery.objects.count() == 0


@pytest.mark.parametrize("status", TicketStatus.values)
def test_only_agents_write_internal_notes(ticket, by_anna, status):
    Ticket.objects.update(status=status)
    for actor in (by_anna, SYSTEM):
        with pytest.raises(NotYours):
            add_comment(ticket=ticket, actor=actor, body="x", internal=True)
    assert Comment.objects.count() == 0


def test_closed_ticket_takes_no_comments_but_notes(ticket, by_anna, by_agent):
    Ticket.objects.update(status=TicketStatus.CLOSED)
    for actor in (by_anna, by_agent):
        with pytest.raises(TicketClosed):
            add_comment(ticket=ticket, actor=actor, body="Ещё")
    add_comment(ticket=ticket, actor=by_agent, body="Для истории", internal=True)
    assert Comment.objects.count() == 1


def test_comment_needs_text_or_files(ticket, by_anna):
    with pytest.raises(TextRequired):
        add_comment(ticket=ticket, actor=by_anna, body=" \u200b ")
    comment = add_comment(ticket=ticket, actor=by_anna, body=" ", files=[pdf()])
    assert comment.body == ""
    assert comment.attachments.get().ticket == ticket
    assert Comment.objects.count() == 1


def test_comment_that_is_too_long_is_refused_also_with_files(ticket, by_anna, settings):
    with pytest.raises(TextTooLong):
        add_comment(ticket=ticket, actor=by_anna, body="ы" * 20_001, files=[pdf()])
    assert Comment.objects.count() == 0
    assert files_on_disk(settings) == []


def test_comment_is_undone_as_a_whole(ticket, by_anna, no_way_out):
    with pytest.raises(RuntimeError):
        add_comment(ticket=ticket, actor=by_anna, body="Текст", files=[pdf()])
    assert Comment.objects.count() == 0
    assert Attachment.objects.count() == 0
    assert TicketEvent.objects.count() == 0


def test_comment_moves_updated_at(ticket, by_anna, clock):
    clock.advance(hours=1)
    add_comment(ticket=ticket, actor=by_anna, body="Текст")
    before = ticket.updated_at
    ticket.refresh_from_db()
    assert ticket.updated_at > before
    assert ticket.updated_at == ticket.events.get().created_at


def test_files_of_a_refused_comment_leave_nothing_on_disk(anna, by_agent, settings):
    closed = TicketFactory(requester=anna, status=TicketStatus.CLOSED)
    with pytest.raises(TicketClosed):
        add_comment(ticket=closed, actor=by_agent, body="Поздно", files=[pdf()])
    assert files_on_disk(settings) == []


# Corrections


def test_correction_replaces_the_text_and_is_dated(comment, by_anna):
    correct(comment, by_anna, " Не работает счёт\0\r\n ")
    kept = stored(comment)
    assert kept.body == "Не работает счёт"
    assert abs((timezone.now() - kept.edited_at).total_seconds()) < 10


def test_correction_keeps_the_old_words_in_its_event_and_tells_nobody(comment, by_anna):
    old = stored(comment).body
    deliveries = Delivery.objects.count()
    correct(comment, by_anna, "Не работает счёт")
    event = TicketEvent.objects.latest("pk")
    assert (event.kind, event.old_value, event.comment) == ("edited", old, comment)
    assert Delivery.objects.count() == deliveries


def test_correction_of_a_very_long_comment_keeps_the_start_of_the_old_words(comment, by_anna):
    correct(comment, by_anna, "ы" * 20_000)
    correct(comment, by_anna, "коротко", old="ы" * 20_000)
    assert stored(comment).body == "коротко"
    kept = TicketEvent.objects.latest("pk").old_value
    assert kept.startswith("ы" * 100)
    assert len(kept) <= 200


def test_correction_within_15_minutes(comment, by_anna, clock):
    clock.advance(minutes=14, seconds=55)
    correct(comment, by_anna, "Успел")
    assert stored(comment).body == "Успел"


def test_correction_after_15_minutes_is_too_late(comment, by_anna, clock):
    clock.advance(minutes=15)
    with pytest.raises(TooLate):
        correct(comment, by_anna, "Не успел")
    kept = stored(comment)
    assert (kept.body, kept.edited_at) == ("Не работает отчёт", None)


def test_a_correction_gives_no_new_15_minutes(comment, by_anna, clock):
    clock.advance(minutes=10)
    correct(comment, by_anna, "Второй")
    clock.advance(minutes=10)
    with pytest.raises(TooLate):
        correct(comment, by_anna, "Третий", old="Второй")


def test_comment_of_a_closed_ticket_is_not_corrected(comment, by_anna):
    Ticket.objects.update(status=TicketStatus.CLOSED)
    with pytest.raises(TicketClosed):
        correct(comment, by_anna, "Иначе")
    assert stored(comment).body == "Не работает отчёт"


def test_only_the_author_corrects(comment, boris, agent):
    for actor in (customer(boris, Face.BOT), recording.agent(agent), SYSTEM):
        with pytest.raises(NotYours):
            correct(comment, actor, "Чужое")
    assert stored(comment).body == "Не работает отчёт"


def test_requester_does_not_correct_what_support_wrote(ticket, by_anna, agent):
    answer = CommentFactory(ticket=ticket, author=agent, body="Ответ")
    with pytest.raises(NotYours):
        correct(answer, by_anna, "Подделка", old="Ответ")


def test_comment_of_the_system_belongs_to_nobody(ticket, by_anna):
    nobodys = CommentFactory(ticket=ticket, author=None, by_agent=True)
    for actor in (by_anna, SYSTEM):
        with pytest.raises(NotYours):
            correct(nobodys, actor, "Подделка")


@pytest.mark.parametrize("new", ["", "  ", "\u200b", "\0"])
def test_correction_to_nothing_is_refused(comment, by_anna, new):
    with pytest.raises(TextRequired):
        correct(comment, by_anna, new)
    assert stored(comment).body == "Не работает отчёт"


def test_correction_that_makes_the_whole_too_long_is_refused(comment, by_anna):
    extend(comment, "ы" * 19_000)
    with pytest.raises(TextTooLong):
        correct(comment, by_anna, "ж" * 1_500)
    assert stored(comment).body == "Не работает отчёт\n" + "ы" * 19_000


@pytest.mark.parametrize(
    ("old", "new", "body"),
    [
        ("первая", "1", "1\nвторая\nтретья часть\nв две строки"),
        ("вторая", "2", "первая\n2\nтретья часть\nв две строки"),
        ("третья часть\nв две строки", "3", "первая\nвторая\n3"),
        ("  вторая \r\n", "2", "первая\n2\nтретья часть\nв две строки"),
    ],
)
def test_only_the_edited_part_of_a_longer_comment_changes(comment, by_anna, old, new, body):
    correct(comment, by_anna, "первая")
    extend(comment, "вторая")
    extend(comment, "третья часть\r\nв две строки ")
    correct(comment, by_anna, new, old=old)
    assert stored(comment).body == body


def test_part_whose_words_stand_in_an_earlier_part_is_the_one_corrected(comment, by_anna):
    correct(comment, by_anna, "Это правда важно")
    extend(comment, "да")
    correct(comment, by_anna, "нет", old="да")
    assert stored(comment).body == "Это правда важно\nнет"


def test_caption_given_later_is_added_and_takes_nothing_away(comment, by_anna):
    correct(comment, by_anna, "подпись к фото", old="")
    assert stored(comment).body == "Не работает отчёт\nподпись к фото"


def test_caption_given_later_is_the_text_of_a_comment_without_one(ticket, by_anna):
    photo = add_comment(ticket=ticket, actor=by_anna, body="", files=announced(1))
    correct(photo, by_anna, "подпись", old="")
    assert stored(photo).body == "подпись"


def test_text_that_is_not_there_any_more_loses_nothing(comment, by_anna):
    correct(comment, by_anna, "правка", old="этого тут нет")
    assert stored(comment).body == "Не работает отчёт\nправка"


def test_corrections_of_one_part_follow_each_other(comment, by_anna):
    extend(comment, "вторая")
    for old, new in (("вторая", "2"), ("2", "два"), ("два", "вторая часть")):
        correct(comment, by_anna, new, old=old)
    assert stored(comment).body == "Не работает отчёт\nвторая часть"


def test_correction_of_a_stale_comment_keeps_what_was_added_meanwhile(comment, by_anna):
    stale = stored(comment)
    extend(comment, "вторая")
    correct(stale, by_anna, "первая")
    assert stored(comment).body == "первая\nвторая"


# Further parts


def test_further_part_joins_the_comment(comment, ticket):
    events = TicketEvent.objects.count()
    extend(comment, "  и ещё вот это\0 ", [pdf()])
    kept = stored(comment)
    assert kept.body == "Не работает отчёт\nи ещё вот это"
    assert kept.edited_at is None
    assert kept.attachments.get().ticket == ticket
    assert TicketEvent.objects.count() == events


def test_further_part_without_words_adds_only_its_file(comment):
    extend(comment, " \u200b ", [pdf()])
    assert stored(comment).body == "Не работает отчёт"
    assert comment.attachments.count() == 1


def test_words_may_come_after_the_photo(ticket, by_anna):
    photo = add_comment(ticket=ticket, actor=by_anna, body="", files=announced(1))
    extend(photo, "вот что я вижу")
    assert stored(photo).body == "вот что я вижу"


def test_further_part_of_a_stale_comment_joins_what_is_stored(comment):
    stale = stored(comment)
    extend(comment, "вторая")
    extend(stale, "третья")
    assert stored(comment).body == "Не работает отчёт\nвторая\nтретья"


def test_comment_takes_ten_files_in_all(comment, settings):
    extend(comment, "", announced(9))
    extend(comment, "", [pdf()])
    with pytest.raises(TooManyFiles):
        extend(comment, "и одиннадцатый", [pdf()])
    assert stored(comment).body == "Не работает отчёт"
    assert comment.attachments.count() == 10
    assert sum(path.is_file() for path in settings.MEDIA_ROOT.rglob("*")) == 1


def test_files_of_another_comment_do_not_count(comment, ticket, by_anna):
    extend(comment, "", announced(10))
    other = add_comment(ticket=ticket, actor=by_anna, body="", files=announced(9))
    extend(other, "", announced(1))
    assert other.attachments.count() == 10


def test_part_that_makes_the_comment_too_long_is_refused_with_its_files(comment):
    extend(comment, "ы" * 19_000)
    with pytest.raises(TextTooLong) as refusal:
        extend(comment, "ы" * 1_000, announced(1))
    assert refusal.value.length == len("Не работает отчёт") + 1 + 19_000 + 1 + 1_000
    assert comment.attachments.count() == 0


def test_part_with_a_refused_file_adds_no_words(comment):
    with pytest.raises(FileRefused):
        extend(comment, "смотрите", [NewFile("a.exe", 1)])
    assert stored(comment).body == "Не работает отчёт"


@pytest.mark.django_db(transaction=True)
def test_parallel_parts_all_join(comment):
    parts = [f"часть {number}" for number in range(8)]
    results = in_parallel(*[lambda part=part: extend(comment, part) for part in parts])
    assert results == [None] * 8
    first, *rest = stored(comment).body.split("\n")
    assert (first, sorted(rest)) == ("Не работает отчёт", parts)


# Late files of a description


def test_late_files_join_the_description(anna):
    ticket = open_ticket(anna, files=announced(1))
    events = ticket.events.count()
    extend_description(ticket=ticket, body="", files=[pdf("план.pdf")])
    kept = [(file.name, file.comment, file.state) for file in ticket.attachments.all()]
    assert kept == [
        ("0.jpg", None, Attachment.State.PENDING),
        ("план.pdf", None, Attachment.State.READY),
    ]
    assert ticket.events.count() == events


def test_description_takes_ten_files_in_all(anna, by_anna):
    ticket = open_ticket(anna, files=announced(6))
    add_comment(ticket=ticket, actor=by_anna, body="", files=announced(10))
    extend_description(ticket=ticket, body="", files=announced(4))
    with pytest.raises(TooManyFiles):
        extend_description(ticket=ticket, body="", files=announced(1))
    assert ticket.attachments.filter(comment=None).count() == 10


def test_no_files_are_no_trouble(anna):
    ticket = open_ticket(anna, files=announced(10))
    extend_description(ticket=ticket, body="", files=[])
    assert ticket.attachments.count() == 10


def test_refused_late_file_takes_none_of_its_company(ticket, settings):
    with pytest.raises(FileRefused):
        extend_description(ticket=ticket, body="", files=[pdf(), NewFile("a.exe", 1)])
    assert ticket.attachments.count() == 0
    assert [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == []


@pytest.mark.django_db(transaction=True)
def test_parallel_parts_of_an_album_never_pass_ten_files(ticket):
    calls = [lambda: extend_description(ticket=ticket, body="", files=announced(3))] * 6
    results = in_parallel(*calls)
    assert sum(isinstance(result, TooManyFiles) for result in results) == 3
    assert ticket.attachments.count() == 9
