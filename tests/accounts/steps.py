"""The steps from the consent to the link."""

from accounts import services

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
