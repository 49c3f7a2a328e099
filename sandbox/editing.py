"""Bot API methods that change what is already in a chat, and answers to pressed buttons."""

import asyncio
from typing import Any

from sandbox.entities import utf16_length
from sandbox.errors import bad_request
from sandbox.keyboards import check_inline
from sandbox.parameters import Parameters
from sandbox.sending import formatted_caption, formatted_text, required_chat
from sandbox.state import TYPING_SECONDS, Chat, Group, Json, Message, State, without

MEDIA = ("document", "photo", "video", "audio", "voice")
TEXT_FIELDS = ("text", "entities", "link_preview_options")
CAPTION_FIELDS = ("caption", "caption_entities")
DELETABLE_SECONDS = 48 * 3600
ANSWERABLE_SECONDS = 15 * 60
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)
QUERY_GONE = "query is too old and response timeout expired or query ID is invalid"
ACTIONS = (
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document "
    "choose_sticker find_location record_video_note upload_video_note"
)
REACTIONS = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\u200d🔥 🌚 "
    "🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 "
    "✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷\u200d♂ 🤷 🤷\u200d♀ 😡"
)


def _editable(state: State, p: Parameters) -> tuple[Chat, Message]:
    chat = required_chat(state, p)
    chat.require_open()
    message = chat.messages.get(p.get("message_id", 0))
    if message is None:
        raise bad_request("message to edit not found")
    if not message.from_bot or message.has_reply_keyboard:
        raise bad_request("message can't be edited")
    return chat, message


def _edit(state: State, p: Parameters, replaced: tuple[str, ...], content: Json) -> Json:
    chat, message = _editable(state, p)
    markup = check_inline(p.get("reply_markup"), private=chat.is_private)
    kept = without(message.data, *replaced, "reply_markup", "edit_date")
    data = kept | content | ({"reply_markup": markup} if markup else {})
    if data == without(message.data, "edit_date"):
        raise bad_request(NOT_MODIFIED)
    message.data = data | {"edit_date": state.now()}
    state.changed("edit")
    return message.data


def edit_message_text(state: State, p: Parameters) -> Json:
    content = formatted_text(state, p)
    _, message = _editable(state, p)
    if "text" not in message.data:
        raise bad_request("there is no text in the message to edit")
    if p.get("link_preview_options"):
        content["link_preview_options"] = p["link_preview_options"]
    return _edit(state, p, TEXT_FIELDS, content)


def edit_message_caption(state: State, p: Parameters) -> Json:
    content = formatted_caption(state, p)
    _, message = _editable(state, p)
    if not any(kind in message.data for kind in MEDIA):
        raise bad_request("there is no caption in the message to edit")
    return _edit(state, p, CAPTION_FIELDS, content)


def edit_message_reply_markup(state: State, p: Parameters) -> Json:
    return _edit(state, p, (), {})


def delete_message(state: State, p: Parameters) -> bool:
    chat = required_chat(state, p)
    chat.require_open()
    message = chat.messages.get(p.get("message_id", 0))
    if message is None:
        raise bad_request("message to delete not found")
    _require_deletable(state, chat, message)
    chat.remove(message.id)
    state.changed("delete")
    return True


def _require_deletable(state: State, chat: Chat, message: Message) -> None:
    bot_is_admin = isinstance(chat, Group) and chat.bot_status == "administrator"
    if not (message.from_bot or chat.is_private or bot_is_admin):
        raise bad_request("message can't be deleted")
    if state.now() - message.data["date"] > DELETABLE_SECONDS and not bot_is_admin:
        raise bad_request("message can't be deleted for everyone")


def delete_messages(state: State, p: Parameters) -> bool:
    chat = required_chat(state, p)
    chat.require_open()
    ids = p.get("message_ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
        raise bad_request("message identifiers are not specified")
    found = [chat.messages[number] for number in ids if number in chat.messages]
    for message in found:
        _require_deletable(state, chat, message)
    for message in found:
        chat.remove(message.id)
    state.changed("delete")
    return True


def answer_callback_query(state: State, p: Parameters) -> bool:
    text = p.get("text", "")
    if utf16_length(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    callback = state.callbacks.pop(p.get("callback_query_id", ""), None)
    if callback is None or state.clock() - callback.at > ANSWERABLE_SECONDS:
        raise bad_request(QUERY_GONE)
    callback.answer.set_result({"text": text, "show_alert": p.get("show_alert", False)})
    return True


def send_chat_action(state: State, p: Parameters) -> bool:
    chat = required_chat(state, p)
    chat.require_open()
    if p.get("action") not in ACTIONS.split():
        raise bad_request("wrong parameter action in request")
    chat.typing_until = state.clock() + TYPING_SECONDS
    state.changed("typing")
    asyncio.get_running_loop().call_later(TYPING_SECONDS, state.changed, "typing")
    return True


def set_message_reaction(state: State, p: Parameters) -> bool:
    chat = required_chat(state, p)
    chat.require_open()
    message = chat.messages.get(p.get("message_id", 0))
    if message is None:
        raise bad_request("message to react not found")
    reactions: list[Any] = p.get("reaction") or []
    emoji = [reaction.get("emoji") for reaction in reactions]
    if len(emoji) > 1 or not set(emoji) <= set(REACTIONS.split()):
        raise bad_request("REACTION_INVALID")
    message.reactions = emoji
    state.changed("reaction")
    return True
