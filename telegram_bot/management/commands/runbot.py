import asyncio
import gc
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import count
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.urls import set_urlconf
from django.utils import timezone
from django.utils.translation import gettext as _
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.ext import Application, ContextTypes

from accounts.services import queue_due_pin_mails
from config.backoff import backoff
from config.queue import wake_schedules
from config.start import start_safely
from telegram_bot.application import ALLOWED_UPDATES, build_application, describe_bot
from telegram_bot.database import in_database, own_threads
from telegram_bot.direct_replies import DueReplies, release_replies
from telegram_bot.files import fetch_forgotten
from telegram_bot.inbox import DurableUpdateQueue
from telegram_bot.intake import PolledBot
from telegram_bot.models import BotHeartbeat
from tickets.checks import CHANNELS
from tickets.delivery import drain_forgotten
from tickets.leases import process_name, release_lease, take_lease
from tickets.models import Lease

logger = logging.getLogger(__name__)

POLLER_LEASE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(seconds=30)
EVERY_SECOND, EVERY_FEW_SECONDS, CHECK_PAUSE = 1.0, 3.0, 20.0
DEAF_FOR = 300.0  # without a poll, though Telegram answers: whoever supervises starts anew
CONFLICTS, CONFLICT_WINDOW = 5, 60.0  # a single one only means that an older poll was cut off

App = Application[PolledBot, Any, Any, Any, Any, Any]


class Command(BaseCommand):
    help = "Run the Telegram bot: long polling, or a webhook server with --webhook."
    requires_system_checks = (CHANNELS,)  # all of them would load the pages of portal and desk

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--webhook", action="store_true")
        parser.add_argument(
            "--take-over",
            action="store_true",
            help="take the bot from whoever it serves now: by another webhook, or by polling",
        )

    def handle(self, *args: Any, webhook: bool, take_over: bool, **options: Any) -> None:
        if not settings.TELEGRAM_BOT_TOKEN:
            raise CommandError(_("TELEGRAM_BOT_TOKEN не задан: боту нечем представиться."))
        if webhook and not (settings.TELEGRAM_WEBHOOK_URL and settings.TELEGRAM_WEBHOOK_SECRET):
            raise CommandError(
                _("Для --webhook нужны TELEGRAM_WEBHOOK_URL и TELEGRAM_WEBHOOK_SECRET.")
            )
        start_safely(*(webhook_hosts() if webhook else ()))
        bot = RunningBot(exclusive=not webhook, take_over=take_over)
        if not webhook and not take_lease(bot.lease, bot.owner, POLLER_LEASE):
            raise CommandError(
                _("Бот уже запущен: %(holder)s. Второй опрос не начат.")
                % {"holder": holder_of(bot.lease)}
            )
        if webhook and not take_over:
            require_no_poller(bot)
        set_urlconf("telegram_bot.addresses")  # of pages that it need not load
        try:
            with own_threads():
                bot.run_webhook() if webhook else bot.run_polling()
        except InvalidToken:
            raise CommandError(_("Telegram не принял TELEGRAM_BOT_TOKEN.")) from None
        finally:
            set_urlconf(None)
            if not webhook:
                release_lease(bot.lease, bot.owner)
        if bot.failure:
            raise CommandError(bot.failure)


