"""«Обзор»: what is left to set up, what waits, whether everything runs, the last month."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.quotas import QuotaReached
from accounts.rights import MANAGE_STAFF
from desk.charts import Bars, Columns
from tickets import set_up
from tickets.delivery import channels
from tickets.forms import read_key
from tickets.models import Delivery
from tickets.queries import bounded, read_number
from tickets.queue import Queue, count_queues
from tickets.readiness import count_undelivered, is_silent, problems, worker_seen_at
from tickets.reports import created_by_day, last_days, ratings

DAYS = 30
SEEN = "d.m.Y H:i:s"
FAILED_FOR = timedelta(days=7)
WAITING = (Queue.FREE, Queue.LATE, Queue.ANSWERED)
# Where a step is done; the others are settings
PAGES = {
    set_up.PRODUCTS: "admin:tickets_product_add",
    set_up.AGENTS: "admin:accounts_user_new_agent",
    set_up.ORGANIZATIONS: "admin:accounts_organization_add",
}
# How the ends of what /readyz says read
PROBLEMS = {
    "deliveries overdue": gettext_lazy("уведомления не уходят"),
    "PIN mails overdue": gettext_lazy("письма с ПИН-кодами не уходят"),
    "files overdue": gettext_lazy("файлы не загружаются"),
    "bot not running": gettext_lazy("бот не на связи"),
    "worker not running": gettext_lazy("обработчик задач не работает"),
}


@dataclass(frozen=True)
class Count:
    label: str
    number: str
    url: str
    is_bad: bool


@dataclass(frozen=True)
class Service:
    """A process, or a way out. None: nothing was heard of it yet."""

    label: str
    is_working: bool | None
    words: str = ""


def overview(request: HttpRequest) -> HttpResponse:
    user = _agent(request)
    steps = set_up.steps() if user.has_perm(MANAGE_STAFF) else []
    days = last_days(DAYS)
    context = {
        **admin.site.each_context(request),
        "title": _("Обзор"),
        "section": "overview",
        "is_administrator": user.has_perm(MANAGE_STAFF),
        "steps": [(step, _page_of(step)) for step in steps],
        "is_set_up": all(step.is_done for step in steps),
        "is_desk_told": bool(steps) or set_up.is_desk_told(),  # the list says it, too
        "counts": list(_counts(user)),
        "services": list(_services()),
        "problems": [_in_words(problem) for problem in problems()],
        "letter": _letter(request, user),
        "ratings": Bars.of_scores(ratings(days)),
        "days": Columns.of_days(created_by_day(days)),
        "period": days,
    }
    return TemplateResponse(request, "admin/overview.html", context)


def send_test_letter(request: HttpRequest) -> HttpResponse:
    """To the mailbox of whoever presses; the page it leads back to shows how it goes."""
    user = _agent(request)
    if not user.has_perm(MANAGE_STAFF):
        raise PermissionDenied
    page = reverse("admin:overview")
    if request.method != "POST":  # from the login, after a session that had ended
        return HttpResponseRedirect(page)
    key = read_key(request.POST.get("key", "")) or uuid4()
    try:
        letter = set_up.send_test_letter(user, str(key))
    except QuotaReached as refusal:
        messages.warning(request, str(refusal))
        letter = None
    asked = urlencode({"letter": letter.pk}) if letter else ""
    return HttpResponseRedirect(f"{page}?{asked}#letter")


def _agent(request: HttpRequest) -> User:
    """Whoever works with tickets; the admin lets in nobody else but staff."""
    user = cast(User, request.user)
    if not user.has_perm("tickets.view_ticket"):
        raise PermissionDenied
    return user


def _page_of(step: set_up.Step) -> str:
    return reverse(PAGES[step.code]) if step.code in PAGES else ""


def _letter(request: HttpRequest, user: User) -> Delivery | None:
    number = read_number(request.GET.get("letter", ""))
    return set_up.test_letter(user, number) if number is not None else None


def _counts(user: User) -> Iterator[Count]:
    queues = count_queues(user)
    tickets = reverse("admin:tickets_ticket_changelist")
    for queue in WAITING:
        is_bad = queue == Queue.LATE and queues[queue] > 0
        url = f"{tickets}?{urlencode({'tab': queue.value})}"
        yield Count(str(queue.label), bounded(queues[queue]), url, is_bad)
    if user.has_perm("tickets.view_delivery"):
        yield _undelivered()


def _undelivered() -> Count:
    """The link asks for the same days as the list's own filter."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - FAILED_FOR
    number = count_undelivered(since)
    query = {
        "state__exact": Delivery.State.FAILED.value,
        "created_at__gte": str(since),
        "created_at__lt": str(midnight + timedelta(days=1)),
    }
    url = f"{reverse('admin:tickets_delivery_changelist')}?{urlencode(query)}"
    return Count(_("Не доставлено за 7 дней"), bounded(number), url, number > 0)


def _services() -> Iterator[Service]:
    yield Service(_("Портал"), True, _("эта страница открылась"))
    seen_at = worker_seen_at()
    if seen_at is None:
        yield Service(_("Обработчик задач"), None, _("ещё не запускался"))
    else:
        words = _("отметился %(when)s") % {"when": date_format(timezone.localtime(seen_at), SEEN)}
        yield Service(_("Обработчик задач"), not is_silent(seen_at), words)
    for channel in channels().values():
        state = channel.state()
        yield Service(str(channel.label), state.is_working, state.name and f"@{state.name}")


def _in_words(problem: str) -> str:
    """What /readyz says of a channel begins with its name."""
    for end, words in PROBLEMS.items():
        if problem.endswith(end):
            found = channels().get(problem.removesuffix(end).strip())
            return f"{found.label}: {words}" if found else str(words)
    return problem
