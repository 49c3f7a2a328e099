"""What a person typed, made safe to keep: one path for every face."""

import re
import unicodedata

BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
INVISIBLE = re.compile(
    r"[\s\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]*"
)
UNSAFE = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{BIDI}\ufeff\ufffe\uffff\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Normalise to NFC with plain newlines; drop controls, bidi overrides and lone surrogates.

    Text in which nothing can be seen comes back empty.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = unicodedata.normalize("NFC", UNSAFE.sub("", text).replace("\u2029", "\n")).strip()
    return "" if INVISIBLE.fullmatch(text) else text


def clean_line(text: str) -> str:
    """`clean_text` for one-line fields: runs of white space become one space."""
    return " ".join(clean_text(text).split())


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis in place of what was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def utf16_length(text: str) -> int:
    """Telegram counts in UTF-16 units: an emoji is two."""
    return len(text) + sum(character > "\uffff" for character in text)


def cut_utf16(text: str, limit: int) -> str:
    """`cut`, with the limit in UTF-16 units."""
    if utf16_length(text) <= limit:
        return text
    units = 0
    for place, character in enumerate(text):
        units += 2 if character > "\uffff" else 1
        if units >= limit:
            return text[:place].rstrip() + "…"
    return text


def split_utf16(text: str, limit: int) -> list[str]:
    """Parts of at most `limit` UTF-16 units that joined give the text; cut after white space."""
    parts = []
    while utf16_length(text) > limit:
        end = units = 0
        while units + (2 if text[end] > "\uffff" else 1) <= limit:
            units += 2 if text[end] > "\uffff" else 1
            end += 1
        line, word = text.rfind("\n", end // 2, end), text.rfind(" ", end // 2, end)
        end = (line if line >= 0 else word) + 1 or end
        parts.append(text[:end])
        text = text[end:]
    return [*parts, text]


def plural(number: int, one: str, few: str, many: str) -> str:
    """The Russian form of a noun for `number`: 1 заявка, 2 заявки, 5 заявок."""
    if number % 10 == 1 and number % 100 != 11:
        return one
    if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14):
        return few
    return many


def time_span(seconds: int) -> str:
    """A span as «5 минут», after «через» and before «назад»: the accusative."""
    if seconds <= 90:
        return f"{seconds} {plural(seconds, 'секунду', 'секунды', 'секунд')}"
    minutes = round(seconds / 60)
    if minutes <= 90:
        return f"{minutes} {plural(minutes, 'минуту', 'минуты', 'минут')}"
    hours = round(seconds / 3600)
    if hours <= 36:
        return f"{hours} {plural(hours, 'час', 'часа', 'часов')}"
    days = round(seconds / 86400)
    return f"{days} {plural(days, 'день', 'дня', 'дней')}"


def file_size(size: int) -> str:
    """1536 → «1,5 КБ»."""
    if size < 1024:
        return f"{size} Б"
    unit, value = ("КБ", size / 1024) if size < 1023.95 * 1024 else ("МБ", size / 1024**2)
    return f"{value:.1f} {unit}".replace(".0 ", " ").replace(".", ",")
