"""Inviting somebody to the portal: a letter with a link that sets the password, good for a week.

Sent again it replaces the one before. That a link is used up is read off the row, not the password.
"""

from datetime import timedelta
from secrets import token_hex

from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.identity import IdentityRefused, lock_user, note_new_password, require_right
from accounts.letters import letter_to
from accounts.models import Invitation, User
from accounts.rights import ADD_PEOPLE, CHANGE_PEOPLE
from accounts.security import Kind, Origin, record

INVITE_EVERY = timedelta(seconds=60)  # what is pressed twice is one wish
_SALT = "accounts.invitation"


class NotToInvite(IdentityRefused):
    code = "not_to_invite"

    def __str__(self) -> str:
        return _("Приглашение не нужно: человек уже задал пароль. Забытый восстановит он сам.")


class AccessClosed(IdentityRefused):
    code = "access_closed"

    def __str__(self) -> str:
        return _("Вход закрыт, приглашение не поможет. Сначала откройте вход.")


class InvitedJustNow(IdentityRefused):
    code = "invited_just_now"

    def __str__(self) -> str:
        return _("Приглашение только что отправлено. Ещё раз можно через минуту.")


class InvitationVoid(IdentityRefused):
    code = "invitation_void"

    def __str__(self) -> str:
        return _("Приглашение уже использовано или заменено новым, или его срок истёк.")


def require_invitable(*, user: User, origin: Origin) -> Invitation:
    """The person's invitation, new or sent before; asked again under the lock.

    Raises RightMissing, NotToInvite, AccessClosed and InvitedJustNow.
    """
    fields = ["email", "is_active", "is_staff", "is_superuser", "last_login"]
    user.refresh_from_db(fields=fields)
    require_right(origin, ADD_PEOPLE, CHANGE_PEOPLE, over=user)
    invitation = Invitation.objects.filter(user=user).first() or Invitation(user=user)
    _require_use(invitation, user)
    return invitation


def prepare_invitation(*, user: User, origin: Origin) -> EmailMultiAlternatives:
    """The letter, whose link is in force from now on instead of the one before.

    Say afterwards whether it left. Raises what `require_invitable` does, and ImpossibleAddress.
    """
    with transaction.atomic():
        lock_user(pk=user.pk)
        invitation = require_invitable(user=user, origin=origin)
        invitation.nonce, invitation.sent_at = token_hex(16), None
        invitation.asked_at = timezone.now()
        letter = letter_to(user, "invitation", token=_token(invitation))
        invitation.save()
        record(Kind.INVITED, user=user, origin=origin)
        return letter


def note_invitation(user: User, *, is_sent: bool) -> None:
    """After the letter left, or did not: then it may be tried again at once."""
    now = timezone.now()
    when = {"sent_at": now} if is_sent else {"asked_at": now - INVITE_EVERY}
    Invitation.objects.filter(user=user).update(**when)


def invitation_of(token: str) -> Invitation | None:
    """What a link is about; None when it is forged, used, replaced or too old."""
    try:
        nonce = signing.Signer(salt=_SALT).unsign(token)
    except signing.BadSignature:
        return None
    invitations = Invitation.objects.select_related("user").filter(user__is_active=True)
    found = invitations.filter(nonce=nonce).first()
    return found if found and _is_open(found) else None


def may_be_invited(user: User, invitation: Invitation | None) -> bool:
    """Whether a first password is still to be set."""
    return not user.last_login and not (invitation and invitation.accepted_at)


def accept_invitation(invitation: Invitation, *, password: str, origin: Origin) -> None:
    """Set the password, once. Raises InvitationVoid."""
    with transaction.atomic():
        user = lock_user(pk=invitation.user_id, is_active=True)
        now = Invitation.objects.filter(pk=invitation.pk, nonce=invitation.nonce).first()
        if user is None or now is None or not _is_open(now):
            raise InvitationVoid
        user.set_password(password)
        user.save(update_fields=["password"])
        note_new_password(user=user, origin=origin, by_link=True)


def _is_open(invitation: Invitation) -> bool:
    """Also while nobody knows whether the letter left."""
    return not invitation.accepted_at and not invitation.has_expired(timezone.now())


def _require_use(invitation: Invitation, user: User) -> None:
    if not user.is_active:
        raise AccessClosed
    if not may_be_invited(user, invitation):
        raise NotToInvite
    if invitation.pk and abs(timezone.now() - invitation.asked_at) < INVITE_EVERY:
        raise InvitedJustNow


def _token(invitation: Invitation) -> str:
    return signing.Signer(salt=_SALT).sign(invitation.nonce)
