"""Short things that people type or paste: what nobody sees does not count."""

import re
import unicodedata

# Between the digits of a phone or a PIN: every space of a line, every dash and the minus sign
GAP = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u002d\u2010-\u2015\u2212"


def without_invisible(text: str) -> str:
    """The text without marks of direction, joiners and the like, which pasting brings along."""
    return "".join(character for character in text if unicodedata.category(character) != "Cf")


def pin_in(text: str) -> str:
    """The six digits of a PIN, alone or in a sentence; empty for anything else.

    The text holds exactly six digits, ASCII ones, with nothing but spaces and dashes between them.
    """
    text = re.sub(rf"(?<=[0-9])[{GAP}]+(?=[0-9])", "", without_invisible(text))
    digits = "".join(filter(str.isdigit, text))
    return digits if re.fullmatch(r"[0-9]{6}", digits) and digits in text else ""
