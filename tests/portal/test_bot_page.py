from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import BotRegistration, LinkPin, MessengerAccount
from accounts.services import CONSENT_VERSION
from telegram_bot.models import TELEGRAM, BotHeartbeat
from tests.factories import PASSWORD
from tests.portal.pages import text
from tests.queue import queued
from tickets.models import Delivery

pytestmark = pytest.mark.usefixtures("logged_in")

PAGE = reverse("bot_registration")
STATE = reverse("bot_registration_state")
CONSENT = "Согласен(а) использовать данные портала через Telegram-бот"
SUCCESS = "Вы успешно зарегистрированы в чат-боте."


@pytest.fixture
def bot(db):
    return BotHeartbeat.objects.create(bot_id=1, username="help_bot", seen_at=timezone.now())


def register(client, phone="+79161234567", url=PAGE, **data):
    return client.post(url, {"phone": phone, "consent": "on"} | data, follow=True)


def test_form_shows_the_words_of_the_guide(client):
    page = text(client.get(PAGE))
    assert "<h1>Регистрация в чат-боте</h1>" in page
    assert CONSENT in page
    assert "+7XXXXXXXXXX" in page
    assert "Зарегистрироваться</button>" in page
    assert 'type="tel"' in page
    assert 'inputmode="tel"' in page
    assert 'autocomplete="tel"' in page
    assert "checked" not in page


def test_registration_is_recorded_with_its_consent(client, anna):
    response = client.post(
        PAGE,
        {"phone": "8 (916) 123-45-67", "consent": "on"},
        headers={"user-agent": "Firefox"},
        follow=True,
    )
    registration = anna.registrations.get()
    assert SUCCESS in text(response)
    assert registration.phone == "+79161234567"
    assert registration.consent_version == CONSENT_VERSION
    assert registration.ip == "127.0.0.1"
    assert registration.user_agent == "Firefox"
    assert registration.withdrawn_at is None


ODD_PHONES = [
    "",
    "+7916123456",
    "+791612345678",
    "+7 916 123 45 6A",
    "+19161234567",
    "9161234567",
    "+7９161234567",
    "+7٩161234567",
    "+7916123\x004567",
    "+7916123\n4567",
    "+7916_1234567",
    "++79161234567",
    "+79161234567; drop",
    "7" * 5000,
]


@pytest.mark.parametrize("phone", ODD_PHONES)
def test_odd_phone_is_refused_beside_the_field(client, phone):
    page = text(register(client, phone))
    assert "<title>Ошибка: Регистрация в чат-боте" in page
    assert 'href="#id_phone"' in page
    assert 'id="id_phone_error"' in page
    assert 'aria-invalid="true"' in page
    assert not BotRegistration.objects.exists()


def test_refused_form_keeps_what_was_typed(client):
    page = text(register(client, "+7 916 <b>"))
    assert 'value="+7 916 &lt;b&gt;"' in page
    assert "checked" in page


@pytest.mark.parametrize("consent", [{"consent": ""}, {"consent": "false"}])
def test_registration_needs_consent(client, consent):
    page = text(register(client, **consent))
    assert page.count("Отметьте согласие") == 2
    assert 'href="#id_consent"' in page
    assert not BotRegistration.objects.exists()


def test_registered_person_sees_the_way_to_the_bot(client, bot):
    page = text(register(client))
    assert "@help_bot" in page
    assert 'href="https://t.me/help_bot"' in page
    assert 'src="data:image/svg+xml' in page
    assert 'alt="QR-код со ссылкой https://t.me/help_bot"' in page
    assert "+7 ··· ··· 45 67" in page
    assert "+79161234567" not in page


def test_page_without_a_bot_has_no_broken_link(client, registration):
    page = text(client.get(PAGE))
    assert "Бот сейчас не работает" in page
    assert "t.me" not in page
    assert "Ждём номер" not in page
    assert "Бот сейчас недоступен" in page


def test_strip_tells_of_a_silent_bot(client, bot):
    assert "Бот сейчас недоступен" not in text(client.get(PAGE))
    BotHeartbeat.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    assert "Бот сейчас недоступен" in text(client.get(PAGE))


def test_silent_bot_is_offered_to_nobody(client, registration, bot):
    """Its name is known, but who goes there waits in vain."""
    assert "QR-код" in text(client.get(PAGE))
    BotHeartbeat.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    page = text(client.get(PAGE))
    assert "Бот сейчас не работает" in page
    assert "Ждём номер" not in page
    assert "<img" not in page.partition("<main")[2]


def test_linked_page_of_a_silent_bot_promises_nothing(client, linked, bot):
    assert "готов принимать заявки" in text(client.get(PAGE))
    BotHeartbeat.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    page = text(client.get(PAGE))
    assert "готов принимать заявки" not in page
    assert "Отправить пробное сообщение" not in page
    assert 'data-bot="down"' in text(client.get(STATE))


# The live state


def pin(registration, **given) -> LinkPin:
    return LinkPin.objects.create(registration=registration, channel=TELEGRAM, address="5", **given)


def shown_state(client) -> str:
    return text(client.get(STATE)).partition('data-state="')[2].partition('"')[0]


