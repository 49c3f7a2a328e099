"""What the bot writes, edits and deletes, and where it may."""

from typing import Any

from tests.local_telegram import Sandbox
from tests.sandbox.api import ANNA, GROUP, MENTION, Api, inline, reply

# Where the bot may write


def test_chats_that_are_closed_to_the_bot(sandbox: Sandbox, api: Api) -> None:
    def refusal(chat_id: int) -> str:
        return api.refusal("sendMessage", chat_id=chat_id, text="Привет")

    assert refusal(42) == "400 Bad Request: chat not found"
    assert refusal(ANNA) == "403 Forbidden: bot can't initiate conversation with a user"
    sandbox.start("anna")
    sandbox.block("anna")
    assert refusal(ANNA) == "403 Forbidden: bot was blocked by the user"
    assert refusal(GROUP) == "403 Forbidden: bot is not a member of the group chat"
    sandbox.group("add_bot")
    sandbox.group("remove_bot")
    assert refusal(GROUP) == "403 Forbidden: bot was kicked from the group chat"


def test_migrated_group_names_its_new_id(group: Sandbox, api: Api) -> None:
    new_id = group.group("migrate")["id"]

    answer = api.answer("sendMessage", chat_id=GROUP, text="Привет")

    assert answer["error_code"] == 400
    assert answer["parameters"] == {"migrate_to_chat_id": new_id}
    old, new = (update["message"] for update in api.updates())
    assert (old["chat"]["id"], old["migrate_to_chat_id"]) == (GROUP, new_id)
    assert (new["chat"]["id"], new["migrate_from_chat_id"]) == (new_id, GROUP)
    assert api.say(chat_id=new_id)["chat"]["type"] == "supergroup"


def test_topics(group: Sandbox, api: Api) -> None:
    described = group.group("create_topic", title="Сеть")
    chat_id, topic = described["id"], described["topics"][0]["id"]
    api.updates()

    group.send("boris", f"{MENTION} не работает", chat="alpha", topic=topic)
    [update] = api.updates()
    message = update["message"]
    answer = api.say(chat_id=chat_id, reply_parameters=reply(message["message_id"]))
    unknown = api.refusal("sendMessage", chat_id=chat_id, text="а", message_thread_id=999)
    group.group("close_topic", topic=topic)
    closed = api.refusal("sendMessage", chat_id=chat_id, text="а", message_thread_id=topic)

    assert (message["message_thread_id"], message["is_topic_message"]) == (topic, True)
    assert "forum_topic_created" in message["reply_to_message"]
    assert answer["message_thread_id"] == topic
    assert unknown == "400 Bad Request: message thread not found"
    assert closed == "400 Bad Request: TOPIC_CLOSED"


def test_reply_to_a_missing_message(anna: Sandbox, api: Api) -> None:
    missing = reply(999)
    refusal = api.refusal("sendMessage", chat_id=ANNA, text="а", reply_parameters=missing)
    allowed = api.say(reply_parameters=missing | {"allow_sending_without_reply": True})

    assert refusal == "400 Bad Request: message to be replied not found"
    assert "reply_to_message" not in allowed


def test_reply_holds_no_nested_reply(anna: Sandbox, api: Api) -> None:
    first = api.say("Первое")
    second = api.say("Второе", reply_parameters=reply(first["message_id"]))
    third = api.say("Третье", reply_parameters=reply(second["message_id"]))

    assert third["reply_to_message"]["text"] == "Второе"
    assert "reply_to_message" not in third["reply_to_message"]


# Editing and deleting


def test_edit_changes_text_and_keyboard(anna: Sandbox, api: Api) -> None:
    message = api.say(reply_markup=inline({"text": "а", "callback_data": "a"}))

    edited = api.call(
        "editMessageText", chat_id=ANNA, message_id=message["message_id"], text="Новый"
    )

    assert (edited["text"], "reply_markup" in edited, "edit_date" in edited) == (
        "Новый",
        False,
        True,
    )
    assert anna.last("anna")["edited"]


def test_edits_that_are_refused(anna: Sandbox, api: Api) -> None:
    own = api.say("Текст", reply_markup=inline({"text": "а", "callback_data": "a"}))
    keyboard = api.say("Вопрос", reply_markup={"keyboard": [["Да"]]})
    foreign = anna.send("anna", "Моё")

    def refusal(method: str, message: Any, **fields: Any) -> str:
        return api.refusal(method, chat_id=ANNA, message_id=message["message_id"], **fields)

    same = refusal("editMessageText", own, text="Текст", reply_markup=own["reply_markup"])
    assert same.startswith("400 Bad Request: message is not modified: specified new message")
    markup = {"keyboard": [["Да"]]}
    assert refusal("editMessageReplyMarkup", own, reply_markup=markup).endswith(
        "inline keyboard expected"
    )
    assert refusal("editMessageCaption", own, caption="а").endswith(
        "there is no caption in the message to edit"
    )
    for message in (keyboard, foreign):
        assert refusal("editMessageText", message, text="а").endswith("message can't be edited")
    assert refusal("editMessageText", {"message_id": 999}, text="а").endswith(
        "message to edit not found"
    )


def test_bot_deletes_own_and_private_messages(anna: Sandbox, api: Api) -> None:
    pin = anna.send("anna", "123456")["message_id"]
    own = api.say()["message_id"]
    before = len(anna.messages("anna"))

    api.call("deleteMessage", chat_id=ANNA, message_id=pin)
    api.call("deleteMessages", chat_id=ANNA, message_ids=[own, 999])
    again = api.refusal("deleteMessage", chat_id=ANNA, message_id=pin)

    assert len(anna.messages("anna")) == before - 2
    assert again == "400 Bad Request: message to delete not found"


def test_only_an_admin_bot_deletes_in_a_group(group: Sandbox, api: Api) -> None:
    message_id = group.send("boris", "/help", chat="alpha")["message_id"]

    refusal = api.refusal("deleteMessage", chat_id=GROUP, message_id=message_id)
    group.group("promote")
    api.call("deleteMessage", chat_id=GROUP, message_id=message_id)

    assert refusal == "400 Bad Request: message can't be deleted"


def test_reactions_and_chat_actions(anna: Sandbox, api: Api) -> None:
    message_id = anna.send("anna", "Привет")["message_id"]
    target = {"chat_id": ANNA, "message_id": message_id}

    api.call("setMessageReaction", **target, reaction=[{"type": "emoji", "emoji": "👀"}])
    refusal = api.refusal(
        "setMessageReaction", **target, reaction=[{"type": "emoji", "emoji": "🧯"}]
    )
    api.call("sendChatAction", chat_id=ANNA, action="typing")
    wrong = api.refusal("sendChatAction", chat_id=ANNA, action="thinking")

    assert anna.messages("anna")[-1]["reactions"] == ["👀"]
    assert refusal == "400 Bad Request: REACTION_INVALID"
    assert anna.chat("anna")["typing"]
    assert wrong == "400 Bad Request: wrong parameter action in request"
    api.say()
    assert not anna.chat("anna")["typing"]
