from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services
from accounts.models import BotRegistration, LinkPin, TelegramAccount
from tests.factories import BotRegistrationFactory, TelegramAccountFactory, UserFactory
from tests.queue import Task, queued
from tests.threads import in_parallel

pytestmark = pytest.mark.django_db

TELEGRAM_ID = 510_000_001


def register(user, phone="+79161234567", user_agent="Mozilla/5.0"):
    return services.register_for_bot(
        user=user, phone=phone, ip="203.0.113.5", user_agent=user_agent
    )


def request_pin(registration, telegram_id=TELEGRAM_ID):
    return services.request_link_pin(registration=registration, telegram_id=telegram_id)


def send_pin(pin):
    """What the mail task does, without the letter."""
    code = services.new_pin_code(pin, pin.mail_attempts)
    services.record_pin_sent(pin)
    return code


def mailed_pin(registration, telegram_id=TELEGRAM_ID):
    return send_pin(request_pin(registration, telegram_id))


def confirm(code, telegram_id=TELEGRAM_ID, username=""):
    return services.confirm_link_pin(telegram_id=telegram_id, code=code, username=username)


def other_than(code):
    return f"{(int(code) + 1) % 10**6:06}"


# Registration


def test_register_records_the_consent(anna):
    registration = register(anna)
    registration.refresh_from_db()
    assert registration.user == anna
    assert registration.phone == "+79161234567"
    assert registration.consent_version == services.CONSENT_VERSION
    assert abs(timezone.now() - registration.consented_at) < timedelta(seconds=10)
    assert registration.ip == "203.0.113.5"
    assert registration.user_agent == "Mozilla/5.0"
    assert registration.withdrawn_at is None


def test_register_again_with_the_same_phone_keeps_registration_and_link(linked, registration):
    assert register(linked) == registration
    assert BotRegistration.objects.count() == 1
    assert services.linked_user(TELEGRAM_ID) == linked


def test_register_with_another_phone_withdraws_the_old_and_unlinks(linked, registration):
    new = register(linked, phone="+79160000000")
    registration.refresh_from_db()
    assert registration.withdrawn_at is not None
    assert list(linked.registrations.filter(withdrawn_at=None)) == [new]
    assert services.linked_user(TELEGRAM_ID) is None


def test_register_keeps_an_odd_user_agent_harmless(anna):
    registration = register(anna, user_agent="a\0b" + "c" * 400)
    registration.refresh_from_db()
    assert "\0" not in registration.user_agent
    assert len(registration.user_agent) < 300


def test_withdraw_ends_link_and_pins_and_keeps_the_record(linked, registration, boris):
    other = BotRegistrationFactory(user=boris)
    services.withdraw_registration(user=linked)
    registration.refresh_from_db()
    other.refresh_from_db()
    assert registration.withdrawn_at is not None
    assert other.withdrawn_at is None
    assert services.linked_user(TELEGRAM_ID) is None


def test_unlink_keeps_the_registration_and_closes_pins(registration, anna):
    code = mailed_pin(registration)
    services.unlink_telegram(user=anna)
    with pytest.raises(services.PinExpired):
        confirm(code)
    registration.refresh_from_db()
    assert registration.withdrawn_at is None


def test_unlink_touches_only_that_person(linked, boris):
    TelegramAccountFactory(user=boris, telegram_id=510_000_002)
    services.unlink_telegram(user=linked)
    assert services.linked_user(510_000_002) == boris


def test_registrations_of_phone_are_those_in_force(registration, boris):
    phone = registration.phone
    second = BotRegistrationFactory(user=boris, phone=phone)
    BotRegistrationFactory(phone=phone, withdrawn_at=timezone.now())
    BotRegistrationFactory(phone=phone, user__is_active=False)
    BotRegistrationFactory(phone="+79161234568")
    assert list(services.registrations_of_phone(phone)) == [registration, second]


def test_linked_user_is_nobody_for_a_stranger_or_a_deactivated_account(linked):
    assert services.linked_user(1) is None
    linked.is_active = False
    linked.save()
    assert services.linked_user(TELEGRAM_ID) is None


