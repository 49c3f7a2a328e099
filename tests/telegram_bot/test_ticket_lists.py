"""Lists of one's own tickets."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.factories import TicketFactory, open_ticket
from tests.telegram_bot.bot import Bot, Chat, fetch_and_work_off
from tests.telegram_bot.own_tickets import in_status
from tickets.comments import add_comment
from tickets.models import Ticket, TicketRead
from tickets.status import TicketStatus

pytestmark = [pytest.mark.usefixtures("linked"), pytest.mark.each_case]

NOON = datetime(2026, 11, 20, 9, tzinfo=UTC)


def numbers(buttons: dict[str, str]) -> list[int]:
    return [int(label.split()[0]) for label, data in buttons.items() if data.startswith("card:")]


@pytest.fixture
def thirteen(linked, product) -> list[int]:
    """Numbers as the list has them; three changed at each moment."""
    rows = [
        TicketFactory(
            requester=linked, product=product, changed_at=NOON - timedelta(minutes=number // 3)
        )
        for number in range(13)
    ]
    rows.sort(key=lambda row: (row.changed_at, row.pk), reverse=True)
    return [row.pk for row in rows]


def test_no_open_tickets(chat: Chat) -> None:
    answer = chat.say("/tickets")
    assert answer.texts == ["Открытых заявок нет. 🎉"]
    assert list(answer.buttons) == ["➕ Создать", "📁 Закрытые", "‹ Меню"]
    assert "Закрытых заявок нет." in chat.press("📁 Закрытые")
    chat.say("/tickets")
    nothing = chat.press("awaiting")
    assert "Вас ничего не ждёт. 🎉" in nothing
    assert list(nothing.buttons) == ["📋 Открытые", "‹ Меню"]


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (6, 1), (7, 2), (13, 3)])
def test_tickets_are_paged_last_change_first(thirteen, linked, chat: Chat, count, pages) -> None:
    Ticket.objects.exclude(pk__in=thirteen[:count]).update(status=TicketStatus.CLOSED)
    answer = chat.say("/tickets")
    assert f"Открытые заявки · {count}" in answer
    seen = numbers(answer.buttons)
    for page in range(2, pages + 1):
        assert f"{page - 1} / {pages}" in answer.buttons
        answer = chat.press("›")
        seen += numbers(answer.buttons)
    assert seen == thirteen[:count]
    assert "›" not in answer.buttons
    assert ("‹" in answer.buttons) == (pages > 1)


def test_pages_lead_back_to_the_first(thirteen, chat: Chat) -> None:
    chat.say("/tickets")
    chat.press("›")
    last = chat.press("›")
    assert numbers(last.buttons) == thirteen[12:]
    middle = chat.press("‹")
    assert numbers(middle.buttons) == thirteen[6:12]
    assert "2 / 3" in middle.buttons
    first = chat.press("‹")
    assert numbers(first.buttons) == thirteen[:6]
    assert "1 / 3" in first.buttons
    assert "‹" not in first.buttons


def move_up(number: int) -> None:
    """As an answer would, without its notice."""
    Ticket.objects.filter(pk=number).update(changed_at=timezone.now())


def test_visible_change_brings_a_ticket_to_the_top_and_a_note_does_not(
    thirteen, by_agent, chat: Chat
) -> None:
    noted = Ticket.objects.get(pk=thirteen[9])
    add_comment(ticket=noted, actor=by_agent, body="Тихо", internal=True)
    assert numbers(chat.say("/tickets").buttons) == thirteen[:6]
    move_up(thirteen[8])
    assert numbers(chat.press("🔄 Обновить").buttons) == [thirteen[8], *thirteen[:5]]


def test_tickets_that_move_meanwhile_are_neither_lost_nor_doubled(thirteen, chat: Chat) -> None:
    seen = numbers(chat.say("/tickets").buttons)
    for place in (2, 5, 9):
        move_up(thirteen[place])
    seen += numbers(chat.press("›").buttons)
    assert seen == [*thirteen[:9], *thirteen[10:]]
    assert chat.press("🔄 Обновить").messages == []  # nothing has changed on this page
    closest = [thirteen[place] for place in (5, 2, 0, 1, 3, 4)]
    assert numbers(chat.press("‹").buttons) == closest
    move_up(thirteen[3])
    assert numbers(chat.press("🔄 Обновить").buttons) == [*closest[:4], thirteen[4], thirteen[6]]
    assert numbers(chat.press("‹").buttons)[:4] == [thirteen[place] for place in (3, 9, 5, 2)]


def test_list_tells_numbers_titles_and_statuses(linked, chat: Chat) -> None:
    rows = {
        status: TicketFactory(requester=linked, title=f"<b>{status}</b>", status=status)
        for status in TicketStatus
    }
    answer = chat.say("/tickets")
    closed = rows.pop(TicketStatus.CLOSED)
    for row in rows.values():
        assert re.search(
            rf"{row.pk} · \S+ {row.get_status_display()}\n  <b>{row.status}</b>", answer.text
        )
    assert closed.title not in answer
    marked = {label for label in answer.buttons if label.endswith(" ❗")}
    awaiting = (rows[TicketStatus.WAITING], rows[TicketStatus.RESOLVED])
    assert marked == {f"{row.pk} ❗" for row in awaiting}


def test_what_waits_has_a_list_of_its_own(linked, foreign, chat: Chat) -> None:
    assert "❗ Ждут вас" not in " ".join(chat.start().buttons)
    rows = [
        TicketFactory(requester=linked, status=status)
        for status in ("waiting", "new", "resolved", "closed")
    ]
    in_status(foreign, TicketStatus.WAITING)
    waiting, new, resolved, _closed = rows
    assert "❗ Ждут вас · 2" in chat.say("/tickets").buttons
    answer = chat.press("❗ Ждут вас · 2")
    assert answer.text.startswith("Ждут вас · 2\n")
    assert numbers(answer.buttons) == [resolved.pk, waiting.pk]
    assert "❗ Ждут вас · 2" not in answer.buttons
    assert numbers(chat.press("📋 Открытые").buttons) == [resolved.pk, new.pk, waiting.pk]
    chat.start()
    assert numbers(chat.press("❗ Ждут вас · 2").buttons) == [resolved.pk, waiting.pk]


def test_list_shows_nobody_elses_tickets(anna, foreign, ticket, boris, chat: Chat) -> None:
    type(anna.organization).objects.update(shares_tickets=True)
    boris.organization = anna.organization
    boris.save()
    Ticket.objects.update(organization=anna.organization)
    for status in TicketStatus:
        in_status(foreign, status)
        chat.say("/tickets")
        for word in ("list", "awaiting", "closed"):
            assert "Тайна Бориса" not in chat.press(word)
    assert numbers(chat.press("list").buttons or chat.telegram.buttons(chat.last)) == [ticket.pk]


def test_closed_tickets_are_behind_a_button(linked, chat: Chat) -> None:
    closed = TicketFactory(requester=linked, status=TicketStatus.CLOSED)
    opened = TicketFactory(requester=linked)
    chat.say("/tickets")
    answer = chat.press("📁 Закрытые")
    assert "Закрытые заявки · 1" in answer
    assert numbers(answer.buttons) == [closed.pk]
    assert numbers(chat.press("📋 Открытые").buttons) == [opened.pk]


@pytest.mark.parametrize(
    "data",
    ["list:2", "list:99", "list:-1:1:1", "list:٢:1:1", "list:x", "list:" + "9" * 30,
     "list:2:1:1", "list:2:0:0", f"list:2:{9 * 10**17}:1", "list:2:1:1:after",
     "list:::", "list:2:1:1:before:1"],
)  # fmt: skip
def test_button_that_is_none_of_ours_shows_the_first_page(thirteen, chat: Chat, data) -> None:
    """`list:2` is one of an earlier version."""
    chat.say("/tickets")
    chat.press("›")
    answer = chat.press(data)
    assert numbers(answer.buttons) == thirteen[:6]
    assert "1 / 3" in answer.buttons


def test_buttons_of_pages_fit_into_their_64_bytes(linked, product, chat: Chat) -> None:
    number = 10**18 - 1
    for place in range(13):
        TicketFactory(
            pk=number - place, requester=linked, product=product, status="waiting",
            changed_at=NOON.replace(year=9999) - timedelta(seconds=place),
        )  # fmt: skip
    chat.start()
    chat.press("❗ Ждут вас · 13")
    for label in ("›", "›", "‹"):
        answer = chat.press(label)
        assert all(len(data.encode()) <= 64 for data in answer.buttons.values())
    assert numbers(answer.buttons) == [number - place for place in range(6, 12)]


def test_more_pages_than_are_counted_can_be_read(thirteen, chat: Chat, monkeypatch) -> None:
    monkeypatch.setattr("telegram_bot.flows.ticket_lists.PAGES_COUNTED", 1)
    monkeypatch.setattr("telegram_bot.flows.ticket_lists.TICKETS_COUNTED", 6)
    answer = chat.say("/tickets")
    assert "Открытые заявки · 6+" in answer
    assert "1 / 1+" in answer.buttons
    assert "2" in chat.press("›").buttons
    last = chat.press("›")
    assert "3" in last.buttons
    assert numbers(last.buttons) == thirteen[12:]


def test_page_number_answers_in_silence(thirteen, chat: Chat) -> None:
    chat.say("/tickets")
    pressed = chat.press("1 / 3")
    assert (pressed.messages, pressed.toast) == ([], "")


def test_refresh_without_changes_is_harmless(ticket, chat: Chat) -> None:
    chat.say("/tickets")
    assert chat.press("🔄 Обновить").messages == []
    in_status(ticket, TicketStatus.WAITING)
    assert "❗" in "".join(chat.press("🔄 Обновить").buttons)


@pytest.mark.parametrize("count", [1, 30])
def test_list_takes_the_same_queries_for_any_number(
    linked, product, chat: Chat, bot: Bot, django_assert_num_queries, count
) -> None:
    TicketFactory.create_batch(count, requester=linked, product=product)
    chat.start()
    chat.telegram.send("anna", "/tickets")
    with django_assert_num_queries(12):
        bot.run(fetch_and_work_off)
    assert len(numbers(chat.telegram.buttons(chat.last))) == min(count, 6)


# Reading


@pytest.mark.parametrize("way", ["number", "button", "link", "comments"])
def test_looking_at_a_ticket_marks_it_as_read_once(ticket, by_agent, chat: Chat, way) -> None:
    add_comment(ticket=ticket, actor=by_agent, body="Проверьте.")
    chat.say("/tickets")
    assert not TicketRead.objects.exists()
    for _look in "12":
        if way == "number":
            chat.say(str(ticket.pk))
        elif way == "link":
            chat.start(f"t_{ticket.pk}")
        else:
            chat.press(f"{'card' if way == 'button' else 'comments'}:{ticket.pk}")
        read = TicketRead.objects.get()
        assert (read.user, read.version) == (ticket.requester, ticket.events.latest("pk").pk)


def test_foreign_ticket_is_not_read(foreign, chat: Chat) -> None:
    chat.start()
    chat.say(str(foreign.pk))
    chat.press(f"comments:{foreign.pk}")
    assert not TicketRead.objects.exists()


# Words after the command


def test_words_after_the_command_find_among_all_own_tickets(linked, product, chat: Chat) -> None:
    mine = TicketFactory(
        requester=linked, product=product, title="Сбой узла vm-prod-7", status="closed"
    )
    TicketFactory(requester=linked, product=product, title="Другое")
    TicketFactory(product=product, title="Чужой сбой vm-prod-7")
    answer = chat.say("/tickets vm-prod")
    assert "Найдено по запросу «vm-prod»" in answer
    assert numbers(answer.buttons) == [mine.pk]
    assert f"№ {mine.pk}" in chat.press(str(mine.pk))


def test_more_than_a_page_is_found_on_the_portal(thirteen, chat: Chat) -> None:
    Ticket.objects.update(title="Сбой репликации")
    answer = chat.say("/tickets сбой")
    assert numbers(answer.buttons) == thirteen[:6]
    assert answer.buttons["🌐 Искать на портале"].endswith("/?q=%D1%81%D0%B1%D0%BE%D0%B9")


@pytest.mark.parametrize("words", ["нет такого", "<b>&", "%", "'\"--", "я" * 3000])
def test_nothing_found_is_said(linked, product, chat: Chat, words) -> None:
    TicketFactory(requester=linked, product=product)
    answer = chat.say(f"/tickets {words}")
    assert "ничего не нашлось" in answer.texts[0]
    assert list(answer.buttons) == ["📋 Открытые", "‹ Меню"]


def test_what_notes_say_is_not_found(linked, product, by_agent, chat: Chat) -> None:
    ticket = open_ticket(linked, product=product)
    add_comment(ticket=ticket, actor=by_agent, body="Тайное слово: журавль", internal=True)
    assert "ничего не нашлось" in chat.say("/tickets журавль").texts[0]
