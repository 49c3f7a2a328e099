"""Which of the messages in its chats the bot is told of."""

from sandbox.entities import utf16_slice
from sandbox.state import BOT_ID, BOT_USERNAME, Chat, Group, Json, Message, State, describe_member

SERVICE = {
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "forum_topic_created",
    "forum_topic_closed",
    "forum_topic_reopened",
}


def deliver(state: State, chat: Chat, message: Message, kind: str = "message") -> int | None:
    """Queue the update when the bot may see the message; the update's id or None."""
    if isinstance(chat, Group) and not _is_visible(chat, message):
        return None
    return state.updates.add(kind, message.data)


def _is_visible(group: Group, message: Message) -> bool:
    """Privacy mode: a plain member sees only what is meant for it."""
    if not group.has_bot:
        return False
    data = message.data
    if group.bot_status == "administrator" or SERVICE & data.keys():
        return True
    if data.get("reply_to_message", {}).get("from", {}).get("id") == BOT_ID:
        return True
    text = data.get("text") or data.get("caption") or ""
    entities = data.get("entities") or data.get("caption_entities") or []
    return any(_is_for_bot(text, entity) for entity in entities)


def _is_for_bot(text: str, entity: Json) -> bool:
    if entity["type"] == "text_mention":
        return bool(entity["user"]["id"] == BOT_ID)
    word = utf16_slice(text, entity["offset"], entity["length"]).lower()
    name = f"@{BOT_USERNAME}"
    if entity["type"] == "bot_command":
        return entity["offset"] == 0 and ("@" not in word or word.endswith(name))
    return entity["type"] == "mention" and word == name


def report_bot_status(state: State, chat: Chat, by: Json, old: str, new: str) -> int | None:
    """Tell the bot that its own membership changed."""
    bot = state.bot()
    return state.updates.add(
        "my_chat_member",
        {
            "chat": chat.describe(),
            "from": by,
            "date": state.now(),
            "old_chat_member": describe_member(bot, old),
            "new_chat_member": describe_member(bot, new),
        },
    )


def set_bot_status(state: State, group: Group, status: str, by: Json) -> int | None:
    old, group.bot_status = group.bot_status, status
    state.changed("group")
    return report_bot_status(state, group, by, old, status)
