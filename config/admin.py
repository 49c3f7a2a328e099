"""Where the pages of the desk are loaded."""

import sys

from django.contrib.admin.apps import AdminConfig, SimpleAdminConfig


class AdminPages(AdminConfig):
    """Everywhere but in the bot, which shows none: 4 MiB of it stay free."""

    def ready(self) -> None:
        if sys.argv[1:2] == ["runbot"]:
            SimpleAdminConfig.ready(self)
        else:
            super().ready()
