"""Name and time zone of one's own, and «Справка»."""

from datetime import UTC, datetime

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.time_zones import ZONES, zone_choices
from tests.factories import TicketFactory, UsageFactory, open_ticket
from tests.mail.outbox import send_due
from tests.portal.pages import text
from tickets.models import Ticket, TicketEvent
from tickets.services import change_status
from tickets.status import TicketStatus

EDIT = reverse("profile_edit")
HELP = reverse("help")
NOON = datetime(2026, 11, 20, 9, tzinfo=UTC)  # 12:00 in Moscow, 19:00 in Vladivostok
fields = {"first_name": "Анна", "last_name": "Иванова-Смит", "time_zone": "Asia/Vladivostok"}


def now(person) -> User:
    return User.objects.get(pk=person.pk)


def test_name_and_zone_are_kept(client, logged_in, anna):
    assert client.post(EDIT, fields).url == reverse("profile")
    assert (now(anna).last_name, now(anna).time_zone) == ("Иванова-Смит", "Asia/Vladivostok")
    assert "Владивосток (UTC+10)" in text(client.get(reverse("profile")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_name": ""},
        {"first_name": "Служба поддержки"},
        {"first_name": "П\u043eдд\u0065рж\u006bа"},  # two letters are Latin
        {"first_name": "Под-держка"},
        {"first_name": "\u0405upp\u043ert"},  # two letters are Cyrillic
        {"first_name": "Ｓｕｐｐｏｒｔ"},
        {"last_name": "\u202eавонзук"},
        {"last_name": "К" * 151},
        {"time_zone": "Europe/Paris"},
        {"time_zone": "../../etc/passwd"},
    ],
    ids=str,
)
def test_odd_words_are_refused(client, logged_in, anna, wrong):
    before = (anna.first_name, anna.last_name, anna.time_zone)
    answer = client.post(EDIT, fields | wrong)
    after = now(anna)
    kept = (after.first_name, after.last_name, after.time_zone)
    assert (answer.status_code, kept) in [(200, before), (302, ("Анна", "авонзук", kept[2]))]


def test_who_changes_too_much_waits(client, logged_in, anna):
    UsageFactory(user=anna, used=30)
    assert client.post(EDIT, fields).status_code == 429
    assert now(anna).time_zone == ""


def test_nobody_else_is_changed(client, logged_in, boris):
    client.post(EDIT, fields | {"id": boris.pk, "is_staff": "on", "email": "x@y.example"})
    assert (now(boris).time_zone, now(boris).is_staff) == ("", False)
    assert not User.objects.filter(is_staff=True).exists()


def test_pages_tell_times_of_the_reader(client, logged_in, anna):
    ticket = TicketFactory(requester=anna, created_at=NOON)
    card = ticket.get_absolute_url()
    assert "20.11.2026 12:00:00 (МСК)" in text(client.get(card))
    User.objects.filter(pk=anna.pk).update(time_zone="Asia/Vladivostok")
    assert "20.11.2026 19:00:00 (UTC+10)" in text(client.get(card))
    assert timezone.get_current_timezone_name() == "Europe/Moscow"  # the next request is another's


def test_zone_that_we_no_longer_know_stops_nothing(client, logged_in, anna):
    User.objects.filter(pk=anna.pk).update(time_zone="Mars/Olympus")
    ticket = TicketFactory(requester=anna, created_at=NOON)
    assert "12:00:00 (МСК)" in text(client.get(ticket.get_absolute_url()))


def test_letters_tell_times_of_the_reader(anna, by_agent, product):
    User.objects.filter(pk=anna.pk).update(time_zone="Asia/Vladivostok")
    ticket = open_ticket(now(anna), product=product)
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Готово.")
    Ticket.objects.get().comments.update(created_at=NOON)
    assert TicketEvent.objects.exists()
    send_due()
    times = {letter.to[0]: letter.body for letter in mail.outbox}
    assert "20.11.2026 19:00" in times[anna.email]
    assert "20.11.2026 12:00" in times["office@alpha.example"]


def test_every_zone_is_offered_once_west_to_east():
    zones = [zone for zone, _label in zone_choices()]
    assert sorted(zones) == sorted(ZONES)
    assert dict(zone_choices())["Europe/Moscow"] == "Москва (UTC+3)"
    assert zones.index("Europe/Kaliningrad") < zones.index("Asia/Kamchatka")


# «Справка»


def test_help_is_there_for_guests_too(client, db):
    page = text(client.get(HELP))
    for words in ("/new", "/tickets", "/config", "Вернуть в работу", "Оставить пустым"):
        assert words in page
    assert "Основное меню" not in page


def test_help_stands_in_the_menu(client, logged_in):
    page = text(client.get(HELP))
    assert f'href="{HELP}" aria-current="page"' in page
    assert "через 7 дней" in page


def test_every_link_of_the_contents_leads_somewhere(client, logged_in):
    page = text(client.get(HELP)).partition("<main")[2]
    anchors = {part.partition('"')[0] for part in page.split('href="#')[1:]}
    assert len(anchors) == 10
    assert all(f'id="{anchor}"' in page for anchor in anchors)


def test_login_and_help_lead_to_each_other(client, db):
    assert f'href="{reverse("help")}"' in text(client.get(reverse("login")))
    assert f'href="{reverse("login")}"' in text(client.get(reverse("help")))
