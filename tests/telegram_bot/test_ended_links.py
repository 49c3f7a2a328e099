"""Once a link is gone nothing of its person arrives, however far it had come."""

import json
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile

from accounts import services as accounts
from accounts.models import MessengerAccount, User
from operations.tasks import every_minute
from telegram_bot import files, processing
from telegram_bot.models import TELEGRAM, Dialog, IncomingUpdate
from telegram_bot.sending import Sender
from tests.factories import MessengerAccountFactory, open_ticket
from tests.telegram_bot.bot import LOG, Bot, Chat, where_stored
from tickets import recording
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import Attachment, Delivery, Ticket

pytestmark = pytest.mark.each_case

End = Callable[[User], None]
SECRET = "anna@alpha.example"


def withdraw(user: User) -> None:
    accounts.withdraw_registration(user=user, channel=TELEGRAM)


def unlink(user: User) -> None:
    accounts.unlink_messenger(user=user, channel=TELEGRAM)


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def hand_over(user: User) -> None:
    """The chat is linked again, to somebody else."""
    [link] = MessengerAccount.objects.filter(user=user)
    unlink(user)
    MessengerAccountFactory(address=link.address)


def link_anew(user: User) -> None:
    """The same person and the same chat, but another link: what was asked of the old is void."""
    [link] = MessengerAccount.objects.filter(user=user)
    unlink(user)
    MessengerAccountFactory(user=user, address=link.address)


@pytest.fixture(params=[withdraw, unlink, deactivate, hand_over, link_anew])
def end(request) -> End:
    return request.param


# Direct replies


def test_reply_that_waits_for_its_retry_is_dropped(
    linked, ticket: Ticket, chat: Chat, bot: Bot, telegram, end: End
) -> None:
    telegram.fault("500", method="sendMessage")
    chat.telegram.send("anna", str(ticket.pk))
    bot.take_updates()
    assert where_stored(SECRET) == {"User.email", "IncomingUpdate.replies"}
    end(linked)
    bot.clock.advance(seconds=3)
    assert chat.watch(bot.send_due_replies).calls == []
    assert where_stored(SECRET) <= {"User.email", "Delivery.address"}  # of the letter about the end
    assert not IncomingUpdate.objects.filter(reply_due_at__isnull=False).exists()


def test_reply_is_dropped_also_at_its_first_try(
    linked, ticket: Ticket, chat: Chat, bot: Bot, monkeypatch, end: End
) -> None:
    """The link ends after the step has answered, before the call is made."""
    send = processing.send_replies

    async def end_and_send(*args) -> None:
        await sync_to_async(end)(linked)
        await send(*args)

    monkeypatch.setattr(processing, "send_replies", end_and_send)
    chat.telegram.send("anna", str(ticket.pk))
    assert chat.watch(bot.take_updates).calls == []
    assert where_stored(SECRET) <= {"User.email", "Delivery.address"}  # of the letter about the end


def test_only_the_rest_of_the_replies_is_dropped(
    linked, ticket: Ticket, chat: Chat, bot: Bot, telegram
) -> None:
    """A press is answered without words; what has no words hides nothing."""
    chat.start()
    telegram.fault("500", method="answerCallbackQuery")
    telegram.press("anna", f"card:{ticket.pk}", wait=0)
    bot.take_updates()
    withdraw(linked)
    bot.clock.advance(seconds=3)
    calls = chat.watch(bot.send_due_replies).calls
    assert [call["method"] for call in calls] == ["answerCallbackQuery"]
    assert SECRET not in json.dumps(calls)


def test_answer_to_who_has_no_link_still_waits_for_its_retry(
    linked, chat: Chat, bot: Bot, viktor_chat: Chat, telegram
) -> None:
    telegram.fault("500", method="sendMessage")
    telegram.send("viktor", "/start")
    bot.take_updates()
    withdraw(linked)
    bot.clock.advance(seconds=3)
    bot.send_due_replies()
    assert "Шаг 1 из 2" in viktor_chat.last["text"]


def test_person_hears_that_the_link_is_gone(linked, chat: Chat, bot: Bot, telegram) -> None:
    chat.start()
    telegram.fault("500", method="editMessageText")
    telegram.press("anna", "unlink_yes", wait=0)
    bot.take_updates()
    assert not linked.messengers.exists()
    bot.clock.advance(seconds=3)
    bot.send_due_replies()
    assert "Telegram отвязан" in chat.last["text"]


# Notices


@pytest.fixture
def answer(ticket: Ticket, agent, chat: Chat) -> Delivery:
    """An agent's answer on its way to the chat."""
    chat.start()
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Тайный ответ")
    return Delivery.objects.get(channel=TELEGRAM)


