import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_usage")]
    operations = [
        migrations.CreateModel(
            name="SecurityEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("login", "вход"),
                            ("login_failed", "неудачный вход"),
                            ("wrong_password", "неверный пароль при изменении данных"),
                            ("locked", "блокировка: много неверных паролей"),
                            ("address_closed", "блокировка: с адреса перебирают аккаунты"),
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
                        ],
                        max_length=30,
                        verbose_name="что",
                    ),
                ),
                ("login_digest", models.CharField(blank=True, editable=False, max_length=32)),
                ("address", models.GenericIPAddressField(null=True, verbose_name="IP-адрес")),
                ("browser", models.CharField(blank=True, max_length=300, verbose_name="браузер")),
                (
                    "details",
                    models.CharField(blank=True, max_length=300, verbose_name="подробности"),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="время"),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="кто сделал",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="security_events",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="пользователь",
                    ),
                ),
            ],
            options={
                "verbose_name": "событие безопасности",
                "verbose_name_plural": "журнал безопасности",
                "indexes": [
                    models.Index(
                        models.F("address"),
                        models.F("kind"),
                        models.F("created_at"),
                        name="security_of_address",
                    ),
                    models.Index(
                        models.F("user"),
                        models.F("kind"),
                        models.F("created_at"),
                        name="security_of_user",
                    ),
                    models.Index(
                        models.F("kind"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="security_of_kind",
                    ),
                    models.Index(models.F("created_at"), name="security_age"),
                ],
            },
        ),
    ]
