"""What the bot knows of a person's own settings, and where it leads for the rest."""

from datetime import UTC, datetime

from accounts.models import User
from tests.factories import TicketFactory
from tests.telegram_bot.bot import Chat


def test_times_are_those_of_the_reader(linked, chat: Chat) -> None:
    ticket = TicketFactory(requester=linked, created_at=datetime(2026, 11, 20, 9, tzinfo=UTC))
    assert "Создана: 20.11.2026 12:00:00 (МСК)" in chat.say(str(ticket.pk))
    User.objects.filter(pk=linked.pk).update(time_zone="Asia/Kamchatka")
    assert "Создана: 20.11.2026 21:00:00 (UTC+12)" in chat.say(str(ticket.pk))


def test_settings_lead_to_what_is_told_where(linked, chat: Chat) -> None:
    chat.start()
    answer = chat.press("⚙️ Настройки")
    assert answer.buttons["🔔 Что и куда присылать"].endswith("/notifications/")


def test_help_leads_to_the_page_also_for_strangers(viktor_chat: Chat) -> None:
    assert viktor_chat.say("/help").buttons["📖 Справка"].endswith("/help/#telegram")
