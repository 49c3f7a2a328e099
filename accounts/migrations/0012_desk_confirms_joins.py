from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

DESK = "Специалист поддержки"
PERMISSIONS = ["view_joinrequest", "change_joinrequest"]


def allow(apps, schema_editor):
    # Permissions are otherwise made after the last migration.
    create_permissions(installed_apps.get_app_config("accounts"), verbosity=0, apps=apps)
    desk, _created = apps.get_model("auth", "Group").objects.get_or_create(name=DESK)
    desk.permissions.add(*_permissions(apps))


def refuse(apps, schema_editor):
    for desk in apps.get_model("auth", "Group").objects.filter(name=DESK):
        desk.permissions.remove(*_permissions(apps))


def _permissions(apps):
    return apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="accounts", codename__in=PERMISSIONS
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_organizations_and_sign_up"),
        ("tickets", "0003_support_group"),
    ]
    operations = [migrations.RunPython(allow, refuse)]
