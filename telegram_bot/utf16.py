"""Text measured as Telegram measures it."""


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
