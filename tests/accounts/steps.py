"""The steps from the consent to the link."""

from accounts import services
from accounts.links import linked_account
from telegram_bot.models import TELEGRAM

CHANNEL = TELEGRAM
ADDRESS = "510000001"


def register(user, phone="+79161234567", user_agent="Mozilla/5.0"):
    return services.register_for_bot(
        channel=CHANNEL, user=user, phone=phone, ip="203.0.113.5", user_agent=user_agent
    )


def request_pin(registration, address=ADDRESS):
    return services.request_link_pin(registration=registration, address=address)


def send_pin(pin):
    """What the mail task does, without the letter."""
    code = services.new_pin_code(pin, pin.mail_attempts)
    services.record_pin_sent(pin)
    return code


def mailed_pin(registration, address=ADDRESS):
    return send_pin(request_pin(registration, address))


def confirm(code, address=ADDRESS, username=""):
    return services.confirm_link_pin(channel=CHANNEL, address=address, code=code, username=username)


def other_than(code):
    return f"{(int(code) + 1) % 10**6:06}"


def linked_user(address=ADDRESS):
    """The person behind an address, None for nobody."""
    account = linked_account(channel=CHANNEL, address=address)
    return account and account.user
