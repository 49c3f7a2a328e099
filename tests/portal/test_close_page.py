"""«Вопрос решён» on the portal: a page that asks once, with a score and words if wished."""

from uuid import uuid4

import pytest

from accounts.models import Usage
from accounts.quotas import CHANGES
from tests.factories import TicketFactory
from tests.portal.pages import text, url
from tickets.drafts import Mark
from tickets.models import Draft
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("logged_in")
OPEN = ["new", "in_progress", "waiting"]
DONE = "Заявка закрыта. Хорошо, что вопрос решён!"
THANKS = "Спасибо за оценку! Заявка закрыта."


def close(client, ticket, **given):
    data = {"key": str(uuid4())} | given
    return client.post(url("ticket_close", ticket), data, follow=True)


def state_of(ticket):
    ticket.refresh_from_db()
    return ticket.status, ticket.score, ticket.rating_comment


@pytest.mark.parametrize("status", TicketStatus.values)
def test_card_leads_there_while_work_goes_on(client, anna, status):
    ticket = TicketFactory(requester=anna, status=status)
    page = text(client.get(ticket.get_absolute_url()))
    assert (f'href="{url("ticket_close", ticket)}"' in page) == (status in OPEN)


@pytest.mark.parametrize("status", OPEN)
def test_looking_asks_and_changes_nothing(client, anna, status):
    ticket = TicketFactory(requester=anna, status=status, title="Беда <b>")
    page = text(client.get(url("ticket_close", ticket)))
    assert f"Закрыть заявку № {ticket.pk}?" in page
    assert "Беда &lt;b&gt;" in page
    assert state_of(ticket) == (status, None, "")


def test_closing_needs_nothing_else(client, ticket):
    page = text(close(client, ticket))
    assert DONE in page
    assert state_of(ticket) == ("closed", None, "")


def test_score_and_words_are_kept(client, ticket):
    page = text(close(client, ticket, score="2", comment="Ждала <неделю>"))
    assert THANKS in page
    assert DONE not in page
    assert state_of(ticket) == ("closed", 2, "Ждала <неделю>")


def test_words_alone_are_the_last_comment(client, ticket):
    page = text(close(client, ticket, comment="Сами нашли <причину>"))
    assert "Сами нашли &lt;причину&gt;" in page
    assert ticket.comments.get().body == "Сами нашли <причину>"


@pytest.mark.parametrize("score", ["0", "6", "٥", "x", "5.0"])
def test_odd_score_closes_nothing(client, ticket, score):
    page = text(close(client, ticket, score=score, comment="Слова"))
    assert page.count("Выберите оценку от 1 до 5.") == 2
    assert "Слова</textarea>" in page
    assert state_of(ticket)[0] == "new"


def test_pressed_twice_says_the_same(client, ticket):
    data = {"score": "5", "comment": "Спасибо", "key": str(uuid4())}
    for _press in range(2):
        assert THANKS in text(close(client, ticket, **data))
    assert ticket.events.filter(kind="status").count() == 1


def test_words_that_come_too_late_are_shown(client, closed):
    page = text(close(client, closed, comment="Важные слова"))
    assert "Заявка уже закрыта, этот текст не отправлен." in page
    assert "Важные слова</textarea>" in page
    assert "Заявка уже закрыта." in text(close(client, closed))
    assert client.get(url("ticket_close", closed)).url == closed.get_absolute_url()


def test_foreign_missing_and_a_colleagues_ticket_look_the_same(client, anna, boris):
    anna.organization.shares_tickets = True
    anna.organization.save()
    shared = TicketFactory(organization=anna.organization)
    assert "Вопрос решён" not in text(client.get(shared.get_absolute_url()))
    for ticket in (TicketFactory(requester=boris), shared):
        assert client.get(url("ticket_close", ticket)).status_code == 404
        assert close(client, ticket).status_code == 404
        assert state_of(ticket)[0] == "new"


def test_quota_keeps_the_words(client, anna, ticket):
    Usage.objects.update_or_create(user=anna, kind="changes", defaults={"used": CHANGES.limit})
    response = close(client, ticket, score="4", comment="Слова")
    assert response.status_code == 429
    assert "Слишком много изменений подряд." in text(response)
    assert "Слова</textarea>" in text(response)
    assert state_of(ticket)[0] == "new"


def test_lost_session_gives_the_words_back(client, anna, ticket):
    author = Mark(anna.pk, "close", ticket.pk).sign()
    client.logout()
    client.post(url("ticket_close", ticket), {"author": author, "comment": "Слова", "score": "3"})
    client.force_login(anna)
    assert Draft.objects.get().body == {"comment": "Слова", "score": "3", "had_files": False}
    page = text(client.get(url("ticket_close", ticket)))
    assert "Слова</textarea>" in page
    assert 'value="3" id="close_score_2" checked' in page.replace(" required", "")
