"""The menu, help, settings, and answers to what fits nowhere."""

import pytest
from asgiref.sync import async_to_sync

from accounts.models import MessengerAccount
from telegram_bot.application import BUTTONS, describe_bot
from telegram_bot.models import Dialog
from tests.factories import TicketFactory
from tests.telegram_bot.bot import Bot, Chat, running_application, where_stored
from tickets.models import Comment, Ticket
from tickets.status import TicketStatus

ASK_PHONE = "Шаг 1 из 2"


def test_menu_greets_and_counts(linked, chat: Chat) -> None:
    for status in (TicketStatus.WAITING, TicketStatus.RESOLVED):
        TicketFactory(requester=linked, status=status)
    TicketFactory(requester=linked)
    TicketFactory(requester=linked, status=TicketStatus.CLOSED)
    TicketFactory()
    for answer in (chat.start(), chat.say("/menu"), chat.say("/start anything")):
        assert answer.text == "Поддержка · Анна К.\nОткрытых заявок: 3 · ждут вас: 2"
        assert list(answer.buttons) == [
            "➕ Создать новую заявку",
            "📋 Список открытых заявок · 3",
            "❗ Ждут вас · 2",
            "🌐 Портал",
            "⚙️ Настройки",
            "❓ Помощь",
        ]
    assert answer.buttons["🌐 Портал"] == "http://127.0.0.1:8000/"


def test_buttons_of_the_menu_change_its_message(linked, chat: Chat) -> None:
    [menu] = chat.start().messages
    for label in ("⚙️ Настройки", "‹ Меню", "❓ Помощь", "‹ Меню", "📋 Список открытых заявок"):
        [message] = chat.press(label, menu).messages
        assert message["message_id"] == menu["message_id"]
    assert len(chat.seen) == 1


def test_help(linked, chat: Chat, viktor_chat: Chat) -> None:
    assert "/new — создать новую заявку" in chat.say("/help")
    assert "отправьте /start" not in chat.last["text"]
    assert "отправьте /start и свяжите Telegram" in viktor_chat.say("/help")


def test_settings_show_a_masked_account(linked, chat: Chat) -> None:
    chat.start()
    answer = chat.press("⚙️ Настройки")
    assert "an***@alpha.example" in answer
    assert "anna@" not in answer


def test_telegram_can_be_unlinked(linked, chat: Chat) -> None:
    chat.start()
    chat.press("⚙️ Настройки")
    assert "Отвязать Telegram от аккаунта?" in chat.press("🔗 Отвязать Telegram")
    chat.press("Нет")
    assert MessengerAccount.objects.exists()

    chat.press("🔗 Отвязать Telegram")
    assert "Telegram отвязан." in chat.press("Да, отвязать")
    assert not MessengerAccount.objects.exists()
    assert ASK_PHONE in chat.say("/tickets")


def test_unlinking_forgets_the_draft(linked, product, chat: Chat) -> None:
    chat.say("/new")
    chat.press(product.name)
    chat.say("Тайная тема")
    chat.press("unlink_yes")
    assert where_stored("Тайная тема") == set()


# What fits nowhere


@pytest.mark.parametrize("text", ["привет", "/foo", "/new_ticket", "//", "👍", "..."])
def test_other_words_get_the_menu(linked, chat: Chat, text) -> None:
    answer = chat.say(text)
    assert "Не понял сообщение. Вот что я умею:" in answer
    assert "➕ Создать новую заявку" in answer.buttons


def test_command_inside_a_step_leaves_it_alone(linked, product, chat: Chat) -> None:
    chat.say("/new")
    chat.press(product.name)
    assert "Не понял" in chat.say("/foo")
    assert "шаг 3 из 4" in chat.say("Тема")


@pytest.mark.parametrize("kind", ["sticker", "voice", "video_note"])
def test_what_the_bot_does_not_take_is_answered(linked, chat: Chat, kind) -> None:
    answer = chat.send(("x.webp", b"x"), kind=kind)
    assert answer.text.endswith("Принимаю текст, файлы, фото и видео.")
    assert len(answer.messages) == 1


def test_file_out_of_the_blue_is_answered(linked, chat: Chat) -> None:
    assert "Не понял сообщение" in chat.send(("log.txt", b"x"))


def test_cancel_with_nothing_to_cancel(linked, chat: Chat) -> None:
    assert "Отменять нечего." in chat.say("/cancel")
    assert "Отменять нечего." in chat.say("Отмена")


def test_cancelling_a_comment_keeps_the_parked_draft(ticket, product, chat: Chat) -> None:
    chat.say("/new")
    chat.press(product.name)
    chat.say("Другая тема")
    chat.press(f"comment:{ticket.pk}")
    assert "Отменено" in chat.say("/cancel")
    assert "Другая тема" in chat.say("/new")


def test_unknown_and_forged_buttons_are_stale(linked, chat: Chat) -> None:
    chat.start()
    for data in ("x" * 64, "я" * 32, ":", "menu2", "__class__", "CARD:1", "\0", "🙂" * 16):
        answer = chat.press(data)
        assert answer.toast == "Кнопка устарела. Откройте меню: /start"
        assert answer.messages == []


def test_page_number_is_answered_in_silence(linked, chat: Chat) -> None:
    chat.start()
    answer = chat.press("page")
    assert (answer.toast, answer.messages) == ("", [])


def test_strangers_are_asked_for_their_phone(viktor_chat: Chat) -> None:
    for text in ("привет", "/new", "/tickets", "/menu", "/foo", "/start t_1"):
        assert ASK_PHONE in viktor_chat.say(text)
    for text in ("привет", "42"):
        assert "Так номер принять нельзя" in viktor_chat.say(text)
    assert viktor_chat.keyboard == ["📱 Отправить мой номер"]


def test_no_button_serves_a_stranger(ticket, viktor_chat: Chat, bot: Bot) -> None:
    Ticket.objects.update(status=TicketStatus.RESOLVED)
    viktor_chat.start()
    for data in (*(f"{word}:{ticket.pk}" for word in BUTTONS), f"score:{ticket.pk}:5"):
        bot.clock.advance(seconds=3)
        viktor_chat.telegram.press("viktor", data, wait=0)
        bot.take_updates()
    bot.run_queue()
    said = "\n".join(message["text"] for message in viktor_chat.seen)
    assert ticket.title not in said
    assert "alpha.example" not in said
    ticket.refresh_from_db()
    assert (ticket.status, ticket.score) == (TicketStatus.RESOLVED, None)
    assert not Comment.objects.exists()
    assert Dialog.objects.get().draft == {}
    assert MessengerAccount.objects.exists()


def test_bot_describes_itself(telegram, bot: Bot) -> None:
    async def describe() -> None:
        async with running_application() as application:
            await describe_bot(application)

    async_to_sync(describe)()
    told = telegram.state()["bot"]
    assert [row["command"] for row in told["commands"]] == ["new", "tickets", "help", "cancel"]
    assert "прямо в Telegram" in told["description"]
    assert told["short_description"]
