"""The migration that makes one schedule of the two that were."""

from importlib import import_module

import pytest
from django.apps import apps
from django_q.models import Schedule

from operations.tasks import every_minute

pytestmark = pytest.mark.django_db
join = import_module("operations.migrations.0001_one_schedule").join
TICKETS, TELEGRAM = "tickets.tasks.every_minute", "telegram_bot.tasks.every_minute"
NOW = ("every minute", f"{every_minute.__module__}.{every_minute.__name__}")


@pytest.mark.parametrize(
    "before",
    [
        [],
        [NOW],
        [("tickets: every minute", TICKETS), ("telegram: every minute", TELEGRAM)],
        [("telegram: every minute", TELEGRAM)],
        [("by hand", TICKETS), ("telegram: every minute", TELEGRAM)],
        [("tickets: every minute", TICKETS)] * 2 + [("telegram: every minute", TELEGRAM)] * 2,
    ],
)
def test_one_is_left_whatever_was_there(before: list[tuple[str, str]]) -> None:
    Schedule.objects.all().delete()
    for name, func in [*before, ("nightly", "reports.send")]:
        Schedule.objects.create(name=name, func=func, schedule_type="I", minutes=1)
    join(apps, None)
    found = Schedule.objects.order_by("name").values_list("name", "func")
    assert list(found) == [NOW, ("nightly", "reports.send")]


def test_pace_that_was_chosen_stays() -> None:
    Schedule.objects.all().delete()
    Schedule.objects.create(name="by hand", func=TICKETS, schedule_type="I", minutes=5)
    join(apps, None)
    assert Schedule.objects.get().minutes == 5
