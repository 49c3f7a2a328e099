"""Notes have a form of their own: a draft of one must not come back in the box of an answer."""

from django.db import migrations


def give_notes_their_form(apps, _schema_editor):
    drafts = apps.get_model("tickets", "Draft").objects
    for draft in drafts.filter(form="answer", body__visibility="internal").iterator():
        body = {**draft.body, "note": draft.body.get("answer", "")}
        drafts.filter(pk=draft.pk).update(form="note", body=body)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0024_answers_to_incidents_and_split_comments")]

    operations = [migrations.RunPython(give_notes_their_form, migrations.RunPython.noop)]
