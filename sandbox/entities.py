"""Formatted text: Telegram's HTML to text with entities, counted in UTF-16 units."""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.errors import bad_request, not_emulated

Entity = dict[str, Any]

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
DETECTED = (
    ("url", re.compile(r"https?://[^\s<>\"«»]*[\w/#=&]|(?<![\w@./])t\.me/[\w/?=&-]*\w")),
    ("email", re.compile(r"(?<![\w.+-])[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")),
    (
        "bot_command",
        re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?\b(?![/<>])"),
    ),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z0-9_]{4,32}\b")),
    ("hashtag", re.compile(r"(?<![\w/])#\w*[^\W\d]\w*")),
)
OPAQUE = {"code", "pre", "text_link", "text_mention"}
CHARACTER = re.compile(r"&(?:(lt|gt|amp|quot)|#(?:x([0-9a-fA-F]{1,6})|(\d{1,7})));?")
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
ATTRIBUTE = re.compile(r"""\s+([^\s=>/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
LINK = re.compile(r"(?i)(https?|tg)://([^/?#\s]+)\S*|mailto:\S+@\S+")


def utf16_length(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def utf16_slice(text: str, offset: int, length: int) -> str:
    units = text.encode("utf-16-le", "surrogatepass")[2 * offset : 2 * (offset + length)]
    return units.decode("utf-16-le", "surrogatepass")


def is_link(url: str) -> bool:
    """Whether Telegram takes the address: a host without a dot, like localhost, is refused."""
    match = LINK.fullmatch(url)
    if match is None:
        return False
    return match[1] is None or match[1].lower() == "tg" or "." in match[2]


@dataclass
class OpenTag:
    name: str
    attributes: dict[str, str]
    offset: int
    start: int  # index in the output, to know the tag's own text


class HtmlParser:
    """One pass over the text, with the words of Telegram's own parser in its errors."""

    def __init__(self, html: str) -> None:
        self.html = html
        self.position = 0
        self.output: list[str] = []
        self.offset = 0
        self.open: list[OpenTag] = []
        self.entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        while self.position < len(self.html):
            character = self.html[self.position]
            if character == "<":
                self._read_tag()
            elif character == "&":
                self._read_reference()
            else:
                self._write(character)
                self.position += 1
        if self.open:
            name = self.open[-1].name
            raise self._error(f'Can\'t find end tag corresponding to start tag "{name}"')
        return "".join(self.output), sort_entities(self.entities)

    def _write(self, text: str) -> None:
        self.output.append(text)
        self.offset += utf16_length(text)

    def _error(self, text: str) -> Exception:
        return bad_request(f"can't parse entities: {text}")

    def _at(self) -> str:
        return f"at byte offset {len(self.html[: self.position].encode())}"

    def _read_reference(self) -> None:
        match = CHARACTER.match(self.html, self.position)
        character = "&"
        if match and match[1]:
            character = NAMED[match[1]]
        elif match:
            code = int(match[2], 16) if match[2] else int(match[3])
            valid = 0 < code < 0x110000 and not 0xD800 <= code < 0xE000
            character = chr(code) if valid else match[0]
        self._write(character)
        self.position += len(match[0]) if match else 1

    def _read_tag(self) -> None:
        if self.html.startswith("</", self.position):
            self._read_end_tag()
        else:
            self._read_start_tag()

    def _read_start_tag(self) -> None:
        match = re.compile(r"<([^\s>]*)").match(self.html, self.position)
        name = match[1].lower() if match else ""
        if name not in TAGS:
            raise self._error(f'Unsupported start tag "{name}" {self._at()}')
        position = self.position + len(name) + 1
        attributes = {}
        while found := ATTRIBUTE.match(self.html, position):
            attributes[found[1].lower()] = found[2] or found[3] or found[4] or ""
            position = found.end()
        closing = re.compile(r"\s*>").match(self.html, position)
        if not closing:
            raise self._error(f'Unclosed start tag "{name}" {self._at()}')
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise self._error(f'Tag "span" must have class "tg-spoiler" {self._at()}')
        self.open.append(OpenTag(name, attributes, self.offset, len(self.output)))
        self.position = closing.end()

    def _read_end_tag(self) -> None:
        if not self.open:
            raise self._error(f"Unexpected end tag {self._at()}")
        match = re.compile(r"</([^\s>]*)\s*>").match(self.html, self.position)
        if not match:
            raise self._error(f"Unclosed end tag {self._at()}")
        tag = self.open.pop()
        if match[1] and match[1].lower() != tag.name:
            raise self._error(
                f'Unmatched end tag {self._at()}, expected "</{tag.name}>", found "{match[0]}"'
            )
        self.position = match.end()
        if length := self.offset - tag.offset:
            self._close(tag, length)

    def _close(self, tag: OpenTag, length: int) -> None:
        entity: Entity = {"type": TAGS[tag.name], "offset": tag.offset, "length": length}
        if tag.name == "a":
            url = tag.attributes.get("href") or "".join(self.output[tag.start :])
            user = re.fullmatch(r"tg://user\?id=(\d+)", url)
            if user:
                entity |= {"type": "text_mention", "user": {"id": int(user[1])}}
            elif is_link(url):
                entity["url"] = url
            else:
                return  # Telegram drops a link it cannot use and keeps the words
        elif tag.name == "blockquote" and "expandable" in tag.attributes:
            entity["type"] = "expandable_blockquote"
        elif tag.name == "tg-emoji":
            entity["custom_emoji_id"] = tag.attributes.get("emoji-id", "")
        elif tag.name == "code":
            if self.open and self.open[-1].name == "pre":
                language = tag.attributes.get("class", "").removeprefix("language-")
                self.open[-1].attributes["language"] = language
                return
        elif tag.attributes.get("language"):
            entity["language"] = tag.attributes["language"]
        self.entities.append(entity)


def sort_entities(entities: list[Entity]) -> list[Entity]:
    return sorted(entities, key=lambda entity: (entity["offset"], -entity["length"]))


def detect_entities(text: str, known: list[Entity]) -> list[Entity]:
    """Add what Telegram finds by itself: commands, mentions, addresses."""
    found = list(known)
    taken = [_span(entity) for entity in known if entity["type"] in OPAQUE]
    borders = [_span(entity) for entity in known]
    for kind, pattern in DETECTED:
        for match in pattern.finditer(text):
            offset = utf16_length(text[: match.start()])
            start, end = span = offset, offset + utf16_length(match[0])
            crosses = any(a < start < b < end or start < a < end < b for a, b in borders)
            if crosses or any(a < end and start < b for a, b in taken):
                continue
            taken.append(span)
            found.append({"type": kind, "offset": start, "length": end - start})
    return sort_entities(found)


def _span(entity: Entity) -> tuple[int, int]:
    return entity["offset"], entity["offset"] + entity["length"]


def format_text(text: str, parse_mode: str | None) -> tuple[str, list[Entity]]:
    """The text as Telegram stores it: parsed, trimmed, with all its entities."""
    entities: list[Entity] = []
    text = re.sub("[\x00-\x08\x0b-\x0c\x0e-\x1f]", " ", text.replace("\r", ""))
    if parse_mode:
        if parse_mode.lower() != "html":
            raise not_emulated("only HTML is parsed")
        text, entities = HtmlParser(text).parse()
    lead = utf16_length(text) - utf16_length(text.lstrip())
    text = text.strip()
    return text, detect_entities(text, _shift(entities, lead, utf16_length(text)))


def _shift(entities: list[Entity], lead: int, total: int) -> list[Entity]:
    shifted = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] - lead + entity["length"], total)
        if end > start:
            shifted.append(entity | {"offset": start, "length": end - start})
    return shifted
