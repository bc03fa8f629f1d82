"""Notifications of nightly runs: a real server, worker and block, and a listener that receives the block's posts."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.deployments.operation import BREAKS, FAILS, HANGS, PASSES, Operation, worker
from tests.flows.harness import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.real]
CANARY = "hook-canary-0123456789"


@dataclass(kw_only=True)
class Listener:
    """The receiver of notifications. If `refuses` is set, it answers with that status and stores nothing."""

    url: str = ""
    refuses: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)


@contextlib.contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not listener.refuses:
                listener.received.append({"path": self.path, **body})
            self.send_response(listener.refuses or 204)
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield listener
        server.shutdown()


# These tests must come first: the worker of the module-wide fixture would take their runs.
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "Unable to find block document named missing"),
        ("nowhere", "its server cannot be reached (ConnectError)"),
        ("refusing", "the answer was 404"),
        ("no-slash", "must be the type and the name of a block"),
    ],
)
def test_a_failed_notification_is_logged_and_does_not_change_the_run(operation: Operation, name: str, why: str) -> None:
    log = operation.home / "worker.log"
    said = log.stat().st_size if log.exists() else 0
    block = name if name == "no-slash" else f"custom-webhook/{name}"
    with listening() as listener:
        listener.refuses = 404
        if name == "nowhere":
            save_block(operation, name, "http://127.0.0.1:9")
        if name == "refusing":
            save_block(operation, name, listener.url)
        with worker(operation, PREDEPLOY_NOTIFY_BLOCK=block):
            run, _ = ended(operation, f"acme/{name}", FAILS)
            wait_until(lambda: why in " ".join(log.read_text()[said:].split()), limit=60)

    assert (run["state_type"], run["state_name"]) == ("FAILED", "Failed")
    assert "no notification was sent" in log.read_text()[said:]
    assert CANARY not in log.read_text() + operation.said(run["id"])


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


def save_block(operation: Operation, name: str, url: str) -> None:
    """Saves a Custom Webhook block, as a user does in the UI. Its URL holds a secret."""
    kind = operation.ask("GET", "/block_types/slug/custom-webhook")
    schemas = operation.ask("POST", "/block_schemas/filter", block_schemas={"block_type_id": {"any_": [kind["id"]]}})
    data = {
        "name": name,
        "url": f"{url}/{{{{token}}}}",
        "json_data": {"subject": "{{subject}}", "body": "{{body}}"},
        "secrets": {"token": CANARY},
    }
    facts = {"name": name, "data": data, "block_type_id": kind["id"], "block_schema_id": schemas[0]["id"]}
    operation.ask("POST", "/block_documents/", **facts)


@pytest.fixture(scope="module")
def operated(operation: Operation, listener: Listener) -> Iterator[Operation]:
    save_block(operation, "predeploy", listener.url)
    with worker(operation, PREDEPLOY_NOTIFY_BLOCK="custom-webhook/predeploy"):
        yield operation


def ended(operation: Operation, repository: str, check: str, deployment: str = "nightly") -> tuple[dict[str, Any], str]:
    """Runs a deployment on a new commit to its end. Returns the run and the commit."""
    commit = operation.remotes.commit(repository, check=check)
    run = operation.start(
        deployment, repository=operation.repository(repository), ref="main", directory=".", engine="local", gate=False
    )
    return operation.wait(run), commit


def test_only_a_change_between_green_and_red_is_notified(operated: Operation, listener: Listener) -> None:
    listener.received.clear()
    ended(operated, "acme/night", PASSES)
    red, commit = ended(operated, "acme/night", FAILS)
    wait_until(lambda: len(listener.received) == 1, limit=60)
    ended(operated, "acme/night", BREAKS)
    _, back = ended(operated, "acme/night", PASSES)
    wait_until(lambda: len(listener.received) == 2, limit=60)

    first, second = listener.received
    assert first["path"] == f"/{CANARY}"
    assert first["subject"] == "predeploy: night main is red"
    assert first["body"].splitlines() == [
        "nightly: night main went from green to red.",
        red["state"]["message"],
        f"commit: {commit}",
        f"run: https://prefect.example/runs/flow-run/{red['id']}",
    ]
    assert second["subject"] == "predeploy: night main is green again"
    assert second["body"].startswith("nightly: night main went from red to green.")
    assert f"commit: {back}" in second["body"]


def test_a_first_run_is_notified_if_it_is_red_per_stack(operated: Operation, listener: Listener) -> None:
    listener.received.clear()
    ended(operated, "acme/first-green", PASSES)
    ended(operated, "acme/first-red", FAILS)
    wait_until(lambda: len(listener.received) == 1, limit=60)

    assert listener.received[0]["body"].startswith("nightly: first-red main is red, at its first run.")


def test_cancelled_and_manual_runs_are_not_notified(operated: Operation, listener: Listener) -> None:
    listener.received.clear()
    ended(operated, "acme/between", FAILS)
    wait_until(lambda: len(listener.received) == 1, limit=60)

    commit = operated.remotes.commit("acme/between", check=HANGS)
    given = {"repository": operated.repository("acme/between"), "ref": "main", "directory": ".", "gate": False}
    run = operated.start("nightly", engine="local", **given)
    operated.wait_for_states("acme/between", commit, "pending")
    operated.cancel(run)
    assert operated.wait(run)["state_type"] == "CANCELLED"
    operated.wait_for_states("acme/between", commit, "pending", "error")
    ended(operated, "acme/by-hand", FAILS, "on-demand")
    ended(operated, "acme/between", FAILS)
    ended(operated, "acme/between", PASSES)
    wait_until(lambda: len(listener.received) == 2, limit=60)

    assert [each["subject"] for each in listener.received] == [
        "predeploy: between main is red",
        "predeploy: between main is green again",
    ]
