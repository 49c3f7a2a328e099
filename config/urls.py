from django.conf import settings
from django.contrib import admin
from django.urls import include, path

handler400 = "portal.views.errors.bad_request"
handler500 = "portal.views.errors.server_error"

urlpatterns = [
    path("", include("operations.urls")),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("api/", include("api.urls")),
    path("", include("portal.urls")),
]
