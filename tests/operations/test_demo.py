import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.utils import timezone

import sandbox
from accounts.models import BotRegistration, MessengerAccount, User
from accounts.services import withdraw_registration
from operations.demo_data import PEOPLE, create_demo_data
from operations.management.commands.demo import (
    LOOPBACK,
    environment,
    how_to_join,
    require_no_other_bot,
)
from operations.processes import locked
from operations.tasks import every_minute
from telegram_bot.models import TELEGRAM
from tickets.leases import process_name, take_lease
from tickets.models import Delivery, Face, Lease, Product, Ticket
from tickets.services import TICKETS_AN_HOUR, open_ticket
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db


def test_people_can_log_in_with_the_printed_passwords(rf):
    create_demo_data()

    for person in PEOPLE:
        user = authenticate(rf.post("/"), username=person.username, password=person.password)
        assert user is not None
        assert user.username == person.username


def test_anna_is_registered_for_the_bot_and_not_linked():
    create_demo_data()

    assert list(BotRegistration.objects.values_list("user__username", "phone")) == [
        ("anna", "+79161234567")
    ]
    assert not MessengerAccount.objects.exists()


def test_anna_has_a_ticket_in_every_status():
    create_demo_data()

    anna = User.objects.get(username="anna")
    statuses = set(Ticket.objects.visible_to(anna).values_list("status", flat=True))
    assert statuses == set(TicketStatus.values)


def test_history_sends_no_notices_now_or_a_minute_later():
    create_demo_data()

    every_minute()

    assert not Delivery.objects.exists()
    assert Ticket.objects.filter(status=TicketStatus.RESOLVED).count() == 1


def test_history_leaves_todays_tickets_to_anna():
    create_demo_data()

    anna = User.objects.get(username="anna")
    for number in range(TICKETS_AN_HOUR):
        open_ticket(
            requester=anna,
            product=Product.objects.first(),
            title=f"Заявка {number}",
            description="Проверка",
            face=Face.BOT,
        )
    assert Ticket.objects.filter(requester=anna).count() == TICKETS_AN_HOUR + 5


def test_history_is_told_in_order_and_lies_in_the_past():
    create_demo_data()

    for ticket in Ticket.objects.all():
        moments = list(ticket.events.values_list("created_at", flat=True))
        assert moments == sorted(moments)
        assert ticket.created_at == moments[0]
        assert ticket.updated_at == moments[-1]
        assert ticket.updated_at < timezone.now() - timedelta(hours=12)


def test_second_run_restores_nothing_that_people_changed():
    create_demo_data()
    anna = User.objects.get(username="anna")
    withdraw_registration(user=anna, channel=TELEGRAM)
    Product.objects.filter(name="CDN").update(name="Сеть доставки", is_active=False)
    anna.set_password("another-password-1")
    anna.save()
    tickets = Ticket.objects.count()

    created = create_demo_data()

    assert created is False
    assert not BotRegistration.objects.filter(withdrawn_at=None).exists()
    assert not Product.objects.filter(name="CDN").exists()
    anna.refresh_from_db()
    assert anna.check_password("another-password-1")
    assert Ticket.objects.count() == tickets


def test_admin_made_before_is_kept():
    User.objects.create_superuser("admin", "boss@example.com", "chosen-by-the-owner")

    create_demo_data()

    assert User.objects.get(username="admin").check_password("chosen-by-the-owner")


def test_public_portal_gets_no_known_passwords(settings):
    settings.PORTAL_URL = "https://support.example.com"

    call_command("demo", data_only=True)

    assert not User.objects.exists()


POLLER = f"poller:{sandbox.BOT_ID}"


def start_in(log_dir: Path, **options: Any) -> None:
    """A start that is to be refused before it starts anything."""
    call_command("demo", log_dir=log_dir, **options)


@pytest.mark.parametrize("port", [0, -1, 70000])
@pytest.mark.parametrize("option", ["port", "sandbox_port", "smtp_port"])
def test_port_that_cannot_be_is_refused(tmp_path, option, port):
    name = f"--{option.replace('_', '-')}"

    with pytest.raises(CommandError, match=f"^{name}: порта {port} не бывает"):
        start_in(tmp_path, **{option: port})


@pytest.mark.parametrize(
    ("first", "second"),
    [("port", "sandbox_port"), ("port", "smtp_port"), ("sandbox_port", "smtp_port")],
)
def test_one_port_for_two_servers_is_refused(tmp_path, first, second):
    names = f"--{first} и --{second}".replace("_", "-")

    with pytest.raises(CommandError, match=f"^{names}: .* указан один: 8199"):
        start_in(tmp_path, **{first: 8199, second: 8199})


def test_ports_of_what_is_left_out_do_not_matter(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(CommandError, match=f"Порт {taken} на 127.0.0.1 занят"):
            start_in(tmp_path, port=taken, sandbox_port=0, smtp_port=0, without=["sandbox"])


def test_second_run_of_the_folder_names_the_first(tmp_path):
    refusal = f"Уже запущено из этой папки .pid {os.getpid()}."

    with locked(tmp_path / "run.lock"), pytest.raises(CommandError, match=refusal):
        start_in(tmp_path)


def test_bot_that_polls_already_is_named():
    take_lease(POLLER, "other-host:4321")

    with pytest.raises(CommandError, match="Бот уже запущен .other-host:4321."):
        require_no_other_bot()


@pytest.mark.parametrize("holder", ["nobody", "the finished", "the killed"])
def test_poller_that_is_gone_blocks_no_start(holder):
    now = timezone.now()
    if holder == "the finished":
        Lease.objects.create(name=POLLER, owner="other-host:4321", until=now)
    if holder == "the killed":
        dead = f"{socket.gethostname()}:{2**22 + 1}"  # beyond the highest pid of Linux
        Lease.objects.create(name=POLLER, owner=dead, until=now + timedelta(minutes=1))

    require_no_other_bot()

    assert take_lease(POLLER, f"{process_name()}, the bot")  # the check has kept nothing


def test_processes_that_are_left_out_are_told_what_the_others_have():
    options = {"host": LOOPBACK, "sandbox_port": 8081, "smtp_port": 8025}
    first, second = (environment(options, "http://127.0.0.1:8000", True) for _ in range(2))

    told = how_to_join(first)

    assert f"export TELEGRAM_BOT_TOKEN='{first['TELEGRAM_BOT_TOKEN']}'" in told
    assert "export TELEGRAM_API_URL='http://127.0.0.1:8081'" in told
    assert "export EMAIL_URL='smtp://127.0.0.1:8025'" in told
    assert first["TELEGRAM_BOT_TOKEN"] != second["TELEGRAM_BOT_TOKEN"]


def test_overview_and_report_have_something_to_show(client):
    create_demo_data()
    client.force_login(User.objects.get(username="admin"))

    shown = client.get("/admin/overview/").context
    assert shown["days"].number == Ticket.objects.count()
    assert shown["ratings"].number == 1

    found = {card.label: card.number for card in client.get("/admin/report/").context["cards"]}
    assert found["Создано"] == str(Ticket.objects.count())
    assert found["Выполнено"] == "2"
    assert found["Первый ответ, медиана"] not in ("—", "0 с")
    assert found["Решение, медиана"] not in ("—", "0 с")
