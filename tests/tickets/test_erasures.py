"""What is left of a person who is erased, and who cannot be."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import models

from accounts.models import Erasure
from telegram_bot.models import IncomingUpdate
from tests.factories import AgentFactory, UserFactory, open_ticket
from tests.files import pdf
from tests.tickets.personal_data import (
    CHAT,
    close_ticket,
    keep_everything,
    whole_database,
    work_off,
)
from tests.tickets.traces import files_on_disk
from tickets import drafts, erasures, own_data, recording, services, tasks
from tickets.drafts import Mark
from tickets.erasures import forget_last_letters, request_erasure
from tickets.exports import request_export
from tickets.models import Comment, Delivery, Draft, Face, Ticket
from tickets.refusals import AgentNotErased, DataErased, NotYours, TicketsStillOpen

pytestmark = pytest.mark.django_db
TRACES = re.compile(rf"[Тт]айн|taina|anna|Анна|9161234567|{CHAT}|203\.0\.113\.5|@alpha\.example")


@pytest.fixture
def known(anna, agent):
    """Anna, of whom everything is kept."""
    keep_everything(anna, agent)
    return anna


def traces() -> list[str]:
    """Rows that still know her; the organization's own row is not hers."""
    return [
        row
        for row in whole_database().splitlines()
        if TRACES.search(row) and "office@alpha.example" not in row  # of her organization
    ]


def test_nothing_of_a_person_is_left_anywhere(known, settings):
    assert traces()
    request_erasure(user=known, asked_by=known)
    work_off()
    forget_last_letters()
    assert traces() == []
    left = [path.read_bytes() for path in files_on_disk(settings)]
    assert len(left) == 2  # of the agent: one beside an answer, one beside a note


def test_number_consent_and_answers_stay(known):
    request_erasure(user=known, asked_by=known)
    work_off()
    ticket = Ticket.objects.get()
    assert (ticket.title, ticket.description) == ("[удалено]", "[удалено]")
    assert (ticket.rating_comment, ticket.score, ticket.requester_id) == ("[удалено]", 5, known.pk)
    bodies = list(ticket.comments.order_by("pk").values_list("body", flat=True))
    assert bodies == ["[удалено]", "Ответ поддержки", "Служебное", "Готово"]
    consent = known.registrations.get()
    assert consent.consented_at
    assert consent.withdrawn_at
    assert (consent.consent_version, consent.phone, consent.ip) == ("2026-11", "", None)


def test_access_and_identity_end_at_once(known, client):
    client.force_login(known)
    erasure = request_erasure(user=known, asked_by=known)
    known.refresh_from_db()
    assert str(known) == known.short_name == "Удалённый пользователь"
    assert known.email == f"erased-{known.pk}@erased.invalid"
    assert (known.is_active, known.has_usable_password(), known.organization) == (
        False,
        False,
        None,
    )
    assert client.get("/").status_code == 302
    assert not known.messengers.exists()
    assert not IncomingUpdate.objects.exclude(replies="").exists()
    waiting = Delivery.objects.filter(recipient=known, state=Delivery.State.QUEUED)
    assert not waiting.exists()
    assert erasure.ended_at is None


def test_last_letter_goes_to_the_old_address_which_is_forgotten_then(known):
    request_erasure(user=known, asked_by=known)
    work_off()
    letters = [letter for letter in mail.outbox if "удалены" in letter.subject]
    assert [letter.to for letter in letters] == [["anna@alpha.example"]]
    assert "anna" not in letters[0].body
    forget_last_letters()
    assert Erasure.objects.get().email == ""
    assert not Delivery.objects.filter(kind="erased").exists()


def test_address_is_kept_while_the_letter_waits(known):
    request_erasure(user=known, asked_by=known)
    tasks.work_on_personal_data()  # which queues the letter, and nobody sends it
    forget_last_letters()
    assert Erasure.objects.get().email == "anna@alpha.example"
    assert Delivery.objects.get(kind="erased").state == Delivery.State.QUEUED


