"""Lists that agents have given a name."""

import pytest

from tests.factories import AgentFactory
from tickets.models import SavedView
from tickets.refusals import TextRequired, TextTooLong, TooManyViews, ViewKnown, ViewNameTaken
from tickets.saved_views import delete_view, rename_view, save_view, views_of

pytestmark = pytest.mark.django_db


def names(user) -> list[str]:
    return [view.name for view in views_of(user)]


def test_view_is_its_owners_only(agent):
    view = save_view(user=agent, name=" Срочные\n", query="priority=high")
    other = AgentFactory()
    assert names(agent) == ["Срочные"]
    assert names(other) == []
    rename_view(user=other, number=view.pk, name="Чужое")
    delete_view(user=other, number=view.pk)
    assert names(agent) == ["Срочные"]
    save_view(user=other, name="Срочные", query="priority=high")


def test_saved_twice_is_saved_once(agent):
    first = save_view(user=agent, name="Срочные", query="priority=high")
    assert save_view(user=agent, name="срочные", query="priority=high") == first
    assert SavedView.objects.count() == 1


def test_same_name_or_same_filters_say_so(agent):
    save_view(user=agent, name="Срочные", query="priority=high")
    with pytest.raises(ViewNameTaken):
        save_view(user=agent, name="СРОЧНЫЕ", query="priority=low")
    with pytest.raises(ViewKnown, match="«Срочные»"):
        save_view(user=agent, name="Важные", query="priority=high")


def test_limit(agent, monkeypatch):
    monkeypatch.setattr("tickets.saved_views.VIEWS_LIMIT", 2)
    for number in range(2):
        save_view(user=agent, name=f"{number}", query=f"q={number}")
    with pytest.raises(TooManyViews):
        save_view(user=agent, name="3", query="q=3")


@pytest.mark.parametrize(
    ("name", "query", "refusal"),
    [
        (" \n", "", TextRequired),
        ("я" * 61, "", TextTooLong),
        ("Имя", "q=" + "я" * 999, TextTooLong),
    ],
)
def test_what_cannot_be_kept_is_refused(agent, name, query, refusal):
    with pytest.raises(refusal):
        save_view(user=agent, name=name, query=query)


def test_rename(agent):
    view, _other = (save_view(user=agent, name=name, query=name) for name in ("Один", "Два"))
    rename_view(user=agent, number=view.pk, name="ОДИН")
    assert sorted(names(agent)) == ["Два", "ОДИН"]
    with pytest.raises(ViewNameTaken):
        rename_view(user=agent, number=view.pk, name="два")
    delete_view(user=agent, number=view.pk)
    delete_view(user=agent, number=view.pk)
    rename_view(user=agent, number=view.pk, name="Три")
    assert names(agent) == ["Два"]
