"""The worker hears of a new task before it looks again by itself."""

import pytest
from django.db import connection

from config import queue_news
from config.queue import enqueue
from config.queue_news import QueueNews
from tests.threads import in_parallel

pytestmark = pytest.mark.django_db(transaction=True)


def slept(seconds: float) -> None:
    raise AssertionError(f"nothing was heard, so it sleeps for {seconds} s")


def elsewhere(task: str) -> None:
    """Queue a task as another process does."""
    assert in_parallel(lambda: enqueue(task)) == [None]


def test_task_queued_since_the_last_look_is_heard_of_without_a_pause(monkeypatch):
    monkeypatch.setattr(queue_news.time, "sleep", slept)
    news = QueueNews()
    for _time in range(3):
        news.note()
        elsewhere("some.task")
        news.wait(20)


def test_nothing_new_is_waited_for_as_long_as_was_asked(monkeypatch):
    pauses = []
    elsewhere("some.task")
    news = QueueNews()
    news.note()
    monkeypatch.setattr(queue_news.time, "sleep", pauses.append)
    news.wait(0.01)
    assert pauses


def test_lost_connection_is_left_to_who_reads_the_queue_next(monkeypatch):
    pauses = []
    news = QueueNews()
    news.note()
    monkeypatch.setattr(queue_news.time, "sleep", pauses.append)
    connection.connection.close()
    news.wait(20)
    assert pauses
    connection.close()
    news.note()
    elsewhere("some.task")
    monkeypatch.setattr(queue_news.time, "sleep", slept)
    news.wait(20)
