"""What a person can do in Telegram: write, press, send files, block the bot."""

import asyncio
import re
import secrets
from dataclasses import dataclass
from typing import Any

from sandbox.delivery import deliver, report_bot_status
from sandbox.entities import Entity, detect_entities, sort_entities, utf16_length
from sandbox.errors import ControlError
from sandbox.files import Upload, describe_media
from sandbox.sending import MAX_ALBUM, MAX_CAPTION, MAX_TEXT
from sandbox.state import ANONYMOUS, Chat, Group, Json, Message, Person, State

START_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
ANSWER_SECONDS = 3.0


@dataclass
class Writer:
    """A person in a chat, about to write there."""

    state: State
    person: Person
    chat: Chat
    reply_to: int | None = None
    topic: int | None = None
    anonymous: bool = False

    def post(self, content: Json) -> Message:
        user = self.person.describe()
        if self.anonymous:
            user, content = ANONYMOUS, {"sender_chat": self.chat.describe(), **content}
        return self.state.post(
            self.chat,
            user,
            content,
            sender=self.person.name,
            thread=self.topic,
            reply_to=self.reply_to,
        )

    def send(self, content: Json) -> Json:
        message = self.post(content)
        update_id = deliver(self.state, self.chat, message)
        return {"message_id": message.id, "update_id": update_id}


def find_person(state: State, fields: Json, name: str = "person") -> Person:
    person = state.people.get(str(fields.get(name)))
    if person is None:
        raise ControlError(f"Нет такого человека: {fields.get(name)}", 404)
    return person


def find_place(state: State, fields: Json) -> tuple[Person, Chat]:
    """The person and the chat of a request; by default the private chat with the bot."""
    person = find_person(state, fields)
    chat = state.keys.get(fields.get("chat") or person.key)
    if chat is None or person.key not in chat.member_keys():
        raise ControlError(f"Нет такого чата: {fields.get('chat')}", 404)
    return person, chat


def writer(state: State, fields: Json) -> Writer:
    person, chat = find_place(state, fields)
    if chat.is_private and person.blocked:
        raise ControlError("Бот заблокирован: сначала разблокируйте его.", 409)
    reply_to = _number(fields.get("reply_to"))
    if reply_to and reply_to not in chat.messages:
        raise ControlError("Сообщения, на которое вы отвечаете, больше нет.", 404)
    topic = _number(fields.get("topic"))
    if reply_to and not topic:
        topic = chat.messages[reply_to].data.get("message_thread_id")
    anonymous = bool(fields.get("anonymous"))
    if topic:
        _require_open_topic(chat, person, topic)
    if anonymous and not (isinstance(chat, Group) and chat.is_admin(person.key)):
        raise ControlError("Анонимно пишут только администраторы группы.")
    if chat.is_private:
        person.started = True
    return Writer(state, person, chat, reply_to, topic, anonymous)


def _number(value: Any) -> int | None:
    return int(value) if value else None


def _require_open_topic(chat: Chat, person: Person, topic: int) -> None:
    if not isinstance(chat, Group) or topic not in chat.topics:
        raise ControlError("В этом чате нет такой темы.", 404)
    if chat.topics[topic]["closed"] and not chat.is_admin(person.key):
        raise ControlError("Тема закрыта.", 409)


def meet(state: State, fields: Json) -> Json:
    """One more person, until the next reset; who has `started` may be written to."""
    key, number = str(fields["key"]), int(fields["id"])
    if key in state.keys or number in state.chats:
        raise ControlError("Такой человек уже есть.", 409)
    name, phone = str(fields.get("first_name") or key), str(fields.get("phone") or "")
    started = bool(fields.get("started"))
    state.add_person(Person(key, number, name, "Гость", None, phone, "гость", started))
    return {"key": key}


def send(state: State, fields: Json) -> Json:
    place = writer(state, fields)
    content = _text_content(state, fields, "text", MAX_TEXT)
    if not content:
        raise ControlError("Сообщение пустое.")
    _use_keyboard(place, content["text"])
    return place.send(content | _extra(state, place, fields))


def _extra(state: State, place: Writer, fields: Json) -> Json:
    """What a message has besides its words: forwarded, or fields of it as they are."""
    extra: Json = fields.get("extra") or {}
    if not fields.get("forwarded"):
        return extra
    origin = {"type": "user", "sender_user": place.person.describe(), "date": state.now()}
    return {"forward_origin": origin} | extra


def _text_content(state: State, fields: Json, name: str, limit: int) -> Json:
    text = str(fields.get(name) or "").strip()
    if utf16_length(text) > limit:
        raise ControlError(f"В тексте больше {limit} знаков.")
    given = [_given_entity(state, entity) for entity in fields.get("entities") or []]
    entities = detect_entities(text, sort_entities(given))
    field = "entities" if name == "text" else f"{name}_entities"
    return ({name: text} if text else {}) | ({field: entities} if entities else {})


def _given_entity(state: State, entity: Entity) -> Entity:
    """An entity of the sender's own; its user is a person's key or «bot»."""
    if "user" not in entity:
        return entity
    key = entity["user"]
    user = state.bot() if key == "bot" else find_person(state, {"person": key}).describe()
    return entity | {"user": user}


def _use_keyboard(place: Writer, text: str) -> None:
    """A one-time keyboard goes away once a button of it has been pressed."""
    _, markup = place.chat.keyboards.get(place.person.key, (0, {}))
    labels = {button["text"] for row in markup.get("keyboard", []) for button in row}
    if "force_reply" in markup or (markup.get("one_time_keyboard") and text in labels):
        del place.chat.keyboards[place.person.key]


