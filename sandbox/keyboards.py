"""What Telegram accepts as a keyboard."""

from typing import Any

from sandbox.entities import is_link
from sandbox.errors import bad_request, not_emulated

Markup = dict[str, Any]

KINDS = {
    "inline_keyboard": {"inline_keyboard"},
    "keyboard": {
        "keyboard",
        "is_persistent",
        "resize_keyboard",
        "one_time_keyboard",
        "input_field_placeholder",
        "selective",
    },
    "remove_keyboard": {"remove_keyboard", "selective"},
    "force_reply": {"force_reply", "input_field_placeholder", "selective"},
}
ACTIONS = {"url", "callback_data", "copy_text"}
INLINE_FIELDS = ACTIONS | {"text", "style"}
REPLY_FIELDS = {"text", "request_contact", "style"}
MAX_BUTTONS = 100
MAX_ROW = 8


def check_markup(markup: Any, *, private: bool) -> Markup | None:
    """The checked markup; None for an empty one, which removes an inline keyboard."""
    if not markup:
        return None
    kind = next((kind for kind in KINDS if isinstance(markup, dict) and kind in markup), None)
    if kind is None:
        raise bad_request("object expected as reply markup")
    refuse_unknown(markup, KINDS[kind], "reply markup")
    if len(markup.get("input_field_placeholder") or "") > 64:
        raise bad_request("input field placeholder is too long")
    if kind in ("inline_keyboard", "keyboard"):
        checked = _check_rows(markup[kind], inline=kind == "inline_keyboard", private=private)
        if not checked and kind == "inline_keyboard":
            return None
        return markup | {kind: checked}
    return dict(markup)


def check_inline(markup: Any, *, private: bool) -> Markup | None:
    """The checked markup of an edit, which can only be inline."""
    checked = check_markup(markup, private=private)
    if checked and "inline_keyboard" not in checked:
        raise bad_request("inline keyboard expected")
    return checked


def refuse_unknown(value: dict[str, Any], known: set[str], what: str) -> None:
    if unknown := sorted(value.keys() - known):
        raise not_emulated(f"unknown field of {what}: {', '.join(unknown)}")


def _check_rows(rows: Any, *, inline: bool, private: bool) -> list[list[Markup]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("keyboard must be an Array of Arrays of buttons")
    rows = [row for row in rows if row]
    if not rows and not inline:
        raise bad_request("reply keyboard must be non-empty")
    if sum(map(len, rows)) > MAX_BUTTONS or any(len(row) > MAX_ROW for row in rows):
        raise bad_request("reply markup is too long")
    if inline:
        return [[_check_inline_button(button) for button in row] for row in rows]
    return [[_check_reply_button(button, private) for button in row] for row in rows]


def _check_inline_button(button: Any) -> Markup:
    if not isinstance(button, dict) or not str(button.get("text") or "").strip():
        raise bad_request("inline keyboard button text must be non-empty")
    refuse_unknown(button, INLINE_FIELDS, "an inline button")
    actions = ACTIONS & button.keys()
    if not actions:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request("inline keyboard button must have exactly one action")
    if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= 64:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not (is_link(button["url"]) and "://" in button["url"]):
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid")
    return button


def _check_reply_button(button: Any, private: bool) -> Markup:
    button = {"text": button} if isinstance(button, str) else button
    if not isinstance(button, dict) or not str(button.get("text") or "").strip():
        raise bad_request("keyboard button text must be non-empty")
    refuse_unknown(button, REPLY_FIELDS, "a keyboard button")
    if button.get("request_contact") and not private:
        raise bad_request("phone number can be requested in private chats only")
    return button
