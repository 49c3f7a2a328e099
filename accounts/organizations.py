"""Who runs an organization, who joins it, and whether its people see each other's tickets.

Whoever runs it is asked for again under the lock of the organization's row, which is taken before
those of people: one order for all.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.identity import lock_user, require_right
from accounts.mail_domains import domain_of
from accounts.models import JoinRequest, Organization, OrganizationRole, User
from accounts.news import AccountNews, tell
from accounts.quotas import count_change
from accounts.rights import CHANGE_PEOPLE, DECIDE_JOINS
from accounts.security import Kind, Origin, record

ADMINISTRATORS_TOLD = 10  # of a person who asks to join


class OrganizationRefused(Exception):
    """A change that is not made; the code is for programs, the words are for people."""

    code: ClassVar[str] = "refused"
    words: ClassVar[Any] = ""

    def __str__(self) -> str:
        return str(self.words)


class NotAdministrator(OrganizationRefused):
    code = "not_administrator"
    words = gettext_lazy("Это может только администратор организации.")


class LastAdministrator(OrganizationRefused):
    code = "last_administrator"
    words = gettext_lazy("Это единственный администратор. Сначала назначьте другого.")


class JoinRequestVoid(OrganizationRefused):
    code = "join_request_void"
    words = gettext_lazy("Этой просьбы больше нет: по ней уже решили, или человек передумал.")


class IsElsewhere(OrganizationRefused):
    code = "is_elsewhere"
    words = gettext_lazy("Этот человек уже в другой организации: сменить её можно на его странице.")


class NothingToJoin(OrganizationRefused):
    code = "nothing_to_join"
    words = gettext_lazy("Организации с доменом вашей почты нет, или вы уже состоите в ней.")


def organization_to_join(user: User) -> Organization | None:
    """The one whose mail domain is that of a person without an organization."""
    if user.organization_id or not user.is_active:
        return None
    return Organization.objects.filter(mail_domain=domain_of(user.email)).first()


def switch_sharing(*, by: User, shares: bool, origin: Origin) -> None:
    """Open the organization's tickets to all its people, or close them again.

    Raises NotAdministrator and TooManyChanges.
    """
    with transaction.atomic():
        organization = _administered(by)
        if organization.shares_tickets != shares:
            count_change(by)
            organization.shares_tickets = shares
            organization.save(update_fields=["shares_tickets"])
            note_sharing(organization, origin=origin)


def note_sharing(organization: Organization, *, origin: Origin) -> None:
    """After the switch was moved, by an administrator or at the desk."""
    text = _("«%(name)s»: открыты") if organization.shares_tickets else _("«%(name)s»: закрыты")
    details = text % {"name": organization.name}
    record(Kind.SHARING_CHANGED, user=origin.actor, origin=origin, details=details)


def set_role(*, by: User, person: User, role: OrganizationRole, origin: Origin) -> None:
    """Make a colleague an administrator, or a member again.

    Raises NotAdministrator, LastAdministrator and TooManyChanges.
    """
    with transaction.atomic():
        organization = _administered(by)
        member = lock_user(pk=person.pk, organization=organization.pk, is_active=True)
        if member is None:
            raise NotAdministrator
        if member.organization_role == role:
            return
        if role != OrganizationRole.ADMINISTRATOR and not _has_other(organization, member):
            raise LastAdministrator
        count_change(by)
        member.organization_role = role
        member.save(update_fields=["organization_role"])
        note_role(member, origin=origin)


def note_role(person: User, *, origin: Origin) -> None:
    details = f"{person.organization}: {person.get_organization_role_display()}"
    record(Kind.ROLE_CHANGED, user=person, origin=origin, details=details)


def settle_membership(person: User, changed: Sequence[str], *, origin: Origin) -> None:
    """After the desk changed a person: a role belongs to one organization, and does not move."""
    moved = "organization" in changed
    if moved:
        JoinRequest.objects.filter(user=person).delete()
    if (moved and "organization_role" not in changed) or not person.organization_id:
        was_administrator = person.organization_role == OrganizationRole.ADMINISTRATOR
        person.organization_role = OrganizationRole.MEMBER
        person.save(update_fields=["organization_role"])
        if was_administrator:
            note_role(person, origin=origin)
    elif "organization_role" in changed:
        note_role(person, origin=origin)


def ask_to_join(*, user: User, origin: Origin) -> JoinRequest:
    """Wait for the word of the organization whose mail domain the person's e-mail has.

    Asking again is asking once. Raises NothingToJoin and TooManyChanges.
    """
    with transaction.atomic():
        person = lock_user(pk=user.pk)
        organization = organization_to_join(person) if person else None
        if person is None or organization is None:
            raise NothingToJoin
        waiting = JoinRequest.objects.filter(user=person).first()
        if waiting and waiting.organization_id == organization.pk:
            return waiting
        count_change(person)
        JoinRequest.objects.filter(user=person).delete()
        request = JoinRequest.objects.create(user=person, organization=organization)
        record(Kind.JOIN_ASKED, user=person, origin=origin, details=organization.name)
        for administrator in administrators_of(organization)[:ADMINISTRATORS_TOLD]:
            tell(AccountNews.JOIN_ASKED, administrator, administrator.email, request=request.pk)
        return request


def take_in(*, person: User, organization: Organization, origin: Origin) -> bool:
    """Add somebody at the desk, who is told; False when they are in it already.

    Raises RightMissing, and IsElsewhere: whoever leaves another organization loses what that
    shares.
    """
    with transaction.atomic():
        _locked(organization.pk)
        member = lock_user(pk=person.pk)
        require_right(origin, CHANGE_PEOPLE, over=member)
        if member is None or member.organization_id == organization.pk:
            return False
        if member.organization_id:
            raise IsElsewhere
        JoinRequest.objects.filter(user=member).delete()
        _settle_request(member, organization, accepts=True, origin=origin)
        return True


def decide_join(
    *, request: JoinRequest, accepts: bool, origin: Origin, at_desk: bool = False
) -> None:
    """Take a person into the organization, or not: its administrator, or `at_desk` an agent.

    Raises NotAdministrator, RightMissing, JoinRequestVoid and TooManyChanges. A void request is
    gone then, too.
    """
    with transaction.atomic():
        organization = _locked(request.organization_id)
        if at_desk:
            require_right(origin, DECIDE_JOINS)
        else:
            require_administrator(origin.actor, organization)
        person = lock_user(pk=request.user_id)
        gone, _models = JoinRequest.objects.filter(pk=request.pk).delete()
        is_void = not gone or person is None or organization_to_join(person) != organization
        if person and not is_void:
            if origin.actor:
                count_change(person if at_desk else origin.actor, origin.actor)
            _settle_request(person, organization, accepts=accepts, origin=origin)
    if is_void:
        raise JoinRequestVoid


def _settle_request(
    person: User, organization: Organization, *, accepts: bool, origin: Origin
) -> None:
    if accepts:
        person.organization, person.organization_role = organization, OrganizationRole.MEMBER
        person.save(update_fields=["organization", "organization_role"])
    kind = Kind.JOINED if accepts else Kind.JOIN_REFUSED
    news = AccountNews.JOINED if accepts else AccountNews.JOIN_REFUSED
    record(kind, user=person, origin=origin, details=organization.name)
    tell(news, person, person.email, organization=organization.pk)


def administrators_of(organization: Organization) -> list[User]:
    rows = User.objects.filter(organization=organization, is_active=True)
    return list(rows.filter(organization_role=OrganizationRole.ADMINISTRATOR).order_by("pk"))


def require_administrator(user: User | None, organization: Organization) -> None:
    """Asked of the rows as they are now, whatever was read of the person before."""
    if user not in administrators_of(organization):
        raise NotAdministrator


def _administered(by: User) -> Organization:
    """The organization that a person runs, locked."""
    if by.organization_id is None:
        raise NotAdministrator
    organization = _locked(by.organization_id)
    require_administrator(by, organization)
    return organization


def _locked(number: int) -> Organization:
    return Organization.objects.select_for_update(no_key=True).get(pk=number)


def _has_other(organization: Organization, member: User) -> bool:
    return any(person != member for person in administrators_of(organization))
