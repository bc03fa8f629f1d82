"""The judgement of an exit: a row for every way in which a step can end."""

from typing import Any

import pytest

from tasks.execution.judgement import Judgement, failed, judge, judge_acquire, refined
from tasks.exits import Exit, ServiceExit
from tasks.models import Diagnostic, Severity, Status, TestCounts
from tasks.steps import Command
from tests.support.factories import make_command

PASSED, FAILED, ERRORED = Status.PASSED, Status.FAILED, Status.ERRORED
LOST = ("service_lost", "the Postgres of this run is gone")
FULL = ("disk_full", "no space left")
SERVERS = (
    make_command("outbound", label="outbound", verdicts=()),
    make_command("worker", label="worker", unfit=((126, "runtime"),)),
)
TOOL = make_command(
    "tool",
    verdicts=((1, "findings"), (2, "tool_config")),
    empty=(5,),
    unfit=((3, "other_database"), (4, "service_lost")),
    explained=("other_database",),
    refined=(("tool_config", "python_error", "findings"), ("tests_failed", "no_tests", "collection_error")),
    limit=30,
    services=SERVERS,
)


def ended(code: int | None = None, **over: Any) -> Exit:
    return Exit(code=code, **over)


def server(**over: Any) -> ServiceExit:
    return ServiceExit(**{"name": "server", "code": None, "signal": None, "output": "", **over})


EXECUTE: dict[str, tuple[Exit, tuple[str, str] | None, Status, str, bool]] = {
    # exit, trouble that the engine reports, status, reason code, whether a retry may give a verdict
    "done": (ended(0), None, PASSED, "", False),
    "nothing to do": (ended(5), None, PASSED, "", False),
    "verdict": (ended(1), None, FAILED, "findings", False),
    "another verdict": (ended(2), None, FAILED, "tool_config", False),
    "no verdict for a known reason": (ended(3), None, ERRORED, "other_database", False),
    "unknown code": (ended(99), None, ERRORED, "unknown_exit", True),
    "tool missing": (ended(127), None, ERRORED, "tool_missing", False),
    "tool not executable": (ended(126), None, ERRORED, "tool_missing", False),
    "killed from outside": (ended(signal=9), None, ERRORED, "killed", True),
    "terminated from outside": (ended(signal=15), None, ERRORED, "killed", True),
    "killed below a shell": (ended(137), None, ERRORED, "killed", True),
    "crash": (ended(signal=11), None, ERRORED, "crash", True),
    "crash below a shell": (ended(134), None, ERRORED, "crash", True),
    "unknown signal": (ended(signal=42), None, ERRORED, "killed", True),
    "time limit": (ended(timed_out=True), None, FAILED, "timeout", False),
    "time limit on an engine with trouble": (ended(timed_out=True), FULL, ERRORED, "disk_full", False),
    "disk full": (ended(1), FULL, ERRORED, "disk_full", False),
    "database lost": (ended(1), LOST, ERRORED, "service_lost", False),
    "database lost, nothing to do": (ended(5), LOST, ERRORED, "service_lost", False),
    "trouble that the engine saw": (ended(1, trouble="out_of_memory"), None, ERRORED, "out_of_memory", False),
    "trouble during a pass": (ended(0, trouble="log_lost"), None, ERRORED, "log_lost", False),
    "trouble after a pass": (ended(0), LOST, PASSED, "", False),
    "server ended": (ended(services=(server(code=3),)), None, FAILED, "not_ready", False),
    "server ended well": (ended(services=(server(code=0),)), None, FAILED, "not_ready", False),
    "server ended, and the request failed": (ended(1, services=(server(code=1),)), None, FAILED, "not_ready", False),
    "server ended, and the request succeeded": (ended(0, services=(server(code=1),)), None, FAILED, "not_ready", False),
    "server ended, and the request hung": (
        *(ended(timed_out=True, services=(server(code=1),)), None, FAILED, "not_ready", False),
    ),
    "own server ended": (ended(services=(server(name="outbound", code=1),)), None, ERRORED, "service_ended", True),
    "server whose runtime cannot run here": (
        *(ended(services=(server(name="worker", code=126),)), None, ERRORED, "runtime", False),
    ),
    "server of the stack ended, own server runs": (
        *(ended(services=(server(name="outbound"), server(name="worker", code=1))), None, FAILED, "not_ready", False),
    ),
    "server ended with its database": (ended(services=(server(code=1),)), LOST, ERRORED, "service_lost", False),
    "server killed from outside": (ended(1, services=(server(signal=9),)), None, ERRORED, "killed", True),
    "server crashed": (ended(1, services=(server(signal=11),)), None, ERRORED, "crash", True),
    "server runs, and the request failed": (ended(1, services=(server(),)), None, FAILED, "findings", False),
}


