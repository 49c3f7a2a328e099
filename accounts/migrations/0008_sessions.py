import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.contrib.auth import SESSION_KEY as USER_ID
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations, models

COLUMNS = ("session_key", "session_data", "expire_date")


def take_sessions_over(apps, schema_editor):
    """Nobody is signed out: each session keeps its key, and learns whose it is."""
    people = set(apps.get_model("accounts", "User").objects.values_list("pk", flat=True))
    move(
        apps.get_model("sessions", "Session"),
        apps.get_model("accounts", "Session"),
        lambda row: {"user_id": owner_of(row, people)},
    )


def give_sessions_back(apps, schema_editor):
    move(apps.get_model("accounts", "Session"), apps.get_model("sessions", "Session"))


def move(old, new, more=lambda row: {}):
    while rows := list(old.objects.all()[:500]):
        new.objects.bulk_create(
            new(**{name: getattr(row, name) for name in COLUMNS}, **more(row)) for row in rows
        )
        old.objects.filter(pk__in=[row.pk for row in rows]).delete()


def owner_of(row, people):
    """The user a session names; None for a stranger's, and for one that cannot be read."""
    user_id = str(SessionStore().decode(row.session_data).get(USER_ID) or "")
    return int(user_id) if user_id.isdecimal() and int(user_id) in people else None


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_security_events"), ("sessions", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(
                        max_length=40, primary_key=True, serialize=False, verbose_name="session key"
                    ),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("address", models.GenericIPAddressField(null=True)),
                ("browser", models.CharField(blank=True, max_length=300)),
                ("seen_at", models.DateTimeField(auto_now=True)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "abstract": False,
            },
        ),
        migrations.RunPython(take_sessions_over, give_sessions_back),
    ]