def test_person_is_unreachable_until_they_write_again(linked, boris):
    other = TelegramAccountFactory(user=boris, telegram_id=510_000_002)
    services.note_unreachable(telegram_id=TELEGRAM_ID)
    person = services.linked_user(TELEGRAM_ID)
    assert person.telegram.unreachable_at is not None
    other.refresh_from_db()
    assert other.unreachable_at is None
    services.note_reachable(person)
    assert services.linked_user(TELEGRAM_ID).telegram.unreachable_at is None


def test_reachable_person_costs_no_write(linked, django_assert_num_queries):
    person = services.linked_user(TELEGRAM_ID)
    with django_assert_num_queries(0):
        services.note_reachable(person)


# Asking for a PIN


def test_request_queues_one_mail_and_keeps_no_code(registration):
    pin = request_pin(registration)
    assert queued() == [Task("accounts.tasks.mail_link_pin", (pin.pk, 0))]
    assert pin.digest == ""
    assert pin.expires_at is None


def test_request_is_undone_with_its_task_when_the_caller_rolls_back(registration):
    with transaction.atomic():
        request_pin(registration)
        assert len(queued()) == 1
        transaction.set_rollback(True)
    assert LinkPin.objects.count() == 0
    assert queued() == []


def test_request_for_a_withdrawn_registration_is_refused(registration, anna):
    services.withdraw_registration(user=anna)
    with pytest.raises(services.RegistrationWithdrawn):
        request_pin(registration)
    assert queued() == []


def test_request_for_a_deactivated_account_is_refused(registration, anna):
    anna.is_active = False
    anna.save()
    with pytest.raises(services.RegistrationWithdrawn):
        request_pin(registration)


def test_request_for_a_linked_account_is_refused(linked, registration):
    with pytest.raises(services.AlreadyLinked):
        request_pin(registration, telegram_id=510_000_009)


def test_request_by_a_linked_telegram_user_is_refused(linked, boris):
    with pytest.raises(services.AlreadyLinked):
        request_pin(BotRegistrationFactory(user=boris), telegram_id=TELEGRAM_ID)


def test_request_within_60_seconds_names_the_wait(registration, clock):
    request_pin(registration)
    clock.advance(seconds=45)
    with pytest.raises(services.PinTooSoon) as refusal:
        request_pin(registration)
    assert timedelta(seconds=13) < refusal.value.wait <= timedelta(seconds=15)
    clock.advance(seconds=15)
    request_pin(registration)


def test_fourth_request_within_an_hour_is_refused(registration, clock):
    for _ in range(3):
        request_pin(registration)
        clock.advance(minutes=2)
    with pytest.raises(services.PinLimitReached) as refusal:
        request_pin(registration)
    assert timedelta(minutes=53) < refusal.value.wait <= timedelta(minutes=54)
    clock.advance(minutes=54)
    request_pin(registration)


def test_seventh_request_within_a_day_is_refused(registration, clock):
    for _ in range(6):
        request_pin(registration)
        clock.advance(minutes=30)
    with pytest.raises(services.PinLimitReached) as refusal:
        request_pin(registration)
    assert timedelta(hours=20, minutes=59) < refusal.value.wait <= timedelta(hours=21)
    clock.advance(hours=21)
    request_pin(registration)


def test_limits_count_per_account_not_per_registration_or_telegram_user(anna, clock):
    for number in range(3):
        request_pin(register(anna, phone=f"+7916000000{number}"), telegram_id=number + 1)
        clock.advance(minutes=2)
    with pytest.raises(services.PinLimitReached):
        request_pin(register(anna), telegram_id=9)


def test_limits_of_one_account_leave_others_alone(registration, boris):
    request_pin(registration)
    request_pin(BotRegistrationFactory(user=boris), telegram_id=510_000_002)


def test_new_pin_kills_the_old(registration, clock):
    old = mailed_pin(registration)
    clock.advance(seconds=61)
    new = mailed_pin(registration)
    if old != new:
        with pytest.raises(services.PinWrong):
            confirm(old)
    assert confirm(new).user == registration.user


def test_new_pin_of_another_account_kills_the_old_of_this_telegram_user(registration, boris):
    mine = mailed_pin(registration)
    mailed_pin(BotRegistrationFactory(user=boris, phone=registration.phone))
    with pytest.raises(services.PinWrong):
        confirm(mine)
    assert LinkPin.objects.filter(closed_at=None).count() == 1


