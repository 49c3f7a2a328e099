"""Linking Telegram with a portal account: own phone, then the PIN from the mail."""

import re
from collections.abc import Callable

import pytest
from django.core import mail

from accounts import services
from accounts.models import LinkPin, MessengerAccount
from telegram_bot.models import TELEGRAM, Dialog
from tests.factories import BotRegistrationFactory, MessengerAccountFactory, UserFactory
from tests.telegram_bot.bot import PNG, Bot, Chat, where_stored
from tickets.models import Delivery

ASK = "Шаг 1 из 2"
PIN_SENT = "Отправляю ПИН-код на an***@alpha.example."
FOREIGN = "Это контакт другого человека. Нажмите кнопку, чтобы отправить свой номер."
CONTACT_KEY = "📱 Отправить мой номер"
RESEND, RENEW = "✉️ Отправить ещё раз", "✉️ Прислать новый"


@pytest.fixture
def asked_for_pin(registration, chat: Chat) -> Chat:
    """Anna's chat at the PIN step; the letter is in her mailbox."""
    chat.start()
    chat.share_contact()
    return chat


def mailed_code() -> str:
    [code] = set(re.findall(r"(?<!\d)\d{6}(?!\d)", mail.outbox[-1].body))
    return code


def other_code(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def widened(code: str) -> str:
    return code.translate(str.maketrans("0123456789", "０１２３４５６７８９"))


def in_arabic(code: str) -> str:
    return code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))


# The phone


def test_start_greets_and_asks_for_the_phone(chat: Chat) -> None:
    answer = chat.start()
    assert "Здравствуйте, Анна!" in answer
    assert ASK in answer
    assert chat.keyboard == [CONTACT_KEY]


def test_own_contact_brings_a_pin_by_mail(registration, chat: Chat) -> None:
    chat.start()
    answer = chat.share_contact()
    assert PIN_SENT in answer
    assert list(answer.buttons) == [RESEND, "✖️ Отмена"]
    assert chat.keyboard == []
    assert [letter.to for letter in mail.outbox] == [["anna@alpha.example"]]


def test_contact_may_start_with_a_plus(registration, chat: Chat) -> None:
    assert PIN_SENT in chat.share_contact(phone="+79161234567")


@pytest.mark.parametrize(
    "card",
    [
        {"user_id": 510_000_002, "phone": "+79161234567"},
        {"user_id": None},
        {"forwarded": True},
    ],
    ids=["of another person", "without user_id", "forwarded"],
)
def test_contact_that_proves_nothing_is_refused(registration, chat: Chat, card) -> None:
    chat.start()
    assert chat.share_contact(**card).texts == [FOREIGN]
    assert chat.keyboard == [CONTACT_KEY]
    assert mail.outbox == []
    assert not LinkPin.objects.exists()


def test_foreign_contact_does_not_tell_whether_its_phone_is_known(
    registration, boris_chat: Chat
) -> None:
    boris_chat.start()
    known = boris_chat.share_contact(phone="+79161234567", user_id=510_000_001)
    unknown = boris_chat.share_contact(phone="+79990000000", user_id=510_000_001)
    assert known.texts == unknown.texts == [FOREIGN]


@pytest.mark.parametrize("phone", ["89161234567", "9161234567", "+7 916 123-45-67", "٧٩١٦١٢٣٤٥٦٧"])
def test_contact_in_another_spelling_is_unknown(registration, chat: Chat, phone) -> None:
    chat.start()
    answer = chat.share_contact(phone=phone)
    assert "только российские номера, вида +7XXXXXXXXXX" in answer
    assert "🔄 Проверить ещё раз" not in answer.buttons
    assert mail.outbox == []


def test_unknown_phone_is_shown_masked_and_kept_nowhere(registration, boris_chat: Chat) -> None:
    boris_chat.start()
    answer = boris_chat.share_contact()
    assert "Номер +7 ··· ··· 22 33 не зарегистрирован." in answer
    assert answer.buttons["🌐 Зарегистрироваться"] == "http://127.0.0.1:8000/telegram/"
    assert where_stored("9031112233") == set()
    assert mail.outbox == []


