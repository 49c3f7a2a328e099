"""Whatever an update holds: it is worked off, answered in form, and does nothing to others."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telegram_bot.application import BUTTONS
from telegram_bot.models import Dialog
from tests.local_telegram import Json
from tests.telegram_bot.anything import (
    arrive,
    callback_data,
    documents,
    entities,
    people,
    quoting,
    require_calm,
    some,
    steps,
    texts,
)
from tests.telegram_bot.bot import Bot, Chat
from tickets.models import Comment, Ticket, TicketEvent

pytestmark = pytest.mark.usefixtures("linked")

starts = st.sampled_from(["", "/start ", "/start t_", "/start n_", "/new", "№ ", "Да", "Отмена"])


@pytest.fixture
def quiet(bot: Bot, chat: Chat, telegram, ticket: Ticket, foreign: Ticket) -> Iterator[Bot]:
    """At the end nothing has failed, and nobody has read or changed what is Boris's."""
    chat.start()
    yield bot
    require_calm(telegram)
    assert foreign.title not in json.dumps(telegram.requests(), ensure_ascii=False)
    assert TicketEvent.objects.filter(ticket=foreign).count() == 1
    assert not Comment.objects.filter(ticket=foreign).exists()


def sender(chat: Chat, **more: Any) -> Json:
    return {"id": chat.id, "is_bot": False, "first_name": "Анна"} | more


def ask(chat: Chat, ticket: Ticket, step: str) -> None:
    """Let the dialog be at a step, with all that it may remember."""
    draft = {"id": 1, "product": ticket.product_id, "title": "Тема", "description": "Слова"}
    Dialog.objects.filter(chat_id=chat.id).update(
        step=step, data={"ticket": ticket.pk}, draft=draft, draft_at=chat.bot.clock.now()
    )


@pytest.mark.each_case
@some
@given(data=callback_data, step=steps, of_message=st.booleans())
def test_any_press(quiet: Bot, chat: Chat, ticket, data, step, of_message) -> None:
    ask(chat, ticket, step)
    message = {"message_id": 1, "date": 1, "chat": {"id": chat.id, "type": "private"}, "text": "x"}
    press = {"id": "1", "chat_instance": "1", "data": data, "from": sender(chat)}
    press |= {"message": message} if of_message else {"inline_message_id": "1"}
    answer = chat.watch(lambda: arrive(quiet, press, "callback_query"))
    made = [call["method"] for call in answer.calls if call["method"] != "getChatMember"]
    assert made[:1] == ["answerCallbackQuery"] * of_message


@pytest.mark.parametrize("word", sorted(BUTTONS))
def test_press_for_a_ticket_that_is_not_ones_own(quiet: Bot, chat: Chat, foreign, word) -> None:
    for number in (foreign.pk, 10**17, 0):
        for extra in ("", ":1", ":5", ":kept", f":{foreign.pk}"):
            quiet.clock.advance(minutes=2)
            chat.press(f"{word}:{number}{extra}")


@pytest.mark.each_case
@some
@given(st.data(), starts, texts, people, steps)
def test_any_message(quiet: Bot, chat: Chat, ticket, data, start, text, person, step) -> None:
    ask(chat, ticket, step)
    words = {"text": start + text or "x", "entities": data.draw(entities)}
    content = {
        "message_id": data.draw(st.integers(1, 10**6)),
        "date": 1,
        "chat": {"id": chat.id, "type": "private"},
        "from": sender(chat, **person),
        **data.draw(documents.map(lambda file: file | {"caption": text}) | st.just(words)),
        **data.draw(st.just({}) | quoting),
    }
    arrive(quiet, content)


@pytest.mark.each_case
@some
@given(text=texts, step=steps, marks=entities)
def test_any_correction(quiet: Bot, chat: Chat, ticket, text, step, marks) -> None:
    """An edited message, also one that has made a comment."""
    said = chat.telegram.send("anna", "Слова") if step else chat.telegram.send("anna", "/help")
    content = {
        "message_id": said["message_id"],
        "date": 1,
        "edit_date": 2,
        "chat": {"id": chat.id, "type": "private"},
        "from": sender(chat),
        "text": text or "x",
        "entities": marks,
    }
    arrive(quiet, content, "edited_message")
