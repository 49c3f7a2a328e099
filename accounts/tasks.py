"""Queue entry points: ids in, quiet when the row is gone."""

import logging

from accounts.letters import claim_reset_letter, letter_to, release_reset_letter, reset_letter
from accounts.models import PIN_LIFETIME, LinkPin, User
from accounts.security import Kind, record
from accounts.services import new_pin_code, record_pin_mail_failure, record_pin_sent
from accounts.sign_up import tell_of_sign_up
from config.letters import is_answer_lost, is_final

logger = logging.getLogger(__name__)


def mail_link_pin(link_pin_id: int, attempt: int = 0) -> None:
    """Make a code, keep its digest, mail it. The code exists nowhere but in the letter."""
    pin = LinkPin.objects.select_related("registration__user").filter(pk=link_pin_id).first()
    code = new_pin_code(pin, attempt) if pin else None
    if pin is None or code is None:
        return
    user = pin.registration.user
    try:
        letter_to(user, "link_pin", code=code, minutes=PIN_LIFETIME.seconds // 60).send()
    except Exception as error:  # whatever it was, somebody waits for the code and must hear
        logger.warning("PIN mail %s did not leave: %s", pin.pk, type(error).__name__)
        record_pin_mail_failure(
            pin, address_refused=is_final(error), may_arrive=is_answer_lost(error)
        )
    else:
        record_pin_sent(pin)


def mail_password_reset(user_id: int) -> None:
    """Mail the link that sets a new password."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not claim_reset_letter(user):
        return
    try:
        reset_letter(user).send()
    except Exception as error:  # whatever it was, the person may ask again at once
        release_reset_letter(user)
        logger.warning("password mail for user %s did not leave: %s", user_id, type(error).__name__)
    else:
        record(Kind.RESET_MAILED, user=user)


def mail_sign_up(number: int) -> None:
    """Say to a mailbox how to go on with signing up."""
    tell_of_sign_up(number)
