"""Rows of the queue, made without a template: fifty of them took half of the page's time."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.models import User
from tickets.models import Face, Ticket
from tickets.reads import is_news
from tickets.templatetags.labels import priority_mark, status_chip

FACE_ICONS = {
    Face.PORTAL: "🌐",
    Face.BOT: "✈️",
    Face.GROUP: "👥",
    Face.API: "⚡",
    Face.ADMIN: "🎧",
    Face.SYSTEM: "⚙️",
}
NOTHING = SafeString("")
ROW = (
    '<tr{late}>{tick}<td class="number"><span class="on-card">№ </span>{number}</td>'
    '<td class="news">{news}</td>'
    '<th scope="row"><a href="{card}">{title}</a><small>{face} {client}</small></th>'
    '<td>{product}</td><td>{priority}</td><td>{status}</td><td class="since">{since}</td>'
    "<td>{assignee}</td></tr>\n"
)
TICK = (
    '<td class="tick"><label><input type="checkbox" name="_selected_action" value="{number}">'
    '<span class="visually-hidden">№ {number}</span></label></td>'
)
NEWS = (
    '<span aria-hidden="true" title="{words}">●</span><span class="visually-hidden">{words}</span>'
)


class Rows:
    """Tickets as a page of the list shows them to an agent, who may tick them or only look."""

    def __init__(
        self, tickets: list[Ticket], agent: User, *, from_list: str, may_tick: bool
    ) -> None:
        self.tickets, self.agent, self.may_tick = tickets, agent, may_tick
        self.from_list = from_list
        self.list_url = reverse("admin:tickets_ticket_changelist")
        self.now = timezone.now()
        self.chip, self.mark, self.face = cache(status_chip), cache(priority_mark), cache(_face)
        self.news = format_html(NEWS, words=_("Есть новое"))
        self.nobody = format_html('<span class="quiet">{}</span>', _("не назначен"))

    def __len__(self) -> int:
        return len(self.tickets)

    def __iter__(self) -> Iterator[SafeString]:
        return map(self._row, self.tickets)

    def _row(self, ticket: Ticket) -> SafeString:
        number = ticket.pk
        return format_html(
            ROW,
            late=mark_safe(' class="late"') if self._is_late(ticket) else NOTHING,
            tick=format_html(TICK, number=number) if self.may_tick else NOTHING,
            number=number,
            news=self.news if is_news(ticket, self.agent) else NOTHING,
            card=f"{self.list_url}{number}/change/{self.from_list}",
            title=ticket.title,
            face=self.face(ticket.face),
            client=_client(ticket),
            product=f"{ticket.product.icon} {ticket.product}",
            priority=self.mark(ticket.priority),
            status=self._status(ticket),
            since=self._since(ticket),
            assignee=ticket.assignee.short_name if ticket.assignee else self.nobody,
        )

    def _is_late(self, ticket: Ticket) -> bool:
        due_at = ticket.next_due_at
        return bool(due_at and due_at <= self.now and not ticket.is_closed)

    def _status(self, ticket: Ticket) -> SafeString:
        score = (
            format_html(' <span class="score" title="{}">{} ★</span>', _("оценка"), ticket.score)
            if ticket.score
            else NOTHING
        )
        return SafeString(self.chip(ticket.status) + self._snooze(ticket) + score)

    def _snooze(self, ticket: Ticket) -> SafeString:
        """Until when it is put off, or that its time has come."""
        until = ticket.snoozed_until
        if not until or ticket.is_closed:
            return NOTHING
        if until <= self.now:
            return format_html(' <span class="back">{}</span>', _("вернулась"))
        return format_html("<small>{} {}</small>", _("отложена до"), short_time(until, self.now))

    def _since(self, ticket: Ticket) -> SafeString:
        """Since when the other side waits for a word, or since when it is closed; what is due."""
        since = ticket.closed_at or ticket.last_word_at
        return format_html(
            '<span class="on-card">{} </span><time datetime="{}">{}</time>{}',
            _("закрыта") if ticket.is_closed else _("ждёт с"),
            since.isoformat(),
            short_time(since, self.now),
            self._due(ticket),
        )

    def _due(self, ticket: Ticket) -> SafeString:
        if not ticket.next_due_at or ticket.is_closed:
            return NOTHING
        word = _("просрочена с") if self._is_late(ticket) else _("срок")
        return format_html("<small>{} {}</small>", word, short_time(ticket.next_due_at, self.now))


def _face(value: str) -> SafeString:
    face = Face(value)
    return format_html(
        '<span role="img" aria-label="{label}" title="{label}">{icon}</span>',
        label=face.label,
        icon=FACE_ICONS[face],
    )


def _client(ticket: Ticket) -> str:
    person = ticket.requester.short_name
    return f"{ticket.organization} · {person}" if ticket.organization else person


def short_time(at: datetime, now: datetime) -> str:
    """`14:05` of today, `26.11 14:05`, `26.11.2025` of another year."""
    at, now = timezone.localtime(at), timezone.localtime(now)
    if at.date() == now.date():
        return f"{at:%H:%M}"
    return f"{at:%d.%m %H:%M}" if at.year == now.year else f"{at:%d.%m.%Y}"
