from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.models import Q

SPECIALIST = "Специалист поддержки"
HEAD = "Руководитель поддержки"
ADMINISTRATOR = "Администратор"

# What a role may do beside all that the one before may: only so one can be given by the next.
# «Все права», passwords of others, what roles hold and raw updates of the bot are no role's.
BESIDE_SPECIALIST = {
    "accounts": ["add_organization", "change_organization"],
    "tickets": ["view_target", "change_delivery"],  # the latter: to send it again
}
BESIDE_HEAD = {
    "accounts": [
        "manage_staff",
        "change_user_email",
        "handle_personal_data",
        "delete_user",
        "delete_organization",
        "change_botregistration",  # to withdraw it
        "change_messengeraccount",  # to end the link
        "view_securityevent",
    ],
    "auth": ["view_group"],
    "telegram_bot": ["view_botheartbeat"],
    "tickets": [
        "add_product",
        "change_product",
        "delete_product",
        "add_target",
        "change_target",
        "delete_target",
    ],
}


def make_roles(apps, schema_editor):
    for label in BESIDE_HEAD:
        # Permissions are otherwise made after the last migration.
        create_permissions(installed_apps.get_app_config(label), verbosity=0, apps=apps)
    make_role(apps, HEAD, SPECIALIST, BESIDE_SPECIALIST)
    make_role(apps, ADMINISTRATOR, HEAD, BESIDE_HEAD)


def make_role(apps, name, before, beside):
    Permission = apps.get_model("auth", "Permission")
    role, _created = apps.get_model("auth", "Group").objects.get_or_create(name=name)
    wanted = Q(group__name=before)
    for label, codenames in beside.items():
        wanted |= Q(content_type__app_label=label, codename__in=codenames)
    role.permissions.add(*Permission.objects.filter(wanted).distinct())


def drop_roles(apps, schema_editor):
    """Those that somebody holds stay: rights that no page asks for open nothing."""
    roles = apps.get_model("auth", "Group").objects.filter(name__in=[HEAD, ADMINISTRATOR])
    roles.filter(user=None).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0014_rights_of_roles"),
        ("telegram_bot", "0008_updates_by_turns"),
        ("tickets", "0015_read_so_far"),
    ]
    operations = [migrations.RunPython(make_roles, drop_roles)]
