from django.urls import path, re_path

from api import accounts, acts, attachments, base, conversation, docs, tickets

app_name = "api"

urlpatterns = [
    path("v1/me/", accounts.Me.as_view(), name="me"),
    path("v1/products/", accounts.Products.as_view(), name="products"),
    path("v1/tickets/", tickets.Tickets.as_view(), name="tickets"),
    path("v1/tickets/<int:number>/", tickets.OneTicket.as_view(), name="ticket"),
    path("v1/tickets/<int:number>/timeline/", conversation.Timeline.as_view(), name="timeline"),
    path("v1/tickets/<int:number>/comments/", conversation.Comments.as_view(), name="comments"),
    path(
        "v1/tickets/<int:number>/attachments/",
        attachments.TicketFiles.as_view(),
        name="ticket_attachments",
    ),
    path("v1/tickets/<int:number>/return/", acts.Return.as_view(), name="return"),
    path("v1/tickets/<int:number>/rate/", acts.Rate.as_view(), name="rate"),
    path("v1/tickets/<int:number>/close/", acts.Close.as_view(), name="close"),
    path("v1/tickets/<int:number>/status/", acts.Status.as_view(), name="status"),
    path("v1/tickets/<int:number>/merge/", acts.Merge.as_view(), name="merge"),
    path("v1/attachments/<int:pk>/", attachments.OneFile.as_view(), name="attachment"),
    path("v1/attachments/<int:pk>/content/", attachments.Content.as_view(), name="content"),
    path("v1/schema/", docs.schema, name="schema"),
    path("v1/docs/", docs.docs, name="docs"),
    re_path("", base.Nowhere.as_view()),
]
