"""Who can have a ticket: whoever serves tickets, by every way a ticket comes to somebody."""

from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.factories import (
    AgentFactory,
    ProductFactory,
    SpecialistFactory,
    TicketFactory,
    UserFactory,
    open_ticket,
)
from tests.tickets.test_bulk import run
from tickets import services
from tickets.comments import add_comment
from tickets.forms import Sending
from tickets.models import Priority, Ticket, TicketEvent, serving
from tickets.on_behalf import open_for_once
from tickets.recording import agent as as_agent
from tickets.refusals import AssigneeCannotServe
from tickets.status import TicketStatus

pytestmark = pytest.mark.django_db


def switched_off() -> User:
    """As somebody read them who does not know it yet."""
    person = SpecialistFactory()
    User.objects.filter(pk=person.pk).update(is_active=False)
    return person


def without_the_right() -> User:
    """The same of whose right was taken away."""
    person = SpecialistFactory()
    assert person.has_perm("tickets.view_ticket")
    person.user_permissions.clear()
    return person


def in_group(**given) -> User:
    person = AgentFactory(**given)
    person.groups.add(Group.objects.get(name="Специалист поддержки"))
    return person


UNFIT = {
    "customer": UserFactory,
    "trainee": AgentFactory,
    "superuser who is no agent": partial(UserFactory, is_superuser=True),
    "no agent in the group": partial(in_group, is_staff=False),
    "switched off": switched_off,
    "without the right": without_the_right,
}
FIT = {
    "specialist": SpecialistFactory,
    "of the group": in_group,
    "superuser": partial(AgentFactory, is_superuser=True),
}


# Another gives it


def assign(ticket, person, by):
    services.assign_ticket(ticket=ticket, assignee=person, actor=by)


def change_facts(ticket, person, by):
    services.change_facts(ticket=ticket, actor=by, assignee=(None, person))


def open_for(ticket, person, by):
    open_ticket(ticket.requester, product=ticket.product, actor=by, assignee=person)


# Whoever takes it


def take(ticket, person, _by):
    services.take_to_work(ticket=ticket, actor=as_agent(person))


def take_from(ticket, person, _by):
    services.take_from(ticket=ticket, actor=as_agent(person), shown=None)


def answer(ticket, person, _by):
    add_comment(ticket=ticket, actor=as_agent(person), body="Смотрим.")


def answer_and_resolve(ticket, person, _by):
    services.change_status(
        ticket=ticket, to=TicketStatus.RESOLVED, actor=as_agent(person), answer="Готово."
    )


def work(ticket, person, _by):
    services.work_on_ticket(ticket=ticket, actor=as_agent(person), seen=0, body="Смотрим.")


def open_and_take(ticket, person, _by):
    open_for_once(
        sending=Sending(user=person, purpose="called", key=uuid4(), fingerprint=""),
        find_requester=lambda: ticket.requester,
        product=ticket.product,
        title="Не печатает",
        description="Звонили.",
        priority=Priority.HIGH,
        takes=True,
    )


WAYS = [
    assign, change_facts, open_for, take, take_from, answer, answer_and_resolve, work,
    open_and_take,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", UNFIT)
def test_who_serves_no_tickets_is_given_none(ticket, by_agent, way, who):
    person = UNFIT[who]()
    with pytest.raises(AssigneeCannotServe) as refused:
        way(ticket, person, by_agent)
    assert refused.value.code == "assignee_cannot_serve"
    assert str(refused.value) == (
        "Исполнителем может быть только сотрудник, который видит заявки и чей вход открыт."
    )
    assert not TicketEvent.objects.exists()
    assert Ticket.objects.get().assignee is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", FIT)
def test_who_serves_is(ticket, by_agent, way, who):
    person = FIT[who]()
    way(ticket, person, by_agent)
    assert Ticket.objects.latest("pk").assignee == person


def test_answer_that_takes_nothing_needs_no_assignee(ticket):
    add_comment(ticket=ticket, actor=as_agent(AgentFactory()), body="Да.", takes_to_work=False)
    assert Ticket.objects.get().assignee is None


def test_ticket_is_freed_whoever_has_it(by_agent):
    ticket = TicketFactory(assignee=AgentFactory(is_active=False))
    services.assign_ticket(ticket=ticket, assignee=None, actor=by_agent)
    assert Ticket.objects.get().assignee is None


# Many at once


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("who", ["fit", "unfit"])
def test_person_is_asked_about_once_for_all_tickets(anna, agent, number, who):
    product, person = ProductFactory(), SpecialistFactory() if who == "fit" else AgentFactory()
    tickets = [open_ticket(anna, product=product) for _each in range(number)]
    with CaptureQueriesContext(connection) as queries:
        outcome = run(agent, tickets, partial(services.assign_ticket, assignee=person))
    assert (len(outcome.done), len(outcome.refused)) == (
        (number, 0) if who == "fit" else (0, number)
    )
    asked = [
        row["sql"]
        for row in queries
        if "auth_permission" in row["sql"] and "is_staff" in row["sql"]
    ]
    assert len([sql for sql in asked if f'"id" = {person.pk}' in sql]) == 1


def test_each_ticket_has_its_line(agent, anna):
    tickets = [open_ticket(anna) for _each in range(2)]
    outcome = run(agent, tickets, partial(services.assign_ticket, assignee=AgentFactory()))
    assert outcome.done == []
    assert outcome.refused == [(row.pk, str(AssigneeCannotServe())) for row in tickets]


def test_next_list_is_asked_anew(agent, anna):
    ticket, person = open_ticket(anna), SpecialistFactory()
    run(agent, [ticket], partial(services.assign_ticket, assignee=person))
    run(agent, [ticket], partial(services.assign_ticket, assignee=None))
    person.user_permissions.clear()
    assert run(agent, [ticket], partial(services.assign_ticket, assignee=person)).done == []


def test_who_serves_is_whom_django_says_may_see_tickets():
    own = UserFactory(is_staff=True)
    own.user_permissions.add(Permission.objects.get(codename="view_ticket"))
    served = [SpecialistFactory(), AgentFactory(is_superuser=True), own]
    customer = UserFactory()
    customer.user_permissions.add(Permission.objects.get(codename="view_ticket"))
    of_another_app = UserFactory(is_staff=True)
    of_another_app.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert {without_the_right(), switched_off()}.isdisjoint(serving())
    backend = "django.contrib.auth.backends.ModelBackend"
    known = User.objects.with_perm("tickets.view_ticket", backend=backend).filter(is_staff=True)
    assert set(serving()) == set(known) == set(served)


def test_rights_are_not_asked_of_each_agent_apart():
    """Three hundred agents would cost each card what one of them does, three hundred times."""
    query = str(serving().query)
    assert "EXISTS" not in query
    assert query.count(" IN (SELECT ") == 2
