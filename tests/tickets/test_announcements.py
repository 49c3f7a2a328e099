from datetime import timedelta

import pytest
from django.utils import timezone

from tickets.announcements import announce, announced, end_announcement, in_force
from tickets.refusals import AlreadyDone, EndsTooEarly, NotYours, TextRequired, TextTooLong

pytestmark = pytest.mark.django_db


def test_newest_stand_first_and_three_are_shown(head):
    for number in range(4):
        announce(text=f"Сбой {number}", by=head)
    assert announced() == ["Сбой 3", "Сбой 2", "Сбой 1"]


@pytest.mark.parametrize(
    ("since", "until", "shown"),
    [(-1, None, True), (-1, 1, True), (1, None, False), (-2, -1, False)],
)
def test_shown_from_its_begin_to_its_end(head, since, until, shown):
    now = timezone.now()
    announce(
        text="Сбой",
        by=head,
        since=now + timedelta(hours=since),
        until=now + timedelta(hours=until) if until is not None else None,
    )
    assert announced() == (["Сбой"] if shown else [])


def test_ended_once(head):
    row = announce(text="Сбой", by=head)
    end_announcement(row, by=head)
    assert announced() == []
    with pytest.raises(AlreadyDone):
        end_announcement(row, by=head)


def test_one_that_has_not_begun_never_begins(head):
    row = announce(text="Работы", by=head, since=timezone.now() + timedelta(hours=1))
    end_announcement(row, by=head)
    assert not in_force(timezone.now() + timedelta(hours=2)).exists()


def test_end_comes_after_the_beginning(head):
    now = timezone.now()
    with pytest.raises(EndsTooEarly):
        announce(text="Работы", by=head, since=now, until=now)
    assert not in_force().exists()


def test_only_who_may_change_them_makes_and_ends_them(head, agent):
    row = announce(text="Сбой", by=head)
    with pytest.raises(NotYours):
        announce(text="Другой сбой", by=agent)
    with pytest.raises(NotYours):
        end_announcement(row, by=agent)
    assert announced() == ["Сбой"]


def test_text_is_one_clean_line_of_300(head):
    assert announce(text="Сбой\n\u202eв\x00 сети", by=head).text == "Сбой в сети"
    with pytest.raises(TextRequired):
        announce(text=" \u200b ", by=head)
    with pytest.raises(TextTooLong):
        announce(text="а" * 301, by=head)
