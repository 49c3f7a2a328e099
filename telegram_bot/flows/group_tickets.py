"""Tickets straight from a group: a mention of the bot opens one, a reply to the bot comments (R7).

What a group reads here is public: no e-mails, phones, comments or priorities. The answers leave
through deliveries, which keep to Telegram's pace for groups.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from telegram import Message

from accounts.models import User
from telegram_bot.content import left_out, quotation, with_quotation
from telegram_bot.files import MAX_SIZE, as_new_file, fetch_soon, sent_file
from telegram_bot.flows.comments import comment_message, correct, keep_comment_message
from telegram_bot.flows.group_setup import NOBODY
from telegram_bot.flows.my_tickets import find_ticket
from telegram_bot.groups import known_group
from telegram_bot.incoming import Incoming
from telegram_bot.mentions import is_meant, without_mentions
from telegram_bot.models import TELEGRAM, Dialog, Group, GroupTicket, TicketMessage
from telegram_bot.notices import GroupAnswer
from telegram_bot.replies import Replies, react
from tickets.attachments import NewFile, check_file
from tickets.comments import add_comment, extend_comment, extend_description
from tickets.delivery import tell
from tickets.models import TITLE_LIMIT, Comment, Face, Product, Ticket
from tickets.recording import customer
from tickets.refusals import (
    FileRefused,
    ProductUnavailable,
    TextRequired,
    TextTooLong,
    TicketClosed,
    TooManyFiles,
    TooManyTickets,
)
from tickets.services import open_ticket
from tickets.text import clean_line, clean_text, cut

SHORTEST_PROBLEM = 10  # characters besides the mention
INVITE_PAUSE = timedelta(minutes=10)  # per person, in all groups together
SENTENCE_END = re.compile(r"(?<=[.!?…])\s|\n")
GREETING = re.compile(
    r"(всем\s+)?(здравствуйте|приветствую|привет|хай|hello|hi|good (day|morning)|салам"
    r"|добр(ый|ого|ое|ой)\s+(день|дня|вечер|вечера|утро|утра|ночи|время|времени)(\s+суток)?)"
    r"([\s,]+(всем|вам|коллеги|команда|поддержка|друзья|уважаемые))*[\s,.!…)]*"
    r"|(уважаемые\s+)?коллеги[\s,.!…)]*"
)
ACCEPTED_REACTION, INVITED_REACTION = "👀", "🤷"


@dataclass(frozen=True)
class Source:
    """What a ticket is made from: the mentioning message or the one it replies to."""

    message: Message
    words: str  # of that message
    quote: str  # that they are an answer to
    extra: str  # that the reply with the mention adds
    files: list[dict[str, Any]]
    left_out: str  # the name of a file that cannot be taken
    is_quoted: bool

    @property
    def album(self) -> str:
        return self.message.media_group_id or ""

    @property
    def is_enough(self) -> bool:
        described = clean_line(f"{self.quote} {self.words} {self.extra}")
        return len(described) >= SHORTEST_PROBLEM or (self.is_quoted and bool(self.files))

    @property
    def title(self) -> str:
        quoted = self.message.quote.text if self.message.quote else ""
        text = clean_text(self.words) or clean_text(self.extra) or clean_text(quoted)
        return first_sentence(text) or _("Сообщение из группы")

    @property
    def description(self) -> str:
        words = clean_text("\n\n".join(filter(None, [self.quote, self.words])))
        extra = clean_text(self.extra)
        if not self.is_quoted:
            return words
        author = _("Сообщение участника %(name)s:") % {"name": _author(self.message)}
        quoted = f"{author}\n{words or _('(файл без текста)')}"
        return f"{quoted}\n\n{extra}" if extra else quoted


def take_message(dialog: Dialog, message: Incoming) -> Replies:
    """A mention opens a ticket, a reply to a message about a ticket comments on it."""
    sent = message.message
    if sent is None:
        return []
    about = TicketMessage.objects.filter(
        chat_id=message.chat_id, message_id=message.replied_id, comment=None
    ).first()
    if about:
        take = _correct if message.is_edit else _comment
        return take(dialog, message, sent, about)
    opened = (
        message.album
        and GroupTicket.objects.filter(chat_id=message.chat_id, album=message.album).first()
    )
    if opened:
        return _join(message, sent, opened)
    if not is_meant(sent, message.bot_id, message.bot_username):
        return []
    refusal = _refuse_stranger(dialog, message, sent)
    return _open(message, sent) if refusal is None else refusal


def _refuse_stranger(dialog: Dialog, message: Incoming, sent: Message) -> Replies | None:
    """None for linked people; others are invited to register, at most every 10 minutes."""
    if message.telegram_id in NOBODY or sent.sender_chat:
        return _tell(message, GroupAnswer.ANONYMOUS)
    if message.user:
        return None
    now = timezone.now()
    recent = Dialog.objects.filter(
        telegram_id=message.telegram_id, data__invited_at__gt=(now - INVITE_PAUSE).isoformat()
    )
    if recent.exists():
        return [react(message.chat_id, message.message_id, INVITED_REACTION)]
    dialog.data["invited_at"] = now.isoformat()
    return _tell(message, GroupAnswer.UNREGISTERED, name=cut(message.name, 60))


# Opening


def _open(message: Incoming, sent: Message) -> Replies:
    group = known_group(message.chat_id, message.chat_title)
    source = _source(message, sent)
    known = _known_ticket(message, source)
    if known:
        return [] if message.is_edit else _tell(message, GroupAnswer.EXISTS, ticket=known.ticket_id)
    product = _product(group, message.topic)
    if not source.is_enough:
        return _tell(message, GroupAnswer.SHORT, left_out=source.left_out)
    if product is None:
        return _tell(message, GroupAnswer.NOT_CONFIGURED)
    if not product.is_active:
        return _tell(message, GroupAnswer.PRODUCT_OFF)
    if not group.bot_is_admin:
        return _tell(message, GroupAnswer.NOT_ADMIN)
    try:
        ticket = _write_ticket(message, group, product, source)
    except TooManyTickets:
        return _tell(message, GroupAnswer.TOO_MANY)
    except ProductUnavailable:
        return _tell(message, GroupAnswer.PRODUCT_OFF)
    except TextTooLong:
        return _tell(message, GroupAnswer.TOO_LONG)
    _tell(
        message,
        GroupAnswer.CREATED,
        message=source.message.message_id,
        ticket=ticket.pk,
        left_out=source.left_out,
        is_one_of_many=bool(source.album) and (source.is_quoted or message.is_edit),
        author=_author(sent),
        person=ticket.requester_id,
    )
    return [react(message.chat_id, source.message.message_id, ACCEPTED_REACTION)]


def _known_ticket(message: Incoming, source: Source) -> GroupTicket | None:
    """The ticket of this message, or of the album it is a part of."""
    same = Q(message_id=source.message.message_id)
    if source.album:
        same |= Q(album=source.album)
    return GroupTicket.objects.filter(same, chat_id=message.chat_id).first()


def _write_ticket(message: Incoming, group: Group, product: Product, source: Source) -> Ticket:
    with transaction.atomic():
        ticket = open_ticket(
            requester=message.customer,
            product=product,
            title=source.title,
            description=source.description,
            face=Face.GROUP,
            files=[as_new_file(file, message.link) for file in source.files],
        )
        GroupTicket.objects.create(
            ticket=ticket,
            group=group,
            chat_id=message.chat_id,
            message_id=source.message.message_id,
            topic=message.topic,
            album=message.album or source.album,
        )
        if source.files:
            fetch_soon()
        return ticket


def _product(group: Group, topic: int) -> Product | None:
    """The topic's own product, else the whole group's."""
    chosen = group.products.filter(topic__in={topic, 0}).select_related("product")
    row = chosen.order_by("-topic").first()
    return row.product if row else None


def _source(message: Incoming, sent: Message) -> Source:
    quoted = _quoted(message, sent)
    found = [_take_file(one) for one in (quoted or sent.reply_to_message, sent) if one]
    return Source(
        message=quoted or sent,
        words=_words(message, quoted or sent),
        quote=quotation(quoted or sent),
        extra=_words(message, sent) if quoted else "",
        files=[file for file, _left_out in found if file],
        left_out=next((name for _file, name in found if name), ""),
        is_quoted=quoted is not None,
    )


def _quoted(message: Incoming, sent: Message) -> Message | None:
    """The replied-to message of a person, if there is anything in it to make a ticket from."""
    quoted = sent.reply_to_message
    if quoted is None or (quoted.from_user and quoted.from_user.id == message.bot_id):
        return None
    is_empty = not _words(message, quoted) and sent_file(quoted, with_voice=True) is None
    return None if is_empty else quoted


def _words(message: Incoming, sent: Message) -> str:
    return without_mentions(sent, message.bot_id, message.bot_username)


def _author(sent: Message) -> str:
    """Who wrote a message, by the name that the group knows anyway."""
    name = sent.from_user.full_name if sent.from_user else ""
    if sent.sender_chat:
        name = sent.sender_chat.title or ""
    return clean_line(name) or _("без имени")


def _take_file(sent: Message) -> tuple[dict[str, Any] | None, str]:
    """The file of a message or, when it cannot be taken, its name."""
    file = sent_file(sent, with_voice=True)
    if file is None:
        return None, left_out(sent)[0]
    try:
        check_file(name=file["name"], size=file["size"], limit=MAX_SIZE)
    except FileRefused:
        return None, file["name"]
    return file, ""


def first_sentence(text: str) -> str:
    """A title: the first sentence that says something, cut on a word border when it is too long."""
    sentences = [clean_line(sentence) for sentence in SENTENCE_END.split(text)]
    with_letters = [line for line in sentences if any(map(str.isalpha, line))]
    telling = (line for line in with_letters if not GREETING.fullmatch(line.casefold()))
    sentence = next(telling, next(iter(with_letters), clean_line(text)))
    if len(sentence) <= TITLE_LIMIT:
        return sentence
    whole_words = sentence[:TITLE_LIMIT].rpartition(" ")[0].rstrip(" ,;:—-")
    return f"{whole_words}…" if whole_words else cut(sentence, TITLE_LIMIT)


def _join(message: Incoming, sent: Message, opened: GroupTicket) -> Replies:
    """A further part of an album whose ticket exists brings its file and its words along."""
    if message.is_edit:
        return []
    file, refused = _take_file(sent)
    files = [file] if file else []
    if refused:
        _tell(message, GroupAnswer.FILE_REFUSED, ticket=opened.ticket_id, left_out=refused)
    try:
        extend_description(
            ticket=opened.ticket,
            body=_words(message, sent),
            files=[as_new_file(file, message.link) for file in files],
        )
    except TooManyFiles:
        return []
    except TextTooLong:
        return _tell(message, GroupAnswer.TOO_LONG)
    if files:
        fetch_soon()
    return [
        react(message.chat_id, opened.message_id, ACCEPTED_REACTION)
    ]  # an album's last answer stays


# Commenting


def _comment(dialog: Dialog, message: Incoming, sent: Message, about: TicketMessage) -> Replies:
    """A reply to the bot's message about a ticket: a comment of somebody who may see it."""
    refusal = _refuse_stranger(dialog, message, sent)
    if refusal is not None:
        return refusal
    ticket = find_ticket(message, about.ticket_id)
    if ticket is None:
        return _tell(message, GroupAnswer.FOREIGN)
    file, refused = _take_file(sent)
    files = [as_new_file(file, message.link)] if file else []
    begun = _begun_comment(dialog, message)
    body = _words(message, sent)
    whole = with_quotation(sent, body)
    try:
        comment = _write_comment(message.customer, ticket, begun, whole, files)
    except TicketClosed:
        return _tell(message, GroupAnswer.CLOSED, ticket=ticket.pk)
    except (TextRequired, TextTooLong, TooManyFiles):
        return _tell(message, GroupAnswer.COMMENT_EMPTY, left_out=refused)
    ticket = comment.ticket
    dialog.open_part, dialog.open_comment_id = message.album, comment.pk
    keep_comment_message(message, comment, body)
    if files:
        fetch_soon()
    if begun is None:
        return _tell(message, GroupAnswer.COMMENTED, ticket=ticket.pk, left_out=refused)
    if refused:
        return _tell(message, GroupAnswer.FILE_REFUSED, ticket=ticket.pk, left_out=refused)
    return []


