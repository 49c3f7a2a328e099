"""Whether a person can be written to, and by which name Telegram knows them."""

import pytest

from accounts.models import MessengerAccount
from tests.telegram_bot.bot import Bot, Chat

pytestmark = pytest.mark.usefixtures("linked")


def account() -> MessengerAccount:
    return MessengerAccount.objects.get()


def test_block_and_unblock_are_known_at_once(chat: Chat, bot: Bot) -> None:
    chat.start()
    chat.telegram.block("anna")
    bot.catch_up()
    assert account().unreachable_at
    chat.telegram.block("anna", blocked=False)
    bot.catch_up()
    assert account().unreachable_at is None


@pytest.mark.parametrize("name", ["anna_new", ""])
def test_changed_username_is_kept(chat: Chat, name) -> None:
    MessengerAccount.objects.update(username="other")
    chat.start()
    assert account().username == "anna_k"
    me = {"id": chat.id, "is_bot": False, "first_name": "Анна"} | (
        {"username": name} if name else {}
    )
    chat.say("/help", extra={"from": me})
    assert account().username == name
