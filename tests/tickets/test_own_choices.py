"""What a person follows, wants to hear and asked for: in the archive, and gone with the person."""

import json
import zipfile

import pytest

from accounts.models import JoinRequest, SignUp, User
from tests.factories import OrganizationFactory, open_ticket
from tests.tickets.personal_data import work_off
from tickets.erasures import request_erasure
from tickets.exports import archive_path, request_export
from tickets.followers import follow
from tickets.models import Follower, NoticePreference
from tickets.preferences import DEFAULTS, choose

pytestmark = pytest.mark.django_db


@pytest.fixture
def chooser(anna, vera, product):
    """Vera with a row of everything; another person with the same, to stay."""
    ticket = open_ticket(anna, product=product)
    follow(ticket=ticket, user=vera)
    for person in (anna, vera):
        choose(user=person, choices=DEFAULTS)
        JoinRequest.objects.create(user=person, organization=OrganizationFactory())
        SignUp.objects.create(email=person.email.upper())
    User.objects.filter(pk=vera.pk).update(
        organization_role="administrator", time_zone="Asia/Omsk", consent_version="2026-11"
    )
    vera.refresh_from_db()
    return vera


def test_archive_tells_of_them(chooser):
    export = request_export(user=chooser, asked_by=chooser)
    work_off()
    with zipfile.ZipFile(archive_path(export.pk)) as archive:
        told = {name: archive.read(name) for name in archive.namelist()}
    assert len(json.loads(told["followed_tickets.json"])) == 1
    assert len(json.loads(told["notification_choices.json"])) == len(DEFAULTS)
    assert len(json.loads(told["join_request.json"])) == 1
    person = json.loads(told["person.json"])
    assert (person["organization_role"], person["time_zone"]) == ("administrator", "Asia/Omsk")
    assert person["consent_version"] == "2026-11"


def test_erasure_takes_them_out_and_leaves_those_of_others(chooser, anna):
    request_erasure(user=chooser, asked_by=chooser)
    work_off()
    chooser.refresh_from_db()
    assert (chooser.organization_role, chooser.time_zone) == ("member", "")
    assert chooser.consent_version == "2026-11"  # that a consent was given stays
    assert not Follower.objects.exists()
    assert {row.user for row in NoticePreference.objects.all()} == {anna}
    assert JoinRequest.objects.get().user == anna
    assert SignUp.objects.get().email == anna.email.upper()
