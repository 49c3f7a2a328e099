from collections.abc import Callable, Iterator

import pytest

from accounts.security import Origin
from tests.webhooks.receiver import Receiver, running
from tickets import delivery
from webhooks import services
from webhooks.models import Endpoint, HookKind

ALL = [kind.value for kind in HookKind]


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    """On this machine, which is allowed here as in development."""
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with running() as receiver:
        yield receiver


@pytest.fixture
def hook(anna, receiver) -> Endpoint:
    """Anna's webhook to the receiver, of all kinds."""
    return services.add_endpoint(by=anna, url=receiver.url, kinds=ALL, origin=Origin(anna))


@pytest.fixture
def drain() -> Callable[[], None]:
    return lambda: delivery.drain("webhook")