@pytest.mark.parametrize("case", EXECUTE)
def test_execute_step(case: str) -> None:
    exit, trouble, status, code, again = EXECUTE[case]

    judgement = judge(TOOL, exit, trouble)

    assert (judgement.status, judgement.reason_code, judgement.again) == (status, code, again)
    assert (judgement.reason == "") == (status is PASSED)
    assert "\n" not in judgement.reason
    assert judgement.crash == (code == "crash")


def test_verdict_of_the_row_takes_precedence_over_the_usual_meaning_of_a_code() -> None:
    build = make_command("build", verdicts=((127, "build_failed"), (137, "build_failed")))

    assert judge(build, ended(127), None).reason_code == "build_failed"
    assert judge(build, ended(137), None).status is FAILED


@pytest.mark.parametrize(
    ("exit", "reason"),
    [
        (ended(1), "tool: exit code 1"),
        (ended(99), "tool ended with exit code 99, which has no known meaning for this check"),
        (ended(127), "tool was not found: is it among the locked dependencies?"),
        (ended(signal=9), "tool was killed by SIGKILL from outside"),
        (ended(signal=6), "tool crashed with SIGABRT"),
        (ended(timed_out=True), "tool was still running after 30 s"),
        (ended(services=(server(code=3),)), "the server ended with exit code 3 while it was needed"),
        (ended(1, trouble="out_of_memory", detail="the machine ran out of memory"), "the machine ran out of memory"),
    ],
)
def test_reason_is_one_readable_line(exit: Exit, reason: str) -> None:
    assert judge(TOOL, exit, None).reason == reason


STALE = "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided."
UNFIT = "npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync."
MISSING = (
    "  x No solution found when resolving dependencies:\n  ╰─▶ Because flask was not found in the package registry"
)
GONE = " ERR_PNPM_FETCH_404  GET …/left-pad: Not Found - 404"
NO_VERSION = "npm error code ETARGET\nnpm error notarget No matching version found for astro@99.0.0."
MISMATCH = "error: Hash mismatch for `django==5.2.1`"
PATCH = "npm error code 1\nnpm error path /ws\nnpm error command failed\nnpm error command sh -c patch-package"
PLATFORM = 'npm error notsup Unsupported platform for a-darwin@1: wanted {"os":"darwin"} (current: {"os":"linux"})'
NO_PATCH = "pnpm: ENOENT: no such file or directory, open '/ws/patches/a@1.patch'"
NO_BUN_PATCH = "error: patch file not found: 'patches/a@1.patch'"
IGNORED = "ERR_PNPM_IGNORED_BUILDS: Ignored build scripts: esbuild@0.27.0"
PROTOCOL = 'npm error code EUNSUPPORTEDPROTOCOL\nnpm error Unsupported URL Type "workspace:": workspace:*'
INTEGRITY = "npm error code EINTEGRITY"
CLASH = "  x No solution found when resolving dependencies:\n  ╰─▶ Because a==1 depends on b<2, they are unsatisfiable"
TOML = "error: Failed to parse: `pyproject.toml`\n  Caused by: TOML parse error at line 3, column 9"
JSON = "npm error code EJSONPARSE"
UNREACHABLE = "error: Failed to fetch\n  Caused by: tcp connect error: Connection refused (os error 111)"
WARNED = "warning: No `requires-python` value found in the workspace. Defaulting to `>=3.13`.\n" + UNREACHABLE
UNBUILT = (
    "  x Failed to build `psycopg2==2.9`\n  ╰─▶ The build backend returned an error: pg_config executable not found"
)
UNKNOWN_BUILD = "  x Failed to build `odd==1`\n  ╰─▶ The build backend returned an error"
NO_RIGHTS = (
    MISSING + "\n\n  hint: An index URL (https://u@packages.invalid/simple) could not be queried due to a lack of "
)
NO_RIGHTS += "valid authentication credentials (401 Unauthorized)."
GIT = """error: Failed to download and build `widgets @ git+https://me:secret@git.invalid/acme/widgets.git@v1`
  cause: Git operation failed
  cause: failed to clone into: /cache/git-v2/db/5
         fatal: unable to access 'https://git.invalid/acme/widgets.git/': The requested URL returned error: 403"""
UNREACHED = GIT.replace("The requested URL returned error: 403", "Could not resolve host: git.invalid")
NO_HOST = "error: Failed to fetch: https://packages.invalid/simple/widgets/\n  cause: dns error"
FROZEN, BROKEN = "error: Distribution not found at: file://{}", "manifest_broken"
SCRIPT = " ELIFECYCLE  Command failed with exit code 1."

