"""The state as the chat page draws it."""

from sandbox import groups
from sandbox.files import KINDS
from sandbox.people import find_place
from sandbox.profile import command_menu
from sandbox.state import BOT_ID, BOT_USERNAME, Chat, Json, Message, State

PERSON_FIELDS = "key id first_name last_name username phone role started blocked"


def show_state(state: State) -> Json:
    return {
        "version": state.version,
        "bot": {
            "id": BOT_ID,
            "username": BOT_USERNAME,
            "name": state.bot()["first_name"],
            "description": state.profile.get("description", ""),
            "short_description": state.profile.get("short_description", ""),
            "commands": command_menu(state, "all_private_chats"),
            "group_commands": command_menu(state, "all_chat_administrators", "all_group_chats"),
        },
        "people": [
            {name: getattr(person, name) for name in PERSON_FIELDS.split()}
            for person in state.people.values()
        ],
        "groups": [groups.describe(group) for group in state.groups],
    }


def show_messages(state: State, fields: Json) -> Json:
    person, chat = find_place(state, fields)
    _, keyboard = chat.keyboards.get(person.key, (0, None))
    return {
        "version": state.version,
        "messages": [show_message(state, chat, message) for message in chat.messages.values()],
        "keyboard": keyboard,
        "typing": chat.typing_until > state.clock(),
    }


def show_message(state: State, chat: Chat, message: Message) -> Json:
    data = message.data
    author = state.person_by_id(data["from"]["id"])
    return {
        "message_id": message.id,
        "chat_id": chat.id,
        "from_bot": message.from_bot,
        "from_id": data["from"]["id"],
        "from_name": chat.describe()["title"] if "sender_chat" in data else message.sender,
        "person": author.key if author else None,
        "date": data["date"],
        "text": data.get("text"),
        "caption": data.get("caption"),
        "entities": data.get("entities") or data.get("caption_entities") or [],
        "reply_markup": data.get("reply_markup"),
        "reply_to_message_id": data.get("reply_to_message", {}).get("message_id"),
        "topic": data.get("message_thread_id"),
        "media": _show_media(state, data),
        "media_group_id": data.get("media_group_id"),
        "service": _show_service(message),
        "edited": "edit_date" in data,
        "silent": message.silent,
        "reactions": message.reactions,
        "deleted": False,
    }


def _show_media(state: State, data: Json) -> Json | None:
    if card := data.get("contact"):
        return {
            "kind": "contact",
            "name": card["first_name"],
            "phone": f"+{card['phone_number'].removeprefix('+')}",
        }
    kind = next((kind for kind in KINDS if kind in data), None)
    if kind is None:
        return None
    value = data[kind][-1] if kind == "photo" else data[kind]
    stored = state.files.by_id(value["file_id"])
    upload = stored.upload if stored else None
    return {
        "kind": kind,
        "name": upload.name if upload else "",
        "size": value["file_size"],
        "url": f"/sandbox/files/{value['file_id']}" if upload and upload.content else None,
    }


def _show_service(message: Message) -> str | None:
    """The line in the middle of the chat, for messages about the chat itself."""
    data, name = message.data, message.sender
    members = ", ".join(user["first_name"] for user in data.get("new_chat_members", []))
    left = data.get("left_chat_member", {}).get("first_name")
    topic = data.get("forum_topic_created", {}).get("name")
    lines = {
        "new_chat_members": f"{name}: в группе теперь {members}",
        "left_chat_member": f"{name}: из группы удалён(а) {left}",
        "new_chat_title": f"{name}: новое название — «{data.get('new_chat_title')}»",
        "migrate_to_chat_id": "Группа преобразована в супергруппу",
        "migrate_from_chat_id": "Группа преобразована в супергруппу",
        "forum_topic_created": f"{name}: создана тема «{topic}»",
        "forum_topic_closed": f"{name}: тема закрыта",
        "forum_topic_reopened": f"{name}: тема снова открыта",
    }
    return next((line for kind, line in lines.items() if kind in data), None)
