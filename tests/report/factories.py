"""Factories for reports in tests."""

from dataclasses import replace
from typing import Any

from tasks.comparison import Comparison, FixedFinding, Weakening, WeakerGate
from tasks.execution.verdict import NOT_FULL
from tasks.models import (
    CheckReport,
    DeliveredImage,
    Diagnostic,
    EngineFacts,
    Outcome,
    Proof,
    Report,
    Result,
    RunFacts,
    SecretsFacts,
    Severity,
    Stage,
    Status,
    TestCounts,
    Verdict,
)
from tasks.report.findings.fingerprints import fingerprints

CATALOGUE = (
    ("django_container", "Django container", "apps/web", Stage.BUILD),
    ("worker_container", "Worker container", "workers/intake", Stage.BUILD),
    ("site_coffee_shop", "coffee-shop site", "sites/coffee-shop", Stage.BUILD),
    ("ruff_check", "ruff check", "apps/web", Stage.QUALITY),
    ("mypy", "mypy", "apps/web", Stage.QUALITY),
    ("pytest", "pytest", "apps/web", Stage.QUALITY),
    ("migrate", "Run migrations", "apps/web", Stage.INTEGRATION),
    ("django_check", "Django check", "apps/web", Stage.INTEGRATION),
    ("migration_check", "Migration check", "apps/web", Stage.INTEGRATION),
)
NEEDS = {
    "migrate": ("django_container[apps/web]",),
    "django_check": ("migrate[apps/web]",),
    "migration_check": ("migrate[apps/web]",),
}
TIMES = {"django_container": 1.4, "worker_container": 0.7, "site_coffee_shop": 5.9, "mypy": 3.14159, "pytest": 2.4}
LOCAL = "the stack's code runs on this machine (no container runtime, runner host or session was found)"
NO_IMAGE = "no image was built: the local engine has none"


def result(name: str, status: Status = Status.PASSED, **over: Any) -> Result:
    facts: dict[str, Any] = {"duration": TIMES.get(name, 0.2), "log": f"logs/{name}.log"}
    if status is Status.SKIPPED:
        facts = {"duration": 0.0}
    if name == "pytest" and status is Status.PASSED:
        facts |= {"summary": "24 passed", "tests": TestCounts(passed=24)}
    return Result(check=name, status=status, **{**facts, **over})


def checks(**results: Result) -> tuple[CheckReport, ...]:
    """A report of the whole catalogue. All checks pass except those with a given result."""
    return tuple(
        CheckReport(
            id=f"{name}[{component}]",
            name=name,
            title=title,
            component=component,
            stage=stage,
            result=results.get(name) or result(name),
            rerun=f"predeploy --only {name}",
            needs=NEEDS.get(name, ()),
            has_tests=name == "pytest",
        )
        for name, title, component, stage in CATALOGUE
    )


def replaced(check: CheckReport, number: int, reason: str) -> CheckReport:
    """The check under another id, errored for this reason."""
    errored = result(check.name, Status.ERRORED, reason=reason, reason_code="registry")
    return replace(check, id=f"{check.name}[{number}]", result=errored)


def verdict(outcome: Outcome = Outcome.PASSED, **over: Any) -> Verdict:
    codes = {"passed": 0, "failed": 1, "errored": 3, "interrupted": 130, "budget": 124, "usage": 2}
    return Verdict(outcome=outcome, **{"exit_code": codes[outcome], "ready": outcome == "passed", **over})


def report(outcome: Outcome = Outcome.PASSED, **over: Any) -> Report:
    facts: dict[str, Any] = {
        "verdict": verdict(outcome),
        "checks": checks(),
        "engine": EngineFacts(name="dagger", version="0.20.1", reason="a container runtime answers"),
        "run": RunFacts(id="20260121-101500-7f3a", url="http://127.0.0.1:4200/runs/flow-run/5f0c1a52"),
        "stack": "examples/cafe",
        "tree": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "directory": ".predeploy/runs/20260121-101500-7f3a",
        "started_at": "2026-01-21T10:15:00Z",
        "duration": 9.3,
        "stage_durations": {Stage.BUILD: 5.9, Stage.QUALITY: 3.2, Stage.INTEGRATION: 0.2},
    }
    return Report(**{**facts, **over})


