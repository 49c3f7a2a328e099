"""Confirming a PIN: the link, wrong tries, and PINs that are of no use any more."""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts import services
from accounts.models import LinkPin, MessengerAccount
from accounts.retention import delete_old_pins
from tests.accounts.steps import (
    ADDRESS,
    CHANNEL,
    confirm,
    linked_user,
    mailed_pin,
    other_than,
    register,
    request_pin,
    send_pin,
)
from tests.factories import BotRegistrationFactory, MessengerAccountFactory
from tests.threads import in_parallel

pytestmark = pytest.mark.django_db


def test_right_pin_links_once(registration):
    code = mailed_pin(registration)
    account = confirm(code, username="anna_k")
    assert account.user == registration.user
    assert account.address == ADDRESS
    assert account.username == "anna_k"
    assert linked_user(ADDRESS) == registration.user
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


def test_digest_is_bound_to_pin_registration_and_address(registration):
    pin = request_pin(registration)
    digests = {services.pin_digest(pin, "123456")}
    for field, value in (("pk", pin.pk + 1), ("registration_id", 9), ("address", "9")):
        other = LinkPin.objects.get(pk=pin.pk)
        setattr(other, field, value)
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
    assert timedelta(seconds=40) < refusal.value.wait <= timedelta(minutes=1)
    clock.advance(minutes=1)
    assert confirm(mailed_pin(registration))


def test_right_pin_at_the_fifth_try_locks_nobody(registration, anna, clock):
    code = mailed_pin(registration)
    for _ in range(4):
        with pytest.raises(services.PinWrong):
            confirm(other_than(code))
    confirm(code)
    assert LinkPin.objects.get().exhausted_at is None
    services.unlink_messenger(user=anna, channel=CHANNEL)
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
    services.withdraw_registration(user=anna, channel=CHANNEL)
    clock.advance(minutes=5)
    with pytest.raises(services.PinLocked):
        request_pin(register(anna), address="510000009")


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
     "-12345", "+12345", "1e5000", "9" * 4096, "\0", "\ud800", "🙂", "\u200b"],
)  # fmt: skip
def test_odd_input_is_an_ordinary_wrong_pin_but_no_try(registration, monkeypatch, text):
    monkeypatch.setattr("secrets.randbelow", lambda _limit: 123456)
    mailed_pin(registration)
    for _ in range(6):
        with pytest.raises(services.PinWrong) as refusal:
            confirm(text)
        assert refusal.value.tries_left == 5
    assert confirm("123456")


def test_six_digits_in_any_dress_are_a_try(registration):
    code = mailed_pin(registration)
    wrong = other_than(code)
    for left, text in ((4, f"Ваш код: {wrong[:3]}\u00a0{wrong[3:]}."), (3, f"\u200b{wrong}")):
        with pytest.raises(services.PinWrong) as refusal:
            confirm(text)
        assert refusal.value.tries_left == left
    assert confirm(f"Ваш код: {code[:3]}\u00a0{code[3:]}.")


def test_odd_input_after_the_last_try_opens_nothing(registration):
    mailed_pin(registration)
    LinkPin.objects.update(tries=5)
    with pytest.raises(services.PinExpired):
        confirm("не знаю")


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
    assert MessengerAccount.objects.count() == 0


def test_pin_from_another_chat_does_not_link(registration, boris):
    code = mailed_pin(registration)
    with pytest.raises(services.PinExpired):
        confirm(code, address="510000002")
    mailed_pin(BotRegistrationFactory(user=boris), address="510000002")
    with pytest.raises(services.PinWrong):
        confirm(code, address="510000002")
    assert MessengerAccount.objects.count() == 0


def test_pin_of_a_withdrawn_registration_does_not_link(registration, anna):
    code = mailed_pin(registration)
    services.withdraw_registration(user=anna, channel=CHANNEL)
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
    MessengerAccountFactory(user=boris, address=str(ADDRESS))
    with pytest.raises(services.AlreadyLinked):
        confirm(code)
    assert linked_user(ADDRESS) == boris
    assert LinkPin.objects.get().closed_at is not None


def test_relink_after_unlink(linked, registration, clock):
    services.unlink_messenger(user=linked, channel=CHANNEL)
    assert confirm(mailed_pin(registration, 510_000_009), 510_000_009).user == linked


def test_used_pins_are_deleted_after_a_day(registration, clock):
    confirm(mailed_pin(registration))
    clock.advance(hours=23)
    delete_old_pins()
    assert LinkPin.objects.count() == 1
    clock.advance(hours=2)
    delete_old_pins()
    assert LinkPin.objects.count() == 0


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
            lambda code=code: confirm_in_a_dialog(code),
            lambda: services.unlink_messenger(user=anna, channel=CHANNEL),
        )
        assert isinstance(results[0], MessengerAccount | services.PinExpired), results
        assert results[1] is None
        MessengerAccount.objects.all().delete()
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
    assert sum(isinstance(result, MessengerAccount) for result in results) == 1
    assert sum(isinstance(result, services.PinExpired) for result in results) == 3
    assert MessengerAccount.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_wrong_pins_never_get_more_than_five_tries(registration):
    code = mailed_pin(registration)
    results = in_parallel(*[lambda: confirm(other_than(code))] * 8)
    assert all(isinstance(result, services.LinkRefused) for result in results)
    assert LinkPin.objects.get().tries == 5
    with pytest.raises(services.PinLocked):
        confirm(code)