def test_notice_in_the_queue_is_cancelled(
    linked, answer: Delivery, chat: Chat, bot: Bot, end: End
) -> None:
    end(linked)
    assert chat.watch(bot.run_queue).calls == []
    answer.refresh_from_db()
    assert answer.state == Delivery.State.CANCELLED


def test_notice_that_is_composed_is_cancelled(
    linked, answer: Delivery, chat: Chat, bot: Bot, monkeypatch, end: End
) -> None:
    """The link ends between the composing of a message and its turn."""

    def end_and_wait(_sender):
        end(linked)
        return ()

    monkeypatch.setattr(Sender, "next_turn", end_and_wait)
    assert chat.watch(bot.run_queue).calls == []
    answer.refresh_from_db()
    assert answer.state == Delivery.State.CANCELLED


def test_file_asked_for_is_not_sent(
    linked, ticket: Ticket, agent, chat: Chat, bot: Bot, end: End
) -> None:
    file = NewFile("тайна.txt", 4, content=ContentFile(b"text"))
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Файл", files=[file])
    Delivery.objects.all().delete()
    chat.telegram.press("anna", f"files:{ticket.pk}", chat.start().messages[-1], wait=0)
    bot.take_updates()
    end(linked)
    assert chat.watch(bot.run_queue).calls == []
    assert Delivery.objects.get(channel=TELEGRAM).state == Delivery.State.CANCELLED


# Files in flight


@pytest.fixture
def sent(ticket: Ticket, chat: Chat, bot: Bot) -> Attachment:
    """A file that the person has sent; its content waits in Telegram."""
    chat.press_card(ticket, "➕ Комментарий")
    chat.telegram.files("anna", ("журнал.txt", LOG))
    bot.take_updates()
    return Attachment.objects.get()


def test_file_on_its_way_is_not_fetched(
    linked, sent: Attachment, chat: Chat, bot: Bot, end: End
) -> None:
    end(linked)
    bot.new_requests()
    bot.run_queue()
    assert "getFile" not in [call["method"] for call in bot.new_requests()]
    sent.refresh_from_db()
    assert (sent.state, sent.file.name) == (Attachment.State.REFUSED, "")
    assert "Telegram отвязан" in sent.refusal


def test_file_that_arrives_too_late_is_not_attached(
    linked, sent: Attachment, bot: Bot, monkeypatch, end: End
) -> None:
    stream = files._stream

    async def stream_and_end(*args) -> None:
        await stream(*args)
        await sync_to_async(end)(linked)

    monkeypatch.setattr(files, "_stream", stream_and_end)
    bot.run_queue()
    sent.refresh_from_db()
    assert (sent.state, sent.file.name) == (Attachment.State.REFUSED, "")


def test_file_of_a_link_in_force_arrives(linked, sent: Attachment, bot: Bot) -> None:
    bot.run_queue()
    sent.refresh_from_db()
    assert sent.state == Attachment.State.READY


# Drafts and open questions


@pytest.fixture
def draft(linked, product, chat: Chat) -> None:
    chat.say("/new")
    chat.press(product.name)
    chat.say("Тайная тема")
    chat.say("Тайное описание")
    chat.send(("тайна.txt", LOG))


def test_draft_is_deleted_within_a_minute(linked, draft, end: End) -> None:
    assert where_stored("Тайн") == {"Dialog.draft"}
    end(linked)
    every_minute()
    assert where_stored("Тайн") == where_stored("тайна") == set()


def test_draft_of_a_link_in_force_stays(draft) -> None:
    every_minute()
    assert Dialog.objects.get().draft["title"] == "Тайная тема"


def test_who_links_the_chat_next_finds_no_draft(linked, draft, chat: Chat) -> None:
    hand_over(linked)
    answer = chat.say("/new")
    assert "Тайн" not in answer
    assert "шаг 1 из 4" in answer
    assert where_stored("Тайн") == set()


def test_question_of_the_old_link_takes_no_words_of_the_new(
    linked, ticket: Ticket, chat: Chat
) -> None:
    chat.press_card(ticket, "➕ Комментарий")
    hand_over(linked)
    open_ticket(MessengerAccount.objects.get().user, title="Новая")
    chat.say("Слова нового человека")
    assert not ticket.comments.exists()


def test_kept_words_go_with_the_link(linked, ticket: Ticket, chat: Chat) -> None:
    answer = chat.say("Тайные слова мимо всех вопросов")
    [add] = [data for label, data in answer.buttons.items() if label.startswith("➕ Добавить")]
    link_anew(linked)
    assert "Кнопка устарела" in chat.press(add)
    assert where_stored("Тайные") == set()
