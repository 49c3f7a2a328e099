"""Comments on one's own tickets, written and corrected."""

import re
from pathlib import Path

import pytest

from operations.tasks import every_minute
from tests.factories import TicketFactory
from tests.telegram_bot.bot import LOG, PNG, Bot, Chat
from tests.telegram_bot.own_tickets import WRITE, in_status, status_of, tell_staff
from tickets import recording, services
from tickets.comments import add_comment
from tickets.models import Attachment, Comment, Face, Priority
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("linked")


def cut_to_units(text: str, units: int) -> str:
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")


# Writing comments


def test_comment_by_the_button(linked, ticket, chat: Chat) -> None:
    chat.say(str(ticket.pk))
    assert f"Напишите комментарий к заявке № {ticket.pk}" in chat.press(WRITE)
    answer = chat.say("Всё ещё <белый> экран")
    assert answer.texts == [f"✅ Комментарий добавлен к № {ticket.pk}"]
    comment = Comment.objects.get()
    assert (comment.ticket, comment.author, comment.body, comment.face, comment.by_agent) == (
        ticket,
        linked,
        "Всё ещё <белый> экран",
        Face.BOT,
        False,
    )


def test_number_may_be_a_comment(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    assert "Комментарий добавлен" in chat.say("42")


def test_empty_comment_is_refused(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    assert "Комментарий не может быть пустым" in chat.say("\u200b\u2060")
    assert "Комментарий добавлен" in chat.say("Теперь со словами")
    assert Comment.objects.count() == 1


def test_comment_can_be_cancelled(ticket, chat: Chat) -> None:
    for way in ("/cancel", "Отмена", "✖️ Отмена"):
        chat.press_card(ticket, WRITE)
        answer = chat.press(way) if way.startswith("✖️") else chat.say(way)
        assert "Отменено" in answer
        assert "Не понял" in chat.say("Слова")
    assert not Comment.objects.exists()


def test_reply_to_a_notice_is_a_comment(ticket, agent, chat: Chat, bot: Bot) -> None:
    chat.start()
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Пришлите журнал")
    bot.run_queue()
    old = chat.message_with("Пришлите журнал")
    services.set_priority(ticket=ticket, priority=Priority.LOW, actor=recording.agent(agent))
    bot.run_queue()
    assert "Комментарий добавлен" in chat.reply(old, "Вот он")
    assert "Комментарий добавлен" in chat.reply(old, "500")
    assert [row.body for row in Comment.objects.filter(by_agent=False)] == ["Вот он", "500"]


def test_reply_to_a_card_is_a_comment(ticket, chat: Chat) -> None:
    card = chat.say(str(ticket.pk)).messages[0]
    assert f"добавлен к № {ticket.pk}" in chat.reply(card, "Вот")


def test_reply_beats_the_step(ticket, product, chat: Chat) -> None:
    card = chat.say(str(ticket.pk)).messages[0]
    chat.say("/new")
    chat.press(product.name)
    assert f"добавлен к № {ticket.pk}" in chat.reply(card, "К старой заявке")
    assert "шаг 3 из 4" in chat.say("Новая тема")


def test_reply_to_a_message_that_became_a_list_is_no_comment(ticket, chat: Chat) -> None:
    card = chat.say(str(ticket.pk)).messages[0]
    chat.press("‹ К списку", card)
    assert "Не понял" in chat.reply(card, "Слова")
    assert not Comment.objects.exists()


def test_reply_to_the_message_of_another_person_reaches_nothing(
    ticket, chat: Chat, foreign, boris_chat: Chat
) -> None:
    """Message numbers are counted by chat: the same number elsewhere is another message."""
    card = chat.say(str(ticket.pk)).messages[0]
    boris_chat.start()
    boris_chat.start()
    boris_chat.say("Слова", reply_to=card["message_id"])
    assert not Comment.objects.exists()


def test_album_is_one_comment(ticket, chat: Chat, bot: Bot) -> None:
    chat.press_card(ticket, WRITE)
    answer = chat.send(("one.txt", LOG), ("two.txt", b"2"), ("three.txt", b"3"), caption="Журналы")
    assert answer.texts == [f"✅ Комментарий добавлен к № {ticket.pk}"]
    comment = Comment.objects.get()
    assert comment.body == "Журналы"
    stored = [file.name for file in comment.attachments.filter(state=Attachment.State.READY)]
    assert stored == ["one.txt", "two.txt", "three.txt"]


def test_ten_photos_are_one_comment(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    photos = [(f"{number}.png", PNG + bytes([number])) for number in range(10)]
    answer = chat.send(*photos, kind="photo", caption="Снимки экрана")
    assert answer.texts == [f"✅ Комментарий добавлен к № {ticket.pk}"]
    comment = Comment.objects.get()
    assert comment.body == "Снимки экрана"
    contents = [Path(file.file.path).read_bytes() for file in comment.attachments.order_by("pk")]
    assert contents == [content for _name, content in photos]


def test_text_in_three_messages_is_one_comment_whole_and_in_order(ticket, chat: Chat) -> None:
    """As Telegram's apps cut what is longer than 4096 UTF-16 units."""
    parts = [
        "".join(f"{place}-{number} 😀 & <b>\n" for number in range(300))[:3900] + "конец " * 10
        for place in "123"
    ]
    parts = [cut_to_units(part, 4096) for part in (part + "хвост " * 100 for part in parts)]
    chat.press_card(ticket, WRITE)
    chat.do(lambda: [chat.telegram.send(chat.key, part) for part in parts])
    body = Comment.objects.get().body
    assert body == "\n".join(part.strip() for part in parts)
    assert len(body) > 10_000


def test_album_as_a_reply_is_one_comment(ticket, chat: Chat) -> None:
    card = chat.say(str(ticket.pk)).messages[0]
    answer = chat.send(("one.txt", LOG), ("two.txt", b"2"), reply_to=card["message_id"])
    assert answer.texts == [f"✅ Комментарий добавлен к № {ticket.pk}"]
    assert Comment.objects.get().attachments.count() == 2


def test_refused_part_of_an_album_is_named(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    answer = chat.send(("one.txt", LOG), ("virus.exe", b"MZ"), ("three.txt", b"3"))
    assert "virus.exe" in answer
    assert f"✅ Комментарий добавлен к № {ticket.pk}" in answer
    assert Comment.objects.get().attachments.count() == 2


def test_photo_without_words_is_a_comment(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    assert "Комментарий добавлен" in chat.send(("screen.png", PNG), kind="photo")
    attachment = Comment.objects.get().attachments.get()
    assert attachment.state == Attachment.State.READY


def test_files_that_cannot_be_taken(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    assert "слишком большой" in chat.send(("dump.mp4", b"x"), fake_size=21 * 1024**2)
    assert "принять нельзя" in chat.send(("virus.exe", b"MZ"))
    assert not Comment.objects.exists()
    assert "Комментарий добавлен" in chat.say("Без файла")


def test_words_of_a_refused_file_are_kept(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    answer = chat.send(("virus.exe", b"MZ"), caption="Вот программа")
    assert "принять нельзя" in answer
    assert "Комментарий добавлен" in answer
    assert Comment.objects.get().body == "Вот программа"


def test_text_that_telegram_cut_in_two_is_one_comment(ticket, chat: Chat, bot: Bot) -> None:
    chat.press_card(ticket, WRITE)
    chat.telegram.send("anna", "а" * 4096)
    chat.telegram.send("anna", "хвост")
    bot.catch_up()
    assert Comment.objects.get().body == "а" * 4096 + "\nхвост"
    bot.clock.advance(minutes=1)
    assert "Не понял" in chat.say("Другое")


def test_comment_takes_a_waiting_ticket_back_to_work(ticket, chat: Chat) -> None:
    in_status(ticket, TicketStatus.WAITING)
    chat.press_card(ticket, WRITE)
    chat.say("Отвечаю")
    assert status_of(ticket) == TicketStatus.IN_PROGRESS


def test_comment_on_a_resolved_ticket_offers_to_return_it(ticket, chat: Chat) -> None:
    in_status(ticket, TicketStatus.RESOLVED)
    chat.press_card(ticket, WRITE)
    answer = chat.say("Не помогло")
    assert "верните её в работу" in answer
    assert status_of(ticket) == TicketStatus.RESOLVED
    assert "Вернуть заявку" in chat.press("↩️ Вернуть в работу", answer.messages[0])


def test_closed_ticket_takes_no_comments(ticket, chat: Chat) -> None:
    card = chat.say(str(ticket.pk)).messages[0]
    chat.press_card(ticket, WRITE)
    in_status(ticket, TicketStatus.CLOSED)
    closed = f"Заявка № {ticket.pk} закрыта, комментарии к ней не принимаются."
    for answer in (
        chat.say("Поздно"),
        chat.reply(card, "Поздно"),
        chat.press(f"comment:{ticket.pk}"),
    ):
        assert closed in answer
        assert "📝 Создать новую на её основе" in answer.buttons
    assert WRITE not in chat.say(str(ticket.pk)).buttons
    assert not Comment.objects.exists()


def test_staff_hear_of_a_comment_once(ticket, chat: Chat, bot: Bot, settings, mailoutbox) -> None:
    settings.STAFF_EMAIL = "desk@support.example"
    chat.press_card(ticket, WRITE)
    chat.say("Всё ещё белый экран")
    assert mailoutbox == []  # more may come
    chat.say("И кнопки нет")
    tell_staff(bot)
    assert [letter.to for letter in mailoutbox] == [["desk@support.example"]]
    assert "Всё ещё белый экран\nИ кнопки нет" in mailoutbox[0].body


@pytest.mark.parametrize("look", ["card", "comments", "list", "closed"])
def test_question_ends_when_another_ticket_is_looked_at(
    ticket, linked, product, chat: Chat, look
) -> None:
    other = TicketFactory(requester=linked, product=product)
    chat.press_card(ticket, WRITE)
    chat.press(f"{look}:{other.pk}" if look in ("card", "comments") else look)
    assert "Не понял" in chat.say("Это к другой заявке")
    assert not Comment.objects.exists()


@pytest.mark.parametrize("look", ["card", "comments"])
def test_question_waits_while_its_own_ticket_is_read(ticket, chat: Chat, look) -> None:
    chat.press_card(ticket, WRITE)
    chat.press(f"{look}:{ticket.pk}")
    assert "Комментарий добавлен" in chat.say("Журнал приложу")


def test_digits_that_end_a_split_text_belong_to_it(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    long = "слово " * 680 + "порт"
    chat.do(lambda: [chat.telegram.send(chat.key, text) for text in (long, "12345")])
    assert Comment.objects.get().body == f"{long}\n12345"


def test_comment_with_a_file_that_telegram_keeps(ticket, chat: Chat, telegram, bot: Bot) -> None:
    telegram.fault("500", method="file")
    chat.press_card(ticket, WRITE)
    chat.send(("log.txt", LOG), caption="Журнал")
    assert Comment.objects.get().attachments.get().state == Attachment.State.PENDING
    bot.clock.advance(minutes=1)
    every_minute()
    bot.run_queue()
    with Attachment.objects.get().file.open() as file:
        assert file.read() == LOG
    assert re.search("📎 1 · 💬 1", chat.say(str(ticket.pk)).text)


# Edited messages


def test_edited_message_corrects_its_comment(ticket, chat: Chat) -> None:
    chat.press_card(ticket, WRITE)
    chat.say("Белый икран")
    sent = chat.telegram.messages("anna")[-2]
    assert f"Комментарий к № {ticket.pk} исправлен." in chat.edit(sent["message_id"], "Белый экран")
    assert Comment.objects.get().body == "Белый экран"


def test_message_edited_too_late_corrects_nothing(ticket, chat: Chat, bot: Bot) -> None:
    chat.press_card(ticket, WRITE)
    chat.say("Белый икран")
    sent = chat.telegram.messages("anna")[-2]
    bot.clock.advance(minutes=16)
    assert "исправить его нельзя" in chat.edit(sent["message_id"], "Белый экран")
    assert Comment.objects.get().body == "Белый икран"


def test_other_edited_message_is_answered_and_changes_nothing(ticket, chat: Chat) -> None:
    chat.say("/new")
    sent = chat.telegram.messages("anna")[0]
    answer = chat.edit(sent["message_id"], "/tickets")
    assert "Изменённое сообщение я не перечитываю" in answer
    assert answer.messages[0]["reply_to_message_id"] == sent["message_id"]
