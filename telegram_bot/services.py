"""What is said to a person in private, and what other faces ask of Telegram."""

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import MessengerAccount, User
from config.compiled import Compiled
from telegram_bot.models import TELEGRAM
from telegram_bot.notices import TelegramKind
from tickets.delivery import tell


def account_of(user: User | int | None) -> MessengerAccount | None:
    number = user.pk if isinstance(user, User) else user
    return ACCOUNTS.first(number) if number else None


def _accounts(user: int) -> QuerySet[MessengerAccount]:
    links = MessengerAccount.objects.in_force().filter(channel=TELEGRAM, user=user)
    return links.select_related("user").order_by("pk")[:1]


ACCOUNTS = Compiled(_accounts, int)


def tell_person(
    account: MessengerAccount, *, kind: str, key: str, ticket_id: int | None = None, **about: int
) -> bool:
    """Queue a message that leaves only while this very link is in force."""
    return tell(
        channel=TELEGRAM,
        kind=kind,
        address=account.address,
        key=key,
        recipient=account.user,
        ticket_id=ticket_id,
        data={"link": account.pk, **about},
    )


def send_test_message(user: User) -> None:
    """The trial message a customer asks for on the portal; at most one in ten seconds."""
    if account := account_of(user):
        key = f"test:{account.pk}:{timezone.now().timestamp() // 10:.0f}"
        tell_person(account, kind=TelegramKind.TEST, key=key)
