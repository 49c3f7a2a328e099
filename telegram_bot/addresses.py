"""Addresses of the pages that the bot leads to, without the pages: it shows none of them.

The portal and the desk have them too, of their own; a test holds both equal.
"""

from django.conf import settings
from django.urls import include, path
from django.views.generic import RedirectView

elsewhere = RedirectView.as_view()  # an address needs a view; this one would answer 410

TICKETS = [
    path("", elsewhere, name="tickets_ticket_changelist"),
    path("<int:object_id>/change/", elsewhere, name="tickets_ticket_change"),
]

urlpatterns = [
    path("", elsewhere, name="ticket_list"),
    path("tickets/<int:number>/", elsewhere, name="ticket_detail"),
    path("telegram/", elsewhere, name="bot_registration"),
    path("notifications/", elsewhere, name="notifications"),
    path("help/", elsewhere, name="help"),
    path(f"{settings.ADMIN_PATH}tickets/ticket/", include((TICKETS, "admin"))),
]
