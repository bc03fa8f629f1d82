"""The names of a Worker's environment that no file sets, at the errors that come of it."""

import pytest

from tasks.models import Diagnostic, Result, Status
from tasks.validation.unbound import with_unbound_names
from tests.support.factories import make_worker

CODE = """import { cors } from "./cors";
const hosts = Object.keys(env.CLIENTS);
const price = await c.env.PRICES.get("latte", env.CURRENCY);
const count = cups.length;
"""
WORKER = make_worker(
    "workers/intake",
    sources=("workers/intake/src/app.ts",),
    vars={"CURRENCY": "EUR"},
    reads=("INTAKE_API_KEY",),
    bindings={"kv_namespaces": [{"binding": "PRICES", "id": "1"}]},
)
MESSAGE = "TypeError: Cannot convert undefined or null to object"


def explained(line: int, *, tool: str = "worker", rule: str = "TypeError", status: Status = Status.FAILED) -> Result:
    found = Diagnostic(tool=tool, rule=rule, message=MESSAGE, file="workers/intake/src/app.ts", line=line)
    given = Result(check="e2e", status=status, reason=f"it failed: {MESSAGE}", diagnostics=(found,))
    return with_unbound_names(given, WORKER, lambda path: CODE if path == found.file else "")


def test_a_name_without_a_value_is_named() -> None:
    result = explained(2)

    said = f"{MESSAGE}. workers/intake/wrangler.toml has no variable or binding CLIENTS"
    assert [each.message for each in result.diagnostics] == [said]
    assert result.reason == f"it failed: {said}"


@pytest.mark.parametrize("line", [1, 3, 4, 99])
def test_a_line_whose_names_have_values_says_no_more(line: int) -> None:
    assert explained(line).diagnostics[0].message == MESSAGE


def test_other_errors_stay_as_they_are() -> None:
    assert explained(2, rule="RangeError").diagnostics[0].message == MESSAGE
    assert explained(2, tool="tsc").diagnostics[0].message == MESSAGE
    assert explained(2, status=Status.ERRORED).diagnostics[0].message == MESSAGE
