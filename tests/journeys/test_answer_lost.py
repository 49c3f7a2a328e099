"""The web process dies after a comment was saved and before its author hears of it."""

import pytest

from tests import factories
from tests.journeys.conftest import person
from tests.journeys.processes import wait_until
from tickets.models import Comment

pytestmark = pytest.mark.journey

WORDS = "Реплика снова отстаёт, журнал внутри"
FALSE = ("восстановлен", "не сохранен", "не отправлен", "не добавлен")


def test_comment_is_one_and_nothing_false_is_said(processes, visit):
    ticket = factories.open_ticket(person("anna"))
    card = ticket.get_absolute_url()
    anna = visit("anna")
    sent = anna.send_and_hang_up(card, {"body": WORDS}, to=f"{card}comment/")
    wait_until(Comment.objects.exists)
    processes.kill("web")
    processes.start("web")
    page = anna.open(card)
    assert page.count(WORDS) == 1
    assert not [words for words in FALSE if words in page]
    page = anna.press_again(f"{card}comment/", sent)
    assert "Комментарий добавлен." in page
    assert page.count(WORDS) == Comment.objects.count() == 1