def test_unknown_phone_can_be_checked_again(boris, boris_chat: Chat) -> None:
    boris_chat.start()
    boris_chat.share_contact()
    BotRegistrationFactory(user=boris, phone="+79031112233")
    assert "Отправьте номер ещё раз" in boris_chat.press("🔄 Проверить ещё раз")
    assert boris_chat.keyboard == ["📱 Отправить мой номер"]
    assert "Отправляю ПИН-код" in boris_chat.share_contact()


def test_button_check_again_does_no_harm_to_the_linked(
    linked, product, viktor_chat: Chat, chat: Chat
) -> None:
    chat.say("/new")
    chat.press(product.name)
    chat.say("Не открывается отчёт")
    assert ASK not in chat.press("phone")
    assert "Не открывается отчёт" in chat.say("/new")


@pytest.mark.parametrize("text", ["+79161234567", "89161234567", "здравствуйте"])
def test_typed_phone_is_not_taken(registration, chat: Chat, text) -> None:
    chat.start()
    assert "Так номер принять нельзя" in chat.say(text)
    assert chat.keyboard == [CONTACT_KEY]
    assert mail.outbox == []


def test_withdrawn_and_inactive_registrations_are_unknown(registration, chat: Chat) -> None:
    services.withdraw_registration(user=registration.user, channel=TELEGRAM)
    assert "не зарегистрирован" in chat.share_contact()
    BotRegistrationFactory(user=UserFactory(is_active=False), phone="+79161234567")
    assert "не зарегистрирован" in chat.share_contact()
    assert not LinkPin.objects.exists()


def test_linked_person_is_told_so(linked, chat: Chat) -> None:
    assert "уже связан с порталом" in chat.share_contact()
    assert not LinkPin.objects.exists()


# Several accounts


@pytest.fixture
def second(registration):
    user = UserFactory(username="anna2", email="kuznetsova@gamma.example")
    return BotRegistrationFactory(user=user, phone=registration.phone)


def test_several_accounts_are_offered_by_masked_mail(registration, second, chat: Chat) -> None:
    chat.start()
    answer = chat.share_contact()
    assert list(answer.buttons) == ["an***@alpha.example", "ku***@gamma.example", "✖️ Отмена"]
    assert mail.outbox == []

    assert "Отправляю ПИН-код на ku***@gamma.example" in chat.press("ku***@gamma.example")
    assert [letter.to for letter in mail.outbox] == [["kuznetsova@gamma.example"]]
    assert "Регистрация завершена" in chat.say(mailed_code())
    assert MessengerAccount.objects.get().user == second.user


@pytest.mark.each_case
@pytest.mark.parametrize("forge", ["account:{0}", "account:{0}:1", "account:x", "account:٥"])
def test_forged_account_is_refused(registration, second, chat: Chat, forge) -> None:
    stranger = BotRegistrationFactory(phone="+79265550199")
    chat.start()
    chat.share_contact()
    assert "Кнопка устарела" in chat.press(forge.format(stranger.pk))
    assert not LinkPin.objects.exists()


def test_account_button_without_a_proven_phone_is_refused(registration, viktor_chat: Chat) -> None:
    viktor_chat.start()
    assert "Кнопка устарела" in viktor_chat.press(f"account:{registration.pk}")
    assert not LinkPin.objects.exists()


def test_account_of_another_telegram_is_not_taken_over(
    linked, registration, viktor_chat: Chat
) -> None:
    registration.phone = viktor_chat.phone
    registration.save()
    viktor_chat.start()
    assert "уже связан с другим Telegram" in viktor_chat.share_contact()
    assert viktor_chat.keyboard == []
    assert mail.outbox == []
    assert MessengerAccount.objects.get().address == "510000001"


