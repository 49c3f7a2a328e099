"""Whatever a group says: nothing fails, nothing unclean is kept, nothing private is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telegram_bot.models import GroupProduct
from telegram_bot.utf16 import utf16_length
from tests.telegram_bot.anything import (
    arrive,
    callback_data,
    documents,
    entities,
    people,
    quoting,
    require_calm,
    some,
    texts,
)
from tests.telegram_bot.groups.group_chat import MENTION, GroupBot, Member

pytestmark = pytest.mark.each_case

ANNA = 510_000_001


@pytest.fixture
def calm(bot: GroupBot, group, in_group: Member):
    yield bot
    require_calm(bot.telegram)
    said = json.dumps([one["text"] for one in in_group.seen], ensure_ascii=False)
    assert "@alpha.example" not in said
    assert "+7916" not in said


@some
@given(st.data(), st.sampled_from(["", MENTION, f"🙂 {MENTION}", f"{MENTION} {MENTION}"]), texts,
       texts, people)  # fmt: skip
def test_any_message(calm: GroupBot, group, data, mention, text, title, person) -> None:
    text = f"{mention} {text}"
    own = {
        "type": "mention",
        "offset": utf16_length(text.partition("@")[0]),
        "length": len(MENTION),
    }
    marks = [*data.draw(entities), *([own] if mention else [])]
    content = {
        "message_id": data.draw(st.integers(1, 10**6)),
        "date": 1,
        "chat": {"id": group.chat_id, "type": "supergroup", "title": title},
        "from": {"id": ANNA, "is_bot": False} | person,
        **data.draw(
            documents.map(lambda file: file | {"caption": text, "caption_entities": marks})
            | st.just({"text": text, "entities": marks})
        ),
        **data.draw(st.just({}) | quoting),
    }
    arrive(calm, content)


@some
@given(title=texts)
def test_any_title(calm: GroupBot, group, title) -> None:
    content = {
        "message_id": 10**6,
        "date": 1,
        "chat": {"id": group.chat_id, "type": "supergroup", "title": title},
        "from": {"id": ANNA, "is_bot": False, "first_name": "Анна"},
        "new_chat_title": title or "x",
    }
    arrive(calm, content)


@some
@given(data=callback_data, topic=st.integers(0, 10**18))
def test_any_press_of_a_guest(calm: GroupBot, group, product, boris_in_group, data, topic) -> None:
    """Who may not set the group up changes nothing, whatever they press."""
    chosen = list(GroupProduct.objects.values_list("product", "topic", "chosen_by"))
    for press in (data, f"group_product:{product.pk}:{topic}"):
        content = {
            "id": "1",
            "chat_instance": "1",
            "data": press,
            "from": {"id": 510_000_002, "is_bot": False, "first_name": "Борис"},
            "message": {
                "message_id": 1,
                "date": 1,
                "chat": {"id": group.chat_id, "type": "supergroup", "title": "Альфа"},
                "text": "x",
            },
        }
        arrive(calm, content, "callback_query")
    assert list(GroupProduct.objects.values_list("product", "topic", "chosen_by")) == chosen
