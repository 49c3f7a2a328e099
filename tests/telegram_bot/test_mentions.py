"""Is the bot meant, and what is said besides: entities are counted in UTF-16 units."""

import re
from datetime import UTC, datetime

import pytest
from telegram import Chat, Message, MessageEntity, User

from telegram_bot.flows.group_tickets import first_sentence
from telegram_bot.mentions import commands, mentions, without_mentions
from telegram_bot.utf16 import utf16_length

BOT_ID, NAME = 7, "support_bot"
ME = User(BOT_ID, "Поддержка", is_bot=True, username=NAME)
SOMEBODY = User(8, "Борис", is_bot=False)


def said(text: str, *marked: tuple[str, str] | tuple[str, str, User], caption=False) -> Message:
    """A group message; `marked` are its entities: kind and the piece of text it covers."""
    entities = [
        MessageEntity(
            kind,
            offset=utf16_length(text[: text.index(piece)]),
            length=utf16_length(piece),
            user=user[0] if user else None,
        )
        for kind, piece, *user in marked
    ]
    content = (
        {"caption": text, "caption_entities": entities}
        if caption
        else {"text": text, "entities": entities}
    )
    return Message(1, datetime.now(UTC), Chat(-5, "group"), from_user=SOMEBODY, **content)


def rest(message: Message) -> str:
    return without_mentions(message, BOT_ID, NAME)


@pytest.mark.parametrize("caption", [False, True])
@pytest.mark.parametrize("mention", ["@support_bot", "@Support_Bot", "@SUPPORT_BOT"])
def test_mention_is_found_in_any_case(mention, caption):
    message = said(f"Помогите, {mention}", ("mention", mention), caption=caption)
    assert len(mentions(message, BOT_ID, NAME)) == 1
    assert rest(message) == "Помогите"


@pytest.mark.parametrize(
    "message",
    [
        said("Просто текст"),
        said("support_bot и @support_bot без разметки"),
        said("@support_bot2 помоги", ("mention", "@support_bot2")),
        said("Борис, помоги", ("text_mention", "Борис", SOMEBODY)),
        said("@support_bot", ("code", "@support_bot")),
        said("a@support_bot.example", ("email", "a@support_bot.example")),
    ],
)
def test_others_are_not_the_bot(message):
    assert mentions(message, BOT_ID, NAME) == []
    assert rest(message) == message.text


def test_mention_without_a_username_is_known_by_the_id():
    message = said("Поддержка, помогите", ("text_mention", "Поддержка", ME))
    assert rest(message) == "помогите"


def test_every_mention_is_taken_out_at_its_own_place():
    text = "👨‍👩‍👧 Бот бот, ящик 🗑 @support_bot полон, @SUPPORT_BOT срочно"
    message = said(text, ("mention", "@support_bot"), ("mention", "@SUPPORT_BOT"))
    assert rest(message) == "👨‍👩‍👧 Бот бот, ящик 🗑 полон, срочно"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@support_bot, не работает запрос: SELECT 1;", "не работает запрос: SELECT 1;"),
        ("Не работает запрос: SELECT 1; @support_bot", "Не работает запрос: SELECT 1;"),
        ("Добрый день, @support_bot не работает", "Добрый день, не работает"),
        ("Привет, @support_bot! Не работает", "Привет! Не работает"),
        ("Порты:\n  22\n@support_bot\n  80", "Порты:\n  22\n\n  80"),
        ("Помогите, @support_bot", "Помогите"),
        ("@support_bot @support_bot помогите", "помогите"),
    ],
)
def test_nothing_else_is_taken_from_the_text(text, expected):
    places = [
        MessageEntity("mention", offset=found.start(), length=len("@support_bot"))
        for found in re.finditer("@support_bot", text)
    ]
    message = Message(1, datetime.now(UTC), Chat(-5, "group"), text=text, entities=places)
    assert rest(message) == expected


def test_same_words_elsewhere_stay():
    text = "Поддержка молчит. Поддержка!"
    entity = MessageEntity(
        "text_mention", offset=utf16_length("Поддержка молчит. "), length=9, user=ME
    )
    message = Message(1, datetime.now(UTC), Chat(-5, "group"), text=text, entities=[entity])
    assert rest(message) == "Поддержка молчит.!"


def test_half_of_a_pair_does_no_harm():
    message = said("\ud83d @support_bot упал \ude00", ("mention", "@support_bot"))
    assert "упал" in rest(message)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/config", {"config"}),
        ("/config@Support_Bot", {"config"}),
        ("/CONFIG@support_bot сейчас", {"config"}),
        ("/config@other_bot", set()),
        ("наберите /config", set()),
    ],
)
def test_commands_for_the_bot(text, found):
    command = next(word for word in text.split() if word.startswith("/"))
    assert commands(said(text, ("bot_command", command)), NAME) == found


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Не работает диск", "Не работает диск"),
        ("Не работает диск. Срочно!", "Не работает диск."),
        ("Сервер db1.example.com упал! Помогите", "Сервер db1.example.com упал!"),
        ("Не работает диск\nподробности", "Не работает диск"),
        ("1. Не работает диск. 2. И сеть", "Не работает диск."),
        ("12345 67890", "12345 67890"),
        ("а" * 60, "а" * 60),
        ("а" * 61, "а" * 59 + "…"),
        ("слово " * 20, " ".join(["слово"] * 10) + "…"),
        ("слово " * 9 + "слово, слово", "слово слово слово слово слово слово слово слово слово…"),
    ],
)
def test_title_is_the_first_sentence_cut_on_a_word_border(text, title):
    assert first_sentence(text) == title
    assert len(title) <= 60
