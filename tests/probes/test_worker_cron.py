"""worker_cron.py against servers that answer as predeploy's Worker in front does."""

import json
from pathlib import Path

import pytest

from tests.probes.conftest import ProbeResult, run_probe
from tests.probes.neon_bench import outbound
from tests.probes.test_http_health import Reply, serving


def called(outcome: str) -> Reply:
    return 200, {"X-Predeploy": "n0nce workerd"}, json.dumps({"outcome": outcome})


def call(outcome: str, folder: Path, *more: str, host: str = "", answer: Reply | None = None) -> ProbeResult:
    """Calls two triggers of a Worker, which first sends a request to `host`."""
    with outbound(folder, "postgresql://nobody@127.0.0.1:1/none") as service:

        def site(path: str, headers: object) -> Reply:
            assert path.startswith("/?cron=0+4+")
            if host:
                service.ask(None, method="GET", host=host, path="/v2")
            return answer or called(outcome)

        with serving(site) as port:
            places = ("--host", "127.0.0.1", "--port", str(port), "--outbound", f"127.0.0.1:{service.port}")
            crons = ("--cron", "0 4 * * *", "--cron", "0 4 * * 1")
            return run_probe("e2e/worker_cron", *places, "--proof", "n0nce", *crons, *more, "--wait", "5", cwd=folder)


def test_handler_that_ends_well(tmp_path: Path) -> None:
    result = call("ok", tmp_path)

    assert (result.code, result.document["summary"]) == (
        0,
        "`scheduled` ended well for 0 4 * * *, 0 4 * * 1, workerd",
    )


@pytest.mark.parametrize(("host", "code", "rule"), [("", 1, "exception"), ("roaster.example", 9, "unknown_host")])
def test_handler_that_throws(tmp_path: Path, host: str, code: int, rule: str) -> None:
    """After a request to a host that only production reaches, there is no verdict."""
    result = call("exception", tmp_path, host=host)

    assert (result.code, result.rules[0]) == (code, rule), result
    assert (host or "0 4 * * *") in result.messages[0]


def test_refused_host_is_a_warning_if_the_handler_ends_well(tmp_path: Path) -> None:
    result = call("ok", tmp_path, host="roaster.example")

    assert (result.code, result.rules) == (0, ["unknown_host"])
    assert result.document["diagnostics"][0]["severity"] == "warning"


def test_answer_of_another_program(tmp_path: Path) -> None:
    result = call("ok", tmp_path, answer=(200, {}, "hello"))

    assert (result.code, result.rules) == (6, ["another_program"])


def test_exception_of_a_worker_with_a_binding_of_cloudflare_alone(tmp_path: Path) -> None:
    result = call("exception", tmp_path, "--remote", "MODEL (Workers AI)")

    assert (result.code, result.rules) == (11, ["remote_binding", "exception"])
    assert "MODEL (Workers AI)" in result.messages[0]
