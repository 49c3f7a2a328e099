from typing import Any

from django.core.management import load_command_class
from django.core.management.base import BaseCommand, CommandParser

from config.start import start_safely


class Command(BaseCommand):
    """Django's server, after what every start begins with, for the address it is to serve."""

    server = load_command_class("whitenoise.runserver_nostatic", "runserver")
    help = server.help
    requires_system_checks = server.requires_system_checks
    suppressed_base_arguments = server.suppressed_base_arguments
    stealth_options = server.stealth_options

    def add_arguments(self, parser: CommandParser) -> None:
        self.server.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        host, _colon, _port = (options["addrport"] or "").rpartition(":")
        start_safely(host)
        self.server.handle(*args, **options)
