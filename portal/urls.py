from django.contrib.auth.views import LogoutView
from django.urls import path

from portal.views import bot, drafts, files, groups, passwords, tickets

urlpatterns = [
    path("", tickets.ticket_list, name="ticket_list"),
    path("tickets/<int:number>/", tickets.ticket_detail, name="ticket_detail"),
    path("tickets/<int:number>/comment/", tickets.ticket_comment, name="ticket_comment"),
    path("tickets/<int:number>/return/", tickets.ticket_return, name="ticket_return"),
    path("tickets/<int:number>/rate/", tickets.ticket_rate, name="ticket_rate"),
    path("files/<int:pk>/", files.attachment_download, name="attachment_download"),
    path("telegram/", bot.bot_registration, name="bot_registration"),
    path("telegram/state/", bot.bot_registration_state, name="bot_registration_state"),
    path("telegram/phone/", bot.bot_phone, name="bot_phone"),
    path("telegram/unlink/", bot.bot_unlink, name="bot_unlink"),
    path("telegram/withdraw/", bot.bot_withdraw, name="bot_withdraw"),
    path("telegram/test/", bot.bot_test_message, name="bot_test_message"),
    path("drafts/", drafts.drafts, name="drafts"),
    path("groups/", groups.group_list, name="group_list"),
    path("profile/", passwords.profile, name="profile"),
    path("login/", passwords.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", passwords.PasswordChange.as_view(), name="password_change"),
    path("password/reset/", passwords.PasswordReset.as_view(), name="password_reset"),
    path("password/reset/sent/", passwords.PasswordResetDone.as_view(), name="password_reset_done"),
    path(
        "password/reset/<uidb64>/<token>/",
        passwords.PasswordResetConfirm.as_view(),
        name="password_reset_confirm",
    ),
]
