"""What people typed, shown as they typed it: lines, indentation, code between ``` and links."""

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from tickets.mentions import pieces

register = template.Library()

LINK = re.compile(
    r"(?<!\w)(?:https?://|www\.)(?=[\w\[])[^\s<>\"«»“”„`]+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+",
    re.IGNORECASE,
)
LONGEST_LINK = 2000  # characters; what is longer stays text
BRACKETS = {")": "(", "]": "[", "}": "{"}
FENCE = "```"
KEPT_SPACE = re.compile(r"^ | (?= )", re.MULTILINE)
LETTER_LINK = "color:#0b5fd6"
LETTER_CODE = (
    "margin:8px 0;padding:8px 12px;background:#e9eef6;border-radius:4px;"
    "font:13px/1.5 Menlo,Consolas,monospace;white-space:pre-wrap"
)


@register.filter
def as_typed(text: str) -> SafeString:
    """For an element of a page that keeps white space."""
    return _joined(
        format_html("<pre>\n{}</pre>", part) if is_code else _joined(_linked(part, _as_it_is))
        for is_code, part in _parts(text)
    )


@register.filter
def as_note(text: str, known: Collection[str]) -> SafeString:
    """The same for a note of agents, in which logins of `known` ones stand out."""
    show = partial(_with_mentions, known=known)
    return _joined(
        format_html("<pre>\n{}</pre>", part) if is_code else _joined(_linked(part, show))
        for is_code, part in _parts(text)
    )


def _with_mentions(text: str, known: Collection[str]) -> SafeString:
    return _joined(
        format_html('<span class="mention">{}</span>', piece) if login and login in known else piece
        for login, piece in pieces(text)
    )


@register.filter
def as_typed_letter(text: str) -> SafeString:
    """For letters: mail programs know no style that keeps white space."""
    return _joined(
        format_html('<pre style="{}">\n{}</pre>', LETTER_CODE, part)
        if is_code
        else _joined(_linked(part, _with_kept_space, LETTER_LINK))
        for is_code, part in _parts(text)
    )


def _joined(pieces: Iterable[str]) -> SafeString:
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """The text in its order, words and code by turns; a fence without an end is text."""
    lines = text.split("\n")
    ends = [place for place, line in enumerate(lines) if line.rstrip() == FENCE]
    begin = place = 0
    while place < len(lines):
        after = bisect_right(ends, place)
        if _is_fence(lines[place]) and after < len(ends):
            if begin < place:
                yield False, "\n".join(lines[begin:place])
            yield True, "\n".join(lines[place + 1 : ends[after]])
            begin = place = ends[after] + 1
        else:
            place += 1
    if begin < len(lines):
        yield False, "\n".join(lines[begin:])


def _is_fence(line: str) -> bool:
    """``` with the name of a language or without."""
    return line.startswith(FENCE) and "`" not in line[len(FENCE) :]


def _linked(text: str, show: Callable[[str], str], style: str = "") -> Iterator[str]:
    at = 0
    for found in LINK.finditer(text):
        if len(found[0]) > LONGEST_LINK:
            continue
        address = _without_end(found[0])
        yield show(text[at : found.start()])
        yield format_html(
            '<a href="{}" rel="noopener nofollow"{}>{}</a>',
            _target(address),
            format_html(' style="{}"', style) if style else "",
            address,
        )
        at = found.start() + len(address)
    yield show(text[at:])


def _without_end(address: str) -> str:
    """An address without the punctuation of the sentence it stands in."""
    while address:
        last = address[-1]
        is_outer = last in BRACKETS and address.count(last) > address.count(BRACKETS[last])
        if not (is_outer or last in ".,:;!?…'*"):
            break
        address = address[:-1]
    return address


def _target(address: str) -> str:
    if address.lower().startswith(("http://", "https://")):
        return address
    return f"http://{address}" if address.lower().startswith("www.") else f"mailto:{address}"


def _as_it_is(text: str) -> str:
    return text


def _with_kept_space(text: str) -> SafeString:
    lines = text.replace("\t", "    ").split("\n")
    kept = (SafeString(KEPT_SPACE.sub("&nbsp;", escape(line))) for line in lines)
    return format_html_join(SafeString("<br>"), "{}", ((line,) for line in kept))
