"""A channel to watch, and what is told over it."""

from tests.queue import Task
from tickets import delivery
from tickets.channels import Channel, Outcome, Recipient
from tickets.models import Delivery
from tickets.notices import Audience

DRAIN = Task("tickets.tasks.drain", ("pigeon",))


class PigeonChannel(Channel):
    """Carries what it is given; `plans` says what goes wrong, address by address."""

    name = "pigeon"
    lease = "pigeons"

    def __init__(self):
        self.sent = []
        self.looks = 0
        self.plans = {}
        self.resting = set()
        self.on_send = lambda row: None

    def recipients(self, notice):
        told = notice.audience == Audience.CUSTOMER
        return [Recipient("loft", notice.event.ticket.requester)] if told else []

    def held_back(self, addresses):
        self.looks += 1
        return self.resting & set(addresses)

    def send(self, deliveries):
        assert len({row.address for row in deliveries}) == len(deliveries)
        for row in deliveries:
            self.on_send(row)
            plan = self.plans.get(row.address) or [None]
            error = plan.pop(0)
            if error is None:
                self.sent.append(row.key)
            yield Outcome(row, error)


def add(key, address="loft", **fields):
    return Delivery.objects.create(channel="pigeon", kind="x", key=key, address=address, **fields)


def drain():
    delivery.drain("pigeon")
