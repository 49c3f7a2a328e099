"""Is the bot meant? Entities are counted in UTF-16 units, so text is cut in that encoding."""

from collections.abc import Sequence
from string import whitespace

from telegram import Message, MessageEntity

UTF16 = ("utf-16-le", "surrogatepass")  # two bytes a unit; half a pair must not raise


def mentions(message: Message, bot_id: int, username: str) -> list[MessageEntity]:
    """The entities of text or caption that mention the bot, in any letter case."""
    own = f"@{username}".casefold()
    return [
        entity
        for entity in _entities(message)
        if (entity.type == MessageEntity.MENTION and _words(message, entity).casefold() == own)
        or (entity.type == MessageEntity.TEXT_MENTION and entity.user and entity.user.id == bot_id)
    ]


def is_meant(message: Message, bot_id: int, username: str) -> bool:
    """Whether the sender calls the bot: a forwarded mention is somebody else's."""
    return message.forward_origin is None and bool(mentions(message, bot_id, username))


def without_mentions(message: Message, bot_id: int, username: str) -> str:
    """Text or caption with every mention of the bot taken out, and all else as it was."""
    units = _units(message)
    found = mentions(message, bot_id, username)
    for entity in sorted(found, key=lambda entity: entity.offset, reverse=True):
        start, end = _place(entity)
        rest = _join(units[:start].decode(*UTF16), units[end:].decode(*UTF16))
        units = rest.encode(*UTF16)
    return units.decode(*UTF16).strip()


def _join(before: str, after: str) -> str:
    """Put together what stood on both sides of a mention: the comma beside it goes with it."""
    if not before.strip():
        return after.lstrip(whitespace + ",:;")
    if not after.strip():
        return before.rstrip(whitespace + ",:")
    before, after = before.rstrip(" "), after.lstrip(" ")
    if after[0] in ".,:;!?":
        return before.rstrip(",") + after
    is_close = before.endswith("\n") or after.startswith("\n")
    return before + after if is_close else f"{before} {after}"


def commands(message: Message, username: str, *, named: bool = False) -> set[str]:
    """The command a group message begins with, if it is for this bot: `/config[@bot]`.

    With `named` only if it names the bot. A forwarded command is none.
    """
    if message.forward_origin:
        return set()
    names = (username.casefold(),) if named else ("", username.casefold())
    found = [
        _words(message, entity).removeprefix("/").casefold().partition("@")
        for entity in _entities(message)
        if entity.type == MessageEntity.BOT_COMMAND and entity.offset == 0
    ]
    return {name for name, _at, bot in found if bot in names}


def _entities(message: Message) -> Sequence[MessageEntity]:
    return message.entities or message.caption_entities


def _words(message: Message, entity: MessageEntity) -> str:
    start, end = _place(entity)
    return _units(message)[start:end].decode(*UTF16)


def _units(message: Message) -> bytes:
    return (message.text or message.caption or "").encode(*UTF16)


def _place(entity: MessageEntity) -> tuple[int, int]:
    return 2 * entity.offset, 2 * (entity.offset + entity.length)
