from django.urls import include, path

handler400 = "portal.views.errors.bad_request"
handler500 = "portal.views.errors.server_error"

urlpatterns = [
    path("", include("operations.urls")),
    path("api/", include("api.urls")),
    path("", include("config.pages")),
]
