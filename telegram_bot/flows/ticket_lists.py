"""Lists of one's own tickets, the last change first (R4.1)."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import escape
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from telegram_bot import keyboards as kb
from telegram_bot.flows.menu import awaiting_row, leave_step
from telegram_bot.incoming import Incoming
from telegram_bot.models import Dialog
from telegram_bot.replies import Replies, Reply
from telegram_bot.templating import render
from tickets.models import Ticket
from tickets.queries import (
    ORGANIZATION,
    REQUESTER,
    Place,
    TicketPage,
    awaiting_count,
    bounded,
    count_lists,
    count_of,
    page_after,
    page_before,
    read_place,
)
from tickets.search import search_tickets
from tickets.text import cut

TICKETS_A_PAGE = 6
PAGES_COUNTED = 50
TICKETS_COUNTED = TICKETS_A_PAGE * PAGES_COUNTED
TERM_SHOWN = 60  # characters
SHOWN = ("title", "status", "changed_at", "requester")
BEFORE = "before"  # ends the data of a button that leads to the page before a place


@dataclass(frozen=True)
class TicketList:
    word: str  # of its buttons
    rows: QuerySet[Ticket]
    empty: str


def show_open(dialog: Dialog, message: Incoming) -> Replies:
    """The open tickets; with words after the command, those of all that have them."""
    parked = [] if message.press else leave_step(dialog, message)
    if message.argument and not message.press:
        return [*parked, _found_screen(message, message.argument)]
    rows = Ticket.objects.own(message.customer).open()
    opened = TicketList("list", rows, _("Открытых заявок нет. 🎉"))
    return [*parked, _list_screen(message, opened)]


def _found_screen(message: Incoming, term: str) -> Reply:
    """The newest that a search finds: own tickets, else those of colleagues. The portal has all."""
    shown = cut(term, TERM_SHOWN)
    page = _found(Ticket.objects.own(message.customer), REQUESTER, term)
    theirs = not page.tickets
    if theirs:
        page = _found(Ticket.objects.of_organization(message.customer), ORGANIZATION, term)
    others = [kb.button(_("📋 Открытые"), "list"), kb.button(_("‹ Меню"), "menu")]
    if not page.tickets:
        text = _("По запросу «%(term)s» ничего не нашлось.") % {"term": shown}
        return message.say(escape(text), kb.inline(others))
    text = render("found", tickets=page.tickets, term=shown, theirs=theirs, more=bool(page.older))
    query = {"q": shown} | ({"tab": "organization"} if theirs else {})
    on_portal = f"{reverse('ticket_list')}?{urlencode(query)}"
    return message.say(
        text,
        kb.inline(
            *kb.in_rows(_numbers(message, page), 3),
            [kb.portal(_("🌐 Искать на портале"), on_portal)] if page.older else [],
            others,
        ),
    )


def _found(rows: QuerySet[Ticket], owner: str, term: str) -> TicketPage:
    found = search_tickets(rows, term, internal=False)
    return page_after(found.only(*SHOWN), owner, TICKETS_A_PAGE, None)


def show_awaiting(dialog: Dialog, message: Incoming) -> Replies:
    rows = Ticket.objects.own(message.customer).awaiting()
    return [_list_screen(message, TicketList("awaiting", rows, _("Вас ничего не ждёт. 🎉")))]


def show_closed(dialog: Dialog, message: Incoming) -> Replies:
    rows = Ticket.objects.own(message.customer).closed()
    return [_list_screen(message, TicketList("closed", rows, _("Закрытых заявок нет.")))]


def _list_screen(message: Incoming, shown: TicketList) -> Reply:
    counts = count_lists(
        message.customer,
        awaiting=awaiting_count(message.customer),
        listed=count_of(shown.rows, REQUESTER, TICKETS_COUNTED),
    )
    number, page = _page(message, shown.rows)
    if not page.tickets:
        return _empty_list(message, shown)
    text = render(
        "list",
        tickets=page.tickets,
        word=shown.word,
        count=bounded(counts["listed"], TICKETS_COUNTED),
    )
    return message.screen(
        text,
        kb.inline(
            *kb.in_rows(_numbers(message, page), 3),
            _pager(shown.word, number, page, counts["listed"]),
            awaiting_row(counts["awaiting"]) if shown.word == "list" else [],
            [_to(_("🔄 Обновить"), shown.word, number, page.after), *_others(shown)],
            [kb.button(_("‹ Меню"), "menu")],
        ),
    )


def _numbers(message: Incoming, page: TicketPage) -> list[kb.Button]:
    return [
        kb.button(f"{row.pk} ❗" if row.awaits(message.customer) else str(row.pk), "card", row.pk)
        for row in page.tickets
    ]


def _page(message: Incoming, rows: QuerySet[Ticket]) -> tuple[int, TicketPage]:
    """The page a button asks for with its number; the first one for what no button of ours asks."""
    rows = rows.only(*SHOWN)
    ids = kb.parse(message.data)[1] if message.press else []
    is_before = ids[3:] == [BEFORE]
    asked = kb.parse_ids(ids[:3] if is_before else ids, 3) or []
    place = read_place(asked[1:])
    page = None
    if place and is_before:
        page = page_before(rows, REQUESTER, TICKETS_A_PAGE, place)
    elif place:
        page = page_after(rows, REQUESTER, TICKETS_A_PAGE, place)
    if page and page.tickets:
        return max(asked[0], 2), page
    return 1, page_after(rows, REQUESTER, TICKETS_A_PAGE, None)


def _to(label: str, word: str, number: int, place: Place | None, *more: str) -> kb.Button:
    """A button to the page at a place; to the first page it names none."""
    if place is None:
        return kb.button(label, word)
    return kb.button(label, word, number, *place.ids, *more)


def _pager(word: str, number: int, page: TicketPage, count: int) -> list[kb.Button]:
    """‹ 2 / 3 ›: no arrow where there is no page, nothing at all for a single page."""
    if not (page.newer or page.older):
        return []
    pages = -(-count // TICKETS_A_PAGE)
    of_all = f"{min(number, pages)} / {bounded(pages, PAGES_COUNTED)}"
    row = [kb.button(str(number) if number > PAGES_COUNTED else of_all, "page")]
    if page.newer:
        row.insert(0, _to("‹", word, number - 1, page.newer, BEFORE))
    if page.older:
        row.append(_to("›", word, number + 1, page.older))
    return row


def _others(shown: TicketList) -> list[kb.Button]:
    if shown.word == "list":
        return [kb.button(_("📁 Закрытые"), "closed")]
    return [kb.button(_("📋 Открытые"), "list")]


def _empty_list(message: Incoming, shown: TicketList) -> Reply:
    create = [kb.button(_("➕ Создать"), "new")] if shown.word == "list" else []
    others = [] if shown.word == "closed" else _others(shown)
    return message.screen(
        shown.empty, kb.inline([*create, *others], [kb.button(_("‹ Меню"), "menu")])
    )