ACQUIRE: dict[str, tuple[Exit, bool, Status, str]] = {
    # exit, whether the registry answers, status, reason code
    "done": (ended(0), False, PASSED, ""),
    "stale lock": (ended(1, stderr=STALE), True, FAILED, "lock_stale"),
    "stale lock, no registry": (ended(1, stderr=STALE), False, FAILED, "lock_stale"),
    "stale package-lock, on stdout": (ended(1, stdout=UNFIT), False, FAILED, "lock_stale"),
    "404 while the registry answers": (ended(1, stderr=GONE), True, FAILED, "not_found"),
    "404 while nothing answers": (ended(1, stderr=GONE), False, ERRORED, "registry"),
    "no such package": (ended(1, stderr=MISSING), True, FAILED, "not_found"),
    "no such package, no registry": (ended(1, stderr=MISSING), False, ERRORED, "registry"),
    "no such version": (ended(1, stderr=NO_VERSION), True, FAILED, "not_found"),
    "patch of patch-package": (ended(1, stderr=PATCH), False, FAILED, "patch_failed"),
    "package for another system": (ended(1, stderr=PLATFORM), True, FAILED, "unsatisfiable"),
    "package for servers": (ended(1, stderr=PLATFORM.replace('darwin"', 'linux"')), True, ERRORED, "acquire"),
    "patch that is not there": (ended(254, stderr=NO_PATCH), False, FAILED, "manifest_broken"),
    "patch that bun does not find": (ended(1, stderr=NO_BUN_PATCH), False, FAILED, "manifest_broken"),
    "install scripts of pnpm 11": (ended(1, stdout=IGNORED), True, FAILED, "scripts_refused"),
    "workspace protocol in npm": (ended(1, stderr=PROTOCOL), True, FAILED, "manifest_broken"),
    "hash mismatch": (ended(1, stderr=MISMATCH), True, FAILED, "hash_mismatch"),
    "hash mismatch, no registry": (ended(1, stderr=MISMATCH), False, ERRORED, "registry"),
    "integrity": (ended(1, stderr=INTEGRITY), True, FAILED, "hash_mismatch"),
    "unsatisfiable": (ended(1, stderr=CLASH), True, FAILED, "unsatisfiable"),
    "unparsable manifest": (ended(2, stderr=TOML), True, FAILED, "manifest_broken"),
    "unparsable manifest, no registry": (ended(2, stderr=TOML), False, FAILED, "manifest_broken"),
    "unparsable package.json": (ended(1, stderr=JSON), False, FAILED, "manifest_broken"),
    "path of conda's machine": (ended(1, stderr=FROZEN.format("/home/conda/feedstock_root/w")), True, FAILED, BROKEN),
    "path of a Windows machine": (ended(1, stderr=FROZEN.format("/C:/b/abs/w")), False, FAILED, BROKEN),
    "another path that is absent": (ended(1, stderr=FROZEN.format("/wheels/a.whl")), True, ERRORED, "acquire"),
    "registry unreachable": (ended(1, stderr=UNREACHABLE), False, ERRORED, "registry"),
    "registry answers again": (ended(1, stderr=UNREACHABLE), True, ERRORED, "acquire"),
    "a warning is no proof": (ended(1, stderr=WARNED), True, ERRORED, "acquire"),
    "package that does not build here": (ended(1, stderr=UNBUILT), True, ERRORED, "build_failed"),
    "package that does not build for an unknown reason": (
        ended(1, stderr=UNKNOWN_BUILD),
        True,
        ERRORED,
        "build_failed",
    ),
    "private index without credentials": (ended(1, stderr=NO_RIGHTS), True, ERRORED, "private_source"),
    "private repository": (ended(1, stderr=GIT), True, ERRORED, "private_source"),
    "repository that this machine does not reach": (ended(1, stderr=UNREACHED), True, ERRORED, "network"),
    "private repository, no registry": (ended(1, stderr=GIT), False, ERRORED, "registry"),
    "private index that does not answer": (ended(1, stderr=NO_HOST), True, ERRORED, "private_source"),
    "install script that fails here": (ended(1, stderr=SCRIPT), True, ERRORED, "build_failed"),
    "unknown output": (ended(1, stderr="oh no"), True, ERRORED, "acquire"),
    "time limit": (ended(timed_out=True), True, ERRORED, "timeout"),
    "killed": (ended(signal=9, stderr=STALE), True, ERRORED, "killed"),
    "crash": (ended(signal=11), True, ERRORED, "crash"),
    "trouble that the engine saw": (ended(1, stderr=STALE, trouble="disk_full"), True, ERRORED, "disk_full"),
}


