from django.urls import path

from telegram_bot import views

urlpatterns = [path("", views.group_list, name="group_list")]
