import http.client
import logging
import os
import socket
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from config.queue import enqueue
from config.start import is_loopback, open_places, start_safely
from operations.demo_data import PEOPLE, create_demo_data
from operations.processes import AlreadyRunning, Child, NotStarted, Supervisor, locked
from telegram_bot.models import BotHeartbeat
from tickets.leases import process_name, release_lease, take_lease
from tickets.models import Lease

LOOPBACK = "127.0.0.1"
ANY_HOST = "0.0.0.0"  # noqa: S104
LAST_PORT = 65535
START_LIMIT = 60.0  # seconds
HANDED_OVER = (
    "PORTAL_URL", "TELEGRAM_BOT_TOKEN", "TELEGRAM_API_URL", "TELEGRAM_LINK_URL", "EMAIL_URL",
    "DEFAULT_FROM_EMAIL", "STAFF_EMAIL", "WEBHOOK_ALLOW_PRIVATE",
)  # fmt: skip
PROOF_OF_WORK = "operations.tasks.every_minute"  # a task that may run at any time

Options = dict[str, Any]
Ports = dict[str, tuple[str, int]]


class Command(BaseCommand):
    help = "Prepare the database, then run portal, worker, bot and, without a token, the sandbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=LOOPBACK, help="address of the portal")
        parser.add_argument("--port", type=int, default=8000, help="port of the portal")
        parser.add_argument("--sandbox-port", type=int, default=8081)
        parser.add_argument(
            "--smtp-port", type=int, default=8025, help="port of the sandbox mailbox"
        )
        parser.add_argument("--log-dir", type=Path, default=settings.BASE_DIR / "var" / "log")
        parser.add_argument("--data-only", action="store_true", help="start no processes")
        parser.add_argument(
            "--without", action="append", default=[], metavar="NAME",
            choices=["web", "worker", "bot", "sandbox"], help="leave a process to you",
        )  # fmt: skip

    def handle(self, **options: Any) -> None:
        begun = time.monotonic()
        logging.getLogger("django-q").setLevel(logging.WARNING)  # a line for every queued task
        with_sandbox = not settings.TELEGRAM_BOT_TOKEN
        with suppress(KeyboardInterrupt):
            if options["data_only"]:
                migrate()
                self._create_data(options)
                return
            ports = wanted_ports(options, with_sandbox)
            require_possible_ports(ports)
            with sole_run(options["log_dir"]):
                require_free_ports(ports)
                migrate()
                call_command("collectstatic", verbosity=0, interactive=False)
                start_safely(options["host"])
                if "bot" not in options["without"]:
                    require_no_other_bot()
                self._run(options, with_sandbox, begun)

    def _create_data(self, options: Options) -> None:
        if open_places(options["host"]):
            self._say(_("Портал виден другим: учётные записи с известными паролями не создаются."))
        elif create_demo_data():
            self._say(_("Демонстрационные данные созданы."))

    def _run(self, options: Options, with_sandbox: bool, begun: float) -> None:
        url = portal_url(options)
        env = environment(options, url, with_sandbox)
        if with_sandbox and options["without"]:
            self._say(how_to_join(env))
        children = build_children(options, env, with_sandbox)
        supervisor = Supervisor(children, self._say)
        try:
            with supervisor.running():
                self._create_data(options)  # while the processes boot
                checks = readiness_checks(options, url)
                supervisor.wait_until_ready(
                    {child.name: checks[child.name] for child in children}, START_LIMIT
                )
                connection.close()  # watching needs no database
                if not supervisor.stopping:
                    self._greet(options, url, with_sandbox, time.monotonic() - begun)
                    supervisor.watch()
                self._say(_("Останавливаю…"))
        except NotStarted as error:
            raise CommandError(_("Не запустилось: %s") % error) from None
        self._say(_("Все процессы остановлены."))

    def _greet(self, options: Options, url: str, with_sandbox: bool, seconds: float) -> None:
        lines = [
            _("Готово за %s с") % f"{seconds:.1f}".replace(".", ","),
            "",
            _("  Портал     %s/") % url,
            _("  Админка    %s/") % f"{url}/{settings.ADMIN_PATH}".rstrip("/"),
        ]
        if with_sandbox:
            lines.append(_("  Песочница  %s/  (Telegram и почта)") % sandbox_url(options))
        elif heartbeat := BotHeartbeat.objects.order_by("-seen_at").first():
            lines.append(_("  Бот        https://t.me/%s") % heartbeat.username)
        if not open_places(options["host"]):
            lines += ["", _("  Логин   Пароль")]
            lines += [f"  {who.username:<7} {who.password:<17} {who.about}" for who in PEOPLE]
        lines += ["", _("Журналы: %s. Остановить всё: Ctrl+C.") % shown_path(options["log_dir"])]
        self._say("\n".join(["", *lines]))

    def _say(self, text: str) -> None:
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError:  # the terminal is gone; the processes still have to be ended
            pass


