import pytest

from mail.channel import EmailChannel
from telegram_bot.channel import TelegramChannel
from tickets.models import Delivery


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("SMTP 550 5.1.1 <a@b>: Recipient address rejected: User unknown", "ящика нет"),
        ("SMTP 550 5.1.2 Host or domain name not found", "почтового домена нет"),
        ("SMTP 550 Domain not found", "почтового домена нет"),
        ("SMTP 552 5.2.2 Mailbox full", "переполнен"),
        ("SMTP 552 5.3.4 Message size exceeds limit", "слишком большое"),
        ("SMTP 554 5.7.1 Message rejected as spam", "не принимает наши письма"),
        ("SMTP 550 No", "отказался принять"),
        ("SMTP 451 4.7.1 Greylisted", "временно не принимает"),
        ("SMTP 421 Try later", "временно"),
        ("[Errno 111] Connection refused", "не отвечает"),
        ("ValueError", "Письмо не ушло"),
        ("SMTP 550 Ящик не найден", "отказался принять"),
        ("доступ человека к порталу закрыт", "доступ человека к порталу закрыт"),
        ("", ""),
    ],
)
def test_replies_of_mail_servers(error, words):
    assert_told(EmailChannel(), error, words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("Forbidden: bot was blocked by the user", "заблокировал бота"),
        ("Forbidden: user is deactivated", "удалена"),
        ("Bad Request: chat not found", "Такого чата нет"),
        ("Forbidden: bot was kicked from the group chat", "удалили из группы"),
        ("Bad Request: not enough rights to send text messages to the chat", "не разрешено"),
        ("Timed out", "не отвечает"),
        ("Something new", "не принял сообщение"),
        ("бот заблокирован или Telegram отвязан", "бот заблокирован или Telegram отвязан"),
        ("", ""),
    ],
)
def test_refusals_of_telegram(error, words):
    assert_told(TelegramChannel(), error, words)


def assert_told(channel, error, words):
    found = channel.why_undelivered(Delivery(error=error))
    assert words in found
    assert bool(found) is bool(error)