def test_state_follows_the_person(client, registration):
    now = timezone.now()
    assert shown_state(client) == "waiting_for_phone"
    request = pin(registration)
    assert shown_state(client) == "pin_leaving"
    request.sent_at, request.expires_at = now, now + timedelta(minutes=10)
    request.save()
    assert shown_state(client) == "pin_sent"
    request.expires_at = now - timedelta(seconds=1)
    request.save()
    assert shown_state(client) == "pin_expired"
    request.closed_at = now
    request.save()
    assert shown_state(client) == "waiting_for_phone"
    MessengerAccount.objects.create(user=registration.user, channel=TELEGRAM, address="5")
    assert shown_state(client) == "linked"


def test_state_shows_nothing_of_others(client, boris, registration):
    client.force_login(boris)
    pin(registration, sent_at=timezone.now())
    assert shown_state(client) == "unregistered"


def test_state_masks_the_email(client, registration):
    pin(registration)
    page = text(client.get(STATE))
    assert "an***@alpha.example" in page
    assert "anna@alpha.example" not in page


# Later changes


def test_linked_page(client, linked, bot):
    page = text(client.get(PAGE))
    assert "@anna_k" in page
    assert "+7 ··· ··· 45 67" in page
    assert "Отправить пробное сообщение" in page
    assert "QR-код" not in page


def test_linked_page_tells_of_a_blocked_bot(client, linked):
    MessengerAccount.objects.update(unreachable_at=timezone.now())
    assert "Бот не может вам написать" in text(client.get(PAGE))


def test_another_phone_replaces_registration_and_link(client, linked):
    page = text(register(client, "+79031112233", url=reverse("bot_phone"), password=PASSWORD))
    assert "Номер изменён" in page
    assert not MessengerAccount.objects.exists()
    assert linked.registrations.get(withdrawn_at=None).phone == "+79031112233"
    assert linked.registrations.count() == 2


def test_same_phone_changes_nothing(client, linked):
    page = text(register(client, url=reverse("bot_phone")))
    assert "ничего не изменилось" in page
    assert MessengerAccount.objects.filter(user=linked).exists()
    assert linked.registrations.count() == 1


def test_phone_page_needs_a_registration(client):
    assert client.get(reverse("bot_phone")).url == PAGE


@pytest.mark.parametrize("name", ["bot_unlink", "bot_withdraw"])
def test_confirm_page_changes_nothing_by_itself(client, linked, name):
    assert "?</h1>" in text(client.get(reverse(name)))
    assert MessengerAccount.objects.filter(user=linked).exists()


def test_unlink_keeps_the_registration(client, linked):
    page = text(client.post(reverse("bot_unlink"), follow=True))
    assert "Telegram отвязан" in page
    assert not MessengerAccount.objects.exists()
    assert linked.registrations.filter(withdrawn_at=None).exists()


def test_withdraw_ends_registration_and_link(client, linked):
    page = text(client.post(reverse("bot_withdraw"), follow=True))
    assert "Согласие отозвано" in page
    assert not MessengerAccount.objects.exists()
    assert linked.registrations.get().withdrawn_at is not None
    assert "Зарегистрироваться</button>" in page


@pytest.mark.parametrize("name", ["bot_unlink", "bot_withdraw"])
def test_nothing_to_confirm_without_a_link(client, name):
    assert client.get(reverse(name)).url == PAGE


def test_others_are_not_touched(client, linked, boris):
    client.force_login(boris)
    client.post(reverse("bot_unlink"))
    client.post(reverse("bot_withdraw"))
    assert MessengerAccount.objects.filter(user=linked).exists()


def test_test_message_is_queued_once_in_a_row(client, linked):
    for _press in range(2):
        client.post(reverse("bot_test_message"))
    assert [(row.kind, row.recipient) for row in Delivery.objects.all()] == [("test", linked)]
    assert [(task.name, task.args) for task in queued()] == [("tickets.tasks.drain", (TELEGRAM,))]


def test_test_message_needs_a_link(client, registration):
    page = text(client.post(reverse("bot_test_message"), follow=True))
    assert "Сначала свяжите Telegram" in page
    assert queued() == []


def test_test_message_needs_post(client, linked):
    assert client.get(reverse("bot_test_message")).url == reverse("bot_registration")
    assert not Delivery.objects.exists()


# The frame


def test_menu_marks_the_page_and_the_link(client, linked):
    page = text(client.get(PAGE))
    assert '<nav aria-label="Основное меню"' in page
    assert 'href="/telegram/" aria-current="page"' in page
    assert "Telegram связан" in page
    assert "Место специалиста" not in page


def test_staff_see_the_way_to_the_admin(client, agent):
    client.force_login(agent)
    assert 'href="/admin/"' in text(client.get(PAGE))


def test_pages_hold_no_inline_code(client, linked, bot):
    for url in (PAGE, reverse("bot_phone"), reverse("profile"), reverse("ticket_list")):
        page = text(client.get(url))
        assert "<style" not in page
        assert " style=" not in page
        assert "<script>" not in page
        assert " onclick" not in page