def portal_url(options: Options) -> str:
    """PORTAL_URL; on one's own machine it follows the port that was asked for."""
    if not is_loopback(urlsplit(settings.PORTAL_URL).hostname or ""):
        return str(settings.PORTAL_URL)
    return f"http://{reachable_host(options)}:{options['port']}"


def reachable_host(options: Options) -> str:
    return LOOPBACK if options["host"] == ANY_HOST else options["host"]


def sandbox_token() -> str:
    """What opens the local Telegram, new at each start; production images come without it."""
    try:
        from sandbox import new_token  # here: a server may have no such folder
    except ImportError:
        raise CommandError(
            _("Песочницы здесь нет: задайте TELEGRAM_BOT_TOKEN настоящего бота.")
        ) from None
    return new_token()


def sandbox_url(options: Options) -> str:
    return f"http://{LOOPBACK}:{options['sandbox_port']}"


def shown_path(path: Path) -> Path:
    return path.relative_to(settings.BASE_DIR) if path.is_relative_to(settings.BASE_DIR) else path


def migrate() -> None:
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as error:
        raise CommandError(_("База данных не отвечает: %s") % error) from None


@contextmanager
def sole_run(log_dir: Path) -> Iterator[None]:
    """Two of them would write to the same logs and, as a rule, to the same database."""
    log_dir.mkdir(parents=True, exist_ok=True)
    try:
        with locked(log_dir / "run.lock"):
            yield
    except AlreadyRunning as other:
        raise CommandError(
            _("Уже запущено из этой папки (pid %(pid)s). Остановить: Ctrl+C там или kill %(pid)s")
            % {"pid": other}
        ) from None


def require_no_other_bot() -> None:
    """A second poller of the same database ends at once, and would be started again for ever."""
    bot_id, _colon, _secret = (settings.TELEGRAM_BOT_TOKEN or sandbox_token()).partition(":")
    lease, owner = f"poller:{bot_id}", process_name()
    if not take_lease(lease, owner):
        holder = Lease.objects.get(pk=lease).owner
        raise CommandError(
            _("Бот уже запущен (%s). Остановите его или начните без бота: ./run --without bot")
            % holder
        )
    release_lease(lease, owner)  # it is for the bot itself


def wanted_ports(options: Options, with_sandbox: bool) -> Ports:
    """Option -> host and port, of the processes that are to start."""
    ports: Ports = {}
    if "web" not in options["without"]:
        ports["--port"] = options["host"], options["port"]
    if with_sandbox and "sandbox" not in options["without"]:
        ports["--sandbox-port"] = LOOPBACK, options["sandbox_port"]
        ports["--smtp-port"] = LOOPBACK, options["smtp_port"]
    return ports


def require_possible_ports(ports: Ports) -> None:
    option_of: dict[int, str] = {}
    for option, (_host, port) in ports.items():
        values = {"option": option, "port": port, "last": LAST_PORT, "other": option_of.get(port)}
        if not 1 <= port <= LAST_PORT:
            raise CommandError(
                _("%(option)s: порта %(port)s не бывает, нужен от 1 до %(last)s.") % values
            )
        if port in option_of:
            raise CommandError(
                _("%(other)s и %(option)s: нужны разные порты, а указан один: %(port)s.") % values
            )
        option_of[port] = option


def require_free_ports(ports: Ports) -> None:
    for option, (host, port) in ports.items():
        require_free_port(option, host, port)


