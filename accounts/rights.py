"""How far rights reach: nobody gives, or gets hold of, more of them than they have."""

from collections.abc import Callable

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from accounts.models import User

ADD_PEOPLE = "accounts.add_user"
CHANGE_EMAIL = "accounts.change_user_email"
CHANGE_PEOPLE = "accounts.change_user"
DECIDE_JOINS = "accounts.change_joinrequest"
END_CONSENTS = "accounts.change_botregistration"
END_LINKS = "accounts.change_messengeraccount"
END_TOKENS = "accounts.change_apitoken"
HANDLE_PERSONAL_DATA = "accounts.handle_personal_data"
MANAGE_STAFF = "accounts.manage_staff"


def may_manage(actor: User, person: User) -> bool:
    """Whether whoever may change people may change this one."""
    if actor.is_superuser:
        return True
    if person.is_superuser or (person.is_staff and not actor.has_perm(MANAGE_STAFF)):
        return False
    return not rights_of(person).exclude(pk__in=rights_of(actor)).exists()


def may_act(actor: User | None, *rights: str, over: User | None = None) -> bool:
    """Whether the actor is staff with one of the rights, which reach over this person."""
    if actor is None or not actor.is_staff or not any(map(actor.has_perm, rights)):
        return False
    return over is None or may_manage(actor, over)


def roles_to_give(actor: User) -> QuerySet[Group]:
    roles = Group.objects.order_by("name")
    if actor.is_superuser:
        return roles
    beyond = Permission.objects.exclude(pk__in=rights_of(actor))
    return roles.exclude(permissions__in=beyond)


def rights_of(person: User) -> QuerySet[Permission]:
    """Those of a closed account, too: they are back as soon as it is opened."""
    return Permission.objects.filter(Q(user=person) | Q(group__user=person)).order_by()


RightsWatcher = Callable[[User], object]
_watchers: list[RightsWatcher] = []


def tell_rights_to(watcher: RightsWatcher) -> None:
    """Called once at start by the app whose work depends on rights: accounts do not know it."""
    _watchers[:] = [watcher]


def tell_of_rights(user: User) -> None:
    """What a person may do was changed, in the caller's transaction."""
    for watcher in _watchers:
        watcher(user)
