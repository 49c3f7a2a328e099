"""Lists that agents have given a name; the only writer of `SavedView`. Each has their own."""

from django.db import transaction

from accounts.models import User
from tickets.models import SavedView
from tickets.refusals import TextRequired, TextTooLong, TooManyViews, ViewKnown, ViewNameTaken
from tickets.text import clean_line

VIEWS_LIMIT = 20  # of a person
NAME_LIMIT = 60  # characters
QUERY_LIMIT = 1000  # characters of the address


def views_of(user: User) -> list[SavedView]:
    return list(SavedView.objects.filter(user=user)[:VIEWS_LIMIT])


def save_view(*, user: User, name: str, query: str) -> SavedView:
    """Keep the address of a list, after its `?`, under a name; kept already, it stays as it is.

    Raises ViewNameTaken, ViewKnown, TooManyViews, TextRequired or TextTooLong.
    """
    name = _clean_name(name)
    if len(query) > QUERY_LIMIT:
        raise TextTooLong(len(query), QUERY_LIMIT)
    with transaction.atomic():
        views = _lock(user)
        for view in views:
            if _is_same(view.name, name):
                if view.query == query:
                    return view  # pressed twice
                raise ViewNameTaken
        if known := next((view for view in views if view.query == query), None):
            raise ViewKnown(known.name)
        if len(views) >= VIEWS_LIMIT:
            raise TooManyViews(VIEWS_LIMIT)
        return SavedView.objects.create(user=user, name=name, query=query)


def rename_view(*, user: User, number: int, name: str) -> None:
    """Does nothing where the view has gone meanwhile, or is another's."""
    name = _clean_name(name)
    with transaction.atomic():
        views = _lock(user)
        if any(_is_same(view.name, name) and view.pk != number for view in views):
            raise ViewNameTaken
        SavedView.objects.filter(user=user, pk=number).update(name=name)


def delete_view(*, user: User, number: int) -> None:
    SavedView.objects.filter(user=user, pk=number).delete()


def _clean_name(name: str) -> str:
    name = clean_line(name)
    if not name:
        raise TextRequired
    if len(name) > NAME_LIMIT:
        raise TextTooLong(len(name), NAME_LIMIT)
    return name


def _lock(user: User) -> list[SavedView]:
    """What a person has, nobody else's to change until the transaction ends."""
    User.objects.lock(user.pk)
    return list(SavedView.objects.filter(user=user))


def _is_same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
