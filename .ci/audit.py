"""Look for known vulnerabilities in every pinned package: `audit.py PIP_AUDIT`.

Ends with 1 when there are any. Data that cannot be had (no network) are told in one line and are
no failure: they say nothing about the packages. An audit that breaks otherwise is one.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements-dev.txt", "requirements-audit.txt")  # the first holds the server's, too
SECONDS = 300
NO_DATA = re.compile(r"requests\.exceptions|Could not connect|HTTP status|redirecting properly")

Packages = list[dict[str, Any]]


class NoData(Exception):
    """The vulnerabilities cannot be looked up now; the text says why."""


def main(pip_audit: str) -> int:
    try:
        packages = [package for name in FILES for package in ask(pip_audit, ROOT / name)]
        known = {each["name"]: each for each in packages if "skip_reason" not in each}
        if not known:
            raise NoData("no package is known")
    except NoData as reason:
        print(f"== Audit: left out, its data cannot be had ({reason})")
        return 0
    found = [package for package in known.values() if package["vulns"]]
    for package in found:
        for flaw in package["vulns"]:
            mended = ", ".join(flaw["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {flaw['id']}, mended in {mended}")
    unknown = sorted({each["name"] for each in packages} - known.keys())
    asked = f"{len(known)} packages" + (f", not known: {', '.join(unknown)}" if unknown else "")
    print(f"== Audit: {len(found)} of {asked} with known vulnerabilities")
    return 1 if found else 0


def ask(pip_audit: str, requirements: Path) -> Packages:
    """What pip-audit knows of every package of a file. Raises NoData."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [pip_audit, "--require-hashes", "--disable-pip", "--progress-spinner=off"]
        command += ["--format=json", f"--output={report}", f"--requirement={requirements}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise NoData(f"no answer for {SECONDS} seconds") from None
        if report.exists() and report.stat().st_size:
            packages: Packages = json.loads(report.read_text())["dependencies"]
            return packages
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    if NO_DATA.search(said[-1]):
        raise NoData(said[-1][:120])
    raise SystemExit(f"== Audit: {pip_audit} does not work: {said[-1]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
