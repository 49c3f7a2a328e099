"""What a message says beside its own words: a quote, and what cannot be taken."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from telegram import Message, MessageOrigin

from tickets.text import clean_line, clean_text

# Fields of a message: the name of what is in them, and what to do instead
LEFT_OUT: dict[str, tuple[Promise, Promise]] = {
    "poll": (
        gettext_lazy("опрос"),
        gettext_lazy("Опрос я принять не могу: опишите его словами или пришлите снимок."),
    ),
    "checklist": (
        gettext_lazy("чек-лист"),
        gettext_lazy("Чек-лист я принять не могу: отправьте его текстом."),
    ),
    "paid_media": (
        gettext_lazy("платные фото и видео"),
        gettext_lazy("Платные фото и видео я принять не могу: отправьте их обычным сообщением."),
    ),
    "voice": (
        gettext_lazy("голосовое сообщение"),
        gettext_lazy("Голосовое сообщение я принять не могу: напишите словами."),
    ),
    "story": (gettext_lazy("история"), gettext_lazy("Историю я принять не могу.")),
}


def left_out(message: Message | None) -> tuple[str, str]:
    """The name of what a message has and the bot does not take, and words of it; else blanks."""
    for field, (name, text) in LEFT_OUT.items():
        if getattr(message, field, None):
            return str(name), str(text)
    return "", ""


def quotation(message: Message) -> str:
    """The words a message quotes and whose they are, as a block of lines that begin with `>`."""
    elsewhere, quote = message.external_reply, message.quote
    if elsewhere is None and quote is None:
        return ""
    author = _author(elsewhere.origin) if elsewhere else _answered_person(message)
    lines = clean_text(quote.text).split("\n") if quote else []
    if not lines:
        lines = [_("(ответ на сообщение из другого чата, без текста)")]
    head = [f"{author}:"] if author else []
    return "\n".join(f"> {line}" for line in [*head, *lines])


def with_quotation(message: Message, words: str) -> str:
    return "\n\n".join(filter(None, [quotation(message), words]))


def _author(origin: MessageOrigin) -> str:
    """By the name that Telegram gives of one of four kinds of senders."""
    user = getattr(origin, "sender_user", None)
    chat = getattr(origin, "sender_chat", None) or getattr(origin, "chat", None)
    name = user.full_name if user else chat and chat.effective_name
    return clean_line(name or getattr(origin, "sender_user_name", "") or "")


def _answered_person(message: Message) -> str:
    replied = message.reply_to_message
    sender = replied and replied.from_user
    return clean_line(sender.full_name) if sender and not sender.is_bot else ""
