"""Builds that fail because a host does not answer."""

import asyncio
from dataclasses import replace

import pytest

from tasks.execution import reachability
from tasks.execution.causes.unreached_build import unreached_host
from tasks.execution.findings import Findings
from tasks.execution.judgement import errored, failed
from tasks.execution.machine_excuses import judge_unreached, judge_variables, probed
from tasks.exits import Exit
from tasks.models import Diagnostic, Severity, Status
from tasks.variable import Variable
from tests.support.factories import make_check, make_command, make_node_project, make_site, make_stack

CAUSE = """TypeError: fetch failed
    at node:internal/deps/undici/undici:13510:13 {
  [cause]: Error: getaddrinfo ENOTFOUND cms.garden.example
      code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'cms.garden.example'
"""


def diagnostic(message: str, file: str | None = None) -> Diagnostic:
    return Diagnostic(tool="build", message=message, file=file, severity=Severity.ERROR)


@pytest.mark.parametrize(
    ("output", "host"),
    [
        (CAUSE, "cms.garden.example"),
        ("FetchError: request to https://api.garden.example/x failed, reason: ETIMEDOUT", "api.garden.example"),
        ("Error: connect ECONNREFUSED 10.9.8.7:443", "10.9.8.7"),
        ("Failed to fetch `Inter` from Google Fonts.", "fonts.googleapis.com"),
        (
            "[FailedToFetchRemoteImageDimensions] Failed to get the dimensions for x. ENOTFOUND i.example.org",
            "i.example.org",
        ),
        ("Unable to load remote image https://img.example.org/a.png", "img.example.org"),
        ("dial tcp: lookup themes.example.org: no such host", "themes.example.org"),
        ("Error: connect ECONNREFUSED 127.0.0.1:3000", None),
        ("SyntaxError: Unexpected token, see https://docs.example.org", None),
    ],
)
def test_output_names_the_host(output: str, host: str | None) -> None:
    assert unreached_host(None, output) == host


def test_an_error_in_a_file_of_the_stack_is_the_code_s_unless_it_is_about_the_network() -> None:
    assert unreached_host(diagnostic("Unexpected token", "src/a.ts"), CAUSE) is None
    assert unreached_host(diagnostic("fetch failed", "src/a.ts"), CAUSE) == "cms.garden.example"
    assert unreached_host(diagnostic("fetch failed"), "") == ""


@pytest.mark.parametrize(("answers", "status"), [(False, Status.ERRORED), (True, Status.FAILED)])
async def test_a_probe_of_the_host_decides(answers: bool, status: Status) -> None:
    command, red = make_command(parser="site_build"), failed("build_failed", "exit code 1")
    blamed = judge_unreached(Exit(code=1, stderr=CAUSE), Findings(diagnostics=[diagnostic("fetch failed")]))
    assert blamed
    asked: list[str] = []

    async def reaches(host: str) -> bool:
        asked.append(host)
        return answers

    found = await probed(command, red, blamed, reaches)

    assert (found.status, asked) == (status, ["cms.garden.example"])
    assert found.again is answers
    assert "this machine does not reach cms.garden.example: fetch failed" in blamed.reason


async def test_other_causes_are_not_probed() -> None:
    async def reaches(_: str) -> bool:
        raise AssertionError

    blamed = errored("tool_missing", "astro was not found")
    assert await probed(make_command(parser="site_build"), failed("build_failed", "x"), blamed, reaches) is blamed


async def test_a_host_is_reached_if_one_of_the_ports_accepts_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setattr(reachability, "PORTS", (1, port))

        assert await reachability.reaches("127.0.0.1")
        assert not await reachability.reaches("cms.predeploy.invalid")


ENV = (("PUBLIC_API_URL", "https://public-api-url.predeploy.invalid"), ("PUBLIC_ID", "predeploy-public-id"))


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("fetch failed: getaddrinfo ENOTFOUND public-api-url.predeploy.invalid", ["PUBLIC_API_URL"]),
        ("Configuration must contain a valid id, got predeploy-public-id", ["PUBLIC_ID"]),
        ("Missing environment variable: CMS_TOKEN", ["CMS_TOKEN"]),
        ('"PUBLIC_MAP_KEY" is not exported by "virtual:env/static/public"', ["PUBLIC_MAP_KEY"]),
        ('"API_KEY" is not exported by " virtual:env/static/private"', ["API_KEY"]),
        ("UNRESOLVED_IMPORT: could not resolve ./a", []),
        ("X_Y is not defined", []),
        ("Unexpected token", []),
    ],
)
def test_a_variable_that_only_production_has_is_named(message: str, names: list[str]) -> None:
    command = make_command(parser="site_build", env=ENV)
    findings = Findings(diagnostics=[diagnostic(message)])

    found = judge_variables(make_check(component="s"), command, Exit(code=1), findings, make_stack())

    assert (found is not None) is bool(names)
    if found:
        assert (found.status, found.reason_code) == (Status.ERRORED, "variable_absent")
        assert found.reason.startswith(f"the build needs {', '.join(names)}, which only production has")


@pytest.mark.parametrize(
    ("message", "place", "names"),
    [
        ("API_BASE is not set", ("s/vite.config.js", None), ["API_BASE"]),
        ("Failed to parse URL from undefined/posts", (None, None), ["API_BASE"]),
        ("Cannot read properties of undefined (reading 'split')", ("s/a.js", 3), ["CMS_TOKEN"]),
        ("Cannot read properties of undefined (reading 'split')", ("s/a.js", 4), []),
        ("Unexpected token", ("s/a.js", 3), []),
        ("GIVEN_ID is missing", (None, None), []),
    ],
)
def test_a_private_variable_that_the_code_reads_is_named(
    message: str, place: tuple[str | None, int | None], names: list[str]
) -> None:
    reads = [("API_BASE", 2), ("CMS_TOKEN", 3), ("GIVEN_ID", 1)]
    private = tuple(Variable(name=name, file="s/a.js", line=line) for name, line in reads)
    site = make_site("s", node=replace(make_node_project("s"), private=private))
    command = make_command(parser="site_build", env=(("GIVEN_ID", "1"),))
    finding = replace(diagnostic(message, place[0]), line=place[1])

    found = judge_variables(
        make_check(component="s"), command, Exit(code=1), Findings(diagnostics=[finding]), make_stack(site)
    )

    assert (found.reason.partition(", which")[0] if found else "") == (f"the build needs {names[0]}" if names else "")
