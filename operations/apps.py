from django.apps import AppConfig
from django.core.checks import Tags
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = _("Эксплуатация")

    def ready(self) -> None:
        # here: they need the models, which Django has loaded only now
        from config.start import never_off_loopback, unsafe_settings
        from operations.checks import working_demo_passwords

        never_off_loopback(unsafe_settings, Tags.security)
        never_off_loopback(working_demo_passwords, Tags.database)