@pytest.mark.parametrize("case", ACQUIRE)
def test_acquire_step(case: str) -> None:
    exit, registry, status, code = ACQUIRE[case]

    judgement = judge_acquire(TOOL, exit, None, registry=registry)

    assert (judgement.status, judgement.reason_code) == (status, code)
    assert "\n" not in judgement.reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (UNBUILT, "psycopg2==2.9 could not be built, because pg_config is missing here"),
        (UNBUILT, "apt-get install -y libpq-dev"),
        (UNKNOWN_BUILD, "odd==1 could not be built"),
        (NO_RIGHTS, "the package index packages.invalid needs credentials"),
        (GIT, "the repository https://git.invalid/acme/widgets.git cannot be read here"),
        (NO_HOST, "packages.invalid does not answer"),
    ],
)
def test_reason_names_what_this_machine_lacks(text: str, words: str) -> None:
    reason = judge_acquire(TOOL, ended(1, stderr=text), None, registry=True).reason

    assert words in reason
    assert "secret" not in reason


@pytest.mark.parametrize("trouble", [FULL, LOST])
def test_acquire_step_on_an_engine_with_trouble_is_errored(trouble: tuple[str, str]) -> None:
    judgement = judge_acquire(TOOL, ended(1, stderr=STALE), trouble, registry=True)

    assert judgement == Judgement(status=ERRORED, reason_code=trouble[0], reason=trouble[1])


@pytest.mark.parametrize("code", [0, 1, 2, 3, 5, 99, 126, 127, 137, 255])
def test_error_text_never_decides_an_execute_step(code: int) -> None:
    """Only the exit counts, not the output of the tool."""
    loud = ended(code, stderr="\n".join([STALE, MISMATCH, "Segmentation fault", "No space left on device"]))

    assert judge(TOOL, loud, None) == judge(TOOL, ended(code), None)


def test_acquire_failures_without_a_known_cause_are_retried() -> None:
    def again(text: str, *, registry: bool) -> bool:
        command: Command = TOOL
        return judge_acquire(command, ended(1, stderr=text), None, registry=registry).again

    assert again("oh no", registry=True)
    assert again(UNKNOWN_BUILD, registry=True)
    assert not again(UNBUILT, registry=True)
    assert not again(STALE, registry=True)
    assert not again("oh no", registry=False)


@pytest.mark.parametrize(
    ("code", "file", "severity", "counts", "expected"),
    [
        ("tool_config", "apps/web/settings.py", Severity.ERROR, None, "findings"),
        ("tool_config", "apps/web/settings.py", Severity.WARNING, None, "tool_config"),
        ("tool_config", "apps/web/pyproject.toml", Severity.ERROR, None, "tool_config"),
        ("tool_config", None, Severity.ERROR, None, "tool_config"),
        ("tests_failed", "tests/test_menu.py", Severity.ERROR, None, "collection_error"),
        ("tests_failed", "tests/test_menu.py", Severity.ERROR, TestCounts(failed=1), "tests_failed"),
        ("findings", "apps/web/settings.py", Severity.ERROR, None, "findings"),
    ],
)
def test_findings_refine_the_reason_code(
    code: str, file: str | None, severity: Severity, counts: TestCounts | None, expected: str
) -> None:
    found = Diagnostic(tool="tool", message="wrong", file=file, severity=severity)

    judgement = refined(TOOL, failed(code, "exit code 2"), [found], counts)

    assert judgement == failed(expected, "exit code 2")


def test_findings_that_the_row_does_not_list_keep_the_reason_code() -> None:
    found = Diagnostic(tool="tool", message="wrong", file="x.py")

    assert refined(make_command("tool"), failed("tool_config", ""), [found], None).reason_code == "tool_config"


@pytest.mark.parametrize(
    ("exit", "explained"),
    [
        pytest.param(ended(0), False, id="pass"),
        pytest.param(ended(1), True, id="verdict"),
        pytest.param(ended(3), True, id="no verdict, explained by the output"),
        pytest.param(ended(4), False, id="no verdict, caused by the environment"),
        pytest.param(ended(99), True, id="unknown code"),
        pytest.param(ended(timed_out=True), False, id="time limit"),
        pytest.param(ended(signal=11), False, id="crash"),
        pytest.param(ended(127), False, id="tool missing"),
        pytest.param(ended(1, trouble="engine_lost"), False, id="trouble"),
        pytest.param(ended(1, trouble="acquire"), True, id="trouble of an installation"),
        pytest.param(ended(services=(server(code=1),)), True, id="server ended"),
        pytest.param(ended(services=(server(name="worker", code=126),)), False, id="runtime of a server"),
    ],
)
def test_when_the_first_error_in_the_output_is_the_reason(exit: Exit, explained: bool) -> None:
    assert judge(TOOL, exit, None).explained is explained
