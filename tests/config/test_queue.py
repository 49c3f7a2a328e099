"""What config/queue.py keeps of finished tasks, and for how long a taken one is left alone."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ, Task
from django_q.signing import SignedPackage

from config.queue import delete_old_failures, enqueue
from operations.tasks import every_minute

pytestmark = pytest.mark.django_db


def finish(name: str, *, ago: timedelta, success: bool = False) -> None:
    stopped = timezone.now() - ago
    Task.objects.create(
        id=name, name=name, func="some.task", started=stopped, stopped=stopped, success=success
    )


def test_failed_tasks_are_kept_for_a_week():
    finish("old failure", ago=timedelta(days=7, minutes=1))
    finish("failure", ago=timedelta(days=6))
    finish("old success", ago=timedelta(days=8), success=True)  # django-q2 bounds these itself
    every_minute()
    assert set(Task.objects.values_list("name", flat=True)) == {"failure", "old success"}


def test_a_call_deletes_a_thousand_failures_at_most(django_assert_max_num_queries):
    stopped = timezone.now() - timedelta(days=8)
    Task.objects.bulk_create(
        Task(id=str(n), name=str(n), func="f", started=stopped, stopped=stopped, success=False)
        for n in range(1001)
    )
    with django_assert_max_num_queries(4):
        delete_old_failures()
    assert Task.objects.count() == 1


def test_no_old_failures_cost_one_query(django_assert_num_queries):
    finish("failure", ago=timedelta(days=1))
    with django_assert_num_queries(1):
        delete_old_failures()


@pytest.mark.parametrize(("timeout", "left_alone"), [(None, 180), (20, 180), (340, 480)])
def test_taken_task_is_left_alone_for_longer_than_it_may_run(clock, timeout, left_alone):
    enqueue("some.task", 1, timeout=timedelta(seconds=timeout) if timeout else None)
    clock.advance(seconds=1)
    before = clock.now()
    assert len(get_broker().dequeue()) == 1
    row = OrmQ.objects.get()
    assert row.task.get("timeout") == timeout
    assert row.task["kwargs"] == {}
    assert round((row.lock - before).total_seconds()) == left_alone
    clock.advance(seconds=left_alone - 1)
    assert not get_broker().dequeue()
    clock.advance(seconds=2)
    assert len(get_broker().dequeue()) == 1


def test_task_that_cannot_be_read_is_taken_like_others(monkeypatch, clock):
    def fail(_row):
        raise ImportError

    enqueue("some.task")
    clock.advance(seconds=1)
    monkeypatch.setattr(OrmQ, "task", property(fail))
    assert len(get_broker().dequeue()) == 1


def taken() -> list[str]:
    """The arguments of all tasks that a worker gets, in order."""
    found = []
    while tasks := get_broker().dequeue():
        found += [" ".join(map(str, SignedPackage.loads(task)["args"])) for _pk, task in tasks]
    return found


def test_of_equal_tasks_that_may_be_merged_one_is_run_in_its_turn():
    for merge, argument in [
        (False, "first"), (True, "chats"), (True, "letters"), (False, "chats alone"),
        (True, "chats"), (False, "first"), (True, "chats"),
    ]:  # fmt: skip
        enqueue("some.task", argument, merge=merge)
    enqueue("other.task", "chats", merge=True)
    assert taken() == ["first", "chats", "letters", "chats alone", "first", "chats"]
    assert OrmQ.objects.count() == 6


def test_task_queued_after_its_equal_was_taken_is_run_as_well():
    enqueue("some.task", "chats", merge=True)
    assert taken() == ["chats"]
    enqueue("some.task", "chats", merge=True)
    assert taken() == ["chats"]
