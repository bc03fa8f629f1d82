"""Asks for known vulnerabilities of the locked Python packages: `./just audit`, with pip-audit and the database OSV.

PREDEPLOY_AUDIT_URL names a mirror of the database. Without one that answers, the audit is skipped, and says so.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supply.locks import ROOT, TOOLCHAINS

LOCKS = ("requirements-dev.lock", "tasks/probes/requirements.lock")
ACCEPTED: Mapping[str, str] = {}
"""Ids of vulnerabilities that do not concern predeploy, each with the reason."""
LIMIT, SOCKET_LIMIT = 300.0, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The findings, a line each. `skipped` is the reason why the database was not asked."""

    findings: tuple[str, ...] = ()
    packages: int = 0
    skipped: str = ""


def main() -> int:
    """Prints the result. Returns 1 if a package has a known vulnerability."""
    audit = run(os.environ)
    if audit.skipped:
        print(f"\n*** AUDIT SKIPPED: no package was looked up: {audit.skipped}", file=sys.stderr)
        print(
            "*** Set PREDEPLOY_AUDIT_URL to a mirror of OSV's query API, or repeat it with access.\n", file=sys.stderr
        )
        return 0
    for finding in audit.findings:
        print(finding)
    print(f"audit: {audit.packages} packages, {len(audit.findings)} known vulnerabilities")
    return 1 if audit.findings else 0


def run(environ: Mapping[str, str], locks: tuple[Path, ...] = ()) -> Audit:
    """Audits the locks."""
    locks = locks or (*(ROOT / lock for lock in LOCKS), *sorted((ROOT / TOOLCHAINS).glob("*.lock")))
    argv = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--disable-pip", "--require-hashes"]
    argv += ["--progress-spinner", "off", "--timeout", str(SOCKET_LIMIT), "--format", "json"]
    argv += ["--osv-url", environ["PREDEPLOY_AUDIT_URL"]] if environ.get("PREDEPLOY_AUDIT_URL") else []
    found: dict[str, None] = {}
    packages: set[str] = set()
    for lock in locks:  # a package may have another version in each
        with tempfile.TemporaryDirectory() as place:
            output = Path(place, "audit.json")
            try:
                done = subprocess.run(
                    [*argv, "--output", str(output), "--requirement", str(lock)],
                    capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=LIMIT, env=environ,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                return Audit(skipped=f"the database did not answer within {LIMIT:g} s")
            if not output.exists():
                lines = [line for line in done.stderr.splitlines() if line.strip()]
                return Audit(skipped=lines[-1] if lines else f"pip-audit ended with {done.returncode}")
            document = json.loads(output.read_text(encoding="utf-8"))
        packages |= {f"{each['name']} {each.get('version', '')}" for each in document["dependencies"]}
        found |= dict.fromkeys(findings(document))
    return Audit(findings=tuple(found), packages=len(packages))


def findings(document: dict[str, Any]) -> list[str]:
    """One line for each vulnerability that is not accepted."""
    return [
        f"{package['name']} {package['version']}: {each['id']} {', '.join(each.get('aliases', []))}"
        f" (fixed in {', '.join(each['fix_versions']) or 'no version'})"
        for package in document["dependencies"]
        for each in package.get("vulns", [])
        if not ACCEPTED.keys() & {each["id"], *each.get("aliases", [])}
    ]


if __name__ == "__main__":
    raise SystemExit(main())
