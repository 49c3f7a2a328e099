"""Which state of a ticket somebody has read, and changes that are for that state only."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.utils.crypto import salted_hmac

from tickets.models import Ticket
from tickets.plain import ticket_data
from tickets.recording import Actor, change_by, lock
from tickets.refusals import TicketChanged


def version_of(ticket: Ticket, *, internal: bool) -> str:
    """Another one whenever what a reader sees of it has changed; `internal` with the notes.

    The ticket comes with what `plain.RELATED` names. Made with our key: a reader who knows the rest
    could else find out by trying which number is kept from them (`tickets.kin`).
    """
    seen = [ticket_data(ticket), ticket.version, ticket.desk_version if internal else None]
    text = json.dumps(seen, default=str)
    return salted_hmac("tickets.versions", text, algorithm="sha256").hexdigest()[:32]


@contextmanager
def change_of(
    ticket: Ticket, actor: Actor, *, versions: Collection[str] | None, internal: bool
) -> Iterator[None]:
    """The transaction of a change of one of these versions, of any without; counts as one change.

    Asked under the lock, so that nothing comes between. Raises TicketChanged and TooManyChanges.
    """
    with change_by(actor):
        if versions is not None and version_of(lock(ticket), internal=internal) not in versions:
            raise TicketChanged
        yield