# The PIN


def test_right_pin_links(asked_for_pin: Chat, anna) -> None:
    code = mailed_code()
    answer = asked_for_pin.say(code)
    assert "Регистрация завершена" in answer
    assert "an***@alpha.example" in answer
    assert "➕ Создать новую заявку" in answer.buttons
    account = MessengerAccount.objects.get()
    assert (account.user, account.address, account.username) == (
        anna,
        "510000001",
        "anna_k",
    )


def test_message_with_the_pin_is_deleted(asked_for_pin: Chat, telegram) -> None:
    code = mailed_code()
    asked_for_pin.say(code)
    assert code not in [message["text"] for message in telegram.messages("anna")]


def test_owner_is_told_of_the_link_by_mail(asked_for_pin: Chat) -> None:
    asked_for_pin.say(mailed_code())
    assert [(letter.to, letter.subject) for letter in mail.outbox[1:]] == [
        (["anna@alpha.example"], "Telegram связан с вашим аккаунтом")
    ]


def test_white_space_around_the_pin_is_forgiven(asked_for_pin: Chat) -> None:
    assert "Регистрация завершена" in asked_for_pin.say(f"\u00a0{mailed_code()} ")


def test_pin_is_found_in_its_sentence(asked_for_pin: Chat) -> None:
    code = mailed_code()
    answer = asked_for_pin.say(f"Ваш код: {code[:3]}\u00a0{code[3:]}.")
    assert "Регистрация завершена" in answer


def test_wrong_pin_is_counted(asked_for_pin: Chat) -> None:
    wrong = other_code(mailed_code())
    said = [asked_for_pin.say(wrong).texts for _ in range(2)]
    assert said == [
        ["Код не подошёл. Осталось попыток: 4."],
        ["Код не подошёл. Осталось попыток: 3."],
    ]
    assert "Регистрация завершена" in asked_for_pin.say(mailed_code())


@pytest.mark.each_case
@pytest.mark.parametrize(
    "spell",
    [
        widened,
        in_arabic,
        lambda code: f"{code[:3]}_{code[3:]}",
        lambda code: code[:5],
        lambda code: f"{code[:3]}+{code[3:]}",
        lambda code: f"{code}\n{code}",
        lambda code: (code * 700)[:4096],
        lambda code: "не знаю",
    ],
    ids=["wide", "arabic", "underscore", "five", "plus", "twice", "4KB", "words"],
)
def test_odd_pin_is_an_ordinary_wrong_one(asked_for_pin: Chat, spell: Callable[[str], str]) -> None:
    answer = asked_for_pin.say(spell(mailed_code()))
    assert answer.texts == ["Код не подошёл. Осталось попыток: 5."]


@pytest.mark.parametrize("kind", ["sticker", "photo", "document"])
def test_file_instead_of_a_pin_is_an_ordinary_wrong_one(asked_for_pin: Chat, kind) -> None:
    answer = asked_for_pin.send(("pin.png", PNG), kind=kind)
    assert answer.texts == ["Код не подошёл. Осталось попыток: 5."]


def test_five_wrong_pins_lock_for_a_quarter_of_an_hour(asked_for_pin: Chat, bot: Bot) -> None:
    code = mailed_code()
    for _ in range(4):
        asked_for_pin.say(other_code(code))
    locked = "Слишком много попыток. Новый код можно запросить через 15 минут."
    assert asked_for_pin.say(other_code(code)).texts == [locked]
    assert asked_for_pin.say(code).texts == [locked]
    assert "Слишком много попыток" in asked_for_pin.press(RENEW)
    assert len(mail.outbox) == 1

    bot.clock.advance(minutes=15)
    assert PIN_SENT in asked_for_pin.press(RENEW)
    assert "Регистрация завершена" in asked_for_pin.say(mailed_code())