def test_same_erasure_when_asked_again(known):
    first = request_erasure(user=known, asked_by=known)
    assert request_erasure(user=known, asked_by=known) == first


def test_address_is_free_again(known):
    request_erasure(user=known, asked_by=known)
    again = UserFactory(username="anna", email="anna@alpha.example")
    work_off()
    again.refresh_from_db()
    assert again.is_active


def test_open_tickets_are_named_and_nothing_is_done(anna):
    numbers = [open_ticket(anna).pk for _number in range(2)]
    with pytest.raises(TicketsStillOpen) as refused:
        request_erasure(user=anna, asked_by=anna)
    assert refused.value.numbers == numbers
    assert f"№ {numbers[0]}, № {numbers[1]}." in str(refused.value)
    anna.refresh_from_db()
    assert anna.is_active
    assert not Erasure.objects.exists()


def test_many_open_tickets_are_named_in_part(anna, monkeypatch):
    monkeypatch.setattr(erasures, "NUMBERS_NAMED", 2)
    for _number in range(3):
        open_ticket(anna)
    with pytest.raises(TicketsStillOpen, match="открытые заявки: .* и другие"):
        request_erasure(user=anna, asked_by=anna)


@pytest.mark.parametrize("rights", [{"is_staff": True}, {"is_superuser": True}])
def test_who_serves_or_rules_is_not_erased(rights):
    person = AgentFactory(**{"is_staff": False} | rights)
    with pytest.raises(AgentNotErased):
        request_erasure(user=person, asked_by=person)
    person.refresh_from_db()
    assert person.is_active


def test_no_ticket_is_opened_for_a_person_who_has_left(anna, product):
    request_erasure(user=anna, asked_by=anna)
    with pytest.raises(NotYours):  # `anna` is as a chat or a form still has her
        services.open_ticket(
            requester=anna, product=product, title="т", description="о", face=Face.BOT
        )


def test_words_of_others_stay(known, boris, agent):
    other = open_ticket(boris, title="Чужая тема", files=[pdf("чужой.pdf")])
    serves = recording.agent(agent)
    recording.write_comment(other, serves, "Ответ", [])
    Comment.objects.create(ticket=other, author=known, by_agent=False, body="тайна", face="bot")
    request_erasure(user=known, asked_by=known)
    work_off()
    other.refresh_from_db()
    assert other.title == "Чужая тема"
    assert other.attachments.count() == 1
    bodies = list(other.comments.order_by("pk").values_list("body", flat=True))
    assert bodies == ["Ответ", "[удалено]"]


def called(agent, **whom):
    words = {"title": "Звонок", "description": "Слова", "product": "", **whom}
    return Draft.objects.create(user=agent, form="called", body=words)


@pytest.mark.parametrize("email", ["anna@alpha.example", ""])
def test_what_agents_write_for_others_stays(anna, boris, email):
    anna.email = email
    anna.save()
    agents = AgentFactory.create_batch(4)
    called(agents[0], requester=str(boris.pk), email="")
    called(agents[1], requester=f"{anna.pk}0", email="")
    called(agents[2], requester="", email="other@alpha.example")
    called(agents[3], requester=str(anna.pk), email="")
    request_erasure(user=anna, asked_by=anna)
    left = Draft.objects.values_list("user", flat=True).order_by("pk")
    assert list(left) == [agent.pk for agent in agents[:3]]


def test_page_that_was_open_keeps_no_words_for_who_is_erased(anna, agent):
    mark, post = Mark(agent.pk, "called"), {"title": "Звонок", "requester": str(anna.pk)}
    drafts.save_draft(mark=mark, key=None, post=post)
    request_erasure(user=anna, asked_by=anna)
    drafts.save_draft(mark=mark, key=None, post=post)
    lost = {"browser": "x" * 43, "key": None, "had_files": False}
    assert not drafts.hold_words(mark=mark, post=post, **lost)
    assert not Draft.objects.exists()


