"""A report with everything in it: each kind of check, and text of tools that attacks each format."""

from dataclasses import replace

from tasks.models import BuiltFiles, Outcome, Proof, Report, RunFacts, SecretsFacts, Severity, Stage, Status, TestCounts
from tasks.production import NOWHERE, ProductionFacts, Sourced
from tests.report import factories as make

ATTACK = (
    "\x1b[31m::error::owned\x1b[0m\r\n::stop-commands::x </script><script>alert(1)</script> <!-- ]]> & --> "
    "{{ 7 * 7 }} {% raw %} `code` | [link](javascript:alert(1)) \u202eright-to-left\u202c \ufffe\uffff \udcff\x00\x07 "
    "日本語 🦀 %0A::warning::x ' onmouseover='alert(1)' \" onload=\"alert(1)"
)
MARKER = "alert(1)"


def everything() -> Report:
    """Each status, each kind of fact, and hostile text in each field that a tool or a file of the stack fills."""
    bad_file = 'apps/web/a b%0A::error::x"<b>\udcff.py'
    tests = tuple(
        make.diagnostic(
            f"assert {n} == 3", "apps/web/tests/test_menu.py", 10 + n, tool="pytest", rule=f"t.py::test_{n}"
        )
        for n in range(2)
    )
    unused = tuple(
        make.diagnostic("`os` imported but unused", "apps/web/menu.py", n, rule="F401", fix="ruff check --fix")
        for n in (3, 9)
    )
    attack = make.diagnostic(ATTACK, bad_file, 3, column=7, tool="tsc", rule='TS<1>"]]>', fix=f"write {ATTACK}")
    advice = make.diagnostic("(security.W004) set it", tool="django", severity=Severity.WARNING, rule="security.W004")
    note = make.diagnostic("a note", "apps/web/menu.py", 1, severity=Severity.NOTE)
    placeless = make.diagnostic("no file of the stack is named", tool="wrangler")
    checks = make.checks(
        django_container=make.result("django_container", started=0.1, proof=Proof(gaps=(f"no image: {ATTACK}",))),
        worker_container=make.result(
            "worker_container", Status.FAILED, reason=ATTACK, reason_code="findings", diagnostics=(attack, placeless)
        ),
        site_coffee_shop=make.result("site_coffee_shop", Status.FAILED, reason_code="links", reason="2 dead links"),
        ruff_check=make.result("ruff_check", Status.FAILED, reason="2 findings", diagnostics=(*unused, note)),
        mypy=make.result("mypy", cached=True, summary=f"checked {ATTACK}"),
        pytest=make.result(
            "pytest",
            Status.FAILED,
            started=0.4,
            reason="2 tests failed",
            reason_code="tests_failed",
            summary="2 failed, 3 passed",
            tests=TestCounts(passed=3, failed=2, skipped=1),
            diagnostics=tests,
        ),
        migrate=make.result("migrate", started=1.6, duration=1.1),
        django_check=make.result("django_check", started=2.7, diagnostics=(advice,)),
        migration_check=make.result(
            "migration_check", Status.ERRORED, started=2.7, reason="Postgres ended", reason_code="service_lost"
        ),
    )
    skipped = replace(
        checks[-1],
        id="last[apps/web]",
        title=f"Last {ATTACK}",
        needs=("migration_check[apps/web]",),
        result=make.result("last", Status.SKIPPED, reason="needs Migration check: no verdict", reason_code="needs"),
    )
    return make.report(
        Outcome.FAILED,
        checks=(*checks, skipped),
        stack=f"cafe {ATTACK}",
        run=RunFacts(id="20260121-101500-7f3a", unrecorded=f"no server: {ATTACK}"),
        untracked=("apps/web/new.py", bad_file),
        warnings=(f"no lock: {ATTACK}",),
        production=(
            ProductionFacts(
                path="apps/web",
                settings=Sourced(value="config.settings", file="apps/web/Dockerfile", line=12, why="ENV"),
                server=Sourced(value=f"gunicorn {ATTACK}", why="no file states it", guess=True),
                image=NOWHERE,
            ),
        ),
        secrets=SecretsFacts(source="Doppler (cafe/dev)", names=("STRIPE_KEY",), stale="two days old"),
        built=(BuiltFiles(component="sites/coffee-shop", path="dist", digest="sha256:" + "1f" * 32),),
        rerun="predeploy --only worker_container --only ruff_check --only pytest",
        stage_durations={Stage.BUILD: 5.9, Stage.QUALITY: 3.2, Stage.INTEGRATION: 1.4},
    )


def flood(count: int = 10_000) -> Report:
    """A check with many findings, a few of them equal."""
    many = tuple(
        make.diagnostic(
            f"name n{number // 2} is unknown", f"apps/web/m{number % 50}.py", number + 1, rule="name-defined"
        )
        for number in range(count)
    )
    failed = make.result("mypy", Status.FAILED, reason=f"{count} findings", reason_code="findings", diagnostics=many)
    return make.report(Outcome.FAILED, checks=make.checks(mypy=failed), rerun="predeploy --only mypy")
