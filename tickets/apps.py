from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class TicketsConfig(AppConfig):
    name = "tickets"
    verbose_name = _("Заявки")

    def ready(self) -> None:
        # here: both need the models, which Django has loaded only now
        from accounts.linking import tell_pin_news_by
        from tickets.checks import CHANNELS, check_channels
        from tickets.delivery import tell_of_pin

        tell_pin_news_by(tell_of_pin)
        register(check_channels, CHANNELS)
