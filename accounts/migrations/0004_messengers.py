import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

OLD, NEW = "telegramaccount", "messengeraccount"
NAMES = {OLD: "связь с Telegram", NEW: "связь с мессенджером"}


def rename_permissions(apps, schema_editor, old=OLD, new=NEW):
    """Django renames the content type with the model, but no permission: who had it keeps it."""
    for permission in apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="accounts", codename__endswith=f"_{old}"
    ):
        permission.codename = permission.codename.replace(old, new)
        permission.name = permission.name.replace(NAMES[old], NAMES[new])
        permission.save()


def restore_permissions(apps, schema_editor):
    rename_permissions(apps, schema_editor, NEW, OLD)


def of_telegram():
    return models.CharField("мессенджер", max_length=20, default="telegram")


class Migration(migrations.Migration):
    """Links, registrations and PINs name their messenger; all there are belong to Telegram."""

    dependencies = [
        ("accounts", "0003_email_start_index"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("tickets", "0004_title_start_index"),  # its group of agents asks for the old permission
    ]
    operations = [
        migrations.RemoveConstraint("botregistration", "one_registration_per_user"),
        migrations.RemoveConstraint("linkpin", "one_open_pin"),
        migrations.RenameModel("TelegramAccount", "MessengerAccount"),
        migrations.AddField("messengeraccount", "channel", of_telegram(), preserve_default=False),
        migrations.AddField("botregistration", "channel", of_telegram(), preserve_default=False),
        migrations.AddField("linkpin", "channel", of_telegram(), preserve_default=False),
        migrations.AlterField(
            "messengeraccount",
            "telegram_id",
            models.CharField("ID в мессенджере", max_length=64),
        ),
        migrations.RenameField("messengeraccount", "telegram_id", "address"),
        migrations.AlterField(
            "linkpin", "telegram_id", models.CharField("ID в мессенджере", max_length=64)
        ),
        migrations.RenameField("linkpin", "telegram_id", "address"),
        migrations.AlterField(
            "messengeraccount",
            "user",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messengers",
                to=settings.AUTH_USER_MODEL,
                verbose_name="пользователь",
            ),
        ),
        migrations.AlterField(
            "messengeraccount",
            "username",
            models.CharField("имя в мессенджере", max_length=64, blank=True),
        ),
        migrations.AlterModelOptions(
            "messengeraccount",
            {
                "verbose_name": "связь с мессенджером",
                "verbose_name_plural": "связи с мессенджерами",
            },
        ),
        migrations.AddConstraint(
            "messengeraccount",
            models.UniqueConstraint(fields=["channel", "address"], name="one_link_an_address"),
        ),
        migrations.AddConstraint(
            "messengeraccount",
            models.UniqueConstraint(fields=["user", "channel"], name="one_link_a_channel"),
        ),
        migrations.AddConstraint(
            "botregistration",
            models.UniqueConstraint(
                models.F("user"),
                models.F("channel"),
                condition=models.Q(withdrawn_at=None),
                name="one_registration_a_channel",
            ),
        ),
        migrations.AddConstraint(
            "linkpin",
            models.UniqueConstraint(
                models.F("channel"),
                models.F("address"),
                condition=models.Q(closed_at=None),
                name="one_open_pin",
            ),
        ),
        migrations.RunPython(rename_permissions, restore_permissions),
    ]
