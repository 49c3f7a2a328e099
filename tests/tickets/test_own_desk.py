"""What an agent kept at the desk for themselves, in their archive and in an erasure."""

import json
import zipfile

import pytest
from django.core.files.base import ContentFile

from accounts.models import User
from tests.tickets.personal_data import work_off
from tickets.attachments import attachment_storage
from tickets.erasures import request_erasure
from tickets.exports import archive_path, request_export
from tickets.models import CannedAnswer, CannedFile, Presence, SavedView

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(agent, ticket):
    own = CannedAnswer.objects.create(title="Спасибо", body="Спасибо!", owner=agent)
    CannedFile.objects.create(answer=own, name="a.txt", file=ContentFile(b"a", "a.txt"))
    CannedAnswer.objects.create(title="Для всех", body="Здравствуйте!")
    SavedView.objects.create(user=agent, name="Срочные", query="priority=critical")
    Presence.objects.create(user=agent, ticket=ticket)
    return agent


def test_archive_tells_of_them(keeper):
    export = request_export(user=keeper, asked_by=keeper)
    work_off()
    with zipfile.ZipFile(archive_path(export.pk)) as archive:
        [answer] = json.loads(archive.read("canned_answers.json"))
        [view] = json.loads(archive.read("saved_views.json"))
    assert answer["title"] == "Спасибо"
    assert view == {"name": "Срочные", "query": "priority=critical"}


def test_erasure_takes_out_their_own_and_leaves_what_is_everybodys(keeper):
    name = CannedFile.objects.get().file.name
    User.objects.filter(pk=keeper.pk).update(is_staff=False)
    request_erasure(user=keeper, asked_by=keeper)
    work_off()
    assert [answer.title for answer in CannedAnswer.objects.all()] == ["Для всех"]
    assert not SavedView.objects.exists()
    assert not Presence.objects.exists()
    assert not attachment_storage().exists(name)
