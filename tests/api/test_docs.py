"""Every command of docs/api.md, carried out by a shell as one would read it from top to bottom."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Scope
from tests.api.conftest import give_rights, token_of

pytestmark = pytest.mark.django_db(transaction=True)
BLOCK = re.compile(r"^```(sh|json|)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = Path(__file__).parents[2] / "docs" / "api.md"
MARK = "-- end of block --"
VARYING = {"id", "number", "product"}  # numbers that differ from portal to portal


def commands_and_answers() -> list[tuple[str, str]]:
    """Each command with the block that shows its answer; empty for one that shows none."""
    found: list[tuple[str, str]] = []
    for kind, text in BLOCK.findall(PAGE.read_text()):
        if kind == "sh":
            found.append((text, ""))
        elif found and not found[-1][1]:
            found[-1] = (found[-1][0], text)
    return found


def differences(shown: Any, given: Any, place: str = "") -> list[str]:
    """Where an answer lacks what is shown: … stands for any text, and not all keys are shown."""
    if isinstance(shown, dict) and isinstance(given, dict):
        missing = [f"{place}/{key} is missing" for key in shown.keys() - given.keys()]
        pairs = [(shown[key], given[key], f"{place}/{key}") for key in shown.keys() & given.keys()]
        return missing + [line for pair in pairs for line in differences(*pair)]
    if isinstance(shown, list) and isinstance(given, list) and len(shown) == len(given):
        pairs = [
            (one, two, f"{place}/{i}")
            for i, (one, two) in enumerate(zip(shown, given, strict=True))
        ]
        return [line for pair in pairs for line in differences(*pair)]
    if isinstance(shown, str) and isinstance(given, str):
        pattern = ".*".join(map(re.escape, shown.replace("https:", "http:").split("…")))
        fits = re.fullmatch(pattern, given) is not None
    elif place.rpartition("/")[2] in VARYING:
        fits = type(shown) is type(given)
    else:
        fits = shown == given
    return [] if fits else [f"{place}: shown {shown!r}, given {given!r}"]


def test_every_command_answers_as_shown(live_server, settings, anna, agent, product, tmp_path):
    assert shutil.which("curl"), "curl is missing: .ci/run installs it"
    settings.PORTAL_URL = live_server.url
    give_rights(agent)
    commands = commands_and_answers()
    script = f"echo; echo '{MARK}'\n".join(command for command, _shown in commands)
    done = subprocess.run(
        ["bash"], input=script, cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env={
            "PATH": "/usr/bin:/bin", "PORTAL": live_server.url, "TOKEN": token_of(anna),
            "DESK_TOKEN": token_of(agent, Scope.DESK), "no_proxy": "*",
        },
    )  # fmt: skip
    outputs = done.stdout.split(MARK)
    assert len(outputs) == len(commands) > 15
    wrong = []
    for (command, shown), output in zip(commands, outputs, strict=True):
        if not shown:
            wrong += [output.strip()] if output.strip() else []
        elif shown.startswith("{"):
            wrong += differences(json.loads(shown), json.loads(output))
        elif shown.strip() != output.strip():
            wrong.append(f"{command}: {output}")
    assert wrong == []
    assert [line for line in done.stderr.splitlines() if "returned error" not in line] == []
