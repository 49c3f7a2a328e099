"""What other faces ask of Telegram."""

from django.utils import timezone

from accounts.models import MessengerAccount, User
from telegram_bot.models import TELEGRAM
from telegram_bot.notices import TelegramKind
from tickets.delivery import tell


def send_test_message(user: User) -> None:
    """The trial message a customer asks for on the portal; at most one in ten seconds."""
    account = MessengerAccount.objects.filter(channel=TELEGRAM, user=user).first()
    if account:
        tell(
            channel=TELEGRAM,
            kind=TelegramKind.TEST,
            address=account.address,
            recipient=user,
            key=f"test:{account.pk}:{timezone.now().timestamp() // 10:.0f}",
        )
