"""Endpoints: who has them, what they hear, and what ends them. The only writer of their rows."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.identity import lock_user
from accounts.models import Organization, User
from accounts.news import AccountNews, tell
from accounts.organizations import administrators_of, require_administrator
from accounts.quotas import count_change
from accounts.security import Kind, Origin, record
from config.compiled import Compiled
from tickets.delivery import cancel_address, resend
from tickets.delivery import tell as queue_message
from tickets.models import Delivery, Ticket
from webhooks.addresses import clean_url
from webhooks.models import OVERLAP, Attempt, Endpoint, HookKind
from webhooks.signing import new_secret

CHANNEL = "webhook"
TEST = "webhook_test"  # a kind of delivery
MOST = 10  # endpoints of a person or an organization
GIVEN_UP_AFTER = timedelta(days=5)  # without one success
ADMINISTRATORS_TOLD = 10
ANSWER_SHOWN = 2000  # characters
ATTEMPTS_KEPT = timedelta(days=30)
ROWS_A_CALL = 1000


class WebhookRefused(Exception):
    """A change that is not made; the code is for programs, the words are for people."""

    code: ClassVar[str] = "webhook_refused"
    words: ClassVar[Any] = gettext_lazy("Этого вебхука больше нет.")

    def __str__(self) -> str:
        return str(self.words)


class NoKinds(WebhookRefused):
    code = "no_webhook_kinds"
    words = gettext_lazy("Выберите хотя бы одно событие.")


class TooManyWebhooks(WebhookRefused):
    code = "too_many_webhooks"

    def __str__(self) -> str:
        return _("Вебхуков уже %(most)d. Удалите ненужный.") % {"most": MOST}


class IsOff(WebhookRefused):
    code = "webhook_off"
    words = gettext_lazy("Вебхук отключён. Сначала включите его.")


def endpoints_of(owner: User | Organization) -> QuerySet[Endpoint]:
    whose = Q(organization=owner) if isinstance(owner, Organization) else Q(user=owner)
    return Endpoint.objects.filter(whose)


def endpoints_within_reach(user: User) -> QuerySet[Endpoint]:
    """Where every change starts: own ones, and those of the organization the person runs."""
    own = Q(user=user)
    if user.organization and user in administrators_of(user.organization):
        own |= Q(organization=user.organization)
    return Endpoint.objects.filter(own).select_related("user", "organization")


def deliveries_of(endpoint: Endpoint) -> QuerySet[Delivery]:
    """The newest first, with what was said and how it went."""
    attempts = Attempt.objects.annotate(shown=Left("answer", ANSWER_SHOWN)).defer("answer")
    newest_first = Prefetch("webhook_attempts", attempts.order_by("-pk"))
    rows = Delivery.objects.filter(channel=CHANNEL, address=str(endpoint.pk))
    return rows.select_related("webhook", "event").prefetch_related(newest_first).order_by("-pk")


# Changes by their owner


def add_endpoint(
    *,
    by: User,
    url: str,
    kinds: Collection[str],
    organization: Organization | None = None,
    origin: Origin,
) -> Endpoint:
    """Its secret is to be shown once, now.

    Raises UrlRefused, WebhookRefused, NotAdministrator and TooManyChanges.
    """
    url, chosen = clean_url(url), _clean_kinds(kinds)
    with transaction.atomic():
        person = _begin(by, organization)
        owner: dict[str, Any] = {"organization": organization} if organization else {"user": person}
        if Endpoint.objects.filter(**owner).count() >= MOST:
            raise TooManyWebhooks
        row = Endpoint.objects.create(**owner, url=url, kinds=chosen, secret=new_secret())
        record(Kind.WEBHOOK_ADDED, user=person, origin=origin, details=row.place)
        return row


def change_endpoint(
    endpoint: Endpoint, *, by: User, url: str, kinds: Collection[str], origin: Origin
) -> None:
    """Raises UrlRefused, WebhookRefused, NotAdministrator and TooManyChanges."""
    url, chosen = clean_url(url), _clean_kinds(kinds)
    with transaction.atomic():
        row = _lock(endpoint, by)
        if (row.url, row.kinds) == (url, chosen):
            return
        if row.url != url:
            row.failing_since = None
        row.url, row.kinds = url, chosen
        row.save(update_fields=["url", "kinds", "failing_since"])
        record(Kind.WEBHOOK_CHANGED, user=by, origin=origin, details=row.place)


def change_secret(endpoint: Endpoint, *, by: User, origin: Origin) -> str:
    """A new secret, to be shown once; for OVERLAP the one of before signs, too.

    Raises WebhookRefused, NotAdministrator and TooManyChanges.
    """
    with transaction.atomic():
        row = _lock(endpoint, by)
        row.previous_secret, row.secret = row.secret, new_secret()
        row.previous_until = timezone.now() + OVERLAP
        row.save(update_fields=["secret", "previous_secret", "previous_until"])
        record(Kind.WEBHOOK_SECRET, user=by, origin=origin, details=row.place)
        return row.secret


def set_on(endpoint: Endpoint, *, by: User, is_on: bool, origin: Origin) -> None:
    """Raises WebhookRefused, NotAdministrator and TooManyChanges."""
    with transaction.atomic():
        row = _lock(endpoint, by)
        if row.is_on == is_on:
            return
        if is_on:
            row.is_on, row.switched_off_at, row.off_because = True, None, ""
            row.failing_since = None
            row.save()
        else:
            switch_off(row, Endpoint.Reason.OWNER)
        record(Kind.WEBHOOK_CHANGED, user=by, origin=origin, details=row.place)


def remove_endpoint(endpoint: Endpoint, *, by: User, origin: Origin) -> None:
    """Raises WebhookRefused, NotAdministrator and TooManyChanges."""
    with transaction.atomic():
        row = _lock(endpoint, by)
        record(Kind.WEBHOOK_REMOVED, user=by, origin=origin, details=row.place)
        end(row)


def send_test(endpoint: Endpoint, *, by: User) -> None:
    """One try, also while it is off. Raises WebhookRefused, NotAdministrator, TooManyChanges."""
    with transaction.atomic():
        row = _lock(endpoint, by)
        key = f"{TEST}:{uuid4().hex}"
        queue_message(channel=CHANNEL, kind=TEST, address=str(row.pk), key=key, recipient=row.user)


def send_again(endpoint: Endpoint, *, delivery: Delivery, by: User) -> None:
    """The same words under the same `webhook-id`; what still waits is left alone.

    Raises WebhookRefused, NotAdministrator and TooManyChanges.
    """
    with transaction.atomic():
        row = _lock(endpoint, by)
        if not row.is_on and delivery.kind != TEST:
            raise IsOff
        resend(delivery)


def _begin(by: User, organization: Organization | None) -> User:
    person = lock_user(pk=by.pk, is_active=True)
    if person is None:
        raise WebhookRefused
    if organization:
        require_administrator(person, organization)
    count_change(person)
    return person


def _lock(endpoint: Endpoint, by: User) -> Endpoint:
    _begin(by, endpoint.organization)
    rows = Endpoint.objects.select_for_update(of=("self",)).select_related("user", "organization")
    row = rows.filter(pk=endpoint.pk).first()
    if row is None or (row.user is not None and row.user != by):
        raise WebhookRefused
    return row


def _clean_kinds(kinds: Collection[str]) -> list[str]:
    chosen = [kind.value for kind in HookKind if kind in kinds]
    if not chosen or len(chosen) != len(set(kinds)):
        raise NoKinds
    return chosen


# What it hears, and what ends it


def endpoints_hearing(ticket: Ticket) -> list[Endpoint]:
    """Those that are told of a ticket now: its requester's, and the organization's it is of."""
    found = list(HEARING.rows(ticket.requester_id, ticket.organization_id or 0))
    if any(row.organization for row in found) and not _is_shared(ticket):
        found = [row for row in found if row.user]
    return found


def _hearing(user: int, organization: int) -> QuerySet[Endpoint]:
    owners = Q(user=user, user__is_active=True) | Q(organization=organization)
    rows = Endpoint.objects.filter(owners, is_on=True).select_related("user", "organization")
    return rows.order_by("pk")


HEARING = Compiled(_hearing, int, int)


def may_hear(endpoint: Endpoint, ticket: Ticket | None) -> bool:
    """Asked again before each request; without a ticket whether its owner is still there."""
    if endpoint.user:
        is_own = ticket is None or ticket.requester_id == endpoint.user.pk
        return endpoint.user.is_active and is_own
    if ticket is None:
        return True
    return ticket.organization_id == endpoint.organization_id and _is_shared(ticket)


def readable_by(endpoint: Endpoint) -> QuerySet[Ticket]:
    """All that its owner may know of, also what no program hears."""
    if endpoint.user:
        return Ticket.objects.visible_to(endpoint.user)
    if endpoint.organization:
        return Ticket.objects.of_programs_of(endpoint.organization)
    return Ticket.objects.none()


def _is_shared(ticket: Ticket) -> bool:
    """Whether the programs of its organization see a ticket."""
    if ticket.organization is None:
        return False
    return Ticket.objects.of_programs_of(ticket.organization).filter(pk=ticket.pk).exists()


def note_success(endpoint: Endpoint) -> None:
    Endpoint.objects.filter(pk=endpoint.pk, failing_since__isnull=False).update(failing_since=None)


def note_failure(endpoint: Endpoint) -> timedelta:
    """For how long nothing has reached it; after GIVEN_UP_AFTER it is off, and its owner told.

    A time in the future is an old one: the clock went back.
    """
    now = timezone.now()
    fresh = Q(failing_since=None) | Q(failing_since__gt=now)
    if Endpoint.objects.filter(fresh, pk=endpoint.pk).update(failing_since=now):
        return timedelta()
    since = Endpoint.objects.filter(pk=endpoint.pk).values_list("failing_since", flat=True).first()
    failing_for = now - since if since else timedelta()
    if failing_for >= GIVEN_UP_AFTER:
        switch_off(endpoint, Endpoint.Reason.FAILING)
    return failing_for


def switch_off(endpoint: Endpoint, because: Endpoint.Reason) -> None:
    """What waits for it is not sent any more. Who did not do it by themselves is told by letter."""
    with transaction.atomic():
        off = Endpoint.objects.filter(pk=endpoint.pk, is_on=True).update(
            is_on=False, switched_off_at=timezone.now(), off_because=because
        )
        cancel_address(channel=CHANNEL, address=str(endpoint.pk), why=_("вебхук отключён"))
        if off and because in (Endpoint.Reason.GONE, Endpoint.Reason.FAILING):
            for person in _owners(endpoint):
                told = {"place": endpoint.place, "because": because.value}
                tell(AccountNews.WEBHOOK_OFF, person, person.email, **told)


def _owners(endpoint: Endpoint) -> list[User]:
    if endpoint.organization:
        return administrators_of(endpoint.organization)[:ADMINISTRATORS_TOLD]
    return [endpoint.user] if endpoint.user else []


def end(endpoint: Endpoint) -> None:
    cancel_address(channel=CHANNEL, address=str(endpoint.pk), why=_("вебхук удалён"))
    endpoint.delete()


def switch_off_of_closed_accounts() -> None:
    """For good: an account that is opened again has to switch them on by itself."""
    for endpoint in Endpoint.objects.filter(is_on=True, user__is_active=False)[:ROWS_A_CALL]:
        switch_off(endpoint, Endpoint.Reason.CLOSED)


def delete_old_attempts() -> None:
    """Delete some of the attempts that are too old; deliveries have an age of their own."""
    limit: datetime = timezone.now() - ATTEMPTS_KEPT
    old = Attempt.objects.filter(at__lt=limit).order_by("at")
    Attempt.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:ROWS_A_CALL])).delete()
