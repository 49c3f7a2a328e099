"""«Очередь заданий»: what waits for a worker, to look at; never what tasks are given."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.rights import MANAGE_STAFF
from config.numerals import time_span
from config.queue import FAILED, RUNNING, WAITING, QueuedTask, failed_tasks, queued_tasks

SHOWN = 100  # of what waits, and of what failed
# By the last word of the dotted name: this page need not know where a task is
NAMES: dict[str, Any] = {
    "drain": gettext_lazy("Отправка уведомлений"),
    "every_minute": gettext_lazy("Ежеминутные дела"),
    "fetch_files": gettext_lazy("Загрузка файлов"),
    "mail_link_pin": gettext_lazy("Письмо с ПИН-кодом"),
    "mail_password_reset": gettext_lazy("Письмо для нового пароля"),
    "mail_sign_up": gettext_lazy("Письмо для регистрации"),
    "hand_over": gettext_lazy("Заявки ушедших специалистов"),
    "answer_incident": gettext_lazy("Ответ по инциденту"),
    "work_on_personal_data": gettext_lazy("Архивы и удаление данных"),
}
STATES: dict[str, Any] = {
    WAITING: gettext_lazy("ждёт"),
    RUNNING: gettext_lazy("выполняется"),
    FAILED: gettext_lazy("не удалось"),
}


@dataclass(frozen=True)
class Row:
    task: QueuedTask
    now: datetime

    @property
    def name(self) -> str:
        """In words, or as the code calls it."""
        return str(NAMES.get(self.task.name.rpartition(".")[2]) or self.task.name)

    @property
    def state(self) -> str:
        return str(STATES[self.task.state])

    @property
    def age(self) -> str:
        if self.task.since is None:
            return ""
        return time_span(max(0, int((self.now - self.task.since).total_seconds())))


def task_queue(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(MANAGE_STAFF):
        raise PermissionDenied
    now = timezone.now()
    waiting, failed = queued_tasks(SHOWN + 1), failed_tasks(SHOWN)
    context = {
        **admin.site.each_context(request),
        "title": _("Очередь заданий"),
        "waiting": [Row(task, now) for task in waiting[:SHOWN]],
        "has_more": len(waiting) > SHOWN,
        "failed": [Row(task, now) for task in failed],
        "limit": SHOWN,
    }
    return TemplateResponse(request, "admin/task_queue.html", context)