def test_new_pin_from_another_telegram_user_kills_the_old(registration, clock):
    old = mailed_pin(registration)
    clock.advance(seconds=61)
    mailed_pin(registration, telegram_id=510_000_009)
    with pytest.raises(services.PinExpired):
        confirm(old)


def test_stale_mail_task_gets_no_code_and_changes_nothing(registration):
    pin = request_pin(registration)
    code = services.new_pin_code(pin, 0)
    assert services.new_pin_code(pin, 0) is None
    services.record_pin_sent(pin)
    assert services.new_pin_code(pin, 1) is None
    assert confirm(code)


# Confirming a PIN


def test_right_pin_links_once(registration):
    code = mailed_pin(registration)
    account = confirm(code, username="anna_k")
    assert account.user == registration.user
    assert account.telegram_id == TELEGRAM_ID
    assert account.username == "anna_k"
    assert services.linked_user(TELEGRAM_ID) == registration.user
    with pytest.raises(services.PinExpired):
        confirm(code)


def test_pin_is_six_digits_also_when_they_start_with_zero(registration, monkeypatch):
    monkeypatch.setattr("secrets.randbelow", lambda _limit: 42)
    code = mailed_pin(registration)
    assert code == "000042"
    assert confirm("000042")


def test_spaces_around_the_pin_are_forgiven(registration):
    code = mailed_pin(registration)
    assert confirm(f" {code}\n")


def test_digest_is_bound_to_pin_registration_and_telegram_user(registration):
    pin = request_pin(registration)
    digests = {services.pin_digest(pin, "123456")}
    for field in ("pk", "registration_id", "telegram_id"):
        other = LinkPin.objects.get(pk=pin.pk)
        setattr(other, field, getattr(other, field) + 1)
        digests.add(services.pin_digest(other, "123456"))
    assert len(digests) == 4


def test_wrong_pin_counts_down_and_locks(registration):
    code = mailed_pin(registration)
    for left in (4, 3, 2, 1):
        with pytest.raises(services.PinWrong) as refusal:
            confirm(other_than(code))
        assert refusal.value.tries_left == left
    with pytest.raises(services.PinLocked) as locked:
        confirm(other_than(code))
    assert locked.value.wait == timedelta(minutes=15)
    with pytest.raises(services.PinLocked):
        confirm(code)


def test_sixth_try_is_refused_even_if_nobody_closed_the_pin(registration):
    code = mailed_pin(registration)
    LinkPin.objects.update(tries=5)
    with pytest.raises(services.PinExpired):
        confirm(code)
    assert LinkPin.objects.get().tries == 5


def test_right_pin_at_the_fifth_try_links(registration):
    code = mailed_pin(registration)
    for _ in range(4):
        with pytest.raises(services.PinWrong):
            confirm(other_than(code))
    assert confirm(code)


def test_no_new_pin_for_15_minutes_after_five_wrong_tries(registration, clock):
    code = mailed_pin(registration)
    for _ in range(5):
        with pytest.raises((services.PinWrong, services.PinLocked)):
            confirm(other_than(code))
    clock.advance(minutes=14)
    with pytest.raises(services.PinLocked) as refusal:
        request_pin(registration)
    assert timedelta(seconds=55) < refusal.value.wait <= timedelta(minutes=1)
    clock.advance(minutes=1)
    assert confirm(mailed_pin(registration))


def test_right_pin_at_the_fifth_try_locks_nobody(registration, anna, clock):
    code = mailed_pin(registration)
    for _ in range(4):
        with pytest.raises(services.PinWrong):
            confirm(other_than(code))
    confirm(code)
    assert LinkPin.objects.get().exhausted_at is None
    services.unlink_telegram(user=anna)
    clock.advance(seconds=61)
    assert confirm(mailed_pin(registration))


def test_lock_counts_from_the_last_wrong_try(registration, clock):
    code = mailed_pin(registration)
    clock.advance(minutes=9)
    for _ in range(5):
        with pytest.raises((services.PinWrong, services.PinLocked)):
            confirm(other_than(code))
    clock.advance(minutes=10)  # 19 since the PIN was asked for
    with pytest.raises(services.PinLocked):
        request_pin(registration)


def test_withdrawing_and_registering_again_does_not_end_the_lock(registration, anna, clock):
    code = mailed_pin(registration)
    for _ in range(5):
        with pytest.raises((services.PinWrong, services.PinLocked)):
            confirm(other_than(code))
    services.withdraw_registration(user=anna)
    clock.advance(minutes=5)
    with pytest.raises(services.PinLocked):
        request_pin(register(anna), telegram_id=510_000_009)


