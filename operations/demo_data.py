"""What a fresh installation shows: products, people and tickets in every status."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from accounts.models import Organization, User
from accounts.phone import normalise_phone
from accounts.services import register_for_bot
from telegram_bot.models import TELEGRAM
from tickets.attachments import NewFile
from tickets.comments import add_comment
from tickets.models import Comment, Delivery, Face, Priority, Product, Ticket, TicketEvent
from tickets.recording import agent, customer
from tickets.services import (
    assign_ticket,
    change_status,
    comment_rating,
    open_ticket,
    rate_ticket,
    set_priority,
)
from tickets.status import TicketStatus

AGENT_GROUP = "Специалист поддержки"
BETWEEN_EVENTS = timedelta(minutes=47)


@dataclass(frozen=True)
class Person:
    username: str
    first_name: str
    last_name: str
    email: str
    about: str

    @property
    def password(self) -> str:
        return f"demo-{self.username}-2026"


ANNA = Person(
    "anna", "Анна", "Кузнецова", "anna@alpha.example",
    "клиент «Проект Альфа», телефон зарегистрирован",
)  # fmt: skip
BORIS = Person("boris", "Борис", "Соколов", "boris@example.com", "клиент без организации")
IGOR = Person("igor", "Игорь", "Петров", "igor@support.example", "специалист поддержки")
ADMIN = Person("admin", "Администратор", "", "admin@support.example", "суперпользователь")
PEOPLE = (ANNA, BORIS, IGOR, ADMIN)

PRODUCTS = {
    "Облачные серверы": "🖥️",
    "Базы данных": "🗄️",
    "Объектное хранилище": "📦",
    "Kubernetes": "☸️",
    "Балансировщик нагрузки": "⚖️",
    "Сети и VPN": "🌐",
    "CDN": "🚀",
    "Мониторинг": "📈",
    "Биллинг и документы": "🧾",
    "Другое": "💬",
}

WEB_LOG = """\
2026-11-18 03:12:41 web-2 kernel: Out of memory: Killed process 2211 (java)
2026-11-18 03:12:44 web-2 systemd[1]: app.service: Main process exited, code=killed
2026-11-18 03:12:45 web-2 systemd[1]: Rebooting.
"""


def create_demo_data() -> bool:
    """Fill an installation once; False when the demo people are there already.

    Nothing is ever put back: what people changed or deleted stays so.
    """
    with transaction.atomic():
        if User.objects.filter(username=ANNA.username).exists():
            return False
        for position, (name, icon) in enumerate(PRODUCTS.items(), start=1):
            Product.objects.get_or_create(name=name, defaults={"icon": icon, "position": position})
        organization, _created = Organization.objects.get_or_create(
            name="Проект Альфа", defaults={"email": "client@alpha.example"}
        )
        anna = _get_or_create_user(ANNA, organization=organization)
        boris = _get_or_create_user(BORIS)
        igor = _get_or_create_user(IGOR, is_staff=True)
        igor.groups.add(*Group.objects.filter(name=AGENT_GROUP))
        _get_or_create_user(ADMIN, is_staff=True, is_superuser=True)
        register_for_bot(
            user=anna,
            channel=TELEGRAM,
            phone=normalise_phone("+79161234567"),
            ip="127.0.0.1",
            user_agent="demo",
        )
        _write_history(anna, boris, igor)
    return True


def _get_or_create_user(person: Person, **fields: object) -> User:
    user = User.objects.filter(username=person.username).first()
    return user or User.objects.create_user(
        person.username,
        person.email,
        person.password,
        first_name=person.first_name,
        last_name=person.last_name,
        **fields,
    )


def _write_history(anna: User, boris: User, igor: User) -> None:
    """Tickets of the past days. The people of that past are not written to now."""
    tickets = [
        _closed_ticket(anna, igor),
        _waiting_ticket(anna, igor),
        _ticket_in_progress(anna, igor),
        _open(boris, "CDN", "Как подключить CDN к сайту?", "Есть ли пошаговая инструкция?"),
        _resolved_ticket(anna, igor),  # young enough to be spared by the reminder and auto-close
        _open(
            anna, "Биллинг и документы", "Не приходит счёт за октябрь",
            "Обычно счёт приходит до пятого числа, в этот раз его нет ни в почте, ни в кабинете.",
        ),
    ]  # fmt: skip
    for days, ticket in enumerate(reversed(tickets), start=1):
        _move_to_past(ticket, timedelta(days=days))
    Delivery.objects.filter(event__ticket__in=tickets).delete()


def _open(requester: User, product: str, title: str, description: str, *files: NewFile) -> Ticket:
    return open_ticket(
        requester=requester,
        product=Product.objects.get(name=product),
        title=title,
        description=description,
        face=Face.PORTAL,
        files=files,
    )


def _closed_ticket(anna: User, igor: User) -> Ticket:
    ticket = _open(
        anna, "Мониторинг", "Доступ к мониторингу для нового коллеги",
        "Добавьте, пожалуйста, доступ на чтение для oleg@alpha.example.",
    )  # fmt: skip
    by_igor, by_anna = agent(igor), customer(anna, Face.PORTAL)
    assign_ticket(ticket=ticket, assignee=igor, actor=by_igor)
    change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=by_igor)
    change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=by_igor,
        answer="Доступ открыт, приглашение ушло на почту коллеги.",
    )  # fmt: skip
    rate_ticket(ticket=ticket, actor=by_anna, score=5)
    return comment_rating(ticket=ticket, actor=by_anna, text="Быстро и понятно, спасибо!")


def _resolved_ticket(anna: User, igor: User) -> Ticket:
    ticket = _open(
        anna, "Объектное хранилище", "Увеличить квоту до 5 ТБ",
        "Нужно до конца недели: переносим архив видеозаписей.",
    )  # fmt: skip
    by_igor = agent(igor)
    set_priority(ticket=ticket, priority=Priority.LOW, actor=by_igor)
    change_status(ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=by_igor)
    return change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=by_igor,
        answer="Квота увеличена до 5 ТБ. Проверьте, пожалуйста, загрузку.",
    )  # fmt: skip


def _waiting_ticket(anna: User, igor: User) -> Ticket:
    ticket = _open(
        anna, "Сети и VPN", "Не поднимается VPN до офиса",
        "Туннель держится пару минут и обрывается, сетевой экран не меняли.",
    )  # fmt: skip
    by_igor = agent(igor)
    assign_ticket(ticket=ticket, assignee=igor, actor=by_igor)
    change_status(
        ticket=ticket, to=TicketStatus.WAITING, actor=by_igor,
        answer="Пришлите, пожалуйста, модель маршрутизатора и журнал за последний час.",
    )  # fmt: skip
    return ticket


def _ticket_in_progress(anna: User, igor: User) -> Ticket:
    log = NewFile("web-2.log", len(WEB_LOG), "text/plain", ContentFile(WEB_LOG.encode()))
    ticket = _open(
        anna, "Облачные серверы", "Сервер web-2 перезагружается по ночам",
        "Третью ночь подряд около трёх часов. Журнал приложен.", log,
    )  # fmt: skip
    by_igor, by_anna = agent(igor), customer(anna, Face.PORTAL)
    set_priority(ticket=ticket, priority=Priority.HIGH, actor=by_igor)
    assign_ticket(ticket=ticket, assignee=igor, actor=by_igor)
    change_status(
        ticket=ticket, to=TicketStatus.IN_PROGRESS, actor=by_igor,
        answer="Смотрим. Запускается ли в это время резервное копирование?",
    )  # fmt: skip
    add_comment(ticket=ticket, actor=by_anna, body="Да, копирование начинается в 03:00.")
    add_comment(
        ticket=ticket, actor=by_igor, internal=True,
        body="Процессу не хватает памяти: предложить тариф с 8 ГБ.",
    )  # fmt: skip
    return ticket


def _move_to_past(ticket: Ticket, ago: timedelta) -> None:
    """Date a history back: it must not use up today's tickets of its requester."""
    start = moment = shown = word = timezone.now() - ago
    answered_at = None
    for number, event in enumerate(TicketEvent.objects.filter(ticket=ticket).order_by("pk")):
        moment = start + number * BETWEEN_EVENTS
        event.created_at = moment
        if event.solved_in is not None:  # none of these waited for its customer before
            event.solved_in = (moment - start).total_seconds()
        event.save(update_fields=["created_at", "solved_in"])
        if event.comment_id:
            Comment.objects.filter(pk=event.comment_id).update(created_at=moment)
        if not event.is_internal:
            shown, word = moment, moment if event.comment_id else word
            if event.by_agent and event.comment_id:
                answered_at = answered_at or moment
    dates = {
        "created_at": start,
        "updated_at": moment,
        "changed_at": shown,
        "last_word_at": word,
        "answered_at": answered_at,
    }
    if ticket.resolved_at:
        dates["resolved_at"] = moment
    if ticket.closed_at:
        dates["closed_at"] = moment
    Ticket.objects.filter(pk=ticket.pk).update(**dates)
