"""The invented life of one ticket for benchmarks: what happened to it, step by step, and when.

Pure: it makes rows as dicts of column values and touches no database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from accounts.models import User
from tickets.models import Face, Priority, Product, TicketEvent
from tickets.status import DONE, Role, TicketStatus

Row = dict[str, Any]
Kind = TicketEvent.Kind

# Words

TITLES = {
    "Облачные серверы": ("Сервер не отвечает", "Сервер перезагружается", "Не хватает памяти"),
    "Базы данных": ("База не принимает соединения", "Медленные запросы", "Не создаётся копия"),
    "Объектное хранилище": ("Увеличить квоту хранилища", "Не загружаются файлы", "Ошибка 403"),
    "Kubernetes": ("Узел кластера недоступен", "Под не запускается", "Обновить версию кластера"),
    "Балансировщик нагрузки": ("Ошибки 502", "Истекает сертификат", "Не проходят проверки"),
    "Сети и VPN": ("Не поднимается VPN до офиса", "Теряются пакеты", "Открыть порт"),
    "CDN": ("Как подключить CDN к сайту?", "Старые файлы в кеше", "Долго отдаются картинки"),
    "Мониторинг": ("Нужен доступ к мониторингу", "Не приходят оповещения", "Пропали графики"),
    "Биллинг и документы": ("Не приходит счёт", "Нужен акт сверки", "Сменить реквизиты"),
    "Другое": ("Вопрос по договору", "Сменить контактное лицо", "Не получается войти"),
}
PLACES = ("", "на web-2", "в личном кабинете", "после обновления", "с самого утра", "у коллег")
SENTENCES = (
    "Началось сегодня, до этого всё работало.",
    "Повторяется каждый час, в журнале есть ошибки.",
    "Со своей стороны ничего не меняли.",
    "Это мешает работе всего отдела, просим посмотреть поскорее.",
    "Перезапуск помогает ненадолго.",
    "Подскажите, пожалуйста, что нужно сделать с нашей стороны.",
    "Проверили на двух машинах и в разных сетях, результат один.",
    "Если нужны подробности, напишите: пришлём журнал и снимки экрана.",
)
RARE = "Похоже на повреждение таблицы разделов."  # of one description in a few thousand
RARITY = 1 / 5000
MACHINES = ("vm-prod", "vm-test", "db-main", "k8s-node")
QUESTIONS = (
    "Пришлите, пожалуйста, журнал за последний час.",
    "Уточните, с какого адреса вы подключаетесь.",
    "Скажите, пожалуйста, повторяется ли это после перезапуска?",
)
ANSWERS = (
    "Да, повторяется и после перезапуска.",
    "Журнал отправили на почту, время ошибки: 10:42.",
    "Подключаемся из офиса, адрес не менялся.",
)
REMARKS = (
    "Есть ли новости?",
    "Спасибо, ждём.",
    "Работаем над этим, сегодня вернёмся с ответом.",
    "Передали инженерам, они уже смотрят.",
)
NOTES = (
    "Похоже на сбой узла, передал дежурной смене.",
    "У клиента тариф без резервирования, предложить другой.",
    "Такое уже было, смотри прошлые заявки этой организации.",
)
SOLUTIONS = (
    "Исправили, проверьте, пожалуйста.",
    "Настройки обновлены, должно работать.",
    "Готово: лимит увеличен, перезапуск не нужен.",
)
RETURNS = ("Пока не помогло, ошибка та же.", "Заработало на час и снова пропало.")
THANKS = ("Спасибо, быстро и понятно!", "Всё работает.", "Долго, но помогли.")

RUNNING = (TicketStatus.NEW, TicketStatus.IN_PROGRESS)  # the clock of the solution
OTHER_PRIORITIES = (Priority.CRITICAL, Priority.HIGH, Priority.LOW)

# Plots


@dataclass(frozen=True)
class Step:
    kind: Kind
    role: Role
    to: TicketStatus | None = None
    words: Sequence[str] = ()
    wait: timedelta = timedelta()
    exact: bool = False  # the wait is a rule, not an average


AT_ONCE = timedelta()
SOON = timedelta(minutes=40)
LATER = timedelta(hours=5)

OPENED = Step(Kind.CREATED, Role.CUSTOMER)
RANKED = Step(Kind.PRIORITY, Role.AGENT, wait=SOON)
TAKEN = [
    Step(Kind.ASSIGNED, Role.AGENT, wait=SOON),
    Step(Kind.STATUS, Role.AGENT, TicketStatus.IN_PROGRESS),
]
NOTED = Step(Kind.NOTED, Role.AGENT, words=NOTES, wait=SOON)
REMARKED = [
    Step(Kind.COMMENTED, Role.CUSTOMER, words=REMARKS[:2], wait=LATER),
    Step(Kind.COMMENTED, Role.AGENT, words=REMARKS[2:], wait=SOON),
]
ASKED = Step(Kind.STATUS, Role.AGENT, TicketStatus.WAITING, QUESTIONS, LATER)
ANSWERED = [
    Step(Kind.COMMENTED, Role.CUSTOMER, words=ANSWERS, wait=LATER),
    Step(Kind.STATUS, Role.CUSTOMER, TicketStatus.IN_PROGRESS),
]
SOLVED = Step(Kind.STATUS, Role.AGENT, TicketStatus.RESOLVED, SOLUTIONS, LATER)
RETURNED = Step(Kind.STATUS, Role.CUSTOMER, TicketStatus.IN_PROGRESS, RETURNS, LATER)
RATED = [
    Step(Kind.RATED, Role.CUSTOMER, wait=LATER),
    Step(Kind.STATUS, Role.CUSTOMER, TicketStatus.CLOSED),
]
LEFT_ALONE = [
    Step(Kind.REMINDED, Role.SYSTEM, wait=timedelta(days=5), exact=True),
    Step(Kind.STATUS, Role.SYSTEM, TicketStatus.CLOSED, wait=timedelta(days=2), exact=True),
]
YOUNG = timedelta(days=4)  # a solution no older is not yet reminded of


def plot(rng: Random, ending: TicketStatus) -> list[Step]:
    """The steps of a life that ends, for now, in a status."""
    steps = [OPENED]
    if ending == TicketStatus.NEW:
        return steps
    steps += [RANKED] * (rng.random() < 0.15) + TAKEN + [NOTED] * (rng.random() < 0.3)
    for _round in range(rng.choices((0, 1, 2), (50, 35, 15))[0]):
        steps += [ASKED, *ANSWERED]
    steps += REMARKED * (rng.random() < 0.4)
    if ending == TicketStatus.IN_PROGRESS:
        return steps
    if ending == TicketStatus.WAITING:
        return [*steps, ASKED]
    steps += [SOLVED, RETURNED] * (rng.random() < 0.08) + [SOLVED]
    if ending == TicketStatus.RESOLVED:
        return steps
    return steps + (RATED if rng.random() < 0.6 else LEFT_ALONE)


# Telling


class Storyteller:
    """Makes rows that agree with each other; nothing in them happens after `now`."""

    def __init__(self, rng: Random, now: datetime, agents: Sequence[User]) -> None:
        self.rng, self.now = rng, now
        self.agents = [(agent.pk, agent.short_name) for agent in agents]

    def tell(
        self,
        *,
        number: int,
        requester: User,
        product: Product,
        created_at: datetime,
        ending: TicketStatus,
    ) -> tuple[Row, list[Row]]:
        """A ticket and its events in order; each has its requester and a comment's row or None."""
        pick = self.rng.choice
        ticket: Row = {
            "id": number,
            "requester_id": requester.pk,
            "organization_id": requester.organization_id,
            "product_id": product.pk,
            "title": f"{pick(TITLES[product.name])} {pick(PLACES)}".strip(),
            "description": self._describe(),
            "status": TicketStatus.NEW,
            "priority": Priority.MEDIUM,
            "assignee_id": None,
            "face": pick((Face.PORTAL, Face.BOT)),
            "score": None,
            "rating_comment": "",
            "created_at": created_at,
            "updated_at": created_at,
            "changed_at": created_at,
            "changed_by_id": requester.pk,
            "last_word_at": created_at,
            "last_word_by_id": requester.pk,
            "last_word_by_agent": False,
            "answered_at": None,
            "resolved_at": None,
            "reminded_at": None,
            "closed_at": None,
        }
        events = self._play(ticket, plot(self.rng, ending), ending)
        return ticket, [{**event, "requester": requester} for event in events]

    def _describe(self) -> str:
        """Three sentences, of every third ticket a machine, and seldom a word like no other."""
        told = self.rng.sample(SENTENCES, 3)
        if self.rng.random() < 1 / 3:
            told.append(f"Машина {self.rng.choice(MACHINES)}-{self.rng.randrange(10_000):04}.")
        if self.rng.random() < RARITY:
            told.append(RARE)
        return " ".join(told)

    def _play(self, ticket: Row, steps: list[Step], ending: TicketStatus) -> list[Row]:
        agent = self.rng.choice(self.agents)
        at, events = ticket["created_at"], []
        for step in steps:
            if step.wait:
                at += step.wait if step.exact else step.wait * self.rng.expovariate(1)
            if step is steps[-1] and ending == TicketStatus.RESOLVED:
                at = max(at, self.now - YOUNG * self.rng.random())
            if at > self.now:
                break
            events.append(self._happen(ticket, step, at, agent))
        _keep_solutions(events)
        return events

    def _happen(self, ticket: Row, step: Step, at: datetime, agent: tuple[int, str]) -> Row:
        old, new = self._change(ticket, step, at, agent)
        ticket["updated_at"] = at
        actor_id, face = {
            Role.CUSTOMER: (ticket["requester_id"], ticket["face"]),
            Role.AGENT: (agent[0], Face.ADMIN),
            Role.SYSTEM: (None, Face.SYSTEM),
        }[step.role]
        by_agent = step.role == Role.AGENT
        origin: Row = {"ticket_id": ticket["id"], "by_agent": by_agent, "face": face}
        comment: Row | None = None
        if step.words:
            comment = {
                **origin,
                "author_id": actor_id,
                "is_internal": step.kind == Kind.NOTED,
                "body": self.rng.choice(step.words),
                "created_at": at,
            }
        if step.kind != Kind.NOTED:
            ticket |= {"changed_at": at, "changed_by_id": actor_id}
            if comment or step.kind == Kind.CREATED:
                ticket |= {
                    "last_word_at": at,
                    "last_word_by_id": actor_id,
                    "last_word_by_agent": by_agent,
                }
            if comment and by_agent:
                ticket["answered_at"] = ticket["answered_at"] or at
        return {
            **origin,
            "kind": step.kind,
            "actor_id": actor_id,
            "old_value": old,
            "new_value": new,
            "is_internal": step.kind == Kind.NOTED,
            "created_at": at,
            "comment": comment,
        }

    def _change(
        self, ticket: Row, step: Step, at: datetime, agent: tuple[int, str]
    ) -> tuple[str, str]:
        """Change the ticket as a step says; the event's old and new value."""
        old = ""
        match step.kind:
            case Kind.CREATED:
                new: str = TicketStatus.NEW
            case Kind.STATUS if step.to:
                old, new = ticket["status"], step.to
                ticket["status"] = new
                if new == TicketStatus.RESOLVED:
                    ticket["resolved_at"] = at
                elif new == TicketStatus.CLOSED:
                    ticket["closed_at"] = at
            case Kind.PRIORITY:
                old, new = ticket["priority"], self.rng.choice(OTHER_PRIORITIES)
                ticket["priority"] = new
            case Kind.ASSIGNED:
                ticket["assignee_id"], new = agent
            case Kind.RATED:
                ticket["score"] = self.rng.choices(range(1, 6), (2, 3, 10, 30, 55))[0]
                ticket["rating_comment"] = self.rng.choice((*THANKS, "", "", "", ""))
                new = str(ticket["score"])
            case Kind.REMINDED:
                ticket["reminded_at"] = at
                new = f"{at + LEFT_ALONE[1].wait:%d.%m.%Y}"
            case _:
                new = ""
        return old, new


def _keep_solutions(events: list[Row]) -> None:
    """Let each move that solved the ticket say how long its clock had run, as `due` does."""
    ran, since, before = timedelta(), events[0]["created_at"], None
    for event in events:
        if event["kind"] != Kind.STATUS:
            continue
        at = event["created_at"]
        if event["old_value"] in RUNNING:
            ran += at - since
        since = at
        if event["old_value"] not in DONE and event["new_value"] in DONE:
            event["solved_in"] = ran.total_seconds()
            if before:
                before["solved_again_at"] = at
            before = event
