"""Addresses of pages that people open, portal and desk: all that a message leads to."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path(settings.ADMIN_PATH, admin.site.urls),
    path("", include("portal.urls")),
]
