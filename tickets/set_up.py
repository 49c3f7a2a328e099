"""What a new installation still lacks: the desk's check-list, and the warnings of `check`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from accounts.quotas import Quota, use
from tickets.delivery import channels, tell_by_letter
from tickets.models import Delivery, Product, serving
from tickets.refusals import TooManyTestLetters

TEST_LETTER = "test_letter"  # the kind of its delivery
PRODUCTS, AGENTS, ORGANIZATIONS, DESK_MAIL = "products", "agents", "organizations", "desk_mail"
TEST_LETTERS = Quota(TEST_LETTER, 5, timedelta(hours=1), TooManyTestLetters)


@dataclass(frozen=True)
class Step:
    """One thing to set up; `missing` says what is to be done, empty when it is done."""

    code: str  # one of the above, or a channel's name
    title: str
    missing: str

    @property
    def is_done(self) -> bool:
        return not self.missing


def steps() -> list[Step]:
    return [*_rows(), *_channels()]


def _rows() -> Iterator[Step]:
    """What is kept in the database."""
    is_there = Product.objects.filter(is_active=True).exists()
    words = _("нет ни одного доступного продукта, а без него не создать заявку")
    yield Step(PRODUCTS, _("Продукты"), "" if is_there else words)
    is_there = serving().filter(is_superuser=False).exists()
    words = _("нет специалистов с ролью, кроме суперпользователей")
    yield Step(AGENTS, _("Специалисты"), "" if is_there else words)
    is_there = Organization.objects.exists()
    words = _("нет ни одной организации: копии ответов клиентам слать некуда")
    yield Step(ORGANIZATIONS, _("Организации"), "" if is_there else words)
    words = _(
        "о новых заявках никто не узнает: не задан STAFF_EMAIL,"
        " и ни один специалист не получает о них уведомлений"
    )
    yield Step(DESK_MAIL, _("Почта поддержки"), "" if is_desk_told() else words)


def _channels() -> Iterator[Step]:
    for channel in channels().values():
        yield Step(channel.name, str(channel.label), channel.lacks())


def unset() -> Iterator[Step]:
    """What can be told from the settings alone."""
    for channel in channels().values():
        if words := channel.unset():
            yield Step(channel.name, str(channel.label), words)


def unfilled() -> Iterator[Step]:
    """What the database lacks. Raises DatabaseError where there is none, or it has no tables."""
    yield from (step for step in _rows() if not step.is_done)


def is_desk_told() -> bool:
    """Whether anybody hears of a new ticket that has no assignee yet, as things stand now."""
    return any(True for channel in channels().values() for _recipient in channel.desk())


# The test letter


def send_test_letter(user: User, key: str) -> Delivery | None:
    """Queue one to a person's own mailbox, as any other letter; the same for a form sent twice.

    None where no channel carries letters. Raises TooManyTestLetters.
    """
    name = f"{TEST_LETTER}:{user.pk}:{key}"
    sent = Delivery.objects.filter(key=name)
    with transaction.atomic():
        if known := sent.first():
            return known
        use(user, TEST_LETTERS)
        tell_by_letter(email=user.email, kind=TEST_LETTER, key=name, recipient=user)
        return sent.first()


def test_letter(user: User, number: int) -> Delivery | None:
    return Delivery.objects.filter(pk=number, recipient=user, kind=TEST_LETTER).first()
