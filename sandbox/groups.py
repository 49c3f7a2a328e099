"""What the people of a group can do with it and with the bot in it."""

from collections.abc import Callable

from sandbox.delivery import deliver, set_bot_status
from sandbox.errors import ControlError
from sandbox.people import find_person
from sandbox.state import Group, Json, Person, State

Action = Callable[[State, Group, Person, Json], None]

SUPERGROUP_BASE = -1_000_000_000_000


def act(state: State, key: str, fields: Json) -> Json:
    """Do one action in a group; by default as its owner."""
    group = state.keys.get(key)
    if not isinstance(group, Group):
        raise ControlError(f"Нет такой группы: {key}", 404)
    by = find_person(state, {"by": fields.get("by") or _owner(group)}, "by")
    action = ACTIONS.get(str(fields.get("action")))
    if action is None:
        raise ControlError(f"Нет такого действия: {fields.get('action')}")
    action(state, group, by, fields)
    state.changed("group")
    return describe(group)


def describe(group: Group) -> Json:
    """The group as the chat page draws it."""
    return {
        "key": group.key,
        "id": group.id,
        "title": group.title,
        "type": group.type,
        "bot_status": group.bot_status,
        "members": [{"key": key, "admin": group.is_admin(key)} for key in group.members],
        "forum": group.forum,
        "topics": list(group.topics.values()),
    }


def _owner(group: Group) -> str:
    return next(key for key, status in group.members.items() if status == "creator")


def _service(
    state: State, group: Group, by: Person, content: Json, thread: int | None = None
) -> int:
    """A line about the group itself, which the bot in it always sees."""
    message = state.post(group, by.describe(), content, sender=by.name, thread=thread)
    deliver(state, group, message)
    return message.id


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise ControlError(text, 409)


def _add_bot(state: State, group: Group, by: Person, fields: Json) -> None:
    _require(not group.has_bot, "Бот уже в группе.")
    set_bot_status(state, group, "member", by.describe())
    _service(state, group, by, {"new_chat_members": [state.bot()]})


def _remove_bot(state: State, group: Group, by: Person, fields: Json) -> None:
    _require(group.has_bot, "Бота нет в группе.")
    _service(state, group, by, {"left_chat_member": state.bot()})
    set_bot_status(state, group, "kicked", by.describe())


def _promote(state: State, group: Group, by: Person, fields: Json) -> None:
    _require(group.bot_status == "member", "Бот не в группе или уже администратор.")
    set_bot_status(state, group, "administrator", by.describe())


def _demote(state: State, group: Group, by: Person, fields: Json) -> None:
    _require(group.bot_status == "administrator", "Бот не администратор.")
    set_bot_status(state, group, "member", by.describe())


def _migrate(state: State, group: Group, by: Person, fields: Json) -> None:
    _require(group.type == "group", "Это уже супергруппа.")
    old_id, new_id = group.id, SUPERGROUP_BASE + group.id
    _service(state, group, by, {"migrate_to_chat_id": new_id})
    state.migrated[old_id] = new_id
    del state.chats[old_id]
    # A supergroup numbers its messages anew; the old ones stay behind.
    group.id, group.type, group.messages = new_id, "supergroup", {}
    group.next_message_id = state.first_message_id
    group.keyboards.clear()
    state.chats[new_id] = group
    _service(state, group, by, {"migrate_from_chat_id": old_id})


def _rename(state: State, group: Group, by: Person, fields: Json) -> None:
    title = str(fields.get("title") or "").strip()
    _require(1 <= len(title) <= 128, "Название: от 1 до 128 знаков.")
    group.title = title
    _service(state, group, by, {"new_chat_title": title})


def _create_topic(state: State, group: Group, by: Person, fields: Json) -> None:
    title = str(fields.get("title") or "").strip()
    _require(1 <= len(title) <= 128, "Название темы: от 1 до 128 знаков.")
    if group.type == "group":
        _migrate(state, group, by, fields)  # only supergroups have topics; Telegram does so too
    group.forum = True
    topic = group.next_message_id
    icon = {"icon_color": 7322096}
    group.topics[topic] = {"id": topic, "title": title, "closed": False}
    _service(state, group, by, {"forum_topic_created": icon | {"name": title}}, topic)


def _set_topic(closed: bool) -> Action:
    def action(state: State, group: Group, by: Person, fields: Json) -> None:
        topic = group.topics.get(int(fields.get("topic") or 0))
        if topic is None:
            raise ControlError("В этой группе нет такой темы.", 404)
        _require(topic["closed"] != closed, "Тема уже в этом состоянии.")
        topic["closed"] = closed
        kind = "forum_topic_closed" if closed else "forum_topic_reopened"
        _service(state, group, by, {kind: {}}, topic["id"])

    return action


def _delete_topic(state: State, group: Group, by: Person, fields: Json) -> None:
    """With all that stands in it; Telegram does not tell the bot."""
    topic = group.topics.pop(int(fields.get("topic") or 0), None)
    if topic is None:
        raise ControlError("В этой группе нет такой темы.", 404)
    for message in list(group.messages.values()):
        if message.data.get("message_thread_id") == topic["id"]:
            group.remove(message.id)


def _add_member(state: State, group: Group, by: Person, fields: Json) -> None:
    person = find_person(state, fields)
    _require(person.key not in group.members, "Этот человек уже в группе.")
    group.members[person.key] = "member"
    _service(state, group, by, {"new_chat_members": [person.describe()]})


def _make_admin(state: State, group: Group, by: Person, fields: Json) -> None:
    person = find_person(state, fields)
    _require(group.members.get(person.key) == "member", "Этот человек уже администратор.")
    group.members[person.key] = "administrator"


ACTIONS: dict[str, Action] = {
    "add_bot": _add_bot,
    "remove_bot": _remove_bot,
    "promote": _promote,
    "demote": _demote,
    "migrate": _migrate,
    "rename": _rename,
    "create_topic": _create_topic,
    "close_topic": _set_topic(closed=True),
    "delete_topic": _delete_topic,
    "open_topic": _set_topic(closed=False),
    "add_member": _add_member,
    "make_admin": _make_admin,
}
