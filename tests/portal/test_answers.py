"""What a customer does on the card: comment, return, rate."""

import pytest
from django.urls import reverse
from django.utils import timezone

from telegram_bot.models import BotHeartbeat
from tests.factories import MessengerAccountFactory
from tests.portal.pages import text, url
from tickets import recording, services
from tickets.models import Comment, Face
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("logged_in")


def comment(client, ticket, body, **data):
    return client.post(url("ticket_comment", ticket), {"body": body} | data, follow=True)


# Comments


def test_comment_is_added(client, anna, ticket):
    response = comment(client, ticket, "\r\nДобавлю\r\nподробностей ")
    [made] = ticket.comments.all()
    assert response.redirect_chain[0][0] == f"{ticket.get_absolute_url()}#comment-{made.pk}"
    assert "Комментарий добавлен." in text(response)
    assert (made.author, made.body, made.face) == (anna, "Добавлю\nподробностей", Face.PORTAL)
    assert not made.is_internal


def test_comment_takes_a_waiting_ticket_back_to_work(client, agent, ticket):
    services.change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=recording.agent(agent), answer="Готово."
    )
    assert "Поддержка ждёт вашего ответа" in text(client.get(ticket.get_absolute_url()))
    comment(client, ticket, "Вот ответ")
    ticket.refresh_from_db()
    assert ticket.status == TicketStatus.IN_PROGRESS


@pytest.mark.parametrize("body", ["", "   \n ", "\u200b\u2060", "\x00", "\u202e"])
def test_empty_comment_is_refused(client, ticket, body):
    page = text(comment(client, ticket, body))
    assert "<title>Ошибка: " in page
    assert 'href="#comment_body"' in page
    assert page.count("Напишите комментарий или приложите файл.") == 2
    assert not Comment.objects.exists()


def test_too_long_comment_is_kept_in_the_form(client, ticket):
    body = "щ" * 20_001
    page = text(comment(client, ticket, body))
    assert "В тексте 20001 символ, нужно не больше 20000." in page
    assert body in page
    assert not Comment.objects.exists()


def test_closed_ticket_offers_no_composer(client, closed):
    page = text(client.get(closed.get_absolute_url()))
    assert "Комментарии к ней больше не принимаются" in page
    assert "<textarea" not in page


def test_closed_ticket_leads_to_a_new_one_and_into_the_bot_too(client, linked, closed):
    BotHeartbeat.objects.create(bot_id=1, username="help_bot", seen_at=timezone.now())
    page = text(client.get(closed.get_absolute_url()))
    assert f'href="{reverse("new_ticket")}?parent={closed.pk}"' in page
    assert f'href="https://t.me/help_bot?start=n_{closed.pk}"' in page


@pytest.mark.parametrize(("is_linked", "has_bot"), [(False, True), (True, False)])
def test_closed_ticket_leads_others_to_a_new_one_only(client, anna, closed, is_linked, has_bot):
    if is_linked:
        MessengerAccountFactory(user=anna)
    if has_bot:
        BotHeartbeat.objects.create(bot_id=1, username="help_bot", seen_at=timezone.now())
    page = text(client.get(closed.get_absolute_url()))
    assert f'href="{reverse("new_ticket")}?parent={closed.pk}"' in page
    assert "?start=" not in page


def test_comment_on_a_ticket_closed_meanwhile_is_not_lost(client, closed):
    page = text(comment(client, closed, "Длинный важный текст"))
    assert "Заявка уже закрыта, комментарий не добавлен" in page
    assert "Длинный важный текст</textarea>" in page
    assert not closed.comments.filter(by_agent=False).exists()


def test_comment_on_a_resolved_ticket_keeps_its_status(client, resolved):
    page = text(comment(client, resolved, "Ещё вопрос"))
    resolved.refresh_from_db()
    assert resolved.status == TicketStatus.RESOLVED
    assert "верните заявку в работу" in page


def give_back(client, ticket, reason):
    return client.post(url("ticket_return", ticket), {"reason": reason}, follow=True)


# Return


def test_return_puts_the_ticket_back_to_work(client, anna, resolved):
    page = text(give_back(client, resolved, "Отчёт пустой"))
    resolved.refresh_from_db()
    assert "Заявка снова в работе" in page
    assert resolved.status == TicketStatus.IN_PROGRESS
    assert resolved.comments.get(author=anna).body == "Отчёт пустой"


