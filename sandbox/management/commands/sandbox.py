import asyncio
import ipaddress
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from sandbox import BOT_ID

if TYPE_CHECKING:
    from sandbox.server import Listening


class Command(BaseCommand):
    help = "Runs the local Telegram: Bot API, chat page and mailbox on loopback."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8081)
        parser.add_argument("--smtp-port", type=int, default=8025)
        parser.add_argument("--no-limits", action="store_true", help="switch off flood limits")
        parser.add_argument(
            "--memory", type=Path, metavar="FILE", help="keeps the bot's commands over restarts"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Imported here: production has no aiohttp, and only this command needs it.
        from sandbox.server import PortTakenError

        require_loopback(options["host"])
        require_no_real_token()
        try:
            asyncio.run(self.serve(options))
        except PortTakenError as error:
            raise CommandError(
                _("Порт %(port)s занят: остановите другую программу или укажите другой порт.")
                % {"port": error.port}
            ) from error

    async def serve(self, options: dict[str, Any]) -> None:
        from sandbox.server import listening

        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        async with listening(
            host=options["host"],
            port=options["port"],
            smtp_port=options["smtp_port"],
            token=settings.TELEGRAM_BOT_TOKEN,
            limits=not options["no_limits"],
            memory=options["memory"],
        ) as place:
            self.stdout.write(
                _("Песочница Telegram: %(url)s/ (почта: порт %(smtp)s)")
                % {"url": place.url, "smtp": place.smtp_port}
            )
            if not settings.TELEGRAM_BOT_TOKEN:  # a new one: nobody knows it yet
                self.stdout.write(how_to_join(place))
            self.stdout.flush()
            await stopped.wait()


def require_loopback(host: str) -> None:
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if not is_loopback:
        raise CommandError(_("Песочница слушает только этот компьютер: укажите --host 127.0.0.1."))


def how_to_join(place: "Listening") -> str:
    """The environment of a bot, a worker or a portal that is started beside the sandbox."""
    lines = {
        "TELEGRAM_BOT_TOKEN": place.state.token,
        "TELEGRAM_API_URL": place.url,
        "TELEGRAM_LINK_URL": place.url,
        "EMAIL_URL": f"smtp://127.0.0.1:{place.smtp_port}",
    }
    return "\n".join(f"export {name}={value}" for name, value in lines.items())


def require_no_real_token() -> None:
    token = settings.TELEGRAM_BOT_TOKEN
    if token and not token.startswith(f"{BOT_ID}:"):
        raise CommandError(
            _("Задан настоящий TELEGRAM_BOT_TOKEN: песочница рядом с ним не запускается.")
        )
