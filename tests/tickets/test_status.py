from itertools import product

import pytest

from tickets.status import (
    TRANSITIONS,
    Role,
    TicketStatus,
    TransitionNotAllowed,
    allowed_transitions,
    require_transition,
)

# The life of a ticket as it is promised, written a second time on purpose.
BY_AGENT = {
    ("new", "in_progress"), ("new", "waiting"), ("new", "resolved"), ("new", "closed"),
    ("in_progress", "waiting"), ("in_progress", "resolved"), ("in_progress", "closed"),
    ("waiting", "in_progress"), ("waiting", "resolved"), ("waiting", "closed"),
    ("resolved", "in_progress"), ("resolved", "closed"),
}  # fmt: skip
BY_CUSTOMER = {
    ("waiting", "in_progress"), ("resolved", "in_progress"),
    ("new", "closed"), ("in_progress", "closed"), ("waiting", "closed"), ("resolved", "closed"),
}  # fmt: skip
BY_SYSTEM = {("resolved", "closed")}
PROMISED = {
    (old, to, role)
    for role, steps in (("agent", BY_AGENT), ("customer", BY_CUSTOMER), ("system", BY_SYSTEM))
    for old, to in steps
}
TRIPLES = list(product(TicketStatus.values, TicketStatus.values, Role.values))


def test_there_are_75_triples():
    assert len(TRIPLES) == 75
    assert len(PROMISED) == 19
    assert set(TRIPLES) >= PROMISED


@pytest.mark.parametrize(("old", "to", "role"), TRIPLES)
def test_transition(old, to, role):
    if (old, to, role) in PROMISED:
        require_transition(old, to, role)
    else:
        with pytest.raises(TransitionNotAllowed) as refusal:
            require_transition(old, to, role)
        assert (refusal.value.status, refusal.value.to) == (old, to)


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("old", TicketStatus.values)
def test_allowed_transitions_are_the_promised_ones_in_the_order_of_life(old, role):
    promised = [to for to in TicketStatus.values if (old, to, role) in PROMISED]
    assert allowed_transitions(old, role) == promised


def test_every_status_stands_in_the_table():
    assert set(TRANSITIONS) == set(TicketStatus)
    assert TRANSITIONS[TicketStatus.CLOSED] == {}


def test_labels_are_those_of_the_guide():
    assert [str(label) for label in TicketStatus.labels] == [
        "Новая", "В работе", "Ожидает ответа клиента", "Выполнена", "Закрыта",
    ]  # fmt: skip


def test_unknown_status_is_an_error():
    with pytest.raises(ValueError, match="reopened"):
        require_transition("reopened", "closed", Role.AGENT)