def diagnostic(message: str, file: str | None = None, line: int | None = None, **over: Any) -> Diagnostic:
    return Diagnostic(**{"tool": "mypy", "message": message, "file": file, "line": line, **over})


def green_full() -> Report:
    return report()


def green_delivered() -> Report:
    digest = "sha256:" + "1f" * 32
    images = (
        DeliveredImage(
            component="apps/web",
            digest=digest,
            path="/home/ada/cafe.tar",
            reference=f"registry.example/cafe:1@{digest}",
        ),
        DeliveredImage(component="apps/shop", digest=digest, path="/home/ada/shop.tar"),
    )
    return report(images=images)


def green_partial() -> Report:
    local = EngineFacts(
        name="local", version="0.1.0", reason=LOCAL, summary="no Dagger engine or container runtime found"
    )
    without_image = Proof(gaps=(NO_IMAGE,))
    other_python = Proof(gaps=("Python 3.11.2 ran it where production has 3.13",))
    images = {name: result(name, proof=without_image) for name in ("django_container", "worker_container")}
    pythons = {name: result(name, proof=other_python, cached=True) for name in ("mypy", "migrate", "migration_check")}
    pythons["mypy"] = replace(pythons["mypy"], cached_run="20260121-080000-11aa", cached_at="2026-01-21T08:00:04+00:00")
    advice = tuple(
        diagnostic(f"(security.W00{n}) set it", tool="django", severity=Severity.WARNING, rule=f"security.W00{n}")
        for n in (4, 8, 12)
    )
    return report(
        verdict=verdict(ready=False, gaps=(NO_IMAGE, other_python.gaps[0])),
        checks=checks(**images, **pythons, django_check=result("django_check", diagnostics=advice)),
        engine=local,
        run=RunFacts(id="r1", unrecorded="Prefect's server at http://127.0.0.1:4200 did not answer within 2 s"),
        untracked=("apps/web/inbox/new.py", "notes.txt"),
        secrets=SecretsFacts(source="Doppler (cafe/dev)", names=("AUDIT_TOKEN", "STRIPE_KEY")),
        warnings=("apps/web has no lock file: its dependencies were resolved anew, as a later deploy would do",),
    )


def green_selected() -> Report:
    one = tuple(check for check in checks() if check.name == "mypy")
    gap = "1 of 9 checks was chosen"
    return report(verdict=verdict(ready=False, gaps=(gap,)), checks=one, stage_durations={})


def one_failed() -> Report:
    types = tuple(
        diagnostic(
            f'Argument {n} to "deliver" of "Outbox" has incompatible type "str | None"; expected "str", as it does in '
            "the base class",
            "apps/web/inbox/services/delivery.py",
            10 + n,
            column=5,
            rule="arg-type",
        )
        for n in range(1, 31)
    )
    failed = result("mypy", Status.FAILED, reason_code="findings", reason="30 findings", exit_code=1, diagnostics=types)
    return report(Outcome.FAILED, checks=checks(mypy=failed), rerun="predeploy --only mypy")


