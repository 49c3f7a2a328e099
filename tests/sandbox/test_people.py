"""What people do in a private chat."""

import pytest

from tests.local_telegram import Sandbox, SandboxError
from tests.sandbox.api import ANNA, BORIS, Api


def test_start_and_block_tell_the_bot(sandbox: Sandbox, api: Api) -> None:
    sandbox.start("anna", "t_10428")
    sandbox.block("anna")
    with pytest.raises(SandboxError, match="409"):
        sandbox.send("anna", "Привет")
    sandbox.block("anna", blocked=False)
    start, blocked, unblocked = api.updates()

    assert start["message"]["text"] == "/start t_10428"
    assert start["message"]["chat"]["type"] == "private"
    statuses = [
        update["my_chat_member"][f"{when}_chat_member"]["status"]
        for update in (blocked, unblocked)
        for when in ("old", "new")
    ]
    assert statuses == ["member", "kicked", "kicked", "member"]


def test_more_people(sandbox: Sandbox, api: Api) -> None:
    sandbox.meet("olga", 520_000_001, first_name="Ольга")
    sandbox.send("olga", "Привет")
    with pytest.raises(SandboxError, match="409"):
        sandbox.meet("olga", 520_000_002)
    [update] = api.updates()
    api.call("sendMessage", chat_id=520_000_001, text="Здравствуйте")

    assert update["message"]["from"]["first_name"] == "Ольга"
    assert [row["text"] for row in sandbox.messages("olga")] == ["Привет", "Здравствуйте"]
    sandbox.reset()
    with pytest.raises(SandboxError, match="404"):
        sandbox.send("olga", "Привет")


def test_contacts(anna: Sandbox, api: Api) -> None:
    asked = api.say(reply_markup={"keyboard": [[{"text": "Номер", "request_contact": True}]]})
    anna.contact("anna")
    anna.contact("anna", phone="+79031112233", user_id=BORIS, first_name="Борис")
    anna.contact("anna", phone="79031112233", user_id=None, forwarded=True)
    own, foreign, bare = (update["message"] for update in api.updates())

    assert own["contact"] == {
        "phone_number": "79161234567",
        "first_name": "Анна",
        "user_id": ANNA,
    }
    assert own["reply_to_message"]["message_id"] == asked["message_id"]
    assert (foreign["contact"]["user_id"], foreign["from"]["id"]) == (BORIS, ANNA)
    assert "user_id" not in bare["contact"]
    assert bare["forward_origin"]["sender_user"]["id"] == ANNA


def test_people_edit_delete_and_reply(anna: Sandbox, api: Api) -> None:
    first = anna.send("anna", "Первое")["message_id"]
    anna.send("anna", "Второе", reply_to=first)
    anna.edit("anna", first, "Исправлено")
    anna.delete("anna", first)
    _, second, edited = api.updates()

    assert second["message"]["reply_to_message"]["message_id"] == first
    assert edited["edited_message"]["text"] == "Исправлено"
    assert first not in [message["message_id"] for message in anna.messages("anna")]
    with pytest.raises(SandboxError, match="403"):
        anna.edit("anna", api.say()["message_id"], "Чужое")


def test_hostile_text_reaches_the_bot(anna: Sandbox, api: Api) -> None:
    for text in ("a\x00b", "\ud800", "\u200b", "١٢٣"):
        anna.send("anna", text)

    assert [update["message"]["text"] for update in api.updates()] == [
        "a\x00b",
        "\ud800",
        "\u200b",
        "١٢٣",
    ]
