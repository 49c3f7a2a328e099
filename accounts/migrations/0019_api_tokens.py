import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0018_invitations"),
    ]

    operations = [
        migrations.AlterField(
            model_name="securityevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("login", "вход"),
                    ("login_failed", "неудачный вход"),
                    ("wrong_password", "неверный пароль при изменении данных"),
                    ("locked", "блокировка: много неверных паролей"),
                    ("address_closed", "блокировка: с адреса перебирают аккаунты"),
                    ("besieged", "вход замедлен: пароль подбирают с разных адресов"),
                    ("wrong_code", "неверный код второго шага"),
                    ("recovery_code_used", "вход по одноразовому коду"),
                    ("second_factor_on", "второй шаг входа включён"),
                    ("second_factor_off", "второй шаг входа отключён"),
                    ("second_factor_reset", "второй шаг входа сброшен"),
                    ("codes_renewed", "одноразовые коды созданы заново"),
                    ("logout", "выход"),
                    ("sessions_ended", "выход на всех устройствах"),
                    ("email_asked", "смена почты запрошена"),
                    ("email_cancelled", "смена почты отменена"),
                    ("email_confirmed", "смена почты подтверждена"),
                    ("password_changed", "смена пароля"),
                    ("reset_asked", "запрос сброса пароля"),
                    ("reset_mailed", "письмо для сброса пароля отправлено"),
                    ("password_reset", "пароль задан по ссылке из письма"),
                    ("phone_changed", "смена телефона"),
                    ("consent_withdrawn", "согласие отозвано"),
                    ("linked", "связь с мессенджером создана"),
                    ("unlinked", "связь с мессенджером удалена"),
                    ("rights_changed", "права изменены"),
                    ("role_changed", "роль в организации изменена"),
                    ("sharing_changed", "заявки организации открыты или закрыты коллегам"),
                    ("join_asked", "просьба о вступлении в организацию"),
                    ("joined", "принятие в организацию"),
                    ("join_refused", "отказ в принятии в организацию"),
                    ("invited", "приглашение на портал"),
                    ("sign_up_asked", "запрос регистрации на портале"),
                    ("signed_up", "регистрация на портале"),
                    ("token_made", "токен API создан"),
                    ("token_revoked", "токен API отозван"),
                    ("deactivated", "вход закрыт"),
                    ("activated", "вход открыт"),
                    ("erased", "аккаунт удалён"),
                ],
                max_length=30,
                verbose_name="что",
            ),
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="название")),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "prefix",
                    models.CharField(editable=False, max_length=12, verbose_name="начинается с"),
                ),
                ("scopes", models.JSONField(default=list, verbose_name="права")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="создан"),
                ),
                ("expires_at", models.DateTimeField(verbose_name="действует до")),
                ("used_at", models.DateTimeField(null=True, verbose_name="использован")),
                ("revoked_at", models.DateTimeField(null=True, verbose_name="отозван")),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="кто создал",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to="accounts.organization",
                        verbose_name="организация",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="пользователь",
                    ),
                ),
            ],
            options={
                "verbose_name": "токен API",
                "verbose_name_plural": "токены API",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("organization__isnull", False), ("user", None)),
                            models.Q(("organization", None), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="api_token_has_one_owner",
                    )
                ],
            },
        ),
    ]