def test_thirty_tries_a_day_are_the_end(registration, clock):
    wrong = 0
    for _ in range(6):
        code = mailed_pin(registration)
        for _ in range(5):
            with pytest.raises((services.PinWrong, services.PinLocked)):
                confirm(other_than(code))
            wrong += 1
        clock.advance(minutes=61)
    assert wrong == services.PIN_TRIES_A_DAY == 30
    with pytest.raises(services.PinLimitReached):
        request_pin(registration)


@pytest.mark.parametrize(
    "text",
    ["", "0", "12345", "1234567", "12_3456", "１２３４５６", "١٢٣٤٥٦", "²²²²²²", "ПИН-код",
     "-12345", "+12345", "1e5000", "123 456", "9" * 4096, "\0", "\ud800", "🙂"],
)  # fmt: skip
def test_odd_input_is_an_ordinary_wrong_pin(registration, monkeypatch, text):
    monkeypatch.setattr("secrets.randbelow", lambda _limit: 123456)
    mailed_pin(registration)
    with pytest.raises(services.PinWrong) as refusal:
        confirm(text)
    assert refusal.value.tries_left == 4


def test_odd_input_never_matches_a_code_made_of_it(registration):
    pin = request_pin(registration)
    assert services.pin_digest(pin, "１２３４５６") != services.pin_digest(pin, "123456")


def test_pin_before_its_mail_left_is_not_a_wrong_try(registration):
    pin = request_pin(registration)
    with pytest.raises(services.PinNotSent):
        confirm("123456")
    pin.refresh_from_db()
    assert pin.tries == 0


def test_pin_is_valid_ten_minutes_from_sending(registration, clock):
    pin = request_pin(registration)
    clock.advance(hours=1)
    code = send_pin(pin)
    clock.advance(minutes=9, seconds=59)
    assert confirm(code)


def test_pin_expires_after_ten_minutes(registration, clock):
    code = mailed_pin(registration)
    clock.advance(minutes=10)
    with pytest.raises(services.PinExpired):
        confirm(code)
    assert TelegramAccount.objects.count() == 0


def test_pin_from_another_chat_does_not_link(registration, boris):
    code = mailed_pin(registration)
    with pytest.raises(services.PinExpired):
        confirm(code, telegram_id=510_000_002)
    mailed_pin(BotRegistrationFactory(user=boris), telegram_id=510_000_002)
    with pytest.raises(services.PinWrong):
        confirm(code, telegram_id=510_000_002)
    assert TelegramAccount.objects.count() == 0


def test_pin_of_a_withdrawn_registration_does_not_link(registration, anna):
    code = mailed_pin(registration)
    services.withdraw_registration(user=anna)
    with pytest.raises(services.PinExpired):
        confirm(code)


def test_pin_of_a_changed_phone_does_not_link(registration, anna):
    code = mailed_pin(registration)
    register(anna, phone="+79160000000")
    with pytest.raises(services.PinExpired):
        confirm(code)


def test_pin_of_a_deactivated_account_does_not_link(registration, anna):
    code = mailed_pin(registration)
    anna.is_active = False
    anna.save()
    with pytest.raises(services.PinExpired):
        confirm(code)


def test_link_made_meanwhile_never_moves(registration, boris):
    code = mailed_pin(registration)
    TelegramAccountFactory(user=boris, telegram_id=TELEGRAM_ID)
    with pytest.raises(services.AlreadyLinked):
        confirm(code)
    assert services.linked_user(TELEGRAM_ID) == boris
    assert LinkPin.objects.get().closed_at is not None


def test_relink_after_unlink(linked, registration, clock):
    services.unlink_telegram(user=linked)
    assert confirm(mailed_pin(registration, 510_000_009), 510_000_009).user == linked


def test_used_pins_are_deleted_after_a_day(registration, clock):
    confirm(mailed_pin(registration))
    clock.advance(hours=23)
    services.delete_old_pins()
    assert LinkPin.objects.count() == 1
    clock.advance(hours=2)
    services.delete_old_pins()
    assert LinkPin.objects.count() == 0


# Side by side


