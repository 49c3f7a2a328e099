"""Lists, cards and comments of one's own tickets."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from telegram_bot.models import Dialog
from telegram_bot.tasks import every_minute
from tests.factories import CommentFactory, TicketFactory
from tests.telegram_bot.bot import LOG, MP4, PNG, Bot, Chat, fetch_and_work_off
from tickets import services
from tickets.attachments import NewFile
from tickets.models import Attachment, Comment, Face, Priority, Ticket
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("linked")

NOT_FOUND = "Заявка не найдена или недоступна"
WRITE = "➕ Комментарий"


def in_status(ticket: Ticket, status: str) -> Ticket:
    Ticket.objects.filter(pk=ticket.pk).update(status=status)
    ticket.refresh_from_db()
    return ticket


def status_of(ticket: Ticket) -> str:
    ticket.refresh_from_db()
    return ticket.status


def numbers(buttons: dict[str, str]) -> list[int]:
    return [int(label.split()[0]) for label, data in buttons.items() if data.startswith("card:")]


# Lists


def test_no_open_tickets(chat: Chat) -> None:
    answer = chat.say("/tickets")
    assert answer.texts == ["Открытых заявок нет. 🎉"]
    assert list(answer.buttons) == ["➕ Создать", "📁 Закрытые", "‹ Меню"]
    assert "Закрытых заявок нет." in chat.press("📁 Закрытые")


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (6, 1), (7, 2), (13, 3)])
def test_open_tickets_are_paged_newest_first(linked, chat: Chat, count, pages) -> None:
    mine = [row.pk for row in TicketFactory.create_batch(count, requester=linked)][::-1]
    answer = chat.say("/tickets")
    assert f"Открытые заявки · {count}" in answer
    seen = numbers(answer.buttons)
    for page in range(2, pages + 1):
        assert f"{page - 1} / {pages}" in answer.buttons
        answer = chat.press("›")
        seen += numbers(answer.buttons)
    assert seen == mine
    assert "›" not in answer.buttons
    assert ("‹" in answer.buttons) == (pages > 1)


def test_list_tells_numbers_titles_and_statuses(linked, chat: Chat) -> None:
    rows = [
        TicketFactory(requester=linked, title=f"<b>{status}</b>", status=status)
        for status in TicketStatus.values
    ]
    answer = chat.say("/tickets")
    for row in rows[:-1]:
        assert re.search(
            rf"{row.pk} · \S+ {row.get_status_display()}\n  <b>{row.status}</b>", answer.text
        )
    assert "Закрыта" not in answer
    waiting = next(row for row in rows if row.status == TicketStatus.WAITING)
    assert f"{waiting.pk} ❗" in answer.buttons


def test_list_shows_nobody_elses_tickets(foreign, ticket, chat: Chat) -> None:
    answer = chat.say("/tickets")
    assert numbers(answer.buttons) == [ticket.pk]
    assert "Тайна Бориса" not in answer


def test_closed_tickets_are_behind_a_button(linked, chat: Chat) -> None:
    closed = TicketFactory(requester=linked, status=TicketStatus.CLOSED)
    opened = TicketFactory(requester=linked)
    chat.say("/tickets")
    answer = chat.press("📁 Закрытые")
    assert "Закрытые заявки · 1" in answer
    assert numbers(answer.buttons) == [closed.pk]
    assert numbers(chat.press("📋 Открытые").buttons) == [opened.pk]


def test_forged_pages_show_the_nearest_one(linked, chat: Chat) -> None:
    TicketFactory.create_batch(7, requester=linked)
    chat.say("/tickets")
    assert "2 / 2" in chat.press("list:99").buttons
    assert "1 / 2" in chat.press("list:0").buttons
    for data in ("list:-1", "list:٢", "list:x", "list:" + "9" * 30):
        chat.press("list:2")
        assert "1 / 2" in chat.press(data).buttons


def test_refresh_without_changes_is_harmless(ticket, chat: Chat) -> None:
    chat.say("/tickets")
    assert chat.press("🔄 Обновить").messages == []
    in_status(ticket, TicketStatus.WAITING)
    assert "❗" in "".join(chat.press("🔄 Обновить").buttons)


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_the_same_queries_for_any_number(
    linked, product, chat: Chat, bot: Bot, django_assert_num_queries, count
) -> None:
    TicketFactory.create_batch(count, requester=linked, product=product)
    chat.start()
    chat.telegram.send("anna", "/tickets")
    with django_assert_num_queries(13):
        bot.run(fetch_and_work_off)
    assert len(numbers(chat.telegram.buttons(chat.last))) == count


# Card


def test_card_shows_the_fields_of_the_guide(linked, product, chat: Chat) -> None:
    ticket = TicketFactory(
        requester=linked,
        product=product,
        priority=Priority.HIGH,
        title="Отчёт <i>",
        description="Белый & пустой экран",
        created_at=datetime(2026, 11, 20, 11, 31, 7, tzinfo=UTC),
    )
    chat.say("/tickets")
    lines = chat.press(str(ticket.pk)).text.splitlines()
    assert lines[0] == f"№ {ticket.pk} · 🆕 Новая"
    assert lines[1] == "Отчёт <i>"
    for field in (
        "Почта клиента: office@alpha.example",
        "Инициатор: anna@alpha.example",
        "Приоритет: 🟠 Высокий",
        "Создана: 20.11.2026 14:31:07 (МСК)",
        "Продукт: Облачный сервер",
        "Белый & пустой экран",
    ):
        assert field in lines


def test_card_of_a_person_without_organization(linked, ticket, chat: Chat) -> None:
    Ticket.objects.update(organization=None)
    assert "Почта клиента: anna@alpha.example" in chat.say(str(ticket.pk))


@pytest.mark.parametrize("spell", ["{}", "№{}", "№ {}", "#{}", "\u00a0{}"])
def test_typed_number_opens_the_card(ticket, chat: Chat, spell) -> None:
    assert f"№ {ticket.pk} · 🆕 Новая" in chat.say(spell.format(ticket.pk))


@pytest.mark.parametrize("spell", ["٥", "1_0", "1.0", "-1", "№", "1 2"])
def test_other_spellings_are_no_number(ticket, chat: Chat, spell) -> None:
    assert "Не понял сообщение" in chat.say(spell)


def test_link_from_the_portal_opens_the_card(ticket, chat: Chat) -> None:
    assert f"№ {ticket.pk} · 🆕 Новая" in chat.start(f"t_{ticket.pk}")


def test_foreign_number_looks_like_a_missing_one(foreign, chat: Chat) -> None:
    for number in (foreign.pk, 999_999, 10**17):
        assert chat.say(str(number)).texts == [NOT_FOUND]
        assert chat.start(f"t_{number}").texts == [NOT_FOUND]


@pytest.mark.parametrize(
    "word",
    [
        "card",
        "comments",
        "comment",
        "files",
        "rate",
        "return",
        "return_yes",
        "follow_up",
        "rating_comment",
        "skip_rating",
    ],
)
def test_foreign_ticket_cannot_be_reached_by_a_forged_button(
    foreign, chat: Chat, word, settings
) -> None:
    in_status(foreign, TicketStatus.RESOLVED)
    chat.start()
    for number in (str(foreign.pk), "999999", "x", "٥", "", "1" * 30):
        answer = chat.press(f"{word}:{number}")
        assert answer.toast == NOT_FOUND
        assert answer.messages == []
    assert Dialog.objects.get().step == ""


def test_files_of_the_card_come_to_the_chat(ticket, chat: Chat) -> None:
    CommentFactory(ticket=ticket)
    note = CommentFactory(ticket=ticket, is_internal=True)
    Attachment.objects.create(ticket=ticket, comment=note, name="secret.txt", file="x")
    chat.say(str(ticket.pk))
    assert "📎 0 · 💬 1" in chat.last["text"]

    chat.press(WRITE)
    chat.send(("log.txt", LOG), ("clip.mp4", MP4))
    card = chat.say(str(ticket.pk))
    assert "📎 2 · 💬 2" in card
    answer = chat.press("📎 Файлы · 2")
    assert answer.toast == "Отправляю 2 файла"
    assert [message["media"]["name"] for message in answer.messages] == ["log.txt", "clip.mp4"]


# Reading comments


def test_comments_are_paged_newest_last(linked, ticket, agent, chat: Chat) -> None:
    for number in range(1, 5):
        author = agent if number % 2 else linked
        CommentFactory(ticket=ticket, body=f"Ответ <{number}>", author=author)
    chat.say(str(ticket.pk))
    answer = chat.press("💬 Комментарии · 4")
    assert "комментарии 4–4 из 4" in answer
    assert "Вы, " in answer
    assert "Ответ <4>" in answer

    answer = chat.press("‹")
    assert "комментарии 1–3 из 4" in answer
    assert "Поддержка · Ольга, " in answer
    assert "Ответ <3>" in answer
    assert "›" in answer.buttons


def test_no_comments(ticket, chat: Chat) -> None:
    chat.say(str(ticket.pk))
    assert "комментариев пока нет" in chat.press("💬 Комментарии · 0")


def test_internal_notes_are_never_shown(ticket, agent, chat: Chat) -> None:
    services.add_comment(
        ticket=ticket, actor=services.agent(agent), body="Клиент путает", internal=True
    )
    card = chat.say(str(ticket.pk))
    assert "💬 0" in card
    assert "Клиент путает" not in chat.press("💬 Комментарии · 0")
    assert not any("Клиент путает" in message["text"] for message in chat.seen)


def test_forged_comment_pages(ticket, chat: Chat) -> None:
    CommentFactory.create_batch(4, ticket=ticket)
    chat.start()
    for data in (
        f"comments:{ticket.pk}:99",
        f"comments:{ticket.pk}:x",
        f"comments:{ticket.pk}:1:1",
    ):
        chat.press("menu")
        assert "комментарии 4–4 из 4" in chat.press(data)


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
    assert "Не понял" in chat.say("Ещё слово")


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
    services.add_comment(ticket=ticket, actor=services.agent(agent), body="Пришлите журнал")
    bot.run_queue()
    old = chat.message_with("Пришлите журнал")
    services.set_priority(ticket=ticket, priority=Priority.LOW, actor=services.agent(agent))
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


def cut_to_units(text: str, units: int) -> str:
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")


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
    assert [letter.to for letter in mailoutbox] == [["desk@support.example"]]
    assert "Всё ещё белый экран" in mailoutbox[0].body


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


# Faults


def test_comment_with_a_file_that_telegram_keeps(ticket, chat: Chat, telegram, bot: Bot) -> None:
    telegram.fault("500", method="file")
    chat.press_card(ticket, WRITE)
    chat.send(("log.txt", LOG), caption="Журнал")
    assert Comment.objects.get().attachments.get().state == Attachment.State.PENDING
    bot.clock.advance(minutes=1)
    every_minute()
    with Attachment.objects.get().file.open() as file:
        assert file.read() == LOG
    assert re.search("📎 1 · 💬 1", chat.say(str(ticket.pk)).text)


def test_agents_file_is_one_of_the_card(ticket, agent, chat: Chat) -> None:
    file = NewFile("guide.txt", 5, content=ContentFile(b"guide"))
    services.add_comment(ticket=ticket, actor=services.agent(agent), body="", files=[file])
    chat.say(str(ticket.pk))
    [sent] = chat.press("📎 Файлы · 1").messages
    assert sent["media"]["name"] == "guide.txt"
    assert f"Заявка № {ticket.pk}" in sent["caption"]


# Questions, whole texts, many files


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


def test_long_texts_can_be_read_whole(linked, product, agent, chat: Chat) -> None:
    description, body = ("слово & <b> 😀 " * 300).strip(), ("ответ & <i> " * 200).strip()
    ticket = services.open_ticket(
        requester=linked, product=product, title="Тема", description=description, face=Face.PORTAL
    )
    services.add_comment(ticket=ticket, actor=services.agent(agent), body=body)
    chat.say(str(ticket.pk))
    told = chat.press("📄 Описание целиком")
    assert len(told.texts) == 2
    assert " ".join(text.split("\n", 1)[1] for text in told.texts).split() == description.split()
    chat.press(f"comments:{ticket.pk}", chat.message_with("Приоритет"))
    label = next(
        label
        for label in chat.telegram.buttons(chat.message_with("комментарии 1–1"))
        if "📄" in label
    )
    told = chat.press(label)
    assert "".join(text.split("\n", 1)[1] for text in told.texts).split() == body.split()


def test_whole_text_of_an_internal_note_is_not_found(ticket, agent, foreign, chat: Chat) -> None:
    note = services.add_comment(
        ticket=ticket, actor=services.agent(agent), body="Тайна", internal=True
    )
    chat.say(str(ticket.pk))
    assert NOT_FOUND in chat.press(f"whole:{ticket.pk}:{note.pk}")
    assert NOT_FOUND in chat.press(f"whole:{foreign.pk}")


def test_newest_comments_are_listed_where_there_are_very_many(
    ticket, chat: Chat, monkeypatch
) -> None:
    monkeypatch.setattr("telegram_bot.flows.comments.LISTED", 6)
    CommentFactory.create_batch(8, ticket=ticket, author=ticket.requester)
    Comment.objects.filter(pk=Comment.objects.latest("pk").pk).update(body="Самый новый")
    assert "Самый новый" in chat.press_card(ticket, "💬 Комментарии · 8")


def test_more_files_than_fit_are_told_and_sent_once(ticket, linked, chat: Chat) -> None:
    for _part in range(2):
        files = [NewFile(f"{number}.txt", 1, content=ContentFile(b"x")) for number in range(8)]
        actor = services.customer(linked, Face.PORTAL)
        services.add_comment(ticket=ticket, actor=actor, body="", files=files)
    chat.say(str(ticket.pk))
    twice = chat.do(
        lambda: [chat.telegram.press(chat.key, f"files:{ticket.pk}", wait=0) for _press in "12"]
    )
    assert twice.toast == (
        "Отправляю последние 10 файлов, все файлы — на портале.Файлы уже отправлены или в пути."
    )
    assert len([message for message in chat.seen if message["media"]]) == 10


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        ({"seconds": 30}, "Обновлена: только что"),
        ({"minutes": 2}, "Обновлена: 2 минуты назад"),
        ({"minutes": 21}, "Обновлена: 21 минуту назад"),
        ({"hours": 5}, "Обновлена: 5 часов назад"),
        ({"days": 3}, "Обновлена: 3 дня назад"),
        ({"days": 45}, "Обновлена: 2"),
    ],
)
def test_card_tells_when_it_changed(ticket, chat: Chat, bot: Bot, passed, words) -> None:
    bot.clock.advance(**passed)
    assert words in chat.say(str(ticket.pk))