def test_killed_worker_goes_on_where_it_was(anna, agent, monkeypatch):
    monkeypatch.setattr(own_data, "TICKETS_A_BATCH", 2)
    for _number in range(5):
        close_ticket(anna, agent)
    request_erasure(user=anna, asked_by=anna)
    erase, calls = own_data.TicketsSection.erase, []

    def die(section, erasure, after):
        calls.append(after)
        batch = erase(section, erasure, after)
        if len(calls) == 2:
            raise KeyboardInterrupt  # after the rows were written, before the commit
        return batch

    monkeypatch.setattr(own_data.TicketsSection, "erase", die)
    with pytest.raises(KeyboardInterrupt):
        work_off()
    titles = set(Ticket.objects.order_by("pk").values_list("title", "description"))
    assert titles == {("[удалено]", "[удалено]"), ("тайна темы", "тайна описания")}
    work_off()
    assert calls[2] == calls[1]
    assert set(Ticket.objects.values_list("title", flat=True)) == {"[удалено]"}
    assert Erasure.objects.get().ended_at


@pytest.mark.parametrize("number", [1, 3])
def test_query_count_of_a_batch(anna, agent, number, django_assert_num_queries):
    for _number in range(number):
        close_ticket(anna, agent)
    erasure = Erasure.objects.create(user=anna, asked_by=anna)
    with django_assert_num_queries(16):
        own_data.TicketsSection().erase(erasure, 0)


def test_archives_are_dropped_and_refused(known, settings):
    root = AgentFactory(is_superuser=True)
    request_export(user=known, asked_by=known)
    request_export(user=known, asked_by=root)
    work_off()
    request_erasure(user=known, asked_by=known)
    assert not known.exports.exists()
    with pytest.raises(DataErased):
        request_export(user=known, asked_by=root)


def test_every_table_that_points_at_people_is_accounted_for():
    """A new table with a person in it has to say what an export and an erasure do with it."""
    pointing = {
        f"{relation.related_model._meta.label}.{relation.field.name}"
        for relation in get_user_model()._meta.get_fields(include_hidden=True)
        if isinstance(relation, models.ManyToOneRel)
    }
    kept_with_the_new_name = {
        "tickets.Ticket.requester", "tickets.Ticket.assignee", "tickets.Comment.author",
        "tickets.Ticket.changed_by", "tickets.Ticket.last_word_by",
        "tickets.Ticket.desk_changed_by",
        "tickets.TicketEvent.actor", "telegram_bot.GroupProduct.chosen_by",
        "accounts.Erasure.user", "accounts.Erasure.asked_by", "admin.LogEntry.user",
        "accounts.EmailChange.actor", "accounts.SecurityEvent.actor",
        "accounts.ApiToken.made_by",
        "tickets.TicketLink.made_by", "tickets.Announcement.made_by",
        "tickets.IncidentAnswer.author",
    }  # fmt: skip
    rows_go_or_are_emptied = {
        "accounts.BotRegistration.user", "accounts.MessengerAccount.user",
        "accounts.DataExport.user", "accounts.DataExport.asked_by", "tickets.Delivery.recipient",
        "tickets.Draft.user", "tickets.FormKey.user", "accounts.User_groups.user",
        "tickets.TicketRead.user", "tickets.Follower.user", "tickets.NoticePreference.user",
        "accounts.JoinRequest.user", "tickets.CannedAnswer.owner", "tickets.SavedView.user",
        "tickets.Presence.user",
        "accounts.User_user_permissions.user", "accounts.Session.user",
        "accounts.EmailChange.user", "accounts.SecurityEvent.user", "accounts.Usage.user",
        "accounts.ApiToken.user", "accounts.Invitation.user", "accounts.RecoveryCode.user",
        "otp_totp.TOTPDevice.user", "webhooks.Endpoint.user",
    }  # fmt: skip
    assert pointing == kept_with_the_new_name | rows_go_or_are_emptied
