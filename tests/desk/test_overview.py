"""«Обзор»: who sees it, what it says is left to set up, what waits, whether everything runs."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from telegram_bot.models import BotHeartbeat
from tests.factories import (
    AgentFactory,
    OrganizationFactory,
    ProductFactory,
    TicketFactory,
    UserFactory,
)
from tickets import delivery
from tickets.delivery import drain
from tickets.models import Delivery
from tickets.readiness import stamp_worker
from tickets.set_up import TEST_LETTERS
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db
PAGE = "/admin/overview/"
LETTER = "/admin/overview/letter/"
KEY = "7a9a1c1e-5b0e-4c4b-8f25-a4b5ad2a2f11"


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def panel(page: str, of: str) -> str:
    [found] = re.findall(rf'aria-labelledby="{of}">(.*?)</section>', page)
    return found


def counts(page: str) -> dict[str, str]:
    rows = re.findall(r"<strong>([^<]*)</strong> <span>([^<]*)</span></a>", panel(page, "waiting"))
    return {label: number for number, label in rows}


@pytest.fixture
def bot(db):
    return BotHeartbeat.objects.create(bot_id=1, username="bot", seen_at=timezone.now())


@pytest.fixture
def everything_set_up(bot, specialist):
    ProductFactory()
    OrganizationFactory()


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("anonymous", 302), ("customer", 302), ("trainee", 403),
        ("specialist", 200), ("head", 200), ("administrator", 200), ("superuser", 200),
    ],
)  # fmt: skip
def test_who_sees_it(client, request, db, who, status):
    people = {"customer": UserFactory, "trainee": AgentFactory}
    if who in people:
        client.force_login(people[who]())
    elif who != "anonymous":
        client.force_login(request.getfixturevalue(who))
    assert client.get(PAGE).status_code == status


def test_agents_find_it_in_the_header(desk):
    assert f'href="{PAGE}"' in text(desk.get("/admin/tickets/ticket/"))
    assert re.search(rf'href="{PAGE}" aria-current="page"', text(desk.get(PAGE)))


# What is left to set up


def test_new_installation_says_what_is_missing_and_where(client, superuser):
    superuser.email = ""
    superuser.save()
    client.force_login(superuser)
    left = panel(text(client.get(PAGE)), "set-up")
    for words in (
        "нет ни одного доступного продукта",
        "нет специалистов с ролью",
        "нет ни одной организации",
        "не задан STAFF_EMAIL",
        "не задан TELEGRAM_BOT_TOKEN",
    ):
        assert words in left
    for page in ("tickets_product_add", "accounts_user_new_agent", "accounts_organization_add"):
        assert reverse(f"admin:{page}") in left


def test_mail_that_goes_nowhere_is_missing(root_desk, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert "не задан EMAIL_URL" in panel(text(root_desk.get(PAGE)), "set-up")


def test_list_is_gone_when_all_is_done(root_desk, everything_set_up):
    assert "set-up" not in text(root_desk.get(PAGE))


def test_bot_that_never_was_seen_is_missing_though_it_has_a_token(root_desk, settings):
    settings.TELEGRAM_BOT_TOKEN = "1:a"
    assert "бот ещё не выходил на связь" in panel(text(root_desk.get(PAGE)), "set-up")


def test_superuser_is_no_agent_and_neither_is_one_without_a_role(
    root_desk, everything_set_up, specialist
):
    specialist.user_permissions.clear()
    Group.objects.get(name="Специалист поддержки").user_set.clear()
    assert "нет специалистов с ролью" in text(root_desk.get(PAGE))


def test_closed_product_is_none(root_desk, everything_set_up):
    ProductFactory._meta.model.objects.update(is_active=False)
    assert "нет ни одного доступного продукта" in text(root_desk.get(PAGE))


def test_agents_see_no_list_but_that_nobody_hears_of_new_tickets(desk, specialist, settings):
    assert "О новых заявках никто не узнает" not in text(desk.get(PAGE))
    specialist.email = ""
    specialist.save()
    page = text(desk.get(PAGE))
    assert "О новых заявках никто не узнает" in page
    assert "set-up" not in page
    settings.STAFF_EMAIL = "desk@support.example"
    assert "О новых заявках никто не узнает" not in text(desk.get(PAGE))


# The test letter


def test_letter_goes_the_way_of_all_letters_and_the_page_says_how_it_went(office, administrator):
    response = office.post(LETTER, {"key": KEY})
    assert response.status_code == 302
    page = panel(text(office.get(response.url)), "running")
    assert "Письмо ждёт обработчика задач" in page
    drain("email")
    [letter] = mail.outbox
    assert letter.to == [administrator.email]
    assert "Почтовый сервер принял письмо" in panel(text(office.get(response.url)), "running")


def test_letter_a_server_refuses_says_why(office, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise ConnectionRefusedError("connection refused")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    response = office.post(LETTER, {"key": KEY})
    drain_once()
    assert "connection refused" in panel(text(office.get(response.url)), "running")


def drain_once() -> None:
    """A batch; the whole slice would wait for the retry."""
    channel = delivery.channels()["email"]
    for outcome in delivery._send(channel, delivery._next_batch(channel)):
        delivery._record(channel, outcome)


def test_letter_asked_for_twice_goes_once(office):
    first, second = (office.post(LETTER, {"key": KEY}) for _time in range(2))
    assert first.url == second.url
    assert Delivery.objects.count() == 1


def test_letters_are_limited(office):
    for _time in range(TEST_LETTERS.limit):
        office.post(LETTER)
    response = office.post(LETTER, follow=True)
    assert "Пробных писем хватит" in text(response)
    assert Delivery.objects.count() == TEST_LETTERS.limit


def test_letter_of_another_is_not_shown(office, superuser):
    office.post(LETTER, {"key": KEY})
    Delivery.objects.update(recipient=superuser)
    letter = Delivery.objects.get()
    for number in (letter.pk, "x", "9" * 30, ""):
        assert "Письмо ждёт" not in text(office.get(f"{PAGE}?letter={number}"))


@pytest.mark.parametrize("who", ["specialist", "head"])
def test_only_administrators_send_one(client, request, who):
    client.force_login(request.getfixturevalue(who))
    assert "пробное письмо" not in text(client.get(PAGE))
    assert client.post(LETTER, {"key": KEY}).status_code == 403
    assert not Delivery.objects.exists()


def test_letter_is_not_sent_by_an_address_alone(office):
    assert office.get(LETTER).url == PAGE
    assert not Delivery.objects.exists()


# What waits


def deliver(key: str, *, state: str = "failed", days: float = 0) -> None:
    moment = timezone.now() - timedelta(days=days)
    Delivery.objects.create(
        channel="email", kind="comment", address="a@b.example", key=key, state=state,
        created_at=moment,
    )  # fmt: skip


def test_what_waits_is_counted_each_with_its_list(desk, product):
    past = timezone.now() - timedelta(hours=1)
    TicketFactory(product=product)
    TicketFactory(product=product, next_due_at=past)
    TicketFactory(product=product, assignee=AgentFactory(), answered_at=past)
    deliver("failed")
    deliver("failed long ago", days=9)
    deliver("sent", state="sent")
    page = text(desk.get(PAGE))
    expected = {"Без исполнителя": "2", "Просрочены": "1", "Клиент ответил": "1"}
    assert counts(page) == expected | {"Не доставлено за 7 дней": "1"}
    for tab, number in (("free", 2), ("late", 1), ("answered", 1)):
        assert f"/admin/tickets/ticket/?tab={tab}" in page
        listed = text(desk.get(f"/admin/tickets/ticket/?tab={tab}"))
        assert listed.count('name="_selected_action"') == number


def test_link_of_the_undelivered_leads_to_those_counted(desk):
    deliver("failed")
    deliver("failed long ago", days=9)
    deliver("sent", state="sent")
    [url] = re.findall(r'href="(/admin/tickets/delivery/\?state[^"]*)"', text(desk.get(PAGE)))
    response = desk.get(url.replace("&amp;", "&"))
    assert response.status_code == 200
    assert [row.key for row in response.context["cl"].result_list] == ["failed"]


# What runs


def running(client) -> str:
    return panel(text(client.get(PAGE)), "running")


def test_it_says_what_readyz_says(client, desk, bot, clock):
    stamp_worker()
    assert client.get("/readyz").status_code == 200
    assert "не работает" not in running(desk)
    clock.advance(minutes=3)
    found = running(desk)
    assert "бот не на связи" in found
    assert "обработчик задач не работает" in found
    assert set(client.get("/readyz").json()["problems"]) == {
        "bot not running",
        "worker not running",
    }


def test_delivery_nobody_sends_is_told_with_its_channel(desk, bot):
    deliver("waits", state="queued")
    Delivery.objects.update(due_at=timezone.now() - timedelta(minutes=2))
    assert "Почта: уведомления не уходят" in running(desk)


def test_looking_writes_nothing(desk):
    desk.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        desk.get(PAGE)
    read = ("SELECT", "SAVEPOINT", "RELEASE")
    assert [row["sql"] for row in queries if not row["sql"].startswith(read)] == []


# The last month


def test_ratings_are_those_of_thirty_days(desk, product):
    now = timezone.now()
    for score, days in ((5, 0), (5, 29), (2, 3), (1, 31)):
        TicketFactory(
            product=product, status=TicketStatus.CLOSED, score=score,
            closed_at=now - timedelta(days=days),
        )  # fmt: skip
    found = panel(text(desk.get(PAGE)), "scores")
    assert "4,00" in found
    assert "n=3" in found
    assert re.findall(r'<th scope="row">(\d).*?<td>(\d+) ', found) == [
        ("5", "2"), ("4", "0"), ("3", "0"), ("2", "1"), ("1", "0"),
    ]  # fmt: skip


def test_new_tickets_stand_by_day_in_the_picture_and_in_its_table(desk, product):
    now = timezone.now()
    for days in (0, 0, 1, 29, 30):
        TicketFactory(product=product, created_at=now - timedelta(days=days))
    page = panel(text(desk.get(PAGE)), "days")
    assert "n=4" in page
    numbers = re.findall(r'<th scope="row">[\d.]+</th><td>(\d+)</td>', page)
    assert len(numbers) == 30
    assert (numbers[0], numbers[-2:]) == ("1", ["1", "2"])
    assert page.count("<rect") == 30
    assert not re.findall(r'(?:x|y|width|height)="[\d.]*,', page)


def test_empty_desk_says_so(desk):
    page = text(desk.get(PAGE))
    assert "Оценок за это время нет" in page
    assert "За это время заявок не было" in page


@pytest.mark.parametrize("rows", [1, 3])
def test_query_count(office, django_assert_num_queries, rows):
    for number in range(rows):
        TicketFactory(score=3, status="closed", closed_at=timezone.now())
        TicketFactory()
        deliver(str(number))
    office.get(PAGE)
    with django_assert_num_queries(26):
        office.get(PAGE)
