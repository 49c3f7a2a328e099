"""Updates of any content, for Hypothesis, and what must hold after them."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from telegram_bot.application import BUTTONS, GROUP_BUTTONS, STEPS
from telegram_bot.models import Dialog, Group, IncomingUpdate
from tests.local_telegram import Json, Sandbox
from tests.telegram_bot.bot import Bot
from tickets.models import Attachment, Comment, Delivery, Ticket
from tickets.text import UNSAFE

some = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.text(st.characters(exclude_categories=()), max_size=60) | st.text(
    "аb1 \0\r\n\t\u2028\u200b\u200d\u202e\u2066\ud800\udfff🙂<&>:_\"'%", max_size=40
)
steps = st.sampled_from(["", *STEPS, "gone"])
people = st.fixed_dictionaries({"first_name": texts, "last_name": texts, "username": texts})
places = st.integers(-5, 60) | st.just(2**31)
kinds = st.sampled_from(["mention", "text_mention", "bot_command", "text_link", "new kind"])
entities = st.lists(
    st.fixed_dictionaries({"type": kinds, "offset": places, "length": places}), max_size=4
)
origins = st.builds(
    lambda name: {"type": "hidden_user", "date": 1, "sender_user_name": name}, texts
)
quoting = st.builds(
    lambda text, place, origin: {
        "quote": {"text": text, "position": place},
        "external_reply": {"origin": origin},
    },
    texts, st.integers(0, 100), origins,
)  # fmt: skip
documents = st.builds(
    lambda name, kind: {
        "document": {
            "file_id": "x", "file_unique_id": "y", "file_name": name, "mime_type": kind
        }
    },
    texts | texts.map("{}.pdf".format), texts | st.just("image/png"),
)  # fmt: skip

# Callback data: at most 64 bytes
ids = (
    st.integers(-(10**20), 10**20).map(str)
    | st.sampled_from(["0", "1", "2", "3", "٣", "1_0", "+1", "1e3", "0x1", " 1", "kept", ""])
    | texts
)
words = st.sampled_from(sorted({*BUTTONS, *GROUP_BUTTONS, "group_check"})) | texts
callback_data = st.builds(
    lambda word, rest: ":".join([word, *rest]), words, st.lists(ids, max_size=4)
).map(lambda data: data.encode("utf-8", "surrogatepass")[:64].decode("utf-8", "ignore"))


def arrive(bot: Bot, content: Json, kind: str = "message") -> None:
    """Let an update come as it is, from somebody who does not flood."""
    bot.clock.advance(minutes=2)
    bot.telegram.update(content, kind)
    bot.catch_up()


def require_calm(telegram: Sandbox) -> None:
    """No step has failed, Telegram could take every message, and what is kept is clean."""
    assert not IncomingUpdate.objects.filter(processed_at=None).exists()
    assert not IncomingUpdate.objects.exclude(error="").exists()
    sent = [call for call in telegram.requests() if call["method"] in MESSAGES]
    assert [call for call in sent if call["status"] == 400 and not _is_harmless(call)] == []
    assert [text for text in _kept_texts() if UNSAFE.search(text)] == []


MESSAGES = {"sendMessage", "editMessageText"}
HARMLESS = ("message is not modified", "message to edit not found", "message can't be edited")


def _is_harmless(call: Json) -> bool:
    return any(words in json.dumps(call) for words in HARMLESS)


def _kept_texts() -> Iterator[str]:
    """What people's words have become, wherever it is kept."""
    for model, names in (
        (Ticket, ("title", "description")),
        (Comment, ("body",)),
        (Attachment, ("name", "content_type", "source")),
        (Group, ("title",)),
        (Delivery, ("data", "error")),
        (Dialog, ("draft", "data", "kept", "step")),
    ):
        for values in model.objects.values_list(*names):
            yield from _strings(list(values))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _strings([*value, *value.values()])
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