class RunningBot:
    """The application and what runs beside it: sweeps, heartbeat, the poller's lease."""

    def __init__(self, *, exclusive: bool, take_over: bool = False) -> None:
        self.exclusive, self.take_over = exclusive, take_over
        self.owner = process_name()
        self.application: App = build_application()
        self.queue: DurableUpdateQueue = self.application.update_queue  # type: ignore[assignment]
        self._replies = DueReplies(self.application.bot)
        self.lease = f"poller:{self.queue.bot_id}"
        self.failure = ""
        self._heard_at = 0.0  # of the monotonic clock: when Telegram last answered
        self._conflicts: deque[float] = deque(maxlen=CONFLICTS)
        self._tasks: list[asyncio.Task[None]] = []
        self.application.add_error_handler(self._on_error)
        self.application.post_init = self._start
        self.application.post_shutdown = self._stop

    def run_polling(self) -> None:
        self.application.run_polling(allowed_updates=ALLOWED_UPDATES, bootstrap_retries=-1)

    def run_webhook(self) -> None:
        host, _colon, port = settings.TELEGRAM_WEBHOOK_LISTEN.rpartition(":")
        self.application.run_webhook(
            listen=host,
            port=int(port),
            url_path="telegram",
            webhook_url=settings.TELEGRAM_WEBHOOK_URL,
            secret_token=settings.TELEGRAM_WEBHOOK_SECRET,
            allowed_updates=ALLOWED_UPDATES,
            bootstrap_retries=-1,
        )

    async def _start(self, application: App) -> None:
        self.queue.username = application.bot.username
        if not self.take_over:
            own = "" if self.exclusive else settings.TELEGRAM_WEBHOOK_URL
            await require_no_webhook(application.bot, but=own)
        if self.exclusive:
            await in_database(release_replies, self.queue.bot_id)
            await self._send_due_replies()  # before the answers to what came later
            await self.queue.sweep(application.bot, everything=True)
        self._heard_at = monotonic()  # getMe was answered
        await self._beat()
        self._tasks = [
            asyncio.create_task(_repeat(EVERY_SECOND, self._send_due_replies)),
            asyncio.create_task(_repeat(EVERY_FEW_SECONDS, self._sweep)),
            asyncio.create_task(_repeat(EVERY_FEW_SECONDS, self._beat)),
            asyncio.create_task(_repeat(CHECK_PAUSE, self._check_telegram)),
            asyncio.create_task(describe_bot(application)),
        ]
        gc.collect()
        gc.freeze()  # what stands now is not gone through again
        logger.info("Bot @%s is ready", application.bot.username)

    async def _stop(self, application: App) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._replies.stop()
        await application.bot.hang_up()

    async def _send_due_replies(self) -> None:
        await self._replies.send(patience=EVERY_SECOND)

    async def _sweep(self) -> None:
        await self.queue.sweep(self.application.bot)
        # once a minute would be late for a PIN, or for what a killed worker was at
        await in_database(queue_due_pin_mails)
        await in_database(wake_schedules)
        await in_database(drain_forgotten)
        await in_database(fetch_forgotten)

    @property
    def _last_heard(self) -> float:
        return max(self._heard_at, self.application.bot.polled_at)

    async def _beat(self) -> None:
        """Show when the bot last heard Telegram; a poller that lost its lease must not go on."""
        bot = self.application.bot
        silence = timedelta(seconds=monotonic() - self._last_heard)
        await in_database(record_heartbeat, bot.id, bot.username, timezone.now() - silence)
        if self.exclusive and not await in_database(
            take_lease, self.lease, self.owner, POLLER_LEASE
        ):
            self._fail(_("Опрос ведёт другой процесс, этот остановлен."))

    async def _check_telegram(self) -> None:
        """PTB's polling ends quietly on a revoked token; a bot that hears nothing must not stay.

        Polls show by themselves that the bot hears; behind a webhook, Telegram has to know of it.
        """
        try:
            info = await self.application.bot.get_webhook_info()
        except InvalidToken:
            self._fail(_("Telegram больше не принимает TELEGRAM_BOT_TOKEN."))
        except TelegramError:
            pass  # the poll retries by itself
        else:
            if not self.exclusive and info.url == settings.TELEGRAM_WEBHOOK_URL:
                self._heard_at = monotonic()
            if self.exclusive and monotonic() - self._last_heard > DEAF_FOR:
                self._fail(_("Опрос Telegram прекратился, хотя Telegram отвечает."))

    async def _on_error(self, update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        if isinstance(context.error, Conflict):
            self._conflicts.append(monotonic())
            full = len(self._conflicts) == CONFLICTS
            if full and self._conflicts[-1] - self._conflicts[0] < CONFLICT_WINDOW:
                self._fail(
                    _("Обновления этого бота забирает кто-то другой (409), опрос остановлен.")
                )
        else:
            logger.warning("Bot API: %s", type(context.error).__name__)

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self.application.stop_running()


async def require_no_webhook(bot: PolledBot, *, but: str = "") -> None:
    """Whoever is served by another webhook would hear nothing any more once this process starts."""
    for attempt in count(1):
        try:
            url = (await bot.get_webhook_info()).url
        except InvalidToken:
            raise
        except TelegramError as error:
            logger.warning("Bot API: %s", type(error).__name__)
            await asyncio.sleep(backoff(attempt, longest=LONGEST_PAUSE).total_seconds())
        else:
            break
    if url and url != but:
        words = _(
            "Бот получает обновления по вебхуку (%(place)s), этот запуск отключил бы его. Забрать "
            "бота сюда: %(command)s"
        )
        command = "python manage.py runbot " + ("--webhook --take-over" if but else "--take-over")
        raise CommandError(words % {"place": _place(url, but), "command": command})


def _place(url: str, but: str) -> str:
    """The host of a webhook; its path, too, where nothing else tells the two apart."""
    there, here = urlsplit(url), urlsplit(but)
    return there.netloc if there.netloc != here.netloc else there.netloc + there.path


def require_no_poller(bot: RunningBot) -> None:
    """Set a webhook, and the poll of another process hears nothing any more."""
    if not take_lease(bot.lease, bot.owner, POLLER_LEASE):
        words = _(
            "Бота опрашивает другой процесс (%(holder)s), вебхук отключил бы его. Остановите его "
            "или заберите бота сюда: python manage.py runbot --webhook --take-over"
        )
        raise CommandError(words % {"holder": holder_of(bot.lease)})
    release_lease(bot.lease, bot.owner)


def holder_of(lease: str) -> str:
    return Lease.objects.get(pk=lease).owner


def webhook_hosts() -> list[str]:
    """Where others reach the bot that is served by webhook."""
    listen, _colon, _port = settings.TELEGRAM_WEBHOOK_LISTEN.rpartition(":")
    return [urlsplit(settings.TELEGRAM_WEBHOOK_URL).hostname or "", listen]


async def _repeat(pause: float, action: Callable[[], Awaitable[None]]) -> None:
    """Run an action every `pause` seconds; no failure ends the loop, nor does a lost database."""
    while True:
        await asyncio.sleep(pause)
        try:
            await action()
        except DatabaseError as error:
            logger.warning("Database: %s", type(error).__name__)
        except Exception:
            logger.exception("%s failed", action.__name__)


def record_heartbeat(bot_id: int, username: str, seen_at: datetime) -> None:
    BotHeartbeat.objects.update_or_create(
        bot_id=bot_id, defaults={"username": username, "seen_at": seen_at}
    )
