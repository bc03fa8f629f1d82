"""The supply chain: what is installed is locked with hashes, listed in the wheel, and looked up in a database."""

import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from supply.audit import Audit, findings, main, run
from supply.bill import PLACE, render
from supply.locks import ROOT, SHIPPED, TOOLCHAINS, shipped_packages
from tasks.packages.package_managers import PINNED

LOCKS = [*(ROOT / lock for lock in (*SHIPPED, "deployments/requirements.lock", "requirements-dev.lock"))]
LOCKS += sorted((ROOT / TOOLCHAINS).glob("*.lock"))
USED = re.compile(r"(?<!\w)uses:\s*([^\s#]+)")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_every_package_of_a_lock_has_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", lock.read_text().strip())

    assert entries
    assert not [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry or "==" not in entry.split()[0]]


def test_every_package_of_npm_has_a_hash() -> None:
    packages = [each for each in shipped_packages() if each.kind == "npm"]

    assert {"wrangler", "pnpm", "bun"} <= {each.name for each in packages}
    assert not [each for each in packages if not each.integrity.startswith("sha512-")]
    assert not [digest for versions in PINNED.values() for digest in versions.values() if "sha512-" not in digest]


def test_actions_are_named_by_commit() -> None:
    files = [*(ROOT / ".github/workflows").glob("*.yml"), ROOT / "action.yml"]
    used = [name for file in files for name in USED.findall(file.read_text()) if not name.startswith("./")]

    assert used
    assert not [name for name in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", name)]


def test_list_of_packages_fits_the_locks() -> None:
    """After a lock or the version has changed: ./just bill."""
    assert PLACE.read_text() == render()

    document = json.loads(render())
    listed = {each["purl"] for each in document["components"]}
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert len(listed) == len(shipped_packages())
    assert any(purl.startswith("pkg:pypi/prefect@") for purl in listed)
    assert any(purl.startswith("pkg:npm/wrangler@") for purl in listed)


class Database(BaseHTTPRequestHandler):
    """A mirror of the database, in which one package has a vulnerability."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_bad = asked["package"]["name"] == "bad"
        affected = [
            {
                "package": asked["package"],
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}]}],
            }
        ]
        found = [{"id": "PYSEC-1", "aliases": ["CVE-1"], "published": "2026-01-01T00:00:00Z", "affected": affected}]
        body = json.dumps({"vulns": found} if is_bad else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def database() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Database) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/query"
        server.shutdown()


@pytest.mark.real
def test_known_vulnerabilities_are_found_and_a_silent_database_is_said(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("".join(f"{name}==1.0 --hash=sha256:{'0' * 64}\n" for name in ("bad", "good")))
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    with database() as url:
        found = run({**environ, "PREDEPLOY_AUDIT_URL": url}, (lock,))
    silent = run({**environ, "PREDEPLOY_AUDIT_URL": url}, (lock,))

    assert (found.packages, found.skipped) == (2, "")
    assert found.findings == ("bad 1.0: PYSEC-1 CVE-1 (fixed in 2)",)
    assert silent.findings == ()
    assert silent.skipped


def test_skipped_audit_is_loud_and_a_finding_is_red(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("supply.audit.run", lambda _: Audit(skipped="no answer"))
    skipped = main()
    said = capsys.readouterr().err
    monkeypatch.setattr("supply.audit.run", lambda _: Audit(findings=("bad",), packages=1))

    assert (skipped, main()) == (0, 1)
    assert "*** AUDIT SKIPPED: no package was looked up: no answer" in said


def test_accepted_vulnerabilities_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"name": "bad", "version": "1", "vulns": [{"id": "A", "aliases": ["CVE-1"], "fix_versions": []}]}

    assert findings({"dependencies": [found]}) == ["bad 1: A CVE-1 (fixed in no version)"]
    monkeypatch.setattr("supply.audit.ACCEPTED", {"CVE-1": "a reason"})
    assert findings({"dependencies": [found]}) == []
