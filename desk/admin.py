"""What agents find at their desk; Django looks for this module."""

from django.apps import apps
from django.contrib import admin
from django.utils.translation import gettext_lazy

from accounts.models import BotRegistration, MessengerAccount, Organization, User
from desk.deliveries import DeliveryAdmin
from desk.people import (
    BotRegistrationAdmin,
    MessengerAccountAdmin,
    OrganizationAdmin,
    UserAdmin,
)
from desk.telegram import BotHeartbeatAdmin, DialogAdmin, GroupAdmin, IncomingUpdateAdmin
from desk.tickets import ProductAdmin, TicketAdmin
from telegram_bot.models import BotHeartbeat, Dialog, Group, IncomingUpdate
from tickets.models import Delivery, Product, Ticket

admin.site.site_header = gettext_lazy("Рабочее место поддержки")
admin.site.site_title = gettext_lazy("Поддержка")
admin.site.index_title = gettext_lazy("Разделы")
admin.site.enable_nav_sidebar = False  # the sections stand in the header

admin.site.register(Ticket, TicketAdmin)
admin.site.register(Product, ProductAdmin)
admin.site.register(Delivery, DeliveryAdmin)
admin.site.register(User, UserAdmin)
admin.site.register(Organization, OrganizationAdmin)
admin.site.register(BotRegistration, BotRegistrationAdmin)
admin.site.register(MessengerAccount, MessengerAccountAdmin)
admin.site.register(IncomingUpdate, IncomingUpdateAdmin)
admin.site.register(Dialog, DialogAdmin)
admin.site.register(BotHeartbeat, BotHeartbeatAdmin)
admin.site.register(Group, GroupAdmin)

# The queue's own pages unpickle what is stored and execute any dotted name.
for model in apps.get_app_config("django_q").get_models():
    if admin.site.is_registered(model):
        admin.site.unregister(model)
