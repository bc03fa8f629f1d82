"""Errors of a Worker that come of what only production has."""

from typing import Any

import pytest

from tasks.execution.causes.worker_data import judge_worker
from tasks.exits import Exit
from tasks.models import Diagnostic, Severity, Status
from tests.support.factories import make_command, make_worker

KV: dict[str, object] = {"kv_namespaces": [{"binding": "CONFIG"}]}
D1: dict[str, object] = {"d1_databases": [{"binding": "DB"}]}
NULL = "TypeError: Cannot read properties of null (reading 'title')"
JSON = "SyntaxError: Unexpected token 'p', \"predeploy-1\" is not valid JSON"
ATOB = "InvalidCharacterError: atob() called with invalid base64-encoded data."
REFUSED = "the Worker sent a request to {}, which was refused: only its database is reachable"
NO_TABLE = "Error: D1_ERROR: no such table: posts: SQLITE_ERROR"


def judged(message: str, *, code: int = 1, secret: str = "", **worker: Any) -> str:
    service = make_command("node", label="worker", env=(("KEY", secret), ("PREDEPLOY_WORKER", "predeploy-")))
    command = make_command(verdicts=((1, "unhealthy"), (4, "not_ready")), services=(service,))
    errors = [Diagnostic(tool="worker", message=each, severity=Severity.ERROR) for each in message.split("\n")]
    found = judge_worker(make_worker(**worker), command, Exit(code=code), errors)
    assert found is None or found.status is Status.ERRORED
    return found.reason if found else ""


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        (judged(f"TypeError: x\n{REFUSED.format('api.garden.example')}"), "asked api.garden.example, which only prod"),
        (judged(f"500\n{REFUSED.format('localhost')}"), "asked its origin, which only production reaches"),
        (judged(NULL, bindings=KV), "KV of the Worker is empty in this run: TypeError"),
        (judged(NULL, bindings=KV | D1), "KV and D1 of the Worker are empty in this run"),
        (
            judged(NO_TABLE, bindings=D1, unmigrated=("DB",)),
            "DB has no table posts, because the tree has no",
        ),
        (judged(JSON, secret="predeploy-1"), "may need real values of KEY, which only production has: SyntaxError"),
        (judged(ATOB, secret="predeploy-1"), 'Set in predeploy.toml: [component."workers/intake".env] KEY = "…"'),
        (judged("Error: KEY has a wrong form", secret="predeploy-1"), "may need real values of KEY, which only prod"),
    ],
)
def test_an_error_that_production_s_data_may_prevent_is_no_verdict(reason: str, says: str) -> None:
    assert says in reason


@pytest.mark.parametrize(
    "reason",
    [
        judged(NULL),
        judged("TypeError: Cannot read properties of undefined (reading 'a')", bindings=KV),
        judged(NO_TABLE, bindings=D1),
        judged(JSON),
        judged("TypeError: x is not a function", secret="predeploy-1"),
        judged("TypeError: env.KEY.sign is not a function", secret="predeploy-1"),
        judged("Error: KEY has a wrong form", secret="sk_live_1"),
        judged(f"500\n{REFUSED.format('api.garden.example')}", code=4),
    ],
)
def test_other_errors_are_the_code_s(reason: str) -> None:
    assert reason == ""