def require_free_port(option: str, host: str, port: int) -> None:
    values = {"host": host, "port": port, "option": option, "other": port + 1}
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            probe.bind((host, port))
    except OSError as error:
        values["reason"] = os.strerror(error.errno) if error.errno else error
        raise CommandError(
            _(
                "Порт %(port)s на %(host)s занят или недоступен (%(reason)s). "
                "Освободите его или выберите другой: ./run %(option)s %(other)s"
            )
            % values
        ) from None


def build_children(options: Options, env: dict[str, str], with_sandbox: bool) -> list[Child]:
    python = [sys.executable]
    manage = [*python, str(settings.BASE_DIR / "manage.py")]
    address = f"{options['host']}:{options['port']}"
    logs: Path = options["log_dir"]
    commands = {
        "sandbox": [
            *manage, "sandbox", f"--port={options['sandbox_port']}",
            f"--smtp-port={options['smtp_port']}", f"--memory={logs / 'sandbox.json'}",
        ],
        "web": [
            *python, "-m", "gunicorn", "config.wsgi", f"--bind={address}",
            f"--config={settings.BASE_DIR / 'gunicorn.conf.py'}",
            f"--chdir={settings.BASE_DIR}", "--worker-class=gthread", "--workers=2", "--threads=4",
            "--graceful-timeout=3", "--no-control-socket",
        ],
        "worker": [*manage, "qcluster"],
        "bot": [*manage, "runbot"],
    }  # fmt: skip
    if not with_sandbox:
        del commands["sandbox"]
    logs.mkdir(parents=True, exist_ok=True)
    return [
        Child(name, argv, env, logs / f"{name}.log", serves_others=name == "sandbox")
        for name, argv in commands.items()
        if name not in options["without"]
    ]


def environment(options: Options, url: str, with_sandbox: bool) -> dict[str, str]:
    """What the children see: the sandbox's settings live here only, never in `.env`."""
    env = {**os.environ, "PORTAL_URL": url, "PYTHONUNBUFFERED": "1"}
    if with_sandbox:
        env |= {
            "TELEGRAM_BOT_TOKEN": sandbox_token(),
            "TELEGRAM_API_URL": sandbox_url(options),
            "TELEGRAM_LINK_URL": sandbox_url(options),
            "TELEGRAM_PROXY_URL": "",
            "EMAIL_URL": f"smtp://{LOOPBACK}:{options['smtp_port']}",
            "DEFAULT_FROM_EMAIL": "Поддержка <support@support.example>",
            "STAFF_EMAIL": settings.STAFF_EMAIL or "desk@support.example",
            # the sandbox receives webhooks, too
            "WEBHOOK_ALLOW_PRIVATE": "0" if open_places(options["host"]) else "1",
        }
    return env


def how_to_join(env: dict[str, str]) -> str:
    """What a process that is left to the developer has to be started with."""
    lines = [_("Для процессов, которые вы запускаете сами:")]
    lines += [f"  export {name}='{env[name]}'" for name in HANDED_OVER]
    return "\n".join(lines)


def readiness_checks(options: Options, url: str) -> dict[str, Callable[[], bool]]:
    begun = timezone.now()
    enqueue(PROOF_OF_WORK)
    web = (reachable_host(options), options["port"], "/healthz", urlsplit(url).netloc)
    chat = (
        LOOPBACK,
        options["sandbox_port"],
        "/sandbox/state",
        urlsplit(sandbox_url(options)).netloc,
    )
    return {
        "web": lambda: answers(*web),
        "sandbox": lambda: answers(*chat),
        "worker": lambda: worker_works(begun),
        "bot": lambda: BotHeartbeat.objects.filter(seen_at__gte=begun).exists(),
    }


def answers(host: str, port: int, path: str, host_header: str) -> bool:
    client = http.client.HTTPConnection(host, port, timeout=2)
    try:
        client.request("GET", path, headers={"Host": host_header})
        return client.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def worker_works(since: datetime) -> bool:
    done = apps.get_model("django_q", "Success").objects
    return done.filter(func=PROOF_OF_WORK, started__gte=since).exists()
