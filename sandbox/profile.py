"""Bot API methods about the bot itself, its chats, files and updates."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from yarl import URL

from sandbox.delivery import set_bot_status
from sandbox.errors import bad_request, not_emulated
from sandbox.files import MAX_DOWNLOAD
from sandbox.parameters import Parameters
from sandbox.sending import required_chat
from sandbox.state import BOT_ID, Group, Json, PrivateChat, State, describe_member

MAX_POLL_SECONDS = 50
SCOPES = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}


def get_me(state: State, p: Parameters) -> Json:
    return state.bot() | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def get_updates(state: State, p: Parameters) -> list[Json]:
    if "allowed_updates" in p:
        state.updates.allowed = p["allowed_updates"] or []
    return await state.updates.poll(
        offset=p.get("offset", 0),
        limit=min(max(p.get("limit", 100), 1), 100),
        seconds=min(p.get("timeout", 0), MAX_POLL_SECONDS),
    )


def set_webhook(state: State, p: Parameters) -> bool:
    url = p.get("url", "")
    if url and not _is_loopback(url):
        raise bad_request("bad webhook: the sandbox delivers to loopback addresses only")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", p.get("secret_token", "")):
        raise bad_request("secret token contains unallowed characters")
    if "allowed_updates" in p:
        state.updates.allowed = p["allowed_updates"] or []
    if p.get("drop_pending_updates"):
        state.updates.clear()
    webhook = {"url": url, "secret_token": p.get("secret_token", "")} if url else {}
    state.updates.set_webhook(webhook)
    return True


def _is_loopback(url: str) -> bool:
    """Judges the address as the client that delivers will read it."""
    try:
        parts = URL(url)
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.host:
        return False
    try:
        return ipaddress.ip_address(parts.host).is_loopback
    except ValueError:
        return parts.host == "localhost"


def delete_webhook(state: State, p: Parameters) -> bool:
    if p.get("drop_pending_updates"):
        state.updates.clear()
    state.updates.set_webhook({})
    return True


def get_webhook_info(state: State, p: Parameters) -> Json:
    updates = state.updates
    info: Json = {
        "url": updates.webhook.get("url", ""),
        "has_custom_certificate": False,
        "pending_update_count": len(updates.pending),
    }
    if updates.webhook_error:
        info |= {"last_error_date": state.now(), "last_error_message": updates.webhook_error}
    return info | ({"allowed_updates": updates.allowed} if updates.allowed else {})


def _scope_key(p: Parameters) -> str:
    scope = p.get("scope") or {"type": "default"}
    if scope.get("type") not in SCOPES:
        raise bad_request("unsupported type of the bot command scope specified")
    parts = [str(scope.get(name)) for name in SCOPES[scope["type"]]]
    return " ".join([scope["type"], *parts, p.get("language_code", "")]).strip()


def set_my_commands(state: State, p: Parameters) -> bool:
    commands: list[Any] = p.get("commands") or []
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"/?[a-z0-9_]{1,32}", command.get("command", ""), re.ASCII):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command.get("description", "")) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    state.commands[_scope_key(p)] = commands
    state.profile_changed()
    return True


def get_my_commands(state: State, p: Parameters) -> list[Json]:
    return state.commands.get(_scope_key(p), [])


def delete_my_commands(state: State, p: Parameters) -> bool:
    state.commands.pop(_scope_key(p), None)
    state.profile_changed()
    return True


def command_menu(state: State, *scopes: str) -> list[Json]:
    """The commands of the first of these scopes that has any, as the chat page lists them."""
    keys = [f"{scope}{language}" for scope in (*scopes, "default") for language in (" ru", "")]
    return next((state.commands[key] for key in keys if state.commands.get(key)), [])


def set_profile(field: str, parameter: str, limit: int) -> Callable[[State, Parameters], bool]:
    """A method that keeps one text about the bot."""

    def handler(state: State, p: Parameters) -> bool:
        text = p.get(parameter, "")
        if len(text) > limit:
            raise bad_request(f"bot {parameter.replace('_', ' ')} is too long")
        state.profile[field] = text
        state.profile_changed()
        return True

    return handler


def set_chat_menu_button(state: State, p: Parameters) -> bool:
    button = p.get("menu_button") or {"type": "default"}
    if button.get("type") not in ("default", "commands"):
        raise not_emulated("menu button of this type")
    return True


def get_file(state: State, p: Parameters) -> Json:
    stored = state.files.by_id(p.get("file_id", ""))
    if stored is None:
        raise bad_request("invalid file_id")
    if stored.upload.size > MAX_DOWNLOAD:
        raise bad_request("file is too big")
    return stored.describe() | {"file_path": stored.path}


def get_chat(state: State, p: Parameters) -> Json:
    chat = required_chat(state, p)
    if isinstance(chat, Group):
        chat.require_open()
    elif isinstance(chat, PrivateChat) and not chat.person.started:
        raise bad_request("chat not found")
    return chat.describe() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }


def _required_group(state: State, p: Parameters) -> Group:
    chat = required_chat(state, p)
    if not isinstance(chat, Group):
        raise bad_request("there are no administrators in the private chat")
    chat.require_open()
    return chat


def get_chat_member(state: State, p: Parameters) -> Json:
    group = _required_group(state, p)
    user_id = p.get("user_id")
    if user_id == BOT_ID:
        return describe_member(state.bot(), group.bot_status)
    person = state.person_by_id(user_id or 0)
    if person is None:
        raise bad_request("user not found")
    return describe_member(person.describe(), group.members.get(person.key, "left"))


def get_chat_administrators(state: State, p: Parameters) -> list[Json]:
    group = _required_group(state, p)
    admins = [
        describe_member(state.people[key].describe(), status)
        for key, status in group.members.items()
        if group.is_admin(key)
    ]
    if group.bot_status == "administrator":
        admins.append(describe_member(state.bot(), "administrator"))
    return admins


def get_chat_member_count(state: State, p: Parameters) -> int:
    return len(_required_group(state, p).members) + 1


def leave_chat(state: State, p: Parameters) -> bool:
    group = _required_group(state, p)
    set_bot_status(state, group, "left", state.bot())
    return True
