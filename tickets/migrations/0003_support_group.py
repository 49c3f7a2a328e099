from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

NAME = "Специалист поддержки"
PERMISSIONS = {
    "accounts": [
        "view_user",
        "add_user",
        "change_user",  # customers only: accounts.admin keeps staff out of reach
        "view_organization",
        "view_botregistration",
        "view_telegramaccount",
    ],
    "tickets": [
        "view_ticket",
        "change_ticket",
        "view_comment",
        "add_comment",
        "view_product",
        "view_delivery",
    ],
}


def create_group(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    group, _created = Group.objects.get_or_create(name=NAME)
    for label, codenames in PERMISSIONS.items():
        # Permissions are otherwise made after the last migration.
        create_permissions(installed_apps.get_app_config(label), verbosity=0, apps=apps)
        group.permissions.add(
            *Permission.objects.filter(content_type__app_label=label, codename__in=codenames)
        )


def delete_group(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0002_safety_net"),
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(create_group, delete_group)]
