from django.urls import path

from tickets import views

urlpatterns = [
    path("", views.ticket_list, name="ticket_list"),
    path("tickets/<int:number>/", views.ticket_detail, name="ticket_detail"),
    path("tickets/<int:number>/comment/", views.ticket_comment, name="ticket_comment"),
    path("tickets/<int:number>/return/", views.ticket_return, name="ticket_return"),
    path("tickets/<int:number>/rate/", views.ticket_rate, name="ticket_rate"),
    path("files/<int:pk>/", views.attachment_download, name="attachment_download"),
]
