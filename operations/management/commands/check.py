from typing import Any

from django.core.checks import register
from django.core.management.commands import check

from operations.checks import SET_UP, unfilled_database, unset_settings


class Command(check.Command):
    """Django's, which here also says what a new installation still lacks.

    Registered now only: other commands would repeat it each time they are called.
    """

    def handle(self, *app_labels: Any, **options: Any) -> None:
        register(unset_settings, SET_UP)
        register(unfilled_database, SET_UP)
        super().handle(*app_labels, **options)
