"""Where support's answers will reach a requester, as things stand."""

from dataclasses import dataclass

from tickets.delivery import channels
from tickets.models import Face, Ticket, TicketEvent
from tickets.notices import Notice, NoticeKind


@dataclass(frozen=True)
class Way:
    label: str
    email: str = ""  # where the channel writes letters


def ways_of_answer(ticket: Ticket) -> list[Way]:
    """What the channels would do with an answer now; the ticket need not be saved yet."""
    answer = TicketEvent(
        ticket=ticket, kind=TicketEvent.Kind.COMMENTED, by_agent=True, face=Face.ADMIN
    )
    notice = Notice(NoticeKind.COMMENT, answer)
    return [
        Way(str(channel.label), recipient.address if channel.takes_emails else "")
        for channel in channels().values()
        if not channel.hears_everything  # those are for programs
        for recipient in channel.recipients(notice)
    ]
