"""Queue entry points: ids in, quiet when the row is gone."""

import logging

from accounts.letters import claim_reset_letter, password_letter, release_reset_letter
from accounts.models import PIN_LIFETIME, LinkPin, User
from accounts.services import new_pin_code, record_pin_mail_failure, record_pin_sent
from config.mail import build_letter, is_final

logger = logging.getLogger(__name__)


def mail_link_pin(link_pin_id: int, attempt: int = 0) -> None:
    """Make a code, keep its digest, mail it. The code exists nowhere but in the letter."""
    pin = LinkPin.objects.select_related("registration__user").filter(pk=link_pin_id).first()
    code = new_pin_code(pin, attempt) if pin else None
    if pin is None or code is None:
        return
    user = pin.registration.user
    context = {"user": user, "code": code, "minutes": PIN_LIFETIME.seconds // 60}
    try:
        build_letter("link_pin", to=user.email, context=context).send()
    except Exception as error:  # whatever it was, somebody waits for the code and must hear
        logger.warning("PIN mail %s did not leave: %s", pin.pk, type(error).__name__)
        record_pin_mail_failure(pin, address_refused=is_final(error))
    else:
        record_pin_sent(pin)


def mail_password_reset(user_id: int) -> None:
    """Mail the link that sets a new password."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not claim_reset_letter(user):
        return
    try:
        password_letter("password_reset", user).send()
    except Exception as error:  # whatever it was, the person may ask again at once
        release_reset_letter(user)
        logger.warning("password mail for user %s did not leave: %s", user_id, type(error).__name__)
