"""What happens in a group, and what the bot sees of it."""

import json

import pytest

from sandbox import BOT_ID
from tests.local_telegram import Sandbox, SandboxError
from tests.sandbox.api import ANNA, BORIS, GROUP, MENTION, VIKTOR, Api


def test_bot_is_added_promoted_and_removed(sandbox: Sandbox, api: Api) -> None:
    for action in ("add_bot", "promote", "demote", "remove_bot"):
        sandbox.group(action)
    updates = api.updates()

    changes = [update["my_chat_member"] for update in updates if "my_chat_member" in update]
    assert [change["new_chat_member"]["status"] for change in changes] == [
        "member",
        "administrator",
        "member",
        "kicked",
    ]
    assert changes[0]["old_chat_member"]["status"] == "left"
    services = [update["message"] for update in updates if "message" in update]
    assert "new_chat_members" in services[0]
    assert "left_chat_member" in services[1]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("просто разговор", False),
        ("/help", True),
        (f"/config{MENTION}", True),
        ("/config@other_bot", False),
        (f"{MENTION.upper()} не открывается консоль", True),
        ("@anna_k посмотри", False),
    ],
)
def test_privacy_mode(group: Sandbox, api: Api, text: str, seen: bool) -> None:
    sent = group.send("boris", text, chat="alpha")

    assert (sent["update_id"] is not None) is seen
    assert len(api.updates()) == seen


def test_bot_sees_replies_and_text_mentions(group: Sandbox, api: Api) -> None:
    own = api.say(chat_id=GROUP)["message_id"]
    group.send("boris", "спасибо", chat="alpha", reply_to=own)
    entity = {"type": "text_mention", "offset": 0, "length": 9, "user": "bot"}
    group.send("boris", "Поддержка, помогите", chat="alpha", entities=[entity])
    replied, mentioned = (update["message"] for update in api.updates())

    assert replied["reply_to_message"]["message_id"] == own
    assert mentioned["entities"][0]["user"]["username"] == "support_sandbox_bot"


def test_bot_sees_a_text_mention_in_a_caption(group: Sandbox, api: Api) -> None:
    entity = {"type": "text_mention", "offset": 3, "length": 9, "user": "bot"}
    fields = {"caption": "🔥 Поддержка", "entities": json.dumps([entity])}
    group.files("boris", ("a.txt", b"a"), chat="alpha", **fields)
    group.files("boris", ("b.txt", b"b"), chat="alpha", caption="Поддержка")
    [update] = api.updates()

    [mention] = update["message"]["caption_entities"]
    assert mention["user"]["username"] == "support_sandbox_bot"


def test_admin_bot_sees_everything(group: Sandbox, api: Api) -> None:
    group.group("promote")
    api.updates()
    group.send("boris", "просто разговор", chat="alpha")

    assert len(api.updates()) == 1


def test_anonymous_admin(group: Sandbox, api: Api) -> None:
    group.send("anna", "/help", chat="alpha", anonymous=True)
    with pytest.raises(SandboxError, match="администраторы"):
        group.send("boris", "/help", chat="alpha", anonymous=True)
    [update] = api.updates()

    assert update["message"]["from"]["id"] == 1087968824
    assert update["message"]["sender_chat"]["id"] == GROUP


def test_members_of_a_group(group: Sandbox, api: Api) -> None:
    def status(user_id: int) -> str:
        found = api.call("getChatMember", chat_id=GROUP, user_id=user_id)["status"]
        return str(found)

    group.group("make_admin", person="viktor")

    assert [status(user) for user in (ANNA, BORIS, VIKTOR, BOT_ID)] == [
        "creator",
        "member",
        "administrator",
        "member",
    ]
    admins = api.call("getChatAdministrators", chat_id=GROUP)
    assert [admin["user"]["id"] for admin in admins] == [ANNA, VIKTOR]
    assert api.call("getChatMemberCount", chat_id=GROUP) == 4
    api.call("leaveChat", chat_id=GROUP)
    assert group.state()["groups"][0]["bot_status"] == "left"


def test_foreign_messages_of_a_group(group: Sandbox) -> None:
    sent = group.send("boris", "моё", chat="alpha")["message_id"]
    with pytest.raises(SandboxError, match="403"):
        group.edit("viktor", sent, "чужое", chat="alpha")
    with pytest.raises(SandboxError, match="403"):
        group.delete("viktor", sent, chat="alpha")
    group.group("rename", title="Бета")

    assert group.messages("anna", "alpha")[-1]["service"].endswith("«Бета»")