def one_cause() -> Report:
    """Eleven tests whose fixture is broken, one rule broken in many files, and pages with a dead link."""
    setup = tuple(
        diagnostic(
            "error at setup: RuntimeError: no database is configured for the tests of the inbox, see the README",
            "apps/web/conftest.py",
            6,
            tool="pytest",
            rule=f"tests/test_inbox.py::test_{n}",
        )
        for n in range(11)
    )
    missing = tuple(
        diagnostic(
            "error at setup: fixture 'menu' not found",
            f"apps/web/tests/test_{n}.py",
            3,
            tool="pytest",
            rule=f"tests/test_{n}.py::test_menu",
        )
        for n in range(4)
    )
    unused = tuple(
        diagnostic("`os` imported but unused", f"apps/web/inbox/{name}.py", line, tool="ruff", rule="F401")
        for name, line in (("admin", 1), ("admin", 7), ("models", 2), ("urls", 1), ("views", 3))
    )
    return report(
        Outcome.FAILED,
        checks=checks(
            ruff_check=result("ruff_check", Status.FAILED, diagnostics=unused),
            pytest=result("pytest", Status.FAILED, summary="15 errors", diagnostics=(*setup, *missing)),
        ),
        rerun="predeploy --only ruff_check --only pytest",
    )


def gate_short() -> Report:
    """A gate without a red check that is no pass: its proof has gaps."""
    gap = Proof(gaps=(NO_IMAGE,))
    not_tried = result("migration_check", Status.SKIPPED, reason="no upgrade was tried: git knows no default branch")
    gaps = (NO_IMAGE, "migration_check[apps/web] was skipped: no upgrade was tried: git knows no default branch")
    return report(
        Outcome.ERRORED,
        verdict=verdict(Outcome.ERRORED, gaps=gaps, reason=NOT_FULL),
        checks=checks(django_container=result("django_container", proof=gap), migration_check=not_tried),
        commit="8843d7f92416211de9ebb963ff4ce28125932878",
        gate=True,
    )


def broken_settings() -> Report:
    """One cause, found by four tools. Checks that need the red ones are skipped, and one check has no verdict."""
    place: dict[str, Any] = {"file": "apps/web/config/settings.py", "line": 41, "column": 18}
    trace = (
        "SyntaxError: '(' was never closed\n"
        '  File "apps/web/manage.py", line 22, in main\n'
        "    execute_from_command_line(sys.argv)\n"
        '  File "apps/web/config/settings.py", line 41\n'
        "    INSTALLED_APPS = env.list(\n"
        "                             ^"
    )
    unused = tuple(
        diagnostic("`os` imported but unused", "apps/web/inbox/admin.py", n, tool="ruff", rule="F401") for n in (1, 7)
    )
    syntax = diagnostic("invalid-syntax: unexpected EOF", tool="ruff", **place)
    needs = {"reason_code": "needs", "reason": "needs Django container, which failed"}
    return report(
        Outcome.FAILED,
        checks=checks(
            django_container=result(
                "django_container",
                Status.FAILED,
                reason="settings do not import",
                reason_code="settings",
                diagnostics=(diagnostic(trace, tool="django", **place),),
            ),
            ruff_check=result("ruff_check", Status.FAILED, diagnostics=(*unused, syntax)),
            mypy=result("mypy", Status.FAILED, diagnostics=(diagnostic("'(' was never closed", **place),)),
            pytest=result("pytest", Status.FAILED, reason="pytest ended with 4", reason_code="usage", exit_code=4),
            migrate=result("migrate", Status.SKIPPED, **needs),
            django_check=result("django_check", Status.SKIPPED, **needs),
            migration_check=result("migration_check", Status.SKIPPED, **needs),
            worker_container=result(
                "worker_container",
                Status.ERRORED,
                reason="the npm registry does not answer (5 tries in 30 s); try again when it does",
                reason_code="registry_unreachable",
            ),
        ),
        rerun="predeploy examples/cafe --only django_container --only worker_container --only ruff_check --only mypy "
        "--only pytest",
    )


def errored() -> Report:
    gone: dict[str, Any] = {"reason": "Postgres ended in the middle (signal 9)", "reason_code": "service_lost"}
    return report(
        Outcome.ERRORED,
        checks=checks(
            migrate=result("migrate", Status.ERRORED, **gone),
            django_check=result("django_check", Status.ERRORED, **gone),
            migration_check=result("migration_check", Status.SKIPPED, reason="needs Run migrations: no verdict"),
        ),
        rerun="predeploy --only migrate --only django_check",
    )


