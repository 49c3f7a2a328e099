"""The list of deliveries at the desk."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.utils import timezone

from desk.deliveries import DeliveryAdmin
from telegram_bot.notices import COMPOSERS
from tests.factories import AgentFactory, TelegramAccountFactory, open_ticket
from tickets import recording
from tickets.comments import add_comment
from tickets.models import Delivery
from tickets.templatetags.labels import addressee

MAILS = Path(settings.BASE_DIR) / "templates" / "mail"


@pytest.fixture
def ticket_events(anna, product, specialist):
    TelegramAccountFactory(user=anna, telegram_id=510_000_001, username="anna_k")
    ticket = open_ticket(anna, product=product)
    add_comment(ticket=ticket, actor=recording.agent(specialist), body="Ответ")
    return ticket


@pytest.mark.parametrize("rows", [1, 3])
def test_delivery_list_query_count(desk, specialist, rows, django_assert_num_queries):
    for _row in range(rows):
        ticket = open_ticket(TelegramAccountFactory(username="someone").user)
        add_comment(ticket=ticket, actor=recording.agent(specialist), body="Ответ")
    # session (1 + 3 to keep it alive), user, 2 of rights, count, page
    with django_assert_num_queries(9):
        page = desk.get("/admin/tickets/delivery/").content.decode()
    assert page.count("(@someone)") == rows


def test_every_kind_of_notice_has_a_name(db):
    kinds = {path.name.removesuffix("_subject.txt") for path in MAILS.glob("*_subject.txt")}
    kinds -= {"link_pin", "invitation", "password_reset"}  # no deliveries
    named = DeliveryAdmin(Delivery, admin.site)
    for kind in {*kinds, *COMPOSERS}:
        assert re.search("[а-я]", named.kind_(Delivery(kind=kind))), kind


def test_delivery_names_the_person_and_the_channel(desk, anna, ticket_events):
    page = desk.get("/admin/tickets/delivery/").content.decode()
    assert "(@anna_k)" in page
    assert "510000001" not in page
    assert "Почта" in page


def test_delivery_to_an_earlier_link_does_not_bear_the_name_of_the_new_one(anna):
    TelegramAccountFactory(user=anna, telegram_id=510_000_002, username="anna_new")
    assert addressee(Delivery(recipient=anna, address="510000002")) == "Анна К. (@anna_new)"
    assert addressee(Delivery(recipient=anna, address="510000001")) == "Анна К."


def test_resend_to_who_blocked_the_bot_says_why_it_is_of_no_use(client, anna, ticket_events):
    client.force_login(AgentFactory(is_superuser=True))
    Delivery.objects.update(state=Delivery.State.FAILED)
    anna.telegram.unreachable_at = timezone.now()
    anna.telegram.save()
    chosen = Delivery.objects.filter(event__comment__isnull=False)
    data = {"action": "send_again", "_selected_action": [row.pk for row in chosen]}
    page = client.post("/admin/tickets/delivery/", data, follow=True).content.decode()
    assert "Бот заблокирован:" in page
    again = chosen.filter(state=Delivery.State.QUEUED)
    assert {row.channel for row in again} == {"email"}
    assert f"Снова в очереди: {again.count()}." in page
