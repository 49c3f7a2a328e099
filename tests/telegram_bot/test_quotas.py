"""Too many changes in chats: one answer, and nothing that was begun is lost."""

import pytest

from accounts.models import Usage
from accounts.quotas import CHANGES
from telegram_bot.models import Dialog, GroupProduct, TicketMessage
from tests.telegram_bot.bot import PNG, Bot, Chat
from tests.telegram_bot.groups.group_chat import BOT_NAME, GroupBot, Member
from tests.telegram_bot.own_tickets import WRITE, in_status
from tickets.attachments import BYTES_A_DAY
from tickets.models import Attachment, Comment, Ticket
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("linked")

REFUSED = "Слишком много изменений подряд. Попробуйте снова через"


def use_up(user, kind="changes", limit=CHANGES.limit) -> None:
    Usage.objects.update_or_create(user=user, kind=kind, defaults={"used": limit})


def test_comment_is_refused_once_and_the_question_stays(linked, ticket, bot: Bot, chat: Chat):
    chat.press_card(ticket, WRITE)
    use_up(linked)
    assert REFUSED in chat.say("Раз")
    for words in ("Два", "Три"):
        chat.do(lambda words=words: chat.telegram.send("anna", words), unanswered=True)
    bot.clock.advance(seconds=61)
    assert "Комментарий добавлен" in chat.say("Четыре")
    assert Comment.objects.get().body == "Четыре"


def test_draft_of_a_ticket_stays(linked, product, bot: Bot, chat: Chat):
    chat.say("/new")
    chat.press(product.name)
    for words in ("Не открывается", "Белый экран", "Оставить пустым"):
        chat.say(words)
    use_up(linked)
    before = Dialog.objects.values("step", "draft").get()
    assert REFUSED in chat.say("Да")
    assert Dialog.objects.values("step", "draft").get() == before
    bot.clock.advance(seconds=61)
    assert "Заявка зарегистрирована." in chat.say("Да")
    assert Ticket.objects.get().title == "Не открывается"


def test_press_is_answered_each_time(linked, ticket, chat: Chat):
    in_status(ticket, TicketStatus.RESOLVED)
    chat.press_card(ticket, "⭐ Оценить")
    use_up(linked)
    score = f"score:{ticket.pk}:5"
    for _ in range(2):
        answer = chat.do(lambda: chat.telegram.press("anna", score, wait=0))
        assert REFUSED in answer.toast
    ticket.refresh_from_db()
    assert ticket.score is None
    assert TicketMessage.objects.filter(ticket=ticket, has_resolution=True).exists()


def test_unlinking_waits(linked, chat: Chat):
    chat.start()
    use_up(linked)
    answer = chat.do(lambda: chat.telegram.press("anna", "unlink_yes", wait=0))
    assert REFUSED in answer.toast
    assert linked.messengers.exists()


def test_file_that_is_too_much_for_a_day_is_said_each_time(linked, ticket, chat: Chat):
    chat.press_card(ticket, WRITE)
    use_up(linked, BYTES_A_DAY.kind, BYTES_A_DAY.limit)
    for _ in range(2):
        assert "не больше чем на 1 ГБ" in chat.send(("one.png", PNG))
    assert not Attachment.objects.exists()
    assert "Комментарий добавлен" in chat.say("Без файла")


def test_album_is_one_change(linked, ticket, chat: Chat):
    Usage.objects.all().delete()
    chat.press_card(ticket, WRITE)
    chat.send(*[(f"{number}.png", PNG) for number in range(10)])
    assert Attachment.objects.count() == 10
    assert Usage.objects.get(kind="changes").used == 1


@pytest.fixture
def in_group(telegram, clock, bot) -> Member:
    return Member(GroupBot(telegram, clock), "anna")


def test_product_of_a_group_waits(linked, product, in_group: Member):
    in_group.act("add_bot")
    in_group.act("promote")
    in_group.say(f"/config@{BOT_NAME}")
    use_up(linked)
    assert REFUSED in in_group.press(product.name).toast
    assert not GroupProduct.objects.exists()
