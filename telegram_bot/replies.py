"""What a flow answers: Bot API calls as values, kept as JSON until they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils.translation import gettext as _

from telegram_bot import keyboards as kb
from telegram_bot.keyboards import Keyboard

REMOVE_KEYBOARD: Keyboard = {"remove_keyboard": True}

MESSAGE_PART = 3000  # UTF-16 units of a long text in one message; markup and heading need the rest

# The parts of an album get one answer together. "each" stays in it, equal ones once; of "last" only
# the newest stays; "first" is left out when an earlier part has an answer.
InAlbum = Literal["each", "last", "first"]


@dataclass(frozen=True)
class Reply:
    """One call of a Bot method. With `ticket_id`, replying to it comments on it.

    `for_agents`: a reply to it is answered by the way to the desk instead.
    `in_album` says what becomes of it where the parts of an album get one answer. `link` names the
    link whose person it is for: nobody else may read it, and not they once the link is gone.
    """

    method: str
    params: dict[str, Any]
    ticket_id: int | None = None
    has_resolution: bool = False
    is_welcome: bool = False
    in_album: InAlbum = "each"
    link: int | None = None
    for_agents: bool = False

    def as_call(self) -> dict[str, Any]:
        """The fields as they are kept and made; a file in `params` stays what it is."""
        return vars(self).copy()

    def only_for(self, link: int | None) -> "Reply":
        """The reply bound to a link, if it has words; without any there is nothing to hide."""
        return replace(self, link=link) if "text" in self.params else self


Replies = Sequence[Reply]


def say(
    chat_id: int,
    text: str,
    keyboard: Keyboard | None = None,
    *,
    ticket_id: int | None = None,
    reply_to: int | None = None,
    topic: int = 0,
    silent: bool = False,
    has_resolution: bool = False,
    is_welcome: bool = False,
    in_album: InAlbum = "each",
    for_agents: bool = False,
) -> Reply:
    params: dict[str, Any] = {
        "chat_id": chat_id,
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    if keyboard:
        params["reply_markup"] = keyboard
    if silent:
        params["disable_notification"] = True
    if reply_to:
        params["reply_parameters"] = {"message_id": reply_to, "allow_sending_without_reply": True}
    if topic:
        params["message_thread_id"] = topic
    return Reply(
        "send_message",
        params,
        ticket_id,
        has_resolution,
        is_welcome,
        in_album,
        for_agents=for_agents,
    )


def edit(
    chat_id: int,
    message_id: int,
    text: str,
    keyboard: Keyboard | None = None,
    *,
    ticket_id: int | None = None,
    has_resolution: bool = False,
) -> Reply:
    params: dict[str, Any] = {
        "chat_id": chat_id,
        "message_id": message_id,
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    if keyboard:
        params["reply_markup"] = keyboard
    return Reply("edit_message_text", params, ticket_id, has_resolution)


def change_buttons(
    chat_id: int, message_id: int, keyboard: Keyboard, *, ticket_id: int | None
) -> Reply:
    params = {"chat_id": chat_id, "message_id": message_id, "reply_markup": keyboard}
    return Reply("edit_message_reply_markup", params, ticket_id)


def react(chat_id: int, message_id: int, emoji: str) -> Reply:
    """A reaction on a person's message; where reactions are off, its refusal is harmless."""
    params = {"chat_id": chat_id, "message_id": message_id, "reaction": emoji}
    return Reply("set_message_reaction", params)


def answer(callback_query_id: str, text: str = "", *, alert: bool = False) -> Reply:
    params: dict[str, Any] = {"callback_query_id": callback_query_id}
    if text:
        params |= {"text": text[:200], "show_alert": alert}
    return Reply("answer_callback_query", params)


def delete(chat_id: int, message_id: int) -> Reply:
    return Reply("delete_message", {"chat_id": chat_id, "message_id": message_id})


def without_offer(chat_id: int, message_id: int, ticket_id: int) -> Reply:
    """Take the buttons to rate and to return from a message; its words stay."""
    show = kb.inline([kb.button(_("👁 Просмотреть заявку"), "card", ticket_id, kb.KEPT)])
    return change_buttons(chat_id, message_id, show, ticket_id=ticket_id)
