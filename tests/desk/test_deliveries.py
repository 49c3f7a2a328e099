"""The list of deliveries at the desk."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.utils import timezone

from desk.deliveries import DeliveryAdmin
from telegram_bot.notices import COMPOSERS
from tests.factories import AgentFactory, MessengerAccountFactory, open_ticket
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Delivery
from tickets.templatetags.labels import addressee

MAILS = Path(settings.BASE_DIR) / "templates" / "mail"


@pytest.fixture
def ticket_events(anna, product, specialist):
    MessengerAccountFactory(user=anna, address=str(510_000_001), username="anna_k")
    ticket = open_ticket(anna, product=product)
    add_comment(ticket=ticket, actor=recording.agent(specialist), body="Ответ")
    return ticket


@pytest.mark.parametrize("rows", [1, 3])
def test_delivery_list_query_count(desk, specialist, rows, django_assert_num_queries):
    for _row in range(rows):
        ticket = open_ticket(MessengerAccountFactory(username="someone").user)
        add_comment(ticket=ticket, actor=recording.agent(specialist), body="Ответ")
    # session (1 + 3 for the hour of staff), user, 2 of rights, count, page, links
    with django_assert_num_queries(10):
        page = desk.get("/admin/tickets/delivery/").content.decode()
    assert page.count("(@someone)") == rows


def test_every_kind_of_delivery_has_a_name():
    mailed = {path.name.removesuffix("_subject.txt") for path in MAILS.glob("*_subject.txt")}
    mailed -= {"link_pin", "invitation", "password_reset"}  # no deliveries
    named = DeliveryAdmin(Delivery, admin.site)
    for channel, kinds in (("email", mailed), ("telegram", COMPOSERS)):
        for kind in kinds:
            assert re.search("[а-я]", named.kind_(Delivery(channel=channel, kind=kind))), kind


def test_delivery_names_the_person_and_the_channel(desk, anna, ticket_events):
    page = desk.get("/admin/tickets/delivery/").content.decode()
    assert "(@anna_k)" in page
    assert "510000001" not in page
    assert "Почта" in page


def test_delivery_to_an_earlier_link_does_not_bear_the_name_of_the_new_one(anna):
    MessengerAccountFactory(user=anna, address=str(510_000_002), username="anna_new")
    new, earlier = (
        Delivery(channel="telegram", recipient=anna, address=address)
        for address in ("510000002", "510000001")
    )
    assert addressee(new) == "Анна К. (@anna_new)"
    assert addressee(earlier) == "Анна К."


def test_resend_to_who_blocked_the_bot_says_why_it_is_of_no_use(client, anna, ticket_events):
    client.force_login(AgentFactory(is_superuser=True))
    Delivery.objects.update(state=Delivery.State.FAILED)
    anna.messengers.update(unreachable_at=timezone.now())
    chosen = Delivery.objects.filter(event__comment__isnull=False)
    data = {"action": "send_again", "_selected_action": [row.pk for row in chosen]}
    page = client.post("/admin/tickets/delivery/", data, follow=True).content.decode()
    assert "Бот заблокирован:" in page
    again = chosen.filter(state=Delivery.State.QUEUED)
    assert {row.channel for row in again} == {"email"}
    assert f"Снова в очереди: {again.count()}." in page
