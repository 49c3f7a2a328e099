from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

ADMINISTRATOR = "Администратор"
RIGHTS = ["view_apitoken", "change_apitoken"]  # to see them all, to revoke them


def give_rights(apps, schema_editor):
    # Permissions are otherwise made after the last migration.
    create_permissions(installed_apps.get_app_config("accounts"), verbosity=0, apps=apps)
    rights = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="accounts", codename__in=RIGHTS
    )
    for role in apps.get_model("auth", "Group").objects.filter(name=ADMINISTRATOR):
        role.permissions.add(*rights)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0019_api_tokens")]
    operations = [migrations.RunPython(give_rights, migrations.RunPython.noop)]
