"""What CI answers about known vulnerabilities, also where it cannot know."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

SOUND = {"name": "django", "version": "5.2.19", "vulns": []}
FLAW = {"id": "PYSEC-1", "fix_versions": ["5.2.20"], "aliases": [], "description": "…"}
FAULTY = {"name": "h11", "version": "0.16.0", "vulns": [FLAW]}
UNKNOWN = {"name": "idna", "skip_reason": "not on the index"}
FAKE = """#!{python}
import json, pathlib, sys
[output] = [each.partition("=")[2] for each in sys.argv if each.startswith("--output=")]
assert "--require-hashes" in sys.argv
dependencies = json.loads({dependencies!r})
if dependencies is None:
    sys.exit("Traceback: a long story\\nrequests.exceptions.ConnectionError")
elif dependencies == "misuse":
    sys.exit("ERROR: duplicate requirements")
else:
    pathlib.Path(output).write_text(json.dumps({{"dependencies": dependencies, "fixes": []}}))
sys.exit(1 if dependencies != [] else 0)
"""


@pytest.fixture
def audit(tmp_path: Path):
    def audit(dependencies: list[dict[str, Any]] | str | None) -> tuple[int, str]:
        """Exit code and output where pip-audit knows so much; None is no network."""
        fake = tmp_path / "pip-audit"
        text = FAKE.format(python=sys.executable, dependencies=json.dumps(dependencies))
        fake.write_text(text)
        fake.chmod(0o755)
        return run(fake)

    return audit


def run(pip_audit: Path) -> tuple[int, str]:
    script = settings.BASE_DIR / ".ci" / "audit.py"
    done = subprocess.run(
        [sys.executable, str(script), str(pip_audit)], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def test_vulnerability_fails_and_is_named(audit) -> None:
    code, said = audit([SOUND, FAULTY])

    assert code == 1
    assert "h11 0.16.0: PYSEC-1, mended in 5.2.20" in said
    assert "1 of 2 packages" in said


def test_sound_packages_pass(audit) -> None:
    assert audit([SOUND]) == (0, "== Audit: 0 of 1 packages with known vulnerabilities\n")


def test_without_data_one_line_says_so_and_nothing_fails(audit) -> None:
    assert audit(None) == (
        0,
        "== Audit: left out, its data cannot be had (requests.exceptions.ConnectionError)\n",
    )


def test_packages_that_nobody_knows_are_named_and_are_no_proof(audit) -> None:
    assert audit([UNKNOWN])[1].startswith("== Audit: left out")
    assert "not known: idna" in audit([SOUND, UNKNOWN])[1]


def test_audit_that_does_not_work_is_no_pass(audit) -> None:
    code, said = audit("misuse")

    assert code == 1
    assert "does not work: ERROR: duplicate requirements" in said
