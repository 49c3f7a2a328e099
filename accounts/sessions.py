"""Sessions in the database that know whose they are; the setting SESSION_ENGINE names this file.

Reading a page writes nothing: a session in use is saved again once in SAVE_EVERY, so an idle time
is right to that.
"""

from datetime import timedelta
from typing import Any, cast

from django.contrib.auth import SESSION_KEY as USER_ID
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db.models import Case, QuerySet, When
from django.utils import timezone

from accounts.models import ApiToken, Session, User

SAVE_EVERY = timedelta(minutes=1)


class SessionStore(DatabaseSessionStore):
    """Whoever makes the store says where the browser is: `address` and `browser`."""

    address: str | None = None
    browser: str = ""
    _row: Session | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        self._row = super()._get_session_from_db()  # type: ignore[misc]  # the stubs leave it out
        return self._row

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.user_id = data.get(USER_ID)
        row.address, row.browser = self.address, self.browser
        return row

    def keep_alive(self, age: int) -> None:
        """Let a session in use end `age` seconds from now, to the accuracy of SAVE_EVERY."""
        if self.get_expiry_age() != age:
            self.set_expiry(age)
        elif self._row and not timedelta() <= timezone.now() - self._row.seen_at < SAVE_EVERY:
            self.modified = True


def sessions_of(user: User, *, first: str | None = None) -> QuerySet[Session]:
    """Where a person is signed in: the session of this key, then the last used ones."""
    sessions = Session.objects.filter(user=user, expire_date__gt=timezone.now())
    is_first = Case(When(session_key=first, then=0), default=1)
    return sessions.order_by(is_first, "-seen_at")


def end_sessions(user: User, *, keep: str | None = None) -> None:
    """Sign a person out everywhere but in the session with this key."""
    Session.objects.filter(user=user).exclude(session_key=keep).delete()


def end_tokens(user: User) -> None:
    """The same of a person's programs. Those of an organization are nobody's own."""
    ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
