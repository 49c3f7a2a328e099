"""Requests that schemathesis makes of the schema: none breaks the server, every answer fits it.

The same ones each time. First all that the schema says on the verge of what it allows and beyond,
then random ones about a ticket and a file that there are.
"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from accounts import quotas
from accounts.models import Scope
from api import docs
from api.limits import Limit
from tests.api.conftest import give_rights, token_of
from tests.factories import open_ticket
from tickets.attachments import NewFile
from tickets.models import Attachment
from tickets.services import change_status
from tickets.status import TicketStatus

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.each_case]
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
    "unsupported_method", "allow_header_conformance", "ignored_auth",
)  # fmt: skip
OF_DESK = "^(ticket_(update|status|merge)|tickets_list|comment_create|files_create)$"
PATIENCE = 300  # seconds: an idle machine takes half a minute for all


@pytest.fixture(autouse=True)
def _endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tries everything would be stopped by the limits at once."""
    for name in ("USER", "ANONYMOUS"):
        monkeypatch.setattr(f"api.base.{name}", Limit(name, 10**9))
    for name in ("CHANGES", "AGENT_CHANGES"):
        monkeypatch.setattr(quotas, name, replace(getattr(quotas, name), limit=10**9))


@pytest.fixture
def known(anna, product, by_agent) -> dict[str, int]:
    """What an address may name: a solved ticket, and a file of it."""
    content = ContentFile(b"write failed\n")
    ticket = open_ticket(
        anna, product=product, files=[NewFile("disk.log", content.size, content=content)]
    )
    change_status(ticket=ticket, to=TicketStatus.RESOLVED, actor=by_agent, answer="Заменён.")
    return {"number": ticket.pk, "id": Attachment.objects.get().pk}


def fuzz(url: str, token: str, folder: Path, known: dict[str, int], only: str = ".") -> None:
    parameters = "".join(f'"path.{name}" = {value}\n' for name, value in known.items())
    (folder / "known.toml").write_text(f"[parameters]\n{parameters}")
    (folder / "unknown.toml").write_text("")
    for config, phases in (("unknown", "examples,coverage"), ("known", "fuzzing")):
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", f"--config-file={config}.toml",
                "run", docs.SCHEMA, f"--url={url}", f"--header=Authorization: Bearer {token}",
                f"--checks={','.join(CHECKS)}", f"--phases={phases}", "--max-examples=8",
                "--generation-deterministic", "--suppress-health-check=all", "--no-color",
                f"--include-operation-id-regex={only}",
            ],
            cwd=folder, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]


def test_customer(live_server, anna, known, tmp_path):
    fuzz(live_server.url, token_of(anna), tmp_path, known)


def test_agent(live_server, agent, known, tmp_path):
    give_rights(agent)
    fuzz(live_server.url, token_of(agent, Scope.DESK), tmp_path, known, only=OF_DESK)
