from collections.abc import Iterator

import pytest

from tests.local_telegram import Sandbox, running_sandbox
from tests.sandbox.api import Api


@pytest.fixture(scope="package")
def server() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.reset()
    return server


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    api = Api(sandbox.url, sandbox.token)
    yield api
    api.call("deleteWebhook")
    api.call("getUpdates", allowed_updates=[])
    api.close()


@pytest.fixture
def anna(sandbox: Sandbox, api: Api) -> Sandbox:
    """Anna has pressed Start and the bot has read it."""
    sandbox.start("anna")
    api.updates()
    return sandbox


@pytest.fixture
def group(sandbox: Sandbox, api: Api) -> Sandbox:
    """The bot is a plain member of the group."""
    sandbox.group("add_bot")
    api.updates()
    return sandbox