def test_pin_expires_in_ten_minutes(asked_for_pin: Chat, bot: Bot) -> None:
    bot.clock.advance(minutes=10)
    answer = asked_for_pin.say(mailed_code())
    assert answer.texts == ["Срок кода истёк."]
    assert RENEW in answer.buttons
    assert not MessengerAccount.objects.exists()


def test_new_pin_may_be_asked_for_after_a_minute(asked_for_pin: Chat, bot: Bot) -> None:
    old = mailed_code()
    answer = asked_for_pin.press(RESEND)
    assert re.search(r"Код уже отправлен. Новый можно запросить через \d\d секунд", answer.toast)
    assert answer.calls[0]["params"]["show_alert"]
    assert len(mail.outbox) == 1

    bot.clock.advance(minutes=1)
    assert PIN_SENT in asked_for_pin.press(RESEND)
    assert len(mail.outbox) == 2
    if old != mailed_code():
        assert "Код не подошёл" in asked_for_pin.say(old)
    assert "Регистрация завершена" in asked_for_pin.say(mailed_code())


def test_three_pins_an_hour(asked_for_pin: Chat, bot: Bot) -> None:
    for _ in range(2):
        bot.clock.advance(minutes=2)
        asked_for_pin.press(RESEND)
    bot.clock.advance(minutes=2)
    assert "Кодов запрошено слишком много" in asked_for_pin.press(RESEND)
    assert len(mail.outbox) == 3
    bot.clock.advance(minutes=60)
    asked_for_pin.press(RESEND)
    assert len(mail.outbox) == 4


def test_limits_hold_when_one_begins_anew(asked_for_pin: Chat) -> None:
    asked_for_pin.start()
    assert "Код уже отправлен" in asked_for_pin.share_contact()
    assert len(mail.outbox) == 1
    assert "Регистрация завершена" in asked_for_pin.say(mailed_code())


@pytest.mark.parametrize("leave", ["withdraw", "deactivate"])
def test_pin_dies_with_the_consent_and_the_account(
    asked_for_pin: Chat, registration, leave
) -> None:
    if leave == "withdraw":
        services.withdraw_registration(user=registration.user, channel=TELEGRAM)
    else:
        registration.user.is_active = False
        registration.user.save()
    assert "Срок кода истёк" in asked_for_pin.say(mailed_code())
    assert ASK in asked_for_pin.press(RENEW)
    assert not MessengerAccount.objects.exists()


def test_pin_of_another_chat_is_wrong(asked_for_pin: Chat, viktor_chat: Chat) -> None:
    annas_code = mailed_code()
    BotRegistrationFactory(phone=viktor_chat.phone)
    viktor_chat.share_contact()
    if annas_code != mailed_code():
        assert "Код не подошёл" in viktor_chat.say(annas_code)
    assert not MessengerAccount.objects.exists()


def test_pin_typed_where_none_was_asked_for_does_nothing(
    asked_for_pin: Chat, viktor_chat: Chat
) -> None:
    assert ASK in viktor_chat.say(mailed_code())
    assert not MessengerAccount.objects.exists()


def test_account_linked_meanwhile_keeps_its_link(asked_for_pin: Chat, anna) -> None:
    MessengerAccountFactory(user=anna, address=str(510_000_003))
    assert "уже связан с другим Telegram" in asked_for_pin.say(mailed_code())
    assert MessengerAccount.objects.get().address == "510000003"


def test_linking_can_be_cancelled(asked_for_pin: Chat) -> None:
    code = mailed_code()
    assert "Отменено" in asked_for_pin.press("✖️ Отмена")
    assert ASK in asked_for_pin.say(code)
    assert not MessengerAccount.objects.exists()


def test_cancel_takes_the_contact_button_away(chat: Chat) -> None:
    chat.start()
    chat.say("/cancel")
    assert chat.keyboard == []


# The mail


