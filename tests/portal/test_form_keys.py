"""A form acts once: pressed twice, reloaded, sent from many places, or with new words."""

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import BotRegistration, MessengerAccount
from accounts.services import register_for_bot
from telegram_bot.models import TELEGRAM
from tests.factories import MessengerAccountFactory
from tests.portal.pages import text, url
from tests.threads import in_parallel
from tickets import recording, services
from tickets.comments import add_comment
from tickets.models import Attachment, Delivery, FormKey
from tickets.status import TicketStatus

pytestmark = pytest.mark.usefixtures("logged_in")
SENT_BEFORE = "Эта форма уже отправлена, её текст сохранён."


@pytest.fixture
def key():
    return str(uuid4())


def comment(client, ticket, body, key, **data):
    data = {"body": body, "key": key} | data
    return client.post(url("ticket_comment", ticket), data, follow=True)


def journal(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("журнал.txt", content)


def test_every_form_of_the_card_has_a_key_of_its_own(client, resolved):
    pages = [text(client.get(resolved.get_absolute_url())) for _visit in range(2)]
    keys = [part.split('"')[0] for page in pages for part in page.split('name="key" value="')[1:]]
    assert len(set(keys)) == 6


def test_form_with_errors_keeps_its_key(client, ticket, key):
    assert f'name="key" value="{key}"' in text(comment(client, ticket, "", key))


def test_same_comment_again_is_one_comment_and_the_same_answer(client, ticket, key):
    answers = [comment(client, ticket, "Один раз", key) for _press in range(2)]
    assert ticket.comments.count() == 1
    for answer in answers:
        place = f"#comment-{ticket.comments.get().pk}"
        assert answer.redirect_chain[0][0] == ticket.get_absolute_url() + place
        assert "Комментарий добавлен." in text(answer)


def test_comment_that_was_saved_is_so_after_the_ticket_was_closed(client, agent, resolved, key):
    comment(client, resolved, "Один раз", key)
    services.change_status(
        ticket=resolved, to=TicketStatus.CLOSED, actor=recording.agent(agent), answer="Готово."
    )
    page = text(comment(client, resolved, "Один раз", key))
    assert "Комментарий добавлен." in page
    assert "не добавлен" not in page


def test_other_words_under_a_key_are_offered_beside_the_saved_ones(client, ticket, key):
    comment(client, ticket, "Первые слова", key)
    page = text(comment(client, ticket, "Другие слова", key))
    assert SENT_BEFORE in page
    assert "Первые слова</blockquote>" in page
    assert "Другие слова</textarea>" in page
    assert [row.body for row in ticket.comments.all()] == ["Первые слова"]
    fresh = page.partition("/comment/")[2].partition('name="key" value="')[2].partition('"')[0]
    assert fresh != key
    comment(client, ticket, "Другие слова", fresh)
    assert ticket.comments.count() == 2


def test_same_words_from_two_pages_are_two_comments(client, ticket):
    for _page in range(2):
        comment(client, ticket, "Спасибо", str(uuid4()))
    assert ticket.comments.count() == 2


def test_second_file_of_equal_size_is_a_second_comment(client, ticket):
    for content in (b"first", b"other"):
        comment(client, ticket, "", str(uuid4()), attachments=[journal(content)])
    assert ticket.comments.count() == 2
    stored = []
    for attachment in Attachment.objects.order_by("pk"):
        with attachment.file.open() as file:
            stored.append(file.read())
    assert stored == [b"first", b"other"]


def test_same_file_under_the_key_is_one_and_another_content_is_not_lost(client, ticket, key):
    for _press in range(2):
        comment(client, ticket, "", key, attachments=[journal(b"first")])
    assert Attachment.objects.count() == 1
    page = text(comment(client, ticket, "", key, attachments=[journal(b"other")]))
    assert SENT_BEFORE in page
    assert "Файлы приложите заново." in page
    assert "📎 журнал.txt" in page
    assert Attachment.objects.count() == 1


def test_key_of_another_person_means_nothing(client, ticket, boris, key):
    FormKey.objects.create(user=boris, key=key, purpose="comment", fingerprint="x")
    comment(client, ticket, "Мои слова", key)
    assert ticket.comments.count() == 1


@pytest.mark.parametrize("odd", ["", "x", "٥" * 32, "\x00", "9" * 5000])
def test_odd_key_counts_as_missing(client, ticket, odd):
    comment(client, ticket, "Слова", odd)
    assert ticket.comments.count() == 1
    assert not FormKey.objects.exists()


def test_refused_form_leaves_no_key(client, closed, key):
    comment(client, closed, "Поздно", key)
    assert not FormKey.objects.exists()


# Return and rating


def give_back(client, ticket, reason, key):
    data = {"reason": reason, "key": key}
    return client.post(url("ticket_return", ticket), data, follow=True)


def test_returning_twice_is_one_return(client, anna, resolved, key):
    for _press in range(2):
        page = text(give_back(client, resolved, "Отчёт пустой", key))
        assert "Заявка снова в работе" in page
    assert resolved.comments.filter(author=anna).count() == 1


def test_old_return_that_comes_again_does_not_return_anew(client, agent, resolved, key):
    give_back(client, resolved, "Отчёт пустой", key)
    staff = recording.agent(agent)
    services.change_status(ticket=resolved, to=TicketStatus.RESOLVED, actor=staff, answer="Готово.")
    give_back(client, resolved, "Отчёт пустой", key)
    resolved.refresh_from_db()
    assert resolved.status == TicketStatus.RESOLVED


def test_other_reason_under_the_key_is_offered_as_a_comment(client, resolved, key):
    give_back(client, resolved, "Отчёт пустой", key)
    page = text(give_back(client, resolved, "И ещё ошибка 500", key))
    assert SENT_BEFORE in page
    assert "Отчёт пустой</blockquote>" in page
    assert "И ещё ошибка 500</textarea>" in page


def test_rating_twice_says_the_same(client, resolved, key):
    data = {"score": 4, "comment": "Быстро", "key": key}
    for _press in range(2):
        page = text(client.post(url("ticket_rate", resolved), data, follow=True))
        assert "Спасибо за оценку! Заявка закрыта." in page
    assert resolved.events.filter(kind="rated").count() == 1


# The way to the bot


def register(client, phone, key):
    data = {"phone": phone, "consent": "on", "key": key}
    return client.post(reverse("bot_registration"), data, follow=True)


def test_registering_twice_says_the_same(client, anna, key):
    for _press in range(2):
        page = text(register(client, "+79161234567", key))
        assert "Вы успешно зарегистрированы в чат-боте." in page
        assert "ничего не изменилось" not in page
    assert BotRegistration.objects.filter(user=anna).count() == 1


def test_other_phone_under_the_key_is_offered(client, anna, key):
    register(client, "+79161234567", key)
    page = text(register(client, "+79160000000", key))
    assert "Прежний номер уже сохранён." in page
    assert 'value="+79160000000"' in page
    assert key not in page
    assert BotRegistration.objects.get(user=anna).phone == "+79161234567"


def test_old_form_does_not_unlink_a_new_link(client, linked, key):
    page = text(client.post(reverse("bot_unlink"), {"key": key}, follow=True))
    assert "Telegram отвязан." in page
    page = text(client.post(reverse("bot_unlink"), {"key": key}, follow=True))
    assert "Telegram отвязан." in page
    MessengerAccountFactory(user=linked)
    page = text(client.post(reverse("bot_unlink"), {"key": key}, follow=True))
    assert MessengerAccount.objects.filter(user=linked).exists()
    assert "Telegram отвязан." not in page
    assert "Сейчас ничего не изменилось." in page


def test_old_form_does_not_withdraw_a_new_consent(client, anna, registration, key):
    client.post(reverse("bot_withdraw"), {"key": key})
    register_for_bot(user=anna, channel=TELEGRAM, phone="+79161234567", ip=None, user_agent="")
    client.post(reverse("bot_withdraw"), {"key": key})
    assert BotRegistration.objects.filter(user=anna, withdrawn_at=None).exists()


def test_test_message_is_queued_once_and_said_twice(client, linked, key):
    for _press in range(2):
        page = text(client.post(reverse("bot_test_message"), {"key": key}, follow=True))
        assert "Пробное сообщение отправляется в Telegram." in page
    assert [row.kind for row in Delivery.objects.all()] == ["test"]


# At once


def clients(person, number: int) -> list[Client]:
    found = [Client() for _one in range(number)]
    for one in found:
        one.force_login(person)
    return found


@pytest.mark.django_db(transaction=True)
def test_twenty_presses_at_once_are_one_comment(anna, ticket, key):
    def press(client):
        return text(comment(client, ticket, "Один раз", key))

    pages = in_parallel(*(lambda one=one: press(one) for one in clients(anna, 20)))
    assert ticket.comments.count() == 1
    assert FormKey.objects.count() == 1
    assert all("Комментарий добавлен." in page for page in pages)


@pytest.mark.django_db(transaction=True)
def test_different_forms_of_a_person_do_not_block_each_other(anna, registration, ticket):
    def phone(client, number):
        return register(client, number, str(uuid4())).status_code

    def word(client):
        return comment(client, ticket, "Слово", str(uuid4())).status_code

    people = clients(anna, 8)
    calls = [lambda one=one: word(one) for one in people[:4]]
    calls += [
        lambda one=one, n=n: phone(one, f"+7916123450{n}") for n, one in enumerate(people[4:])
    ]
    assert in_parallel(*calls) == [200] * 8
    assert BotRegistration.objects.filter(user=anna, withdrawn_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_same_key_with_different_words_at_once_loses_none(anna, agent, ticket, key):
    add_comment(ticket=ticket, actor=recording.agent(agent), body="Что видите?")
    people = clients(anna, 6)
    pages = in_parallel(
        *(lambda one=one, n=n: text(comment(one, ticket, f"Слова {n}", key)) for n, one in
          enumerate(people))
    )  # fmt: skip
    saved = ticket.comments.filter(author=anna).get().body
    for number, page in enumerate(pages):
        words = f"Слова {number}"
        assert words == saved or (SENT_BEFORE in page and f"{words}</textarea>" in page)
