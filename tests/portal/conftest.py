import pytest

from tests.factories import open_ticket
from tickets import recording, services
from tickets.status import TicketStatus


@pytest.fixture
def logged_in(client, anna):
    """Anna is logged in on the portal."""
    client.force_login(anna)


@pytest.fixture
def ticket(anna, product):
    return open_ticket(anna, product=product, title="Не открывается отчёт")


@pytest.fixture
def resolved(ticket, agent):
    return services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово."
    )


@pytest.fixture
def closed(resolved, agent):
    return services.change_status(
        ticket=resolved, to=TicketStatus.CLOSED, actor=recording.agent(agent), answer="Готово."
    )