def _correct(dialog: Dialog, message: Incoming, sent: Message, about: TicketMessage) -> Replies:
    """An edited reply corrects the comment it made; who has made none is not answered."""
    made = comment_message(message)
    words = _words(message, sent)
    return correct(message, made, words) if made and message.user and words else []


def _begun_comment(dialog: Dialog, message: Incoming) -> Comment | None:
    """The comment that the first part of this album has made."""
    if not message.album or dialog.open_part != message.album:
        return None
    return Comment.objects.filter(pk=dialog.open_comment_id or 0, author=message.customer).first()


def _write_comment(
    user: User, ticket: Ticket, begun: Comment | None, body: str, files: list[NewFile]
) -> Comment:
    if begun:
        extend_comment(comment=begun, body=body, files=files)
        return begun
    return add_comment(ticket=ticket, actor=customer(user, Face.GROUP), body=body, files=files)


def _tell(
    update: Incoming, kind: GroupAnswer, *, ticket: int = 0, **about: int | str | bool
) -> Replies:
    """Queue an answer to the group: there the pace is kept and nothing is lost."""
    if ticket:
        about["ticket"] = ticket
    tell(
        channel=TELEGRAM,
        kind=kind,
        address=str(update.chat_id),
        key=f"{kind}:{update.update.update_id}",
        ticket_id=ticket or None,
        data={
            "chat": update.chat_id,
            "message": update.message_id,
            "topic": update.topic,
            **about,
        },
    )
    return []
