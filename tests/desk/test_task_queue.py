"""«Очередь заданий»: names, states and ages for administrators, and nothing of what is inside."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Task

from config.queue import enqueue
from desk.task_queue import NAMES
from tests.factories import AgentFactory
from tests.test_imports import ROOT

pytestmark = pytest.mark.django_db
PAGE = "/admin/tasks/"


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def rows(page: str) -> list[list[str]]:
    return [re.findall(r"<t[hd][^>]*>([^<]*)</t", row) for row in page.split("<tr>")[2:]]


def fail(name: str, *, hours: float) -> None:
    ended = timezone.now() - timedelta(hours=hours)
    Task.objects.create(
        id=name, name=name, func=name, args=("geheim",), result="Traceback: geheim",
        started=ended, stopped=ended, success=False, attempt_count=2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("who", "status"),
    [("trainee", 403), ("specialist", 403), ("head", 403), ("administrator", 200),
     ("superuser", 200)],
)  # fmt: skip
def test_only_administrators_see_it(client, request, db, who, status):
    person = AgentFactory() if who == "trainee" else request.getfixturevalue(who)
    client.force_login(person)
    assert client.get(PAGE).status_code == status
    leads_there = PAGE in client.get("/admin/overview/").content.decode()
    assert leads_there == (status == 200)


def test_empty_queue_says_so(office):
    page = text(office.get(PAGE))
    assert "Очередь пуста" in page
    assert "Таких нет" in page


def test_what_waits_and_what_runs_with_its_age(office, clock):
    enqueue("tickets.tasks.drain", "geheim")
    enqueue("somewhere.unheard_of", 1)
    OrmQ.objects.filter(pk=OrmQ.objects.last().pk).update(lock=timezone.now() + timedelta(hours=2))
    clock.advance(minutes=5)
    page = text(office.get(PAGE))
    assert rows(page) == [
        ["Отправка уведомлений", "ждёт", "5 минут назад"],
        ["somewhere.unheard_of", "выполняется", "5 минут назад"],
    ]


def test_what_failed_newest_first(office):
    fail("telegram_bot.tasks.fetch_files", hours=30)
    fail("accounts.tasks.mail_link_pin", hours=2)
    assert rows(text(office.get(PAGE))) == [
        ["Письмо с ПИН-кодом", "не удалось", "2 часа назад", "2"],
        ["Загрузка файлов", "не удалось", "30 часов назад", "2"],
    ]


def test_what_tasks_are_given_or_ended_with_is_not_shown(office):
    enqueue("tickets.tasks.drain", "geheim")
    fail("tickets.tasks.drain", hours=1)
    assert "geheim" not in text(office.get(PAGE))


def test_row_that_cannot_be_read_hides_no_other(office):
    enqueue("tickets.tasks.drain", "email")
    OrmQ.objects.create(key="support", payload="forged", lock=timezone.now())
    assert [row[0] for row in rows(text(office.get(PAGE)))] == [
        "Отправка уведомлений", "не читается",
    ]  # fmt: skip


def test_long_queue_ends(office):
    for number in range(101):
        enqueue("tickets.tasks.drain", number)
    page = text(office.get(PAGE))
    assert len(rows(page)) == 100
    assert "Показаны первые 100" in page


@pytest.mark.parametrize("number", [1, 3])
def test_query_count(office, django_assert_num_queries, number):
    for place in range(number):
        enqueue("tickets.tasks.drain", place)
        fail(f"tickets.tasks.drain{place}", hours=1)
    office.get(PAGE)
    with django_assert_num_queries(6):
        office.get(PAGE)


def test_every_task_of_ours_has_a_name():
    queued = {
        name
        for path in ROOT.glob("[a-z]*/**/*.py")
        if not path.is_relative_to(ROOT / "tests")
        for name in re.findall(r'enqueue\(\s*"[\w.]+\.(\w+)"', path.read_text())
    }
    assert queued
    assert queued <= NAMES.keys()
