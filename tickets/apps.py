from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class TicketsConfig(AppConfig):
    name = "tickets"
    verbose_name = _("Заявки")

    def ready(self) -> None:
        # here: all need the models, which Django has loaded only now
        from accounts.linking import tell_pin_news_by
        from accounts.news import tell_account_news_by
        from accounts.rights import tell_rights_to
        from tickets.checks import CHANNELS, check_channels
        from tickets.delivery import tell_of_account, tell_of_pin, wake_slow
        from tickets.handover import wake_handover_of
        from tickets.leases import wake_by

        tell_pin_news_by(tell_of_pin)
        tell_account_news_by(tell_of_account)
        tell_rights_to(wake_handover_of)
        wake_by(wake_slow)
        register(check_channels, CHANNELS)
