"""What is announced stands on top of the menu, and of what a guest is greeted with."""

from tests.telegram_bot.bot import Chat
from tickets.announcements import announce, end_announcement


def test_on_top_of_the_menu_while_it_lasts(linked, head, chat: Chat) -> None:
    row = announce(text="Сбой: <сеть>", by=head)
    assert chat.start().messages[-1]["text"].startswith("⚠️ Сбой: <сеть>")
    end_announcement(row, by=head)
    assert "Сбой" not in chat.start()


def test_on_top_of_the_greeting_of_a_guest(head, viktor_chat: Chat) -> None:
    announce(text="Сбой сети", by=head)
    assert viktor_chat.start().messages[-1]["text"].startswith("⚠️ Сбой сети")
