"""Too many changes: the page comes back with the words, and says when to try again."""

import re
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import Usage
from accounts.quotas import CHANGES
from telegram_bot.models import TELEGRAM
from tests import factories
from tests.portal.pages import text, url
from tickets.attachments import BYTES_A_DAY
from tickets.models import Comment

pytestmark = pytest.mark.usefixtures("logged_in")

WORDS = "Не открывается <до сих пор>"
SHOWN = "Не открывается &lt;до сих пор&gt;</textarea>"
REFUSED = "Слишком много изменений подряд. Попробуйте снова через"


@pytest.fixture
def used_up(anna):
    Usage.objects.update_or_create(user=anna, kind="changes", defaults={"used": CHANGES.limit})


def require_wait(response):
    page = text(response)
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60
    assert REFUSED in page
    return page


def test_comment_comes_back_and_can_be_sent_in_a_minute(client, ticket, used_up, clock):
    form = {"body": WORDS, "key": uuid4()}
    page = require_wait(client.post(url("ticket_comment", ticket), form))
    assert SHOWN in page
    assert str(form["key"]) in page
    assert not Comment.objects.exists()
    clock.advance(seconds=61)
    assert client.post(url("ticket_comment", ticket), form).status_code == 302
    assert Comment.objects.get().body == WORDS


def test_press_that_comes_again_is_no_change(client, ticket, anna):
    form = {"body": WORDS, "key": uuid4()}
    client.post(url("ticket_comment", ticket), form)
    Usage.objects.filter(user=anna).update(used=CHANGES.limit)
    assert client.post(url("ticket_comment", ticket), form).status_code == 302


def test_reason_comes_back(client, resolved, used_up):
    page = require_wait(client.post(url("ticket_return", resolved), {"reason": WORDS}))
    assert SHOWN in page


def test_rating_comes_back(client, resolved, used_up):
    data = {"score": "4", "comment": WORDS}
    page = require_wait(client.post(url("ticket_rate", resolved), data))
    assert SHOWN in page
    assert re.search(r'value="4"[^>]*checked', page)


def test_words_beside_a_score_that_exists_come_back(client, resolved, used_up):
    Usage.objects.all().delete()
    client.post(url("ticket_rate", resolved), {"score": "4"})
    Usage.objects.update(used=CHANGES.limit)
    page = require_wait(client.post(url("ticket_rate", resolved), {"score": "4", "comment": WORDS}))
    assert SHOWN in page


def test_files_of_a_day(client, ticket, anna):
    factories.UsageFactory(user=anna, kind=BYTES_A_DAY.kind, used=BYTES_A_DAY.limit)
    file = SimpleUploadedFile("a.txt", b"x")
    response = client.post(url("ticket_comment", ticket), {"body": WORDS, "attachments": file})
    page = text(response)
    assert response.status_code == 429
    assert "За сутки можно приложить файлов не больше чем на 1 ГБ." in page
    assert SHOWN in page
    assert client.post(url("ticket_comment", ticket), {"body": WORDS}).status_code == 302


def test_phone_comes_back(client, used_up):
    data = {"phone": "+79160000001", "consent": "on"}
    page = require_wait(client.post(reverse("bot_registration"), data))
    assert "+79160000001" in page
    assert "Зарегистрироваться</button>" in page


@pytest.mark.parametrize("purpose", ["unlink", "withdraw"])
def test_link_and_consent_stay(client, linked, used_up, purpose):
    page = require_wait(client.post(reverse(f"bot_{purpose}")))
    assert 'class="button danger"' in page
    assert linked.messengers.filter(channel=TELEGRAM).exists()
    assert linked.registrations.filter(withdrawn_at=None).exists()


def test_reading_is_never_counted(client, ticket, used_up):
    for page in (reverse("ticket_list"), ticket.get_absolute_url(), reverse("bot_registration")):
        assert client.get(page).status_code == 200
    assert Usage.objects.get().used == CHANGES.limit


def test_many_comments_in_a_row(client, ticket, anna):
    Usage.objects.all().delete()
    codes = [
        client.post(url("ticket_comment", ticket), {"body": f"{number}"}).status_code
        for number in range(150)
    ]
    assert codes == [302] * 30 + [429] * 120
    assert Comment.objects.count() == 30
