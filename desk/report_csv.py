"""The tickets behind a report as a file for spreadsheets.

Semicolons and a mark of UTF-8, as Excel with Russian settings opens it. A text that a spreadsheet
would take for a formula begins with an apostrophe: titles and names are written by anybody. With
other settings a comma ends a cell, and a line break inside of quotes a row: so it does after those.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from tickets.reports import Scope, Told, tickets_behind

MARK = "\ufeff"
BREAKS = ("\t", "\r", "\n")
FORMULA = {"=", "+", "-", "@", "＝", "＋", "－", "＠"}
SPLIT = re.compile(rf"([,\r\n][ \t\u00a0\"]*)(?=[{re.escape(''.join(FORMULA))}])")
MINUTE = timedelta(minutes=1)


class Line:
    """What `csv` writes goes to whoever asked for it."""

    def write(self, text: str) -> str:
        return text


def lines(scope: Scope) -> Iterator[str]:
    """The file, a line at a time, with times in the zone of its reader."""
    writer = csv.writer(Line(), delimiter=";", quoting=csv.QUOTE_NONNUMERIC)
    yield MARK + writer.writerow(_heads())
    agents = {agent.pk: str(agent) for agent in User.objects.filter(is_staff=True)}
    for told in tickets_behind(scope):
        yield writer.writerow([safe(cell) for cell in _cells(told, agents, scope.zone)])


def safe(cell: Any) -> Any:
    """A text that is one for a spreadsheet, too, which looks past what cannot be seen."""
    if not isinstance(cell, str):
        return cell
    cell = SPLIT.sub(r"\1'", cell)
    seen = next((sign for sign in cell if sign.isprintable() and not sign.isspace()), "")
    return f"'{cell}" if cell.startswith(BREAKS) or seen in FORMULA else cell


def _heads() -> list[str]:
    return [
        "№", _("Тема"), _("Продукт"), _("Организация"), _("Инициатор"), _("Исполнитель"),
        _("Приоритет"), _("Статус"), _("Канал"), _("Создана"), _("Первый ответ"),
        _("До первого ответа, мин"), _("Ответ в срок"), _("Выполнена"), _("Решение, мин"),
        _("Решение в срок"), _("Кто выполнил"), _("Возвратов"), _("Оценка"),
        _("Комментарий к оценке"),
    ]  # fmt: skip


def _cells(told: Told, agents: Mapping[int, str], zone: tzinfo) -> list[Any]:
    ticket, answered_at = told.ticket, told.ticket.answered_at
    answer = answered_at - ticket.created_at if answered_at else None
    return [
        ticket.number, ticket.title, str(ticket.product), str(ticket.organization or ""),
        str(ticket.requester), str(ticket.assignee or ""), ticket.get_priority_display(),
        ticket.get_status_display(), ticket.get_face_display(), _at(ticket.created_at, zone),
        _at(answered_at, zone), _minutes(answer),
        _yes_or_no(ticket.answer_breached_at is None) if answered_at else "",
        *_solution(told, agents, zone), ticket.score or "", ticket.rating_comment,
    ]  # fmt: skip


def _solution(told: Told, agents: Mapping[int, str], zone: tzinfo) -> list[Any]:
    found = told.solution
    if found is None:
        return ["", "", "", "", ""]
    return [
        _at(found.at, zone), round(found.seconds / 60), _yes_or_no(found.in_time),
        agents.get(found.agent or 0, ""), found.reopened,
    ]  # fmt: skip


def _at(moment: datetime | None, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""


def _minutes(span: timedelta | None) -> int | str:
    return "" if span is None else round(span / MINUTE)


def _yes_or_no(is_so: bool) -> str:
    return _("да") if is_so else _("нет")
