from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import views

urlpatterns = [
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", views.PasswordChange.as_view(), name="password_change"),
    path("password/reset/", views.PasswordReset.as_view(), name="password_reset"),
    path("password/reset/sent/", views.PasswordResetDone.as_view(), name="password_reset_done"),
    path(
        "password/reset/<uidb64>/<token>/",
        views.PasswordResetConfirm.as_view(),
        name="password_reset_confirm",
    ),
    path("profile/", views.profile, name="profile"),
    path("telegram/", views.bot_registration, name="bot_registration"),
    path("telegram/state/", views.bot_registration_state, name="bot_registration_state"),
    path("telegram/phone/", views.bot_phone, name="bot_phone"),
    path("telegram/unlink/", views.bot_unlink, name="bot_unlink"),
    path("telegram/withdraw/", views.bot_withdraw, name="bot_withdraw"),
    path("telegram/test/", views.bot_test_message, name="bot_test_message"),
]
