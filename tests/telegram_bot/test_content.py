"""What a message says beside its words is taken into the text, or said not to be."""

import pytest

from telegram_bot.models import Dialog
from tests.local_telegram import Json
from tests.telegram_bot.bot import Chat
from tests.telegram_bot.new_ticket import go_to
from tests.telegram_bot.own_tickets import WRITE
from tickets.models import Ticket

QUOTE: Json = {
    "external_reply": {"origin": {"type": "hidden_user", "date": 1, "sender_user_name": "Пётр"}},
    "quote": {"text": "Сервер упал\nв 14:20", "position": 0},
}
QUOTED = "> Пётр:\n> Сервер упал\n> в 14:20"
USER = {"id": 9, "is_bot": False, "first_name": "Пётр", "last_name": "Ильин"}
CHANNEL = {"id": -1009, "type": "channel", "title": "Новости"}
POLL = {"id": "1", "question": "Когда?", "options": [{"text": "Сейчас", "voter_count": 0,
        "persistent_id": "1"}], "total_voter_count": 0, "is_closed": False, "is_anonymous": True,
        "type": "regular", "allows_multiple_answers": False, "allows_revoting": False,
        "members_only": False}  # fmt: skip
PAID = {"star_count": 1, "paid_media": [{"type": "preview"}]}


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ({"type": "user", "sender_user": USER}, "Пётр Ильин"),
        ({"type": "hidden_user", "sender_user_name": "Пётр"}, "Пётр"),
        ({"type": "chat", "sender_chat": CHANNEL}, "Новости"),
        ({"type": "channel", "chat": CHANNEL, "message_id": 1}, "Новости"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
def test_quote_of_elsewhere_stands_above_the_words(ticket, chat: Chat, origin, name) -> None:
    chat.press_card(ticket, WRITE)
    quote = {"external_reply": {"origin": origin | {"date": 1}}, "quote": QUOTE["quote"]}
    chat.say("Это оно?", extra=quote)
    assert ticket.comments.get().body == f"> {name}:\n> Сервер упал\n> в 14:20\n\nЭто оно?"


def test_answer_to_elsewhere_without_a_quote_is_said(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    chat.say("Это оно?", extra={"external_reply": QUOTE["external_reply"]})
    assert "> Пётр:\n> (ответ на сообщение" in ticket.comments.get().body


def test_quote_of_the_bots_message_is_kept_without_its_name(ticket, chat: Chat) -> None:
    card = chat.say(str(ticket.pk)).messages[0]
    quote = {"quote": {"text": "Белый экран", "position": 0}}
    chat.say("Уже нет", reply_to=card["message_id"], extra=quote)
    assert ticket.comments.get().body == "> Белый экран\n\nУже нет"


def test_quote_is_part_of_a_new_ticket(linked, product, chat: Chat) -> None:
    go_to(chat, "title")
    chat.say("Упал сервер", extra=QUOTE)
    chat.say("Помогите")
    draft = Dialog.objects.get().draft
    assert (draft["title"], draft["description"]) == ("Упал сервер", f"{QUOTED}\n\nПомогите")


def test_corrected_words_leave_the_quote(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    sent = chat.telegram.send("anna", "Это оно?", extra=QUOTE)
    chat.bot.catch_up()
    chat.edit(sent["message_id"], "Это не оно")
    assert ticket.comments.get().body == f"{QUOTED}\n\nЭто не оно"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"poll": POLL}, "Опрос я принять не могу"),
        ({"paid_media": PAID}, "Платные фото и видео я принять не могу"),
        ({"checklist": {"title": "Дела", "tasks": []}}, "Чек-лист я принять не могу"),
    ],
    ids=["poll", "paid_media", "checklist"],
)
def test_what_is_left_out_beside_words_is_said(ticket: Ticket, chat: Chat, extra, words) -> None:
    chat.press_card(ticket, WRITE)
    answer = chat.say("Смотрите", extra=extra)
    assert words in answer
    assert "Комментарий добавлен" in answer
    assert ticket.comments.get().body == "Смотрите"


@pytest.mark.parametrize("field", ["poll", "paid_media"])
def test_what_is_left_out_alone_is_said(linked, chat: Chat, field) -> None:
    message = {"message_id": 10**6, "date": 1, "chat": {"id": chat.id, "type": "private"},
               "from": {"id": chat.id, "is_bot": False, "first_name": "Анна"},
               field: {"poll": POLL, "paid_media": PAID}[field]}  # fmt: skip
    chat.start()
    answer = chat.do(lambda: chat.telegram.update(message))
    assert "я принять не могу" in answer
    assert "Принимаю текст" in answer
