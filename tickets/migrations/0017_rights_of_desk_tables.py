from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

FOR_ALL = [
    "view_cannedanswer",
    "add_cannedanswer",
    "change_cannedanswer",
    "delete_cannedanswer",
    "view_announcement",
]
FOR_HEADS = [
    *FOR_ALL,
    "share_cannedanswer",
    "view_report",
    "add_announcement",
    "change_announcement",
]
ROLES = {
    "Специалист поддержки": FOR_ALL,
    "Руководитель поддержки": FOR_HEADS,
    "Администратор": FOR_HEADS,
}


def give(apps, schema_editor):
    # Permissions are otherwise made after the last migration.
    create_permissions(installed_apps.get_app_config("tickets"), verbosity=0, apps=apps)
    for role, permissions in rights(apps):
        role.permissions.add(*permissions)


def take(apps, schema_editor):
    for role, permissions in rights(apps):
        role.permissions.remove(*permissions)


def rights(apps):
    Permission = apps.get_model("auth", "Permission")
    Group = apps.get_model("auth", "Group")
    for name, codenames in ROLES.items():
        found = Permission.objects.filter(content_type__app_label="tickets", codename__in=codenames)
        for role in Group.objects.filter(name=name):
            yield role, found


class Migration(migrations.Migration):
    dependencies = [("tickets", "0016_desk_tables"), ("accounts", "0015_roles")]

    operations = [migrations.RunPython(give, take)]
