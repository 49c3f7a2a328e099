"""Queue entry points: names and ids in, quiet when there is nothing to do."""

import time

from config.queue import enqueue
from tickets import delivery
from tickets.erasures import erase_for_a_slice, erasures_under_way
from tickets.exports import export_for_a_slice, exports_under_way
from tickets.handover import hand_over_for_a_slice
from tickets.incidents import answers_under_way, give_answer
from tickets.leases import HANDOVER, PERSONAL_DATA, held_lease

SHORT_SLICE = 1.0  # seconds: a PIN that waits for this worker waits no longer


def drain(channel_name: str) -> None:
    delivery.drain(channel_name)


def work_on_personal_data() -> None:
    """Go on with erasures, then with archives, for a slice; the next is a task of its own."""
    with held_lease(PERSONAL_DATA) as held:
        if not held:
            return
        end = time.monotonic() + SHORT_SLICE
        goes_on = [erase_for_a_slice(end), export_for_a_slice(end)]
    if all(goes_on):  # else every minute tries again
        wake_personal_data()


def hand_over() -> None:
    """Give tickets of agents who serve no more back for a slice; the next is a task of its own."""
    with held_lease(HANDOVER) as held:
        goes_on = held and hand_over_for_a_slice(time.monotonic() + SHORT_SLICE)
    if goes_on:
        enqueue("tickets.tasks.hand_over")


def wake_personal_data() -> None:
    if erasures_under_way() or exports_under_way():
        enqueue("tickets.tasks.work_on_personal_data")


def answer_incident(number: int) -> None:
    """Go on with one answer to all tickets of an incident; the next slice is a task of its own."""
    if give_answer(number, time.monotonic() + SHORT_SLICE):
        enqueue("tickets.tasks.answer_incident", number)


def wake_incident_answers() -> None:
    for number in answers_under_way():
        enqueue("tickets.tasks.answer_incident", number)


def every_minute() -> None:
    """For one release: what was queued under this name before an upgrade."""
    enqueue("operations.tasks.every_minute")
