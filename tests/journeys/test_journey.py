"""The main job from end to end: register, link, create a ticket, hear of it, end it."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.apps import apps
from django.db import models
from django_q.models import OrmQ, Schedule
from django_q.signing import SignedPackage

from accounts.models import BotRegistration, Organization, User
from telegram_bot.models import Dialog, IncomingUpdate
from tests import factories
from tests.journeys.conftest import ADMIN_LOGIN, PHONES, is_quiet
from tests.journeys.processes import Processes, Visitor, wait_until
from tests.local_telegram import Json, Sandbox
from tickets.models import Attachment, Comment, Delivery, Ticket
from tickets.status import TicketStatus

pytestmark = pytest.mark.journey

NOTICE_LIMIT = 50.0  # seconds: less than the minute after which anything would be noticed
LOG = b"14:20 replica: connection refused\n" * 40
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(255, -1, -1))


def test_main_job(processes, sandbox, visit):
    anna, desk = visit(), visit()
    anna.log_in("anna", factories.PASSWORD)
    register(anna, sandbox)
    link_telegram(sandbox, anna)
    number = create_ticket(sandbox)
    desk.log_in("igor", factories.PASSWORD, ADMIN_LOGIN)
    see_ticket_everywhere(number, anna, desk)
    download_files(number, anna)
    agent_and_customer_talk(number, sandbox, desk)
    return_and_rate(number, sandbox, desk, anna)
    withdraw_consent(sandbox, anna, desk)
    find_no_secrets(processes, sandbox)
    assert sandbox.refused() == []


# R1 and R2


def register(anna: Visitor, sandbox: Sandbox) -> None:
    page = anna.submit("/telegram/", {"phone": "8 (916) 123-45-67", "consent": "on"})

    assert "Вы успешно зарегистрированы" in page
    assert "@support_sandbox_bot" in page
    assert f'href="{sandbox.url}' in page
    assert BotRegistration.objects.get().phone == PHONES["anna"]


def link_telegram(sandbox: Sandbox, anna: Visitor) -> None:
    sandbox.start("anna")
    sandbox.wait_for("anna", "Шаг 1 из 2")
    sandbox.contact("anna")
    sandbox.wait_for("anna", "Шаг 2 из 2")
    letter = sandbox.wait_for_mail("ПИН-код")
    assert letter["to"] == ["anna@example.com"]
    wait_until(lambda: 'data-state="pin_sent"' in anna.open("/telegram/state/"))

    sandbox.send("anna", pin_of(letter))

    sandbox.wait_for("anna", "Регистрация завершена")
    sandbox.wait_for("anna", "Открытых заявок")
    said = [message["text"] for message in sandbox.messages("anna")]
    assert pin_of(letter) not in said
    page = anna.open("/telegram/")
    assert 'data-state="linked"' in page
    assert "@anna_k" in page
    assert sandbox.wait_for_mail("Telegram связан")["to"] == ["anna@example.com"]


def pin_of(letter: Json) -> str:
    found = re.search(r"\b[0-9]{6}\b", letter["text"])
    assert found, letter["text"]
    return found.group()


# R3


def create_ticket(sandbox: Sandbox) -> int:
    sandbox.send("anna", "/new")
    sandbox.wait_for("anna", "Выберите продукт")
    sandbox.press("anna", "Базы данных")
    sandbox.wait_for("anna", "Кратко опишите проблему")
    sandbox.send("anna", "Не подключается <реплика>")
    sandbox.wait_for("anna", "Опишите проблему подробно")
    sandbox.send("anna", "После перезапуска в 14:20 реплика & журнал молчат")
    sandbox.wait_for("anna", "Отправьте файл, фото или видео")
    sandbox.files("anna", ("replica.log", LOG), ("screen.png", PNG))
    sandbox.wait_for("anna", "Принято: 2 файла")
    sandbox.files("anna", ("photo.jpg", JPEG), kind="photo")
    sandbox.wait_for("anna", "Принято: 3 файла")
    sandbox.press("anna", "✅ Дальше")
    sandbox.wait_for("anna", "Проверьте заявку")
    sandbox.send("anna", "Да")
    created = sandbox.wait_for("anna", "создана")
    ticket = Ticket.objects.get()
    assert f"Заявка № {ticket.number} создана" in created["text"]
    assert "Не подключается <реплика>" in created["text"]
    return ticket.number


def see_ticket_everywhere(number: int, anna: Visitor, desk: Visitor) -> None:
    listed = anna.open("/")
    assert f'href="/tickets/{number}/' in listed
    assert "Не подключается &lt;реплика&gt;" in listed
    card = anna.open(f"/tickets/{number}/")
    assert "реплика &amp; журнал молчат" in card
    assert "client@alpha.example" in card
    assert "Не подключается &lt;реплика&gt;" in desk.open("/admin/tickets/ticket/")
    assert "реплика &amp; журнал молчат" in desk.open(card_path(number))


def download_files(number: int, anna: Visitor) -> None:
    files = Attachment.objects.filter(ticket=number)
    wait_until(lambda: not files.exclude(state=Attachment.State.READY).exists())

    contents = [anna.download(f"/files/{file.pk}/") for file in files.order_by("pk")]

    assert contents == [LOG, PNG, JPEG]


# R5


def card_path(number: int) -> str:
    return f"/admin/tickets/ticket/{number}/change/"


def notice_after(
    sandbox: Sandbox, change: Callable[[], object], words: str, person: str = "anna"
) -> Json:
    """What a change brings to the chat."""
    before = sandbox.messages(person)[-1]["message_id"]
    change()
    return sandbox.wait_for(person, words, NOTICE_LIMIT, after=before)


def agent_and_customer_talk(number: int, sandbox: Sandbox, desk: Visitor) -> None:
    def save(form: str = "change", **fields: str) -> Callable[[], str]:
        to = card_path(number).replace("change", form)
        return lambda: desk.submit(card_path(number), fields, to=to)

    notice_after(sandbox, save("take"), "🆕 Новая → 🔧 В работе")
    notice_after(sandbox, save("facts", priority="high"), "приоритет")
    asked = notice_after(
        sandbox, save(act="wait", answer="Пришлите журнал."), "Ожидает ответа клиента"
    )
    assert "Пришлите журнал." in asked["text"]
    assert not asked["silent"]
    require_mail(sandbox, "Пришлите журнал.")
    save("note", note="Похоже на сеть.")()
    answer = notice_after(sandbox, save(answer="Жду до вечера."), "Жду до вечера.")
    require_mail(sandbox, "Жду до вечера.")
    wait_until(lambda: not Delivery.objects.filter(channel="telegram", sent_at=None).exists())

    sandbox.send("anna", "Журнал приложен к заявке", reply_to=answer["message_id"])

    sandbox.wait_for("anna", f"Комментарий добавлен к № {number}")
    comment = Comment.objects.public().filter(by_agent=False).get()
    assert (comment.ticket_id, comment.body) == (number, "Журнал приложен к заявке")
    assert Ticket.objects.get(pk=number).status == TicketStatus.IN_PROGRESS
    assert "Журнал приложен к заявке" in desk.open(card_path(number))
    assert "Похоже на сеть" not in str(sandbox.messages("anna"))


def require_mail(sandbox: Sandbox, words: str) -> None:
    """The copy for the client and the one for the initiator."""

    def addresses() -> list[str]:
        return sorted(
            to for letter in sandbox.mail() if words in letter["text"] for to in letter["to"]
        )

    wait_until(lambda: len(addresses()) >= 2)
    assert addresses() == ["anna@example.com", "client@alpha.example"]


# R6


def return_and_rate(number: int, sandbox: Sandbox, desk: Visitor, anna: Visitor) -> None:
    resolve = {"act": "resolve", "answer": "Реплика пересоздана."}
    resolved = notice_after(sandbox, lambda: desk.submit(card_path(number), resolve), "выполнена")
    offers = ["⭐ Оценить выполнение", "↩️ Вернуть в работу", "👁 Просмотреть заявку"]
    assert list(sandbox.buttons(resolved)) == offers

    sandbox.press("anna", "↩️ Вернуть в работу", resolved)
    sandbox.press("anna", "Да", sandbox.wait_for("anna", "Вернуть заявку"))
    sandbox.wait_for("anna", "Напишите причину возврата")
    sandbox.send("anna", "Отставание снова растёт")
    sandbox.wait_for("anna", "снова в работе")
    assert "Отставание снова растёт" in anna.open(f"/tickets/{number}/")
    assert Ticket.objects.get(pk=number).status == TicketStatus.IN_PROGRESS

    resolve["answer"] = "Диск заменён."
    resolved = notice_after(sandbox, lambda: desk.submit(card_path(number), resolve), "Диск")
    sandbox.press("anna", "⭐ Оценить выполнение", resolved)
    sandbox.wait_for("anna", "Оцените выполнение")
    sandbox.press("anna", "5 😀")
    sandbox.wait_for("anna", "Оценка: ⭐⭐⭐⭐⭐")
    ticket = Ticket.objects.get(pk=number)
    assert (ticket.status, ticket.score) == (TicketStatus.CLOSED, 5)
    sandbox.send("anna", "Спасибо, всё быстро!")
    sandbox.wait_for("anna", "Спасибо, передали команде.")
    assert "Спасибо, всё быстро!" in anna.open(f"/tickets/{number}/")
    assert "Спасибо, всё быстро!" in desk.open(card_path(number))


# R1.6


def withdraw_consent(sandbox: Sandbox, anna: Visitor, desk: Visitor) -> None:
    for words in ("/new", "Второй вопрос", "Описание второго", "Оставить пустым", "Да"):
        sandbox.send("anna", words)
        if words == "/new":
            sandbox.wait_for("anna", "Выберите продукт")
            sandbox.press("anna", "Облачные серверы")
    number = wait_until(lambda: Ticket.objects.open().values_list("pk", flat=True).first())
    sandbox.wait_for("anna", f"Заявка № {number} создана")

    assert "Согласие отозвано" in anna.submit("/telegram/withdraw/", {})
    last = sandbox.last("anna")["message_id"]
    desk.submit(card_path(number), {"act": "wait", "answer": "Уточните регион."})

    require_mail(sandbox, "Уточните регион.")
    sandbox.send("anna", "/tickets")
    answer = sandbox.wait_for("anna", lambda message: True, after=last)
    assert "Шаг 1 из 2" in answer["text"]
    assert is_quiet()
    fresh = [row for row in sandbox.from_bot("anna") if row["message_id"] > last]
    assert [row["text"] for row in fresh] == [answer["text"]]


# What may stand nowhere


def find_no_secrets(processes: Processes, sandbox: Sandbox) -> None:
    """Token, PINs, phones and e-mails, in the logs and in the tables that pass things on."""
    pins = [pin_of(letter) for letter in sandbox.mail() if "ПИН-код" in letter["subject"]]
    assert len(pins) == 1
    addresses = {*User.objects.values_list("email", flat=True), "client@alpha.example"}
    assert addresses >= {"anna@example.com", *Organization.objects.values_list("email", flat=True)}
    phones = [phone.removeprefix("+7") for phone in PHONES.values()]
    secrets = [processes.token, processes.token.partition(":")[2], *phones, *addresses]
    patterns = [*map(re.escape, secrets), *(rf"(?<![0-9]){pin}(?![0-9])" for pin in pins)]
    secret = re.compile("|".join(patterns))

    for name, text in processes.logs().items():
        assert not secret.search(text), f"log of {name}: {secret.search(text)}"
    for place, text in passing_rows():
        assert not secret.search(text), f"{place}: {secret.search(text)}"


def passing_rows() -> Iterator[tuple[str, str]]:
    """Every value of the queue, the inbox, the dialogs and the deliveries but their address."""
    queue = [model for model in apps.get_app_config("django_q").get_models() if model != Schedule]
    for model in (IncomingUpdate, Dialog, Delivery, *queue):
        fields = [field for field in model._meta.concrete_fields if not is_address(field)]
        for row in model.objects.all():
            for field in fields:
                value = getattr(row, field.attname)
                yield f"{model.__name__}.{field.name}", str(value)
                if model is OrmQ and field.name == "payload":
                    yield "task", str(SignedPackage.loads(value))


def is_address(field: models.Field) -> bool:
    return field.model is Delivery and field.name == "address"
