"""What a person typed, made safe to keep: one path for every face."""

import re
import unicodedata

BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
INVISIBLE = re.compile(
    r"[\s\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)
UNSAFE = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{BIDI}\ufeff\ufffe\uffff\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Normalise to NFC with plain newlines; drop controls, bidi overrides and lone surrogates.

    Text in which nothing can be seen comes back empty. Outer space goes, but for what indents the
    first of several lines: pasted code begins so.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = unicodedata.normalize("NFC", UNSAFE.sub("", text).replace("\u2029", "\n")).rstrip()
    if INVISIBLE.fullmatch(text):
        return ""
    begin = len(text) - len(text.lstrip())
    return text[text.rfind("\n", 0, begin) + 1 :] if "\n" in text[begin:] else text[begin:]


def clean_line(text: str) -> str:
    """`clean_text` for one-line fields: runs of white space become one space."""
    return " ".join(clean_text(text).split())


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis in place of what was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