def interrupted() -> Report:
    stopped: dict[str, Any] = {"reason": "interrupted after 1.2s", "reason_code": "interrupted"}
    never: dict[str, Any] = {"reason": "not started before the interruption", "reason_code": "interrupted"}
    waiting = ("migrate", "django_check", "migration_check")
    return report(
        Outcome.INTERRUPTED,
        verdict=verdict(Outcome.INTERRUPTED, reason="Interrupted by Ctrl-C."),
        checks=checks(
            pytest=result("pytest", Status.SKIPPED, **stopped),
            **{name: result(name, Status.SKIPPED, **never) for name in waiting},
        ),
        rerun="predeploy --only pytest --only migrate --only django_check --only migration_check",
    )


def budget() -> Report:
    late: dict[str, Any] = {"reason": "the budget of 60 s was spent", "reason_code": "budget"}
    return report(
        Outcome.BUDGET,
        verdict=verdict(Outcome.BUDGET, reason="The budget of 60 s was spent with 1 check still to run."),
        checks=checks(site_coffee_shop=result("site_coffee_shop", Status.SKIPPED, **late)),
        duration=60.2,
    )


def usage() -> Report:
    return report(
        Outcome.USAGE,
        verdict=verdict(Outcome.USAGE, reason="Nothing to do: --only mipy matches no check. Did you mean mypy?"),
        checks=(),
        stage_durations={},
        directory="",
    )


def wide() -> Report:
    """Messages with control characters, CI commands and unusual characters."""
    found = (
        diagnostic("期待された型は文字列ですが、整数が渡されました。" * 4, "apps/web/café/ビュー.py", 3, tool="tsc"),
        diagnostic("\x1b[31mred\x1b[0m\x1b]8;;http://x\x07link\r\nsecond\tline \x00\u202eend", "a b/c\udcff.py", 1),
        diagnostic("x" * 200, "/".join(["a/very/deep/folder"] * 6) + "/module.py", 12345, column=7),
        diagnostic("→ uses “quotes” … and \u2013 dashes", tool="ruff", severity=Severity.WARNING),
    )
    failed = result("worker_container", Status.FAILED, summary="", diagnostics=found)
    return report(Outcome.FAILED, checks=checks(worker_container=failed), rerun="predeploy --only worker_container")


def compared() -> Report:
    """A red run after others: errors that stay, a new one, the base's own, and a weaker gate."""
    red = one_failed()
    check = red.checks[4]
    marks = fingerprints(check.result.diagnostics)
    fixed = FixedFinding(check="pytest[apps/web]", location="tests/test_a.py:3", message="assert 1 == 2")
    new = [
        Weakening(kind="suppression", text="new: `# noqa: F401`", file="apps/web/a.py", line=n) for n in range(7, 18)
    ]
    fewer = Weakening(kind="fewer_tests", text="pytest[apps/web]: 20 tests instead of 24 (run 20260120-1)")
    comparison = Comparison(
        previous="20260120-101500-1a2b",
        seen={(check.id, mark): (1, 3, 2)[min(number, 2)] for number, mark in enumerate(marks)},
        fixed=(fixed,),
        base="1a2b3c4d5e (merge base with main)",
        on_base=frozenset({(check.id, marks[1])}),
        red_on_base=(check.id,),
        flaky={"pytest[apps/web]": "20260119-101500-1a2b"},
        slower={"ruff_check[apps/web]": 0.05},
        gate=WeakerGate(found=(*new, fewer), since="1a2b3c4d5e (merge base with main)"),
        is_whole=True,
    )
    return replace(red, compared=comparison)


CASES = {
    case.__name__: case
    for case in (
        green_full,
        green_delivered,
        green_partial,
        green_selected,
        one_failed,
        one_cause,
        gate_short,
        broken_settings,
        errored,
        interrupted,
        budget,
        usage,
        wide,
        compared,
    )
}
