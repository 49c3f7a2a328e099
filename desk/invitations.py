"""Invitations from the desk: mailed at once, so that whoever invites hears of what went wrong."""

from collections.abc import Iterable
from datetime import datetime
from smtplib import SMTPDataError, SMTPRecipientsRefused

from django.contrib import messages
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.identity import IdentityRefused
from accounts.invitations import note_invitation, prepare_invitation, require_invitable
from accounts.models import Invitation, User
from accounts.security import origin_of
from config.letters import ImpossibleAddress


def send_invitations(request: HttpRequest, people: Iterable[User]) -> None:
    """Mail them. A mail server that is down is waited for once, not per person."""
    waiting, server = list(people), get_connection()
    try:
        while waiting:
            _invite(request, waiting[0], server)
            del waiting[0]
    except OSError:
        note_invitation(waiting[0], is_sent=False)
        text = _("Почта недоступна. Приглашение не ушло: %(emails)s. Отправьте его позже.")
        emails = ", ".join(user.email for user in waiting)
        messages.error(request, text % {"emails": emails})
    finally:
        server.close()


def _invite(request: HttpRequest, user: User, server: BaseEmailBackend) -> None:
    try:
        require_invitable(user=user, origin=origin_of(request))  # whoever is not needs no server
        server.open()  # for the first letter only; before its link replaces one that works
        letter = prepare_invitation(user=user, origin=origin_of(request))
        letter.connection = server
        letter.send()
    except IdentityRefused as refusal:
        messages.warning(request, f"{user.email}: {refusal}")
    except (SMTPRecipientsRefused, SMTPDataError, ImpossibleAddress):
        note_invitation(user, is_sent=False)
        text = _("Почтовый сервер не принял письмо для %(email)s. Проверьте адрес.")
        messages.error(request, text % {"email": user.email})
    else:
        note_invitation(user, is_sent=True)
        text = _("Приглашение отправлено на %(email)s.")
        messages.success(request, text % {"email": user.email})


def invitation_words(invitation: Invitation | None) -> str:
    """What became of it, and when: for the page of a person."""
    if invitation is None:
        return _("не отправлялось")
    words = {
        Invitation.State.UNSENT: _("не ушло: отправьте ещё раз"),
        Invitation.State.SENT: _("отправлено %(sent)s, действует до %(until)s"),
        Invitation.State.EXPIRED: _("истекло %(until)s: отправьте ещё раз"),
        Invitation.State.ACCEPTED: _("принято %(accepted)s"),
    }
    times = {
        "sent": invitation.sent_at,
        "until": invitation.until,
        "accepted": invitation.accepted_at,
    }
    return words[invitation.state] % {name: _moment(time) for name, time in times.items()}


def _moment(time: datetime | None) -> str:
    return formats.date_format(timezone.localtime(time), "j E Y, H:i") if time else ""