@pytest.fixture
def postman(telegram, settings):
    """Letters leave by SMTP to the sandbox, whose faults can hit them."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", telegram.smtp_port
    return telegram


def test_mail_server_down_delays_the_pin(registration, chat: Chat, bot: Bot, postman) -> None:
    postman.fault("smtp_down")
    assert "Почта пока не принимает письмо" in chat.share_contact()
    assert "Письмо с кодом ещё не ушло" in chat.say("123456")

    bot.clock.advance(minutes=5)
    services.queue_due_pin_mails()
    bot.run_queue()
    [code] = re.findall(r"(?<!\d)\d{6}(?!\d)", postman.mail()[0]["text"])
    bot.clock.advance(minutes=9)
    assert "Регистрация завершена" in chat.say(code)


def test_mail_server_down_for_long_is_told(registration, chat: Chat, bot: Bot, postman) -> None:
    postman.fault("smtp_down", times=None)
    chat.share_contact()
    for _ in range(services.MAIL_ATTEMPTS - 1):
        bot.clock.advance(minutes=2)
        services.queue_due_pin_mails()
        bot.run_queue()
    failed = chat.message_with("Не удалось отправить письмо. Попробуйте ещё раз через минуту.")
    postman.clear_faults()
    assert PIN_SENT in chat.press("🔄 Повторить", failed)
    assert len(postman.mail()) == 1


def test_address_that_is_refused_is_told_at_once(registration, chat: Chat, postman) -> None:
    type(registration.user).objects.update(email="анна@alpha.example")
    chat.share_contact()
    refused = chat.message_with("Проверьте адрес электронной почты")
    assert list(chat.telegram.buttons(refused)) == ["🔄 Повторить"]
    assert postman.mail() == []


# What stays


def test_phone_pin_and_mail_leave_no_trace(
    asked_for_pin: Chat, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    code = mailed_code()
    asked_for_pin.say(other_code(code))
    asked_for_pin.say(code)
    assert MessengerAccount.objects.exists()

    assert where_stored(code) == set()
    assert where_stored("9161234567") == {"BotRegistration.phone"}
    assert where_stored("anna@alpha.example") == {"User.email", "Delivery.address"}
    for secret in (code, "9161234567", "anna@alpha.example"):
        assert secret not in caplog.text
        assert secret not in str(bot.tasks)
        assert secret not in str([row.key for row in Delivery.objects.all()])


# The link ends


def test_deactivated_person_is_not_served(linked, chat: Chat) -> None:
    linked.is_active = False
    linked.save()
    assert ASK in chat.say("/tickets")
    assert "не зарегистрирован" in chat.share_contact()


def test_withdrawal_on_the_portal_ends_service_at_once(linked, product, chat: Chat) -> None:
    chat.say("/new")
    chat.press(product.name)
    services.withdraw_registration(user=linked, channel=TELEGRAM)
    assert ASK in chat.say("Не открывается отчёт")
    assert where_stored("Не открывается отчёт") == set()


def test_new_phone_on_the_portal_ends_the_link(linked, chat: Chat) -> None:
    services.register_for_bot(
        channel=TELEGRAM, user=linked, phone="+79990000000", ip=None, user_agent=""
    )
    assert ASK in chat.say("/tickets")


# Hints on the way


def test_words_where_an_account_is_to_be_chosen(registration, boris, chat: Chat) -> None:
    BotRegistrationFactory(user=boris, phone=registration.phone)
    chat.start()
    offered = chat.share_contact()
    answer = chat.say("привет")
    assert "Сначала выберите аккаунт кнопкой." in answer
    assert answer.buttons == offered.buttons


def test_help_in_the_middle_of_linking_leads_nowhere_else(registration, chat: Chat) -> None:
    chat.start()
    chat.share_contact()
    assert list(chat.say("/help").buttons) == ["📖 Справка"]
    assert Dialog.objects.get().step == "pin"


def test_sticker_of_a_stranger_is_answered_with_the_way_on(db, viktor_chat: Chat) -> None:
    assert ASK in viktor_chat.send(("s.webp", b"x"), kind="sticker")
