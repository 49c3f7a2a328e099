import pytest
from django.utils import timezone

from telegram_bot.models import BotHeartbeat, Dialog, IncomingUpdate

ROOT = "/admin/telegram_bot"
SECRET = "очень личные слова"


@pytest.fixture
def rows(db) -> dict[str, int]:
    update = IncomingUpdate.objects.create(
        bot_id=1, update_id=2, telegram_id=3, chat_id=3, payload=SECRET, replies=SECRET
    )
    dialog = Dialog.objects.create(telegram_id=3, chat_id=3, data={"t": SECRET}, draft=[SECRET])
    heartbeat = BotHeartbeat.objects.create(bot_id=1, username="bot", seen_at=timezone.now())
    return {"incomingupdate": update.pk, "dialog": dialog.pk, "botheartbeat": heartbeat.pk}


def test_bot_tables_show_how_things_fare_but_not_what_people_wrote(root_desk, rows):
    for model, pk in rows.items():
        for path in (f"{ROOT}/{model}/", f"{ROOT}/{model}/{pk}/change/"):
            response = root_desk.get(path)
            assert response.status_code == 200
            assert SECRET not in response.content.decode()


def test_bot_tables_are_read_only(root_desk, rows):
    for model, pk in rows.items():
        for path in ("add/", f"{pk}/change/", f"{pk}/delete/"):
            assert root_desk.post(f"{ROOT}/{model}/{path}", {"post": "yes"}).status_code == 403


def test_updates_are_filtered_by_their_progress(root_desk, rows):
    given_up = IncomingUpdate.objects.create(
        bot_id=1, update_id=9, telegram_id=3, chat_id=3, processed_at=timezone.now(), error="x"
    )
    for value, expected in (("waiting", rows["incomingupdate"]), ("given_up", given_up.pk)):
        response = root_desk.get(f"{ROOT}/incomingupdate/", {"progress": value})
        assert [row.pk for row in response.context["cl"].result_list] == [expected]
