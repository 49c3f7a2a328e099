"""Personal data of `accounts`: the person, consents, links."""

from typing import Any

from axes.models import AccessAttempt
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import (
    ApiToken,
    EmailChange,
    Erasure,
    Invitation,
    JoinRequest,
    LinkPin,
    MessengerAccount,
    OrganizationRole,
    SignUp,
    User,
)
from accounts.personal_data import ERASED_TEXT, Batch, Entry, Page, Section
from accounts.services import withdraw_registration
from accounts.sessions import end_sessions, end_tokens

ERASED_NAME = "Удалённый пользователь"
ERASED_DOMAIN = "erased.invalid"  # no mail server has it, now or ever (RFC 2606)


class PersonSection(Section):
    def export(self, user: User, after: int) -> Page:
        return Page(
            [
                Entry("person.json", _person(user)),
                Entry("consents.json", list(user.registrations.order_by("pk").values(*CONSENT))),
                Entry("links.json", list(user.messengers.order_by("pk").values(*LINK))),
                Entry("pins.json", list(_pins(user).order_by("pk").values(*PIN))),
                Entry(
                    "failed_logins.json",
                    list(AccessAttempt.objects.filter(username=user.username).values(*ATTEMPT)),
                ),
            ]
        )

    def leave(self, erasure: Erasure) -> None:
        """The identity goes, the records that a consent was given and withdrawn stay."""
        user = erasure.user
        for channel in {row.channel for row in user.registrations.filter(withdrawn_at=None)}:
            withdraw_registration(user=user, channel=channel)
        MessengerAccount.objects.filter(user=user).delete()
        _pins(user).delete()
        user.registrations.update(phone="", ip=None, user_agent="")
        AccessAttempt.objects.filter(username__in=[user.username, user.email.lower()]).delete()
        user.groups.clear()
        user.user_permissions.clear()
        _replace_identity(user)

    def erase(self, erasure: Erasure, after: int) -> Batch:
        """The desk's journal names the people who were changed there."""
        people = ContentType.objects.get_for_model(User)
        named = LogEntry.objects.filter(content_type=people, object_id=str(erasure.user_id))
        return Batch(named.update(object_repr=ERASED_NAME))


class LoginSection(Section):
    """Where the person is signed in, and what was done to the account."""

    def export(self, user: User, after: int) -> Page:
        changes = EmailChange.objects.filter(user=user).values("email", "asked_at")
        joins = JoinRequest.objects.filter(user=user).values("organization__name", "asked_at")
        devices = TOTPDevice.objects.filter(user=user)  # when, not its secret
        invitations = Invitation.objects.filter(user=user)
        events = user.security_events.order_by("pk").values(*SECURITY)
        return Page(
            [
                Entry("sessions.json", list(user.sessions.order_by("seen_at").values(*SESSION))),
                Entry("email_change.json", list(changes)),
                Entry("join_request.json", list(joins)),
                Entry("second_factor.json", list(devices.values("created_at", "last_used_at"))),
                Entry("invitation.json", list(invitations.values("asked_at", "accepted_at"))),
                Entry("api_tokens.json", list(user.api_tokens.order_by("pk").values(*TOKEN))),
                Entry("security.json", list(events)),
            ]
        )

    def leave(self, erasure: Erasure) -> None:
        """The events stay for their 90 days, without the person they were about."""
        user = erasure.user
        end_sessions(user)
        end_tokens(user)
        ApiToken.objects.filter(user=user).update(name=ERASED_TEXT)
        TOTPDevice.objects.filter(user=user).delete()
        user.recovery_codes.all().delete()
        Invitation.objects.filter(user=user).delete()
        user.usage.all().delete()
        EmailChange.objects.filter(user=user).delete()
        JoinRequest.objects.filter(user=user).delete()
        SignUp.objects.filter(email__iexact=user.email).delete()
        user.security_events.update(address=None, browser="", login_digest="")


SESSION = ("address", "browser", "seen_at", "expire_date")
TOKEN = ("name", "scopes", "created_at", "expires_at", "used_at", "revoked_at")
SECURITY = ("kind", "created_at", "address", "browser", "details")
CONSENT = (
    "channel", "phone", "consent_version", "consented_at", "withdrawn_at", "ip", "user_agent",
)  # fmt: skip
LINK = ("channel", "address", "username", "linked_at", "unreachable_at")
PIN = ("channel", "address", "created_at", "sent_at", "tries", "closed_at")
ATTEMPT = ("attempt_time", "ip_address", "user_agent", "failures_since_start")


def _pins(user: User) -> Any:
    return LinkPin.objects.filter(registration__user=user)


def _person(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "organization": user.organization.name if user.organization else None,
        "organization_role": user.organization_role if user.organization else None,
        "time_zone": user.time_zone,
        "consent_version": user.consent_version,
        "consented_at": user.consented_at,
        "is_active": user.is_active,
        "is_agent": user.is_staff,
        "date_joined": user.date_joined,
        "last_login": user.last_login,
        "password_reset_mailed_at": user.reset_mailed_at,
    }


def _replace_identity(user: User) -> None:
    """Without a password that was ever known, every session of the account ends, too."""
    user.first_name, user.last_name = ERASED_NAME, ""
    user.username = f"erased-{user.pk}"
    user.email = f"{user.username}@{ERASED_DOMAIN}"
    user.organization, user.organization_role = None, OrganizationRole.MEMBER
    user.time_zone = ""
    user.is_active = False
    user.last_login = user.reset_mailed_at = None
    user.set_unusable_password()
    user.save()
