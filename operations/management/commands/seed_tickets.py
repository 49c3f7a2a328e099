import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.utils.translation import gettext as _

from operations.seeding import AGENT, CUSTOMER, NOBODY, NotEmpty, seed_tickets

MOST_TICKETS = 10_000_000
BAR_WIDTH = 30  # characters


class Command(BaseCommand):
    help = "Fill an empty database with invented tickets for benchmarks; nothing is sent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int, metavar="N", help="how many tickets")
        parser.add_argument("--seed", type=int, default=1, help="another one tells other stories")

    def handle(self, *, number: int, seed: int, **options: Any) -> None:
        if number not in range(1, MOST_TICKETS + 1):
            raise CommandError(
                _("Число заявок должно быть от 1 до %(most)d.") % {"most": MOST_TICKETS}
            )
        begun = time.monotonic()
        try:
            password = seed_tickets(number, seed=seed, progress=Progress(self.stderr, number))
        except NotEmpty:
            raise CommandError(
                _(
                    "В базе уже есть пользователи или заявки. Вымышленные заявки создаются "
                    "только в пустой базе: укажите другую в DATABASE_URL."
                )
            ) from None
        text = _("Заявок создано: %(number)d, за %(seconds)d с.")
        self.stdout.write(text % {"number": number, "seconds": time.monotonic() - begun})
        logins = {
            CUSTOMER: _("клиент с заявками"),
            NOBODY: _("клиент без заявок"),
            AGENT: _("специалист"),
        }
        for username, about in logins.items():
            self.stdout.write(f"  {username:<16} {password}  {about}")


class Progress:
    """A bar drawn in place on a terminal; elsewhere a line for every tenth."""

    def __init__(self, stream: OutputWrapper, total: int) -> None:
        self.stream, self.total, self.tenths = stream, total, 0
        self.is_drawn = stream.isatty()

    def __call__(self, done: int) -> None:
        share = done / self.total
        text = f"{share:4.0%}  {done} / {self.total}"
        if self.is_drawn:
            bar = ("█" * round(share * BAR_WIDTH)).ljust(BAR_WIDTH, "·")
            self.stream.write(f"\r{bar} {text}", ending="\n" if share == 1 else "")
        elif int(share * 10) > self.tenths:
            self.tenths = int(share * 10)
            self.stream.write(text)