@pytest.mark.parametrize("what", ["register", "withdraw", "unlink", "request", "wrong", "right"])
def test_account_is_locked_before_anything_that_hangs_on_it(registration, anna, what):
    """One order of locks for all: two that cross would wait for each other for ever."""
    code = mailed_pin(registration) if what in ("wrong", "right") else ""
    steps = {
        "register": lambda: register(anna, phone="+79160000000"),
        "withdraw": lambda: services.withdraw_registration(user=anna),
        "unlink": lambda: services.unlink_telegram(user=anna),
        "request": lambda: request_pin(registration),
        "wrong": lambda: pytest.raises(services.PinWrong, confirm, other_than(code)),
        "right": lambda: confirm(code),
    }
    with CaptureQueriesContext(connection) as queries:
        steps[what]()
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert statements[0].startswith('SELECT "accounts_user"')
    assert ("FOR NO KEY UPDATE" in statements[0]) == (connection.vendor == "postgresql")
    assert [sql for sql in statements if sql.startswith(("INSERT", "UPDATE", "DELETE"))]


@pytest.mark.django_db(transaction=True)
def test_linking_and_unlinking_side_by_side_never_wait_in_a_circle(registration, anna):
    @transaction.atomic  # as the bot has it: the counted try is held until its update is done
    def confirm_in_a_dialog(code):
        try:
            return confirm(code)
        except services.LinkRefused as refusal:
            return refusal

    for _round in range(10):
        code = mailed_pin(registration)
        results = in_parallel(
            lambda code=code: confirm_in_a_dialog(code), lambda: services.unlink_telegram(user=anna)
        )
        assert isinstance(results[0], TelegramAccount | services.PinExpired), results
        assert results[1] is None
        TelegramAccount.objects.all().delete()
        LinkPin.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_wrong_try_stays_counted_without_and_with_a_transaction_of_the_caller(registration):
    code = mailed_pin(registration)
    with pytest.raises(services.PinWrong):
        confirm(other_than(code))
    with transaction.atomic(), pytest.raises(services.PinWrong):
        confirm(other_than(code))
    assert LinkPin.objects.get().tries == 2


@pytest.mark.django_db(transaction=True)
def test_parallel_right_pins_make_one_link(registration):
    code = mailed_pin(registration)
    results = in_parallel(*[lambda: confirm(code)] * 4)
    assert sum(isinstance(result, TelegramAccount) for result in results) == 1
    assert sum(isinstance(result, services.PinExpired) for result in results) == 3
    assert TelegramAccount.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_wrong_pins_never_get_more_than_five_tries(registration):
    code = mailed_pin(registration)
    results = in_parallel(*[lambda: confirm(other_than(code))] * 8)
    assert all(isinstance(result, services.LinkRefused) for result in results)
    assert LinkPin.objects.get().tries == 5
    with pytest.raises(services.PinLocked):
        confirm(code)


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_make_one_pin(registration):
    results = in_parallel(*[lambda: request_pin(registration)] * 4)
    assert sum(isinstance(result, LinkPin) for result in results) == 1
    assert sum(isinstance(result, services.PinTooSoon) for result in results) == 3
    assert len(queued()) == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_of_two_accounts_for_one_telegram_user_leave_one_pin(anna, boris):
    registrations = [BotRegistrationFactory(user=user) for user in (anna, boris)] * 3
    results = in_parallel(*[lambda given=given: request_pin(given) for given in registrations])
    assert all(isinstance(result, LinkPin | services.PinTooSoon) for result in results), results
    assert LinkPin.objects.filter(closed_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_mail_tasks_of_one_attempt_get_one_code(registration):
    pin = request_pin(registration)
    codes = in_parallel(*[lambda: services.new_pin_code(pin, 0)] * 6)
    assert sum(code is not None for code in codes) == 1
    pin.refresh_from_db()
    assert pin.mail_attempts == 1
    [code] = filter(None, codes)
    assert pin.digest == services.pin_digest(pin, code)


@pytest.mark.django_db(transaction=True)
def test_parallel_registrations_leave_one_in_force():
    user = UserFactory()
    phones = [f"+7916000000{number}" for number in range(4)]
    results = in_parallel(*[lambda phone=phone: register(user, phone) for phone in phones])
    assert all(isinstance(result, BotRegistration) for result in results)
    assert user.registrations.filter(withdrawn_at=None).count() == 1