def update(state: State, fields: Json) -> Json:
    """Any update as it is, for tests of what no person's hand here can make."""
    content = fields.get("content")
    if not isinstance(content, dict):
        raise ControlError("Нужно содержание обновления.")
    return {"update_id": state.updates.add(str(fields.get("kind") or "message"), content)}


def start(state: State, fields: Json) -> Json:
    payload = str(fields.get("payload") or "")
    if payload and not START_PAYLOAD.fullmatch(payload):
        raise ControlError("Параметр ссылки: до 64 знаков A-Z, a-z, 0-9, «_», «-».")
    person = find_person(state, fields)
    block(state, {"person": person.key, "blocked": False})
    return send(state, {"person": person.key, "text": f"/start {payload}"})


def block(state: State, fields: Json) -> Json:
    person, chat = find_place(state, {"person": fields.get("person")})
    blocked = bool(fields.get("blocked", True))
    if person.blocked == blocked:
        return {"update_id": None}
    person.blocked = blocked
    statuses = ("member", "kicked") if blocked else ("kicked", "member")
    state.changed("people")
    return {"update_id": report_bot_status(state, chat, person.describe(), *statuses)}


def contact(state: State, fields: Json) -> Json:
    place = writer(state, fields)
    person = place.person
    phone = str(fields.get("phone") or person.phone)
    card: Json = {
        "phone_number": phone.removeprefix("+"),
        "first_name": fields.get("first_name") or person.first_name,
    }
    user_id = fields.get("user_id", person.id)
    if user_id is not None:
        card["user_id"] = user_id
    content: Json = {"contact": card}
    if not fields.get("forwarded"):
        _answer_contact_request(place)
    return place.send(content | _extra(state, place, fields))


def _answer_contact_request(place: Writer) -> None:
    """The contact button answers the message it came with, and hides when it is one-time."""
    message_id, markup = place.chat.keyboards.get(place.person.key, (0, {}))
    buttons = [button for row in markup.get("keyboard", []) for button in row]
    asked = [button for button in buttons if button.get("request_contact")]
    if asked:
        place.reply_to = place.reply_to or message_id
        _use_keyboard(place, asked[0]["text"])


def send_files(state: State, fields: Json, uploads: list[Upload]) -> Json:
    """Files as the person's client sends them: one message each, two and more are an album."""
    if not 1 <= len(uploads) <= MAX_ALBUM:
        raise ControlError("Нужно от 1 до 10 файлов.")
    kind = fields.get("kind") or "document"
    place = writer(state, fields)
    caption = _text_content(state, fields, "caption", MAX_CAPTION)
    album = {"media_group_id": str(secrets.randbits(53))} if len(uploads) > 1 else {}
    sent = []
    for number, upload in enumerate(uploads):
        media = describe_media(state.files.add(upload, kind), kind)
        words = caption if number == 0 else {}
        sent.append(place.send({kind: media, **album, **words, **_extra(state, place, fields)}))
    return sent[0] | {"messages": sent}


async def press(state: State, fields: Json) -> Json:
    """Press an inline button; the data may be forged, as a hostile client can."""
    place = writer(state, fields)
    message = _own_message(place.chat, fields, by_bot=True)
    callback = state.add_callback()
    update_id = state.updates.add(
        "callback_query",
        {
            "id": callback.id,
            "from": place.person.describe(),
            "message": message.data,
            "chat_instance": str(abs(place.chat.id) * 7),
            "data": str(fields.get("data", "")),
        },
    )
    result: Json = {"callback_query_id": callback.id, "update_id": update_id}
    wait = float(fields.get("wait", ANSWER_SECONDS))
    done, _ = await asyncio.wait([callback.answer], timeout=wait)
    if not done:
        return result | {"answered": False, "text": "", "show_alert": False}
    return result | {"answered": True} | callback.answer.result()


def _own_message(
    chat: Chat, fields: Json, *, by_bot: bool, person: Person | None = None
) -> Message:
    message = chat.messages.get(_number(fields.get("message_id")) or 0)
    if message is None:
        raise ControlError("Такого сообщения больше нет.", 404)
    if message.from_bot != by_bot or (person and message.sender != person.name):
        raise ControlError("Это чужое сообщение.", 403)
    return message


def touch(state: State, fields: Json) -> Json:
    """Put a reaction on a message: Telegram may tell of it as of an edited one."""
    place = writer(state, fields)
    message = place.chat.messages[_number(fields.get("message_id")) or 0]
    return {"update_id": deliver(state, place.chat, message, "edited_message")}


def edit(state: State, fields: Json) -> Json:
    place = writer(state, fields)
    message = _own_message(place.chat, fields, by_bot=False, person=place.person)
    name = "text" if "text" in message.data else "caption"
    limit = MAX_TEXT if name == "text" else MAX_CAPTION
    content = _text_content(state, {**fields, name: fields.get("text")}, name, limit)
    if name not in content:
        raise ControlError("Сообщение пустое.")
    entities = "entities" if name == "text" else "caption_entities"
    kept = {key: value for key, value in message.data.items() if key != entities}
    message.data = kept | content | {"edit_date": state.now()}
    state.changed("edit")
    update_id = deliver(state, place.chat, message, "edited_message")
    return {"message_id": message.id, "update_id": update_id}


def delete(state: State, fields: Json) -> Json:
    """Delete for everyone; Telegram does not tell the bot."""
    person, chat = find_place(state, fields)
    message = chat.messages.get(_number(fields.get("message_id")) or 0)
    if message is None:
        raise ControlError("Такого сообщения больше нет.", 404)
    rules = chat.is_private or (isinstance(chat, Group) and chat.is_admin(person.key))
    if not rules and message.sender != person.name:
        raise ControlError("Это чужое сообщение.", 403)
    chat.remove(message.id)
    state.changed("delete")
    return {"message_id": message.id}