@pytest.mark.parametrize("reason", ["", "  ", "\u200b"])
def test_return_needs_a_reason(client, resolved, reason):
    page = text(give_back(client, resolved, reason))
    resolved.refresh_from_db()
    assert page.count("Напишите причину возврата.") == 2
    assert 'href="#return_reason"' in page
    assert "<details open>" in page
    assert resolved.status == TicketStatus.RESOLVED


def test_return_of_a_closed_ticket_keeps_the_words(client, closed):
    page = text(give_back(client, closed, "Отчёт пустой"))
    closed.refresh_from_db()
    assert "Заявка уже закрыта, вернуть её нельзя." in page
    assert "Отчёт пустой</textarea>" in page
    assert closed.status == TicketStatus.CLOSED


def test_return_of_a_ticket_in_work_offers_a_comment(client, agent, ticket):
    services.change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=recording.agent(agent))
    page = text(give_back(client, ticket, "Отчёт пустой"))
    assert "Ваш текст можно отправить комментарием" in page
    assert "Отчёт пустой</textarea>" in page


def rate(client, ticket, score, words=""):
    return client.post(url("ticket_rate", ticket), {"score": score, "comment": words}, follow=True)


# Rating


@pytest.mark.parametrize("score", [1, 5])
def test_rating_closes_the_ticket(client, resolved, score):
    page = text(rate(client, resolved, score, "Быстро"))
    resolved.refresh_from_db()
    assert "Спасибо за оценку" in page
    assert f"{score} из 5" in page
    assert (resolved.status, resolved.score) == (TicketStatus.CLOSED, score)
    assert resolved.rating_comment == "Быстро"


@pytest.mark.each_case
@pytest.mark.parametrize("score", ["", "0", "6", "٥", "5.0", "x", "-1"])
def test_odd_score_is_refused_and_words_are_kept(client, resolved, score):
    page = text(rate(client, resolved, score, "Мои слова"))
    resolved.refresh_from_db()
    assert page.count("Выберите оценку от 1 до 5.") == 2
    assert 'href="#rating_score_0"' in page
    assert "Мои слова</textarea>" in page
    assert resolved.status == TicketStatus.RESOLVED


def test_rating_twice_keeps_the_first(client, resolved):
    rate(client, resolved, 5)
    page = text(rate(client, resolved, 1))
    resolved.refresh_from_db()
    assert "Оценка уже поставлена" in page
    assert resolved.score == 5


def test_words_of_a_second_rating_stay_in_the_form(client, resolved):
    rate(client, resolved, 5, "Быстро")
    page = text(rate(client, resolved, 1, "Передумал"))
    resolved.refresh_from_db()
    assert "Оценка уже сохранена: 5 из 5. Новый текст не отправлен." in page
    assert "Передумал</textarea>" in page
    assert (resolved.score, resolved.rating_comment) == (5, "Быстро")


def test_words_forgotten_at_first_join_the_same_rating(client, resolved):
    rate(client, resolved, 5)
    page = text(rate(client, resolved, 5, "Быстро"))
    resolved.refresh_from_db()
    assert "Комментарий к оценке добавлен." in page
    assert (resolved.score, resolved.rating_comment) == (5, "Быстро")


def test_too_long_rating_comment_rates_nothing(client, resolved):
    rate(client, resolved, 5, "щ" * 20_001)
    resolved.refresh_from_db()
    assert resolved.score is None


def test_ticket_returned_meanwhile_is_not_rated(client, resolved):
    give_back(client, resolved, "Отчёт пустой")
    page = text(rate(client, resolved, 5, "Мои слова"))
    resolved.refresh_from_db()
    assert "оценить её можно будет после выполнения" in page
    assert "Мои слова</textarea>" in page
    assert resolved.score is None


def test_rating_is_offered_for_resolved_tickets_only(client, ticket, agent):
    assert "Оценить выполнение" not in text(client.get(ticket.get_absolute_url()))
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=recording.agent(agent), answer="Готово."
    )
    page = text(client.get(ticket.get_absolute_url()))
    assert "Оценить выполнение" in page
    assert "Вернуть в работу" in page
    assert page.count('type="radio"') == 5
