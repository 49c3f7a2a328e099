"""What every step of the bot pays for, kept small."""

import asyncio
import sys
import threading
from importlib.util import find_spec

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.urls import get_urlconf, set_urlconf
from telegram import Update

from telegram_bot import database
from telegram_bot.bot_api import Request
from telegram_bot.flows.menu import menu_screen
from telegram_bot.flows.my_tickets import find_ticket
from telegram_bot.incoming import Incoming
from telegram_bot.models import TicketMessage
from tests.factories import CommentFactory, MessengerAccountFactory, TicketFactory


@pytest.mark.parametrize("is_known", [False, True])
def test_message_is_noted_in_one_query(db, django_assert_num_queries, is_known: bool) -> None:
    before, now = TicketFactory(), TicketFactory()
    if is_known:
        TicketMessage.note(1, 2, before.pk, for_agents=True)

    with django_assert_num_queries(1):
        TicketMessage.note(1, 2, now.pk, has_resolution=True)

    [row] = TicketMessage.objects.all()
    assert (row.ticket, row.has_resolution, row.for_agents) == (now, True, False)


def test_noting_a_message_anew_leaves_what_it_gave_to_a_comment(db) -> None:
    comment = CommentFactory()
    TicketMessage.note_part(1, 2, comment, "Слова")
    TicketMessage.note(1, 2, comment.ticket_id)
    [row] = TicketMessage.objects.all()
    assert (row.comment, row.text) == (comment, "Слова")


def test_connection_is_asked_whether_it_lives_now_and_then_and_after_an_error(
    db, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    monkeypatch.setattr(database, "monotonic", clock.monotonic)
    database._looks.last = clock.monotonic()
    monkeypatch.setattr(database, "close_old_connections", lambda: looks.append(1))
    run = async_to_sync(database.in_database)

    run(int)
    run(int)
    assert len(looks) == 0

    clock.advance(seconds=2)
    run(int)
    run(int)
    assert len(looks) == 1

    connection.errors_occurred = True
    run(int)
    connection.errors_occurred = False
    assert len(looks) == 3  # before the function and after it, since nothing has mended it here


def test_threads_have_the_addresses_of_the_bot_and_work_side_by_side() -> None:
    """Else the first link would load every page of the portal; see telegram_bot/addresses.py."""
    count = database.THREADS if connection.features.has_select_for_update else 1
    together = threading.Barrier(count, timeout=30)

    def meet() -> str | None:
        together.wait()
        return get_urlconf()

    async def work() -> list[str | None]:
        return await asyncio.gather(*(database.in_database(meet) for _one in range(count)))

    set_urlconf("telegram_bot.addresses")
    try:
        with database.own_threads():
            assert asyncio.run(work()) == ["telegram_bot.addresses"] * count
    finally:
        set_urlconf(None)
    assert database._threads is None


def test_no_call_searches_the_folders_for_a_library_that_is_not_there() -> None:
    Request()
    assert "sniffio" in sys.modules or find_spec("sniffio")


def test_menu_takes_one_query_and_so_does_a_ticket(db, django_assert_num_queries) -> None:
    ticket = TicketFactory()
    message = Incoming(Update(1))
    message.account = MessengerAccountFactory(user=ticket.requester)
    with django_assert_num_queries(1):
        menu_screen(message, ticket.requester)
    with django_assert_num_queries(1):
        found = find_ticket(message, ticket.pk)
        assert found is not None
        assert found.product.name
    with django_assert_num_queries(1):
        assert find_ticket(message, ticket.pk + 1) is None
