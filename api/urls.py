from django.urls import path, re_path

from api import accounts, base, tickets

app_name = "api"

urlpatterns = [
    path("v1/me/", accounts.Me.as_view(), name="me"),
    path("v1/products/", accounts.Products.as_view(), name="products"),
    path("v1/tickets/", tickets.Tickets.as_view(), name="tickets"),
    path("v1/tickets/<int:number>/", tickets.OneTicket.as_view(), name="ticket"),
    re_path("", base.Nowhere.as_view()),
]
