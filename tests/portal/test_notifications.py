"""«Уведомления»: what a person hears where."""

import pytest
from django.urls import reverse

from tests.factories import (
    AgentFactory,
    MessengerAccountFactory,
    SpecialistFactory,
    UsageFactory,
)
from tests.portal.pages import text
from tickets.models import NoticePreference
from tickets.preferences import DEFAULTS, STAFF_TOPICS, Choice, Topic, choices_of

pytestmark = pytest.mark.usefixtures("logged_in")
PAGE = reverse("notifications")
OF_CUSTOMERS = [topic for topic in Topic if topic not in STAFF_TOPICS]


def chosen(person):
    return choices_of(type(person).objects.get(pk=person.pk))


def test_page_shows_what_counts_until_one_chooses(client, anna):
    page = text(client.get(PAGE))
    for topic in Topic:
        assert (str(topic.label) in page) == (topic in OF_CUSTOMERS)
    assert page.count(" checked") == sum(sum(DEFAULTS[topic]) for topic in OF_CUSTOMERS)
    assert not NoticePreference.objects.exists()


def test_what_is_saved_is_shown_and_counts(client, anna, boris):
    client.post(PAGE, {"answers_mail": "on", "status_chat": "on", "details_mail": "on"})
    off = Choice(by_chat=False, by_mail=False)
    assert chosen(anna) == DEFAULTS | dict.fromkeys(OF_CUSTOMERS, off) | {
        Topic.ANSWERS: Choice(by_chat=False),
        Topic.STATUS: Choice(by_mail=False),
        Topic.DETAILS: Choice(by_chat=False),
    }
    assert text(client.get(PAGE)).count(" checked") == 3
    assert chosen(boris) == DEFAULTS
    client.post(PAGE, {"answers_mail": "on"})
    assert NoticePreference.objects.filter(user=anna).count() == len(OF_CUSTOMERS)


def test_without_a_chat_the_page_says_so(client, anna):
    assert "Telegram не связан" in text(client.get(PAGE))
    MessengerAccountFactory(user=anna)
    assert "Telegram не связан" not in text(client.get(PAGE))


def test_promise_of_resolved_is_told(client):
    assert "О выполнении сообщим в любом случае" in text(client.get(PAGE))


def test_who_changes_too_much_waits(client, anna):
    UsageFactory(user=anna, used=30)
    assert client.post(PAGE, {}).status_code == 429
    assert chosen(anna) == DEFAULTS


@pytest.fixture
def by_specialist(client):
    agent = SpecialistFactory()
    client.force_login(agent)
    return agent


def test_agent_chooses_what_of_the_desk_comes_where(client, by_specialist):
    page = text(client.get(PAGE))
    assert "Специалисту поддержки" in page
    assert all(str(topic.label) in page for topic in Topic)
    client.post(PAGE, {"staff_own_chat": "on", "staff_free_mail": "on"})
    now = chosen(by_specialist)
    assert now[Topic.STAFF_OWN] == Choice(by_mail=False)
    assert now[Topic.STAFF_FREE] == Choice(by_chat=False)
    assert now[Topic.STAFF_DUE] == Choice(by_chat=False, by_mail=False)


def test_letters_to_the_address_of_the_desk_are_no_ones_choice(client, by_specialist, settings):
    settings.STAFF_EMAIL = "desk@support.example"
    page = text(client.get(PAGE))
    assert "Письма приходят на desk@support.example" in page
    assert "staff_free_mail" not in page
    client.post(PAGE, {})
    assert chosen(by_specialist)[Topic.STAFF_FREE] == Choice(by_chat=False, by_mail=True)
    settings.STAFF_EMAIL = ""
    assert "staff_free_mail" in text(client.get(PAGE))


def test_who_is_staff_without_the_right_to_see_tickets_has_no_such_topics(client):
    agent = AgentFactory()
    client.force_login(agent)
    page = text(client.get(PAGE))
    assert "Специалисту поддержки" not in page
    client.post(PAGE, {"staff_own_chat": "on"})
    assert chosen(agent)[Topic.STAFF_OWN] == Choice()
