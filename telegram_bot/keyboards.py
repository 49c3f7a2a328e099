"""Keyboards as the Bot API's JSON, and callback data beside its parser.

Callback data is a word and its ids joined by colons: `card:42`, `score:42:5`.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

Keyboard = dict[str, Any]
Button = dict[str, Any]

CHOICES_A_PAGE = 8
EMPTY = "Оставить пустым"
DONE = "Дальше"
CANCEL = "Отмена"
YES = "Да"
KEPT = "kept"  # ends the data of a button whose message stays as it is when the button is pressed


def data(word: str, *ids: int | str) -> str:
    return ":".join([word, *map(str, ids)])


def parse(callback_data: str) -> tuple[str, list[str]]:
    word, *ids = callback_data.split(":")
    return word, ids


def parse_ids(ids: Sequence[str], count: int) -> list[int] | None:
    """`count` plain decimal ids, None for anything a button of ours cannot hold."""
    if len(ids) != count or not all(
        part.isascii() and part.isdecimal() and len(part) < 19 for part in ids
    ):
        return None
    return [int(part) for part in ids]


def button(text: str, word: str, *ids: int | str) -> Button:
    return {"text": text, "callback_data": data(word, *ids)}


def cancel(what: str, *ids: int) -> Button:
    """«Отмена» of one thing at hand; an old one must not end another."""
    return button(_("✖️ Отмена"), "cancel", what, *ids)


def link(text: str, url: str) -> Button:
    return {"text": text, "url": url}


def portal(text: str, path: str = "/") -> Button:
    return link(text, settings.PORTAL_URL + path)


def desk(text: str, ticket: int) -> Button:
    """The way to the card of a ticket where agents work."""
    return portal(text, reverse("admin:tickets_ticket_change", args=[ticket]))


def inline(*rows: Sequence[Button]) -> Keyboard:
    return {"inline_keyboard": [list(row) for row in rows if row]}


def reply(*rows: Sequence[str], placeholder: str = "") -> Keyboard:
    return {
        "keyboard": [[{"text": text} for text in row] for row in rows],
        "resize_keyboard": True,
        "one_time_keyboard": True,
        **({"input_field_placeholder": placeholder} if placeholder else {}),
    }


def contact() -> Keyboard:
    return {
        "keyboard": [[{"text": _("📱 Отправить мой номер"), "request_contact": True}]],
        "resize_keyboard": True,
        "one_time_keyboard": True,
        "input_field_placeholder": _("Нажмите кнопку ниже"),
    }


def in_rows(buttons: Sequence[Button], width: int) -> list[Sequence[Button]]:
    return [buttons[start : start + width] for start in range(0, len(buttons), width)]


def paged(buttons: Sequence[Button], page: int, word: str) -> list[Sequence[Button]]:
    """Rows of two buttons and a pager: the page asked for, or the nearest there is."""
    pages = max(1, -(-len(buttons) // CHOICES_A_PAGE))
    page = min(max(page, 1), pages)
    shown = buttons[(page - 1) * CHOICES_A_PAGE : page * CHOICES_A_PAGE]
    return [*in_rows(shown, 2), pager(word, page, pages)]


def pager(word: str, page: int, pages: int) -> list[Button]:
    """‹ 2 / 3 ›: no arrow where there is no page, nothing at all for a single page."""
    if pages < 2:
        return []
    row = [button(f"{page} / {pages}", "page")]
    if page > 1:
        row.insert(0, button("‹", word, page - 1))
    if page < pages:
        row.append(button("›", word, page + 1))
    return row


def registration_link(bot: str) -> Keyboard:
    return inline([link(_("📝 Зарегистрироваться"), f"https://t.me/{bot}?start=reg")])
