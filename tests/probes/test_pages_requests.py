"""pages_requests.py against servers that answer as predeploy's Worker in front does."""

from pathlib import Path

import pytest

from tests.probes.conftest import ProbeResult, run_probe
from tests.probes.neon_bench import outbound
from tests.probes.test_http_health import Reply, serving

MARK = {"X-Predeploy": "n0nce Miniflare (assets)"}
THROWN = "error code: 1101, the Worker threw an exception: no beans left"
ROUTE = ("--route", "/api/stock", "functions/api/stock.js:3")


def asked(answers: dict[str, Reply], folder: Path, *words: str, host: str = "") -> ProbeResult:
    """Asks a project, which first sends a request to `host`."""
    with outbound(folder, "postgresql://nobody@127.0.0.1:1/none") as service:

        def project(path: str, _: object) -> Reply:
            if host:
                service.ask(None, method="GET", host=host, path="/v2")
            return answers[path]

        with serving(project) as port:
            places = ("--host", "127.0.0.1", "--port", str(port), "--outbound", f"127.0.0.1:{service.port}")
            return run_probe("e2e/pages_requests", *places, "--proof", "n0nce", "--path", "/", *words, cwd=folder)


def test_routes_that_answer(tmp_path: Path) -> None:
    """A function may refuse a request without a meaning."""
    result = asked({"/": (200, MARK, ""), "/api/stock": (401, MARK, "")}, tmp_path, *ROUTE, "")

    assert (result.code, result.document["summary"]) == (0, "GET / 200, GET /api/stock 401, Miniflare (assets)")


@pytest.mark.parametrize(("body", "file"), [("down", "functions/api/stock.js"), (THROWN, None)])
def test_a_server_error_is_red_at_the_handler_or_at_the_exception(body: str, file: str | None, tmp_path: Path) -> None:
    result = asked({"/": (200, MARK, ""), "/api/stock": (500, MARK, body)}, tmp_path, *ROUTE, "")

    assert (result.code, result.rules) == (1, ["500"])
    assert result.document["diagnostics"][0].get("file") == file


@pytest.mark.parametrize(
    ("words", "host", "code", "rule"),
    [
        ((*ROUTE, "it reads KEY"), "", 10, "throwaway_value"),
        ((*ROUTE, ""), "roaster.example", 9, "unknown_host"),
        ((*ROUTE, "", "--remote", "MODEL (Workers AI)"), "", 11, "remote_binding"),
    ],
)
def test_an_error_that_this_run_may_cause_is_no_verdict(
    words: tuple[str, ...], host: str, code: int, rule: str, tmp_path: Path
) -> None:
    result = asked({"/": (404, MARK, ""), "/api/stock": (500, MARK, THROWN)}, tmp_path, *words, host=host)

    assert (result.code, result.rules[0]) == (code, rule)


def test_an_error_without_doubt_counts_more_than_one_with_a_doubt(tmp_path: Path) -> None:
    routes = (*ROUTE, "it reads KEY", "--route", "/api/menu", "functions/api/menu.js:1", "")
    answers: dict[str, Reply] = {
        "/": (200, MARK, ""),
        "/api/stock": (500, MARK, THROWN),
        "/api/menu": (503, MARK, ""),
    }

    result = asked(answers, tmp_path, *routes)

    assert (result.code, result.rules) == (1, ["503"])


def test_another_program_answers(tmp_path: Path) -> None:
    assert asked({"/": (200, {}, "")}, tmp_path).code == 6
