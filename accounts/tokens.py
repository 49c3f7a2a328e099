"""Keys of programs: made once, shown once, looked up by their digest.

A person's token acts as the person. An organization's is made by its administrator, acts for those
of its members whom a call names, and outlives whoever made it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.identity import IdentityRefused, RightMissing, lock_user
from accounts.models import ApiToken, Organization, Scope, TokenState, User
from accounts.news import AccountNews, tell
from accounts.organizations import require_administrator
from accounts.quotas import count_change
from accounts.rights import END_TOKENS, may_act
from accounts.security import Kind, Origin, record
from accounts.typed import without_invisible
from config.backoff import CLOCK_SKEW

PREFIX = "vks_"
SHOWN = 10  # characters of a token that are kept to know it by
LIFETIME = timedelta(days=90)
LONGEST_LIFETIME = timedelta(days=365)
FURTHEST_END = LONGEST_LIFETIME + CLOCK_SKEW
USED_EVERY = timedelta(minutes=1)  # how often the last use is written
NAME_LIMIT = 100  # characters
MOST = 20  # in force at a time, of a person or an organization
OF_CUSTOMERS = frozenset({Scope.READ, Scope.WRITE})


class TokenRefused(IdentityRefused):
    code = "token_refused"


class TokenNameRefused(TokenRefused):
    code = "token_name_refused"

    def __str__(self) -> str:
        return _("Назовите токен: одной строкой, не длиннее %(limit)d символов.") % {
            "limit": NAME_LIMIT
        }


class TooManyTokens(TokenRefused):
    code = "too_many_tokens"

    def __str__(self) -> str:
        return _("Действует уже %(most)d токенов. Отзовите ненужный.") % {"most": MOST}


class ScopeRefused(TokenRefused):
    """A scope that whoever makes the token cannot give, or none at all."""

    code = "scope_refused"

    def __str__(self) -> str:
        return _("Такие права этому токену дать нельзя.")


class LifetimeRefused(TokenRefused):
    code = "lifetime_refused"

    def __str__(self) -> str:
        return _("Токен может действовать от одного дня до года.")


class AgentsTokenElsewhere(TokenRefused):
    code = "agents_token_elsewhere"

    def __str__(self) -> str:
        return _("Токены специалистов создаются на рабочем месте.")


class TokenEnded(TokenRefused):
    code = "token_ended"

    def __str__(self) -> str:
        return _("Этот токен уже не действует.")


@dataclass(frozen=True)
class Access:
    """What a request with a token may do, and for whom: `user`, or else `organization`."""

    token: ApiToken
    scopes: frozenset[Scope]
    user: User | None = None
    organization: Organization | None = None


def make_token(
    *,
    by: User,
    name: str,
    scopes: Collection[Scope],
    lifetime: timedelta = LIFETIME,
    until: datetime | None = None,
    organization: Organization | None = None,
    at_desk: bool = False,
    origin: Origin,
) -> tuple[ApiToken, str]:
    """A token of the person, or of the organization they administer, and its text: never again.

    Its maker is told by letter. It ends after its lifetime, or else at the very time of `until`.
    Agents make theirs at the desk, and only there is the scope `desk`. Raises NotAdministrator,
    TokenRefused and TooManyChanges.
    """
    name = clean_name(name)
    now = timezone.now()
    expires_at = until or now + lifetime
    if not timedelta(days=1) <= expires_at - now <= LONGEST_LIFETIME:
        raise LifetimeRefused
    with transaction.atomic():
        person = lock_user(pk=by.pk, is_active=True)
        if person is None:
            raise TokenRefused
        _require_right_to_give(scopes, person, organization, at_desk)
        count_change(person)
        owner = {"organization": organization} if organization else {"user": person}
        if tokens_in_force().filter(**owner).count() >= MOST:
            raise TooManyTokens
        text = PREFIX + token_urlsafe(32)
        token = ApiToken.objects.create(
            **owner,
            made_by=person,
            name=name,
            digest=digest_of(text),
            prefix=text[:SHOWN],
            scopes=sorted(scopes),
            created_at=now,
            expires_at=expires_at,
        )
        record(Kind.TOKEN_MADE, user=person, origin=origin, details=token.prefix)
        tell(AccountNews.TOKEN_MADE, person, person.email, token=token.pk)
        return token, text


def _require_right_to_give(
    scopes: Collection[Scope], person: User, organization: Organization | None, at_desk: bool
) -> None:
    if organization:
        require_administrator(person, organization)
    elif person.is_staff != at_desk:
        raise AgentsTokenElsewhere
    allowed = frozenset(Scope) if at_desk and not organization else OF_CUSTOMERS
    if not scopes or not allowed.issuperset(scopes):
        raise ScopeRefused


def clean_name(name: str) -> str:
    """One line without what cannot be seen. Raises TokenNameRefused."""
    visible = "".join(filter(str.isprintable, without_invisible(" ".join(name.split()))))
    if not 0 < len(visible) <= NAME_LIMIT:
        raise TokenNameRefused
    return visible


def revoke_token(token: ApiToken, *, origin: Origin) -> None:
    """By its owner, its organization's administrator, or at the desk.

    Raises RightMissing, NotAdministrator and TokenEnded.
    """
    with transaction.atomic():
        row = ApiToken.objects.select_for_update(of=("self",), no_key=True).get(pk=token.pk)
        is_own = row.user is not None and origin.actor == row.user
        if not is_own and not may_act(origin.actor, END_TOKENS, over=row.user):
            if row.organization is None:
                raise RightMissing
            require_administrator(origin.actor, row.organization)
        if row.state != TokenState.IN_FORCE:
            raise TokenEnded
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        record(Kind.TOKEN_REVOKED, user=row.user, origin=origin, details=row.prefix)


def tokens_in_force() -> QuerySet[ApiToken]:
    """Also not those whose end is further ahead than any may be: the clock went back."""
    now = timezone.now()
    latest = now + FURTHEST_END
    return ApiToken.objects.filter(revoked_at=None, expires_at__gt=now, expires_at__lte=latest)


def _is_in_force(token: ApiToken, now: datetime) -> bool:
    """The same of one that was read by its digest: SQL without conditions is made faster."""
    return token.revoked_at is None and now < token.expires_at <= now + FURTHEST_END


def tokens_of(owner: User | Organization) -> QuerySet[ApiToken]:
    """For the owner to read: what was never revoked first, and what ends last."""
    return owner.api_tokens.select_related("made_by", "organization").order_by(
        F("revoked_at").desc(nulls_first=True), "-expires_at", "-pk"
    )


def access_of(text: str) -> Access | None:
    """What a token opens, in one query; None for one that is unknown, ended, or of somebody out.

    Its last use is written at most once in USED_EVERY.
    """
    if not text.startswith(PREFIX):
        return None
    rows = ApiToken.objects.select_related("user__organization", "organization")
    try:
        token = rows.get(digest=digest_of(text))
    except ApiToken.DoesNotExist:
        return None
    now = timezone.now()
    if not _is_in_force(token, now) or (token.user and not token.user.is_active):
        return None
    _note_use(token, now)
    scopes = frozenset(map(Scope, token.scopes))
    if token.user is None or not token.user.is_staff:
        scopes &= OF_CUSTOMERS
    return Access(token, scopes, token.user, token.organization)


def _note_use(token: ApiToken, now: datetime) -> None:
    """A time in the future is an old one: the clock went back."""
    if token.used_at and timedelta() <= now - token.used_at < USED_EVERY:
        return
    fresh = Q(used_at__gt=now - USED_EVERY, used_at__lte=now)
    ApiToken.objects.filter(pk=token.pk).exclude(fresh).update(used_at=now)


def digest_of(text: str) -> str:
    """Of a random text: nobody guesses it, so it needs no salt and no slow digest."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def member_named(organization: Organization, email: str) -> User | None:
    """The person in whose name a program of an organization acts: one who is in it now."""
    people = User.objects.by_email(email).filter(organization=organization, is_active=True)
    return people.select_related("organization").first()
