"""Who may do what at the desk: every admin, page and action, held against one table.

Pages and actions are collected from the site: what is new has to be entered here.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import wraps
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group as Role
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.models import ApiToken, JoinRequest, SecurityEvent, User
from telegram_bot.models import BotHeartbeat, Dialog, Group, IncomingUpdate
from tests import factories
from tickets.models import Announcement, CannedAnswer, Comment, Delivery, Target
from webhooks.models import Endpoint

READ = "list view history"
WRITE = f"{READ} add change"
DELETE = "delete delete_selected"
PASSWORD = "auth_user_password_change"  # the name of Django's page

ALL = f"{WRITE} {DELETE}"
TICKET = (
    f"{READ} change take assign priority ask resolve close bulk views merge split canned news"
    " unfilled new people organizations incident into_incident out_of_incident answer_all"
    " note facts presence resume details link unlink follow unfollow logins snooze wake"
)
UNREAD = "list add delete_selected"  # pages of others' own answers: there are none
SENT = f"{READ} send_again resend"
DECIDED = f"{READ} accept refuse"
ADDS = f"{READ} add new_client invite"
CUSTOMER = f"{WRITE} new_client invite access"
NO_CUSTOMER = f"{ADDS} new_agent delete_selected"  # an action asks of each row again
PERSON = f"{CUSTOMER} {DELETE} data erase second_step new_agent"
ANYBODY = f"{PERSON} {PASSWORD}"
UNSEEN = ""

# Per model what each may do there
WHO = ("specialist", "head", "administrator", "superuser")
MAY: dict[str, tuple[str, str, str, str]] = {
    "tickets.Ticket": (TICKET, TICKET, TICKET, TICKET),
    "tickets.Product": (READ, READ, f"{ALL} off", f"{ALL} off"),
    "tickets.Target": (UNSEEN, READ, ALL, ALL),
    "tickets.Delivery": (READ, SENT, SENT, SENT),
    "tickets.CannedAnswer of all": (f"{READ} add delete_selected", ALL, ALL, ALL),
    "tickets.CannedAnswer of another": (UNREAD, UNREAD, UNREAD, UNREAD),
    "tickets.Announcement": (READ, f"{WRITE} end", f"{WRITE} end", f"{WRITE} end"),
    "accounts.Organization": (
        f"{READ} people",
        f"{WRITE} people",
        f"{ALL} people",
        f"{ALL} people",
    ),
    "accounts.User": (CUSTOMER, CUSTOMER, PERSON, ANYBODY),
    "accounts.User of staff": (
        ADDS,
        ADDS,
        PERSON,
        ANYBODY,
    ),
    "accounts.User with all rights": (
        ADDS,
        ADDS,
        NO_CUSTOMER,
        ANYBODY,
    ),
    "accounts.User with other rights": (
        ADDS,
        ADDS,
        NO_CUSTOMER,
        ANYBODY,
    ),
    "accounts.BotRegistration": (READ, READ, f"{READ} withdraw", f"{READ} withdraw"),
    "accounts.MessengerAccount": (READ, READ, f"{READ} unlink", f"{READ} unlink"),
    "accounts.ApiToken": (UNSEEN, UNSEEN, f"{READ} revoke", f"{READ} revoke"),
    "webhooks.Endpoint": (READ, READ, READ, READ),
    "accounts.JoinRequest": (DECIDED, DECIDED, DECIDED, DECIDED),
    "accounts.SecurityEvent": (UNSEEN, UNSEEN, READ, READ),
    "auth.Group": (UNSEEN, UNSEEN, READ, ALL),
    "telegram_bot.Group": (READ, READ, READ, READ),
    "telegram_bot.IncomingUpdate": (UNSEEN, UNSEEN, UNSEEN, READ),
    "telegram_bot.Dialog": (UNSEEN, UNSEEN, UNSEEN, READ),
    "telegram_bot.BotHeartbeat": (UNSEEN, UNSEEN, READ, READ),
}


def comment_on(ticket: Any) -> Comment:
    return Comment.objects.create(ticket=ticket, author=ticket.requester, by_agent=False, body="т")


def with_other_rights() -> User:
    """A customer now: a switch away from rights that no role has."""
    person = factories.UserFactory()
    person.user_permissions.add(Permission.objects.get(codename="view_dialog"))
    return person


# A row of each model
ROWS: dict[str, Callable[[], Model]] = {
    "tickets.Ticket": factories.TicketFactory,
    "tickets.Product": factories.ProductFactory,
    "tickets.Target": lambda: Target.objects.create(
        priority="high", answer_minutes=30, solution_minutes=600
    ),
    "tickets.Delivery": lambda: Delivery.objects.create(channel="email", address="a@b.example"),
    "tickets.CannedAnswer of all": lambda: CannedAnswer.objects.create(title="Т", body="т"),
    "tickets.CannedAnswer of another": lambda: CannedAnswer.objects.create(
        title="Т", body="т", owner=factories.AgentFactory()
    ),
    "tickets.Announcement": lambda: Announcement.objects.create(text="т"),
    "accounts.Organization": factories.OrganizationFactory,
    "accounts.User": factories.UserFactory,
    "accounts.User of staff": factories.AgentFactory,
    "accounts.User with all rights": lambda: factories.UserFactory(is_superuser=True),
    "accounts.User with other rights": with_other_rights,
    "accounts.BotRegistration": factories.BotRegistrationFactory,
    "accounts.MessengerAccount": factories.MessengerAccountFactory,
    "accounts.ApiToken": lambda: ApiToken.objects.create(
        user=factories.UserFactory(), name="Т", expires_at=timezone.now() + timedelta(days=1)
    ),
    "webhooks.Endpoint": lambda: Endpoint.objects.create(
        user=factories.UserFactory(), url="https://hooks.example.com/", kinds=["created"]
    ),
    "accounts.JoinRequest": lambda: JoinRequest.objects.create(
        user=factories.UserFactory(), organization=factories.OrganizationFactory()
    ),
    "accounts.SecurityEvent": lambda: SecurityEvent.objects.create(kind="login"),
    "auth.Group": lambda: Role.objects.create(name="Стажёры"),
    "telegram_bot.Group": lambda: Group.objects.create(chat_id=-1, title="Альфа"),
    "telegram_bot.IncomingUpdate": lambda: IncomingUpdate.objects.create(
        bot_id=1, update_id=1, telegram_id=1, chat_id=1
    ),
    "telegram_bot.Dialog": lambda: Dialog.objects.create(telegram_id=1, chat_id=1),
    "telegram_bot.BotHeartbeat": lambda: BotHeartbeat.objects.create(
        bot_id=1, username="a", seen_at="2026-11-01T00:00Z"
    ),
}

# What the addresses of some pages name beside the row, or instead of it
NAMED: dict[str, Callable[[Any], list[Any]]] = {
    "tickets_ticket_bulk": lambda _ticket: ["close"],
    "tickets_ticket_split": lambda ticket: [ticket.pk, comment_on(ticket).pk],
}
LOGINS = ("/admin/login/?next=", "/login/?next=")


def admin_of(label: str) -> admin.ModelAdmin:
    [found] = [
        one
        for model, one in admin.site._registry.items()
        if model._meta.label == label.partition(" ")[0]
    ]
    return found


def test_every_admin_is_in_the_tables():
    labels = {model._meta.label for model in admin.site._registry}
    assert labels == {label.partition(" ")[0] for label in MAY}
    assert MAY.keys() == ROWS.keys()


class Visit:
    """One person at all pages of one model, with a row of it."""

    def __init__(self, client: Client, label: str, row: Model, monkeypatch) -> None:
        self.client, self.row, self.patch = client, row, monkeypatch
        self.admin = admin_of(label)
        self.list = self._address("changelist")
        self.answers: dict[str, Any] = {}

    def allowed(self) -> set[str]:
        return {verb for verb, is_done in self._tries() if is_done}

    def _tries(self) -> Iterator[tuple[str, bool]]:
        for name, verb in (("changelist", "list"), ("add", "add")):
            yield verb, self._is_done(self.client.get(self._address(name)))
        for name, verb in (("change", "view"), ("history", "history"), ("delete", "delete")):
            yield verb, self._is_done(self.client.get(self._address(name, self.row.pk)))
        # nothing that a form could take: the right is asked before
        yield "change", self._is_done(self.client.post(self._address("change", self.row.pk)))
        for name in self._extra_pages():
            answer = self.client.post(self._extra(name))
            if answer.status_code == 405:  # a page that is only read
                answer = self.client.get(self._extra(name))
            yield name.removeprefix(self._name("")), self._is_done(answer)
        for action in ["delete_selected", *(self.admin.actions or ())]:
            name = action if isinstance(action, str) else action.__name__
            yield name, self._is_run(name)

    def _is_done(self, answer) -> bool:
        """Else it is refused, or leads to the login, or there is no such row for this person."""
        refused = answer.status_code == 403
        sent_away = answer.status_code == 302 and answer.url.startswith(LOGINS)
        sent_away |= answer.status_code == 302 and answer.url == reverse("admin:index")  # no such
        assert refused or sent_away or answer.status_code in (200, 302, 400), answer
        return not refused and not sent_away

    def _is_run(self, action: str) -> bool:
        """Whether the list carries an action out for this person, who may know its name anyway."""
        run: list[str] = []
        if action == "delete_selected":
            self.patch.setitem(
                admin.site._actions, action, _noting(run, admin.actions.delete_selected)
            )
        elif hasattr(type(self.admin), action):
            cls = type(self.admin)
            self.patch.setattr(cls, action, _noting(run, getattr(cls, action)))
        else:
            known = [_noting(run, one) for one in self.admin.actions if callable(one)]
            self.patch.setattr(self.admin, "actions", known)
        data = {"action": action, "_selected_action": [self.row.pk]}
        self.client.post(self.list, data)
        return bool(run)

    def _extra_pages(self) -> list[str]:
        known = {self._name(page) for page in ("changelist", "add", "history", "delete", "change")}
        return [url.name for url in self.admin.get_urls() if url.name and url.name not in known]

    def _extra(self, name: str) -> str:
        """Some stand beside the list, the others beside the form of a row, few have names."""
        if name in NAMED:
            return reverse(f"admin:{name}", args=NAMED[name](self.row))
        try:
            return reverse(f"admin:{name}")
        except NoReverseMatch:
            return reverse(f"admin:{name}", args=[self.row.pk])

    def _name(self, page: str) -> str:
        return f"{self.admin.opts.app_label}_{self.admin.opts.model_name}_{page}"

    def _address(self, page: str, *args: Any) -> str:
        return reverse(f"admin:{self._name(page)}", args=args)


def _noting(run: list[str], action: Callable[..., Any]) -> Callable[..., None]:
    @wraps(action)  # with the rights it asks for
    def note(*args: Any, **kwargs: Any) -> None:
        run.append(action.__name__)

    return note


@pytest.mark.parametrize("label", MAY)
@pytest.mark.parametrize("who", ["anonymous", "customer", "trainee", *WHO])
def test_rights(client, request, monkeypatch, db, label, who):
    """A trainee is staff without a group."""
    row = ROWS[label]()
    if who == "trainee":
        client.force_login(factories.AgentFactory())
    elif who == "customer":
        client.force_login(factories.UserFactory())
    elif who != "anonymous":
        client.force_login(request.getfixturevalue(who))
    expected = dict(zip(WHO, MAY[label], strict=True)).get(who, "")
    allowed = Visit(client, label, row, monkeypatch).allowed()
    assert sorted(allowed) == sorted(expected.split())
