"""What happened is said beside the new words, and so is what came while they were typed."""

import re
from uuid import uuid4

import pytest

from tests.portal.pages import text, url
from tickets import recording, services
from tickets.comments import add_comment
from tickets.models import Draft, TicketEvent
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("logged_in")


def send(client, ticket, body="Мои слова", **data):
    return client.post(url("ticket_comment", ticket), {"body": body} | data, follow=True)


def beside(page: str, place: str) -> str:
    """What is said within this entry of the conversation."""
    entry = re.search(rf'<li class="[^"]*" id="{place}">.*?</li>', page, re.S)[0]
    return entry.partition('<div role="status" class="messages beside" tabindex="-1">')[2]


def above(page: str) -> str:
    return page.partition("<main")[2].partition('class="ticket-header"')[0]


def test_thanks_stand_beside_the_new_comment(client, ticket):
    page = text(send(client, ticket))
    place = f"comment-{ticket.comments.get().pk}"
    assert "Комментарий добавлен." in beside(page, place)
    assert "Комментарий добавлен." not in above(page)
    assert "Комментарий добавлен." not in text(client.get(ticket.get_absolute_url()))


def test_return_and_rating_are_answered_where_they_stand(client, anna, agent, resolved):
    page = text(client.post(url("ticket_return", resolved), {"reason": "Не то"}, follow=True))
    place = f"comment-{resolved.comments.get(author=anna).pk}"
    assert "Заявка снова в работе" in beside(page, place)
    services.change_status(
        ticket=resolved, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово."
    )
    response = client.post(url("ticket_rate", resolved), {"score": "5"}, follow=True)
    assert response.redirect_chain[0][0].endswith("#latest")
    last = TicketEvent.objects.latest("pk")
    assert "Спасибо за оценку" in beside(text(response), f"event-{last.pk}")
    assert text(response).count('id="latest"') == 1


def test_answer_that_came_meanwhile_is_told_and_the_comment_is_kept(client, agent, ticket):
    page = text(client.get(ticket.get_absolute_url()))
    seen = re.search(r'name="seen" value="(\d+)"', page)[1]
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Тайна", internal=True)
    missed = add_comment(ticket=ticket, actor=recording.agent(agent), body="Уже чиним")
    page = text(send(client, ticket, seen=seen))
    mine = ticket.comments.latest("pk")
    said = beside(page, f"comment-{mine.pk}")
    assert mine.body == "Мои слова"
    assert "Комментарий добавлен." in said
    assert "Пока вы писали, поддержка ответила." in said
    assert f'<a href="#comment-{missed.pk}">К ответу</a>' in said
    assert f'id="comment-{missed.pk}"' in page


@pytest.mark.parametrize("seen", [None, "", "x", "٥"])
def test_page_that_does_not_say_what_it_showed_is_told_nothing(client, agent, ticket, seen):
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Уже чиним")
    data = {} if seen is None else {"seen": seen}
    assert "Пока вы писали" not in text(send(client, ticket, **data))


def test_nothing_is_missed_where_the_page_shows_it(client, agent, ticket):
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Уже чиним")
    page = text(client.get(ticket.get_absolute_url()))
    seen = re.search(r'name="seen" value="(\d+)"', page)[1]
    page = text(send(client, ticket, seen=seen))
    add_comment(ticket=ticket, actor=recording.agent(agent), body="После")
    assert "Пока вы писали" not in page


def test_form_with_errors_still_knows_what_its_page_showed(client, agent, ticket):
    seen = TicketEvent.objects.latest("pk").pk
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Уже чиним")
    page = text(send(client, ticket, "", seen=seen))
    assert f'name="seen" value="{seen}"' in page


def test_answer_lost_after_the_commit_leaves_one_comment_and_true_words(
    client, ticket, monkeypatch
):
    """The process dies between commit and answer; the person reloads the page, or the form."""
    page = text(client.get(ticket.get_absolute_url()))
    form = {"body": "Важные слова", "key": str(uuid4())}
    form["author"] = re.search(
        r'name="author" value="([^"]*)" data-whose="\d+" data-form="comment', page
    )[1]
    client.post("/drafts/", form)
    assert Draft.objects.exists()

    def die(*args, **kwargs):
        raise SystemExit

    monkeypatch.setattr("portal.views.comments._show_comment", die)
    with pytest.raises(SystemExit):
        client.post(url("ticket_comment", ticket), form)
    monkeypatch.undo()
    again = text(client.get(ticket.get_absolute_url()))
    assert again.count("Важные слова") == 1
    for false in ("восстановлен", "не сохранен", "не отправлен", "не добавлен"):
        assert false not in again
    assert client.get("/drafts/", {"key": form["key"]}).json() == {"sent": True}
    resent = text(client.post(url("ticket_comment", ticket), form, follow=True))
    assert "Комментарий добавлен." in resent
    assert ticket.comments.count() == 1
