"""Bot API methods that put a new message into a chat."""

import secrets
from dataclasses import dataclass
from typing import Any

from sandbox.entities import Entity, format_text, utf16_length
from sandbox.errors import bad_request, not_emulated
from sandbox.files import Upload, check_upload, describe_media
from sandbox.keyboards import check_markup, refuse_unknown
from sandbox.parameters import Parameters
from sandbox.state import Chat, Group, Json, State, without

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_ALBUM = 10
REPLY_FIELDS = {"message_id", "chat_id", "allow_sending_without_reply"}
MEDIA_FIELDS = {"type", "media", "caption", "parse_mode", "width", "height", "duration"}
COPIED = (
    "text entities caption caption_entities link_preview_options "
    "document photo video audio voice contact sticker video_note"
)
# What cannot share an album with anything else.
ALONE = {"document", "audio"}


@dataclass
class Slot:
    """A place the bot may write to."""

    chat: Chat
    reply_to: int | None
    thread: int | None


def open_slot(state: State, p: Parameters, *, cost: int = 1) -> Slot:
    chat = required_chat(state, p)
    chat.require_open()
    reply_to = _reply_target(chat, p.get("reply_parameters"))
    thread = p.get("message_thread_id")
    if reply_to and not thread:
        thread = chat.messages[reply_to].data.get("message_thread_id")
    if thread:
        _require_topic(chat, thread)
    state.limits.take(chat.id, private=chat.is_private, cost=cost)
    return Slot(chat, reply_to, thread)


def required_chat(state: State, p: Parameters, name: str = "chat_id") -> Chat:
    if name not in p:
        raise bad_request(f"{name} is empty")
    return state.find_chat(p[name])


def _reply_target(chat: Chat, reply: Any) -> int | None:
    if not reply:
        return None
    refuse_unknown(reply, REPLY_FIELDS, "reply_parameters")
    if reply.get("chat_id", chat.id) != chat.id:
        raise not_emulated("replies across chats")
    message_id = reply.get("message_id")
    if message_id in chat.messages:
        return int(message_id)
    if reply.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


def _require_topic(chat: Chat, thread: int) -> None:
    topic = chat.topics.get(thread) if isinstance(chat, Group) else None
    if topic is None:
        raise bad_request("message thread not found")
    if topic["closed"]:
        raise bad_request("TOPIC_CLOSED")


def formatted_text(state: State, p: Parameters) -> Json:
    text, entities = format_text(p.get("text", ""), p.get("parse_mode"))
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > MAX_TEXT:
        raise bad_request("message is too long")
    return {"text": text} | _known_entities(state, "entities", entities)


def formatted_caption(state: State, p: Json) -> Json:
    caption, entities = format_text(p.get("caption") or "", p.get("parse_mode"))
    if utf16_length(caption) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    content: Json = {"caption": caption} if caption else {}
    return content | _known_entities(state, "caption_entities", entities)


def _known_entities(state: State, name: str, entities: list[Entity]) -> Json:
    """The entities under their name; a mention by id stays when Telegram knows the person."""
    people = {person.id: person.describe() for person in state.people.values()}
    known = []
    for entity in entities:
        if entity["type"] != "text_mention":
            known.append(entity)
        elif user := people.get(entity["user"]["id"]):
            known.append(entity | {"user": user})
    return {name: known} if known else {}


def publish(state: State, slot: Slot, p: Parameters, content: Json) -> Json:
    markup = check_markup(p.get("reply_markup"), private=slot.chat.is_private)
    if p.get("link_preview_options"):
        content["link_preview_options"] = p["link_preview_options"]
    if p.get("protect_content"):
        content["has_protected_content"] = True
    inline = bool(markup and "inline_keyboard" in markup)
    if inline:
        content["reply_markup"] = markup
    message = state.post(
        slot.chat,
        state.bot(),
        content,
        sender=state.bot()["first_name"],
        thread=slot.thread,
        reply_to=slot.reply_to,
        silent=bool(p.get("disable_notification")),
    )
    slot.chat.typing_until = 0
    if markup and not inline:
        message.has_reply_keyboard = True
        shown = None if markup.get("remove_keyboard") else markup
        audience = _audience(state, slot.chat, message.data, markup)
        slot.chat.set_keyboard(audience, message.id, shown)
    return message.data


def _audience(state: State, chat: Chat, data: Json, markup: Json) -> list[str]:
    """Who sees the keyboard; a selective one is for those mentioned or replied to."""
    if chat.is_private or not markup.get("selective"):
        return chat.member_keys()
    chosen = {entity["user"]["id"] for entity in data.get("entities", []) if "user" in entity}
    chosen.add(data.get("reply_to_message", {}).get("from", {}).get("id"))
    return [key for key in chat.member_keys() if state.people[key].id in chosen]


def send_message(state: State, p: Parameters) -> Json:
    slot = open_slot(state, p)
    return publish(state, slot, p, formatted_text(state, p))


def send_media(state: State, p: Parameters, kind: str) -> Json:
    slot = open_slot(state, p)
    content = {kind: media_value(state, p.get(kind), kind, p["attached"])}
    return publish(state, slot, p, content | formatted_caption(state, p))


def media_value(state: State, source: Any, kind: str, attached: dict[str, Upload]) -> Any:
    """The media object of an upload, of «attach://name» or of a known file id."""
    if isinstance(source, str) and source.startswith("attach://"):
        source = attached.get(source.removeprefix("attach://"))
    if isinstance(source, Upload):
        check_upload(source, kind)
        return describe_media(state.files.add(source, kind), kind)
    if not source:
        raise bad_request(f"there is no {kind} in the request")
    if source.startswith(("http://", "https://")):
        raise not_emulated("files by URL")
    stored = state.files.by_id(source)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return describe_media(stored, kind)


def send_media_group(state: State, p: Parameters) -> list[Json]:
    items = p.get("media")
    if not isinstance(items, list) or not 2 <= len(items) <= MAX_ALBUM:
        raise bad_request("an album must have 2-10 items")
    kinds = {item.get("type") for item in items}
    if not kinds <= {"photo", "video", "document", "audio"}:
        raise bad_request("unsupported media type in an album")
    if len(kinds) > 1 and kinds & ALONE:
        raise bad_request(f"{sorted(kinds & ALONE)[0]} can't be mixed with other media types")
    slot = open_slot(state, p, cost=len(items))
    album = {"media_group_id": str(secrets.randbits(53))}
    contents = [album | _album_item(state, item, p["attached"]) for item in items]
    return [publish(state, slot, p, content) for content in contents]


def _album_item(state: State, item: Json, attached: dict[str, Upload]) -> Json:
    refuse_unknown(item, MEDIA_FIELDS, "album media")
    kind = item["type"]
    media = media_value(state, item.get("media"), kind, attached)
    return {kind: media} | formatted_caption(state, item)


def copy_message(state: State, p: Parameters) -> Json:
    source = required_chat(state, p, "from_chat_id").messages.get(p.get("message_id", 0))
    if source is None:
        raise bad_request("message to copy not found")
    content = {name: source.data[name] for name in COPIED.split() if name in source.data}
    if not content:
        raise bad_request("message can't be copied")
    slot = open_slot(state, p)
    if "caption" in p:
        content = without(content, "caption", "caption_entities") | formatted_caption(state, p)
    return {"message_id": publish(state, slot, p, content)["message_id"]}
