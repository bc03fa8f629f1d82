"""Attempts at a check: order of commands, packages, evidence, diagnostics and retries."""

import re
from pathlib import Path
from typing import Any

import pytest

from tasks.execution.executor import Policy, Run
from tasks.execution.log_names import log_names
from tasks.execution.verdict import give_verdict
from tasks.execution.work import EngineWork
from tasks.exits import Exit, Prepared, ServiceExit
from tasks.models import Result, SkipReason, Status
from tasks.steps import Check, Command, Image
from tests.support.factories import make_check, make_command, make_lowering, make_site, make_some_plan
from tests.support.fakes import WELL, FakeEngine, Witness

RED = Exit(code=1)
STALE = Exit(code=1, stderr="error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.")
LOST = Exit(code=1, stderr="error: Failed to fetch: connection refused")


async def run(engine: FakeEngine, *checks: Check, logs: Path, load: float = 0.0, **policy: Any) -> list[Result]:
    plan = make_some_plan(*checks)
    run = Run(
        plan,
        EngineWork(plan, engine, make_lowering(), logs, load=lambda: load),
        Witness(),
        Policy(**{"jobs": 4, **policy}),
    )
    run.start()
    return list((await run.wait()).values())


def reported(result: Result) -> tuple[Status, str]:
    return result.status, result.reason_code


async def test_commands_run_in_order_until_one_does_not_pass(tmp_path: Path) -> None:
    engine = FakeEngine({"second": RED})
    check = make_check(commands=tuple(make_command(name) for name in ("first", "second", "third")))

    (result,) = await run(engine, check, logs=tmp_path)

    assert engine.programs == ["first", "second"]
    assert reported(result) == (Status.FAILED, "findings")
    assert result.exit_code == 1


async def test_exit_code_zero_without_evidence_is_errored(tmp_path: Path) -> None:
    check = make_check(commands=(make_command("migrate", evidence="Running migrations:"),))

    (silent,) = await run(FakeEngine(), check, logs=tmp_path)
    (proven,) = await run(FakeEngine({"migrate": Exit(code=0, stderr="Running migrations:\n")}), check, logs=tmp_path)

    assert reported(silent) == (Status.ERRORED, "no_evidence")
    assert "its output does not show that it did its work" in silent.reason
    assert proven.passed


async def test_exit_code_for_nothing_to_do_needs_no_evidence(tmp_path: Path) -> None:
    check = make_check(commands=(make_command("pytest", evidence=r"\d+ passed", empty=(5,)),))

    (result,) = await run(FakeEngine({"pytest": Exit(code=5)}), check, logs=tmp_path)

    assert result.passed


async def test_server_that_ended_explains_a_request_without_an_answer(tmp_path: Path) -> None:
    said = '{"diagnostics": [{"tool": "http", "rule": "no_answer", "message": "Connection reset"}], "summary": ""}'
    output = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'shopsite'\nWorker exiting\n"
    ended = ServiceExit(name="server", code=3, signal=None, output=output)
    server = make_command("serve", label="server")
    check = make_check("GET", commands=(make_command("GET", parser="probe", services=(server,)),))

    (result,) = await run(FakeEngine({"GET": Exit(code=1, stdout=said, services=(ended,))}), check, logs=tmp_path)

    assert reported(result) == (Status.FAILED, "not_ready")
    assert [each.message for each in result.diagnostics] == ["No module named 'shopsite'", "Connection reset"]
    assert result.reason == "No module named 'shopsite'"


async def test_request_that_succeeds_fails_the_check_if_the_server_has_ended(tmp_path: Path) -> None:
    ended = ServiceExit(name="server", code=1, signal=None, output="Address already in use")
    check = make_check("ask", commands=(make_command("ask", services=(make_command("serve", label="server"),)),))

    (result,) = await run(FakeEngine({"ask": Exit(code=0, services=(ended,))}), check, logs=tmp_path)

    assert reported(result) == (Status.FAILED, "not_ready")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("booting\nAddress already in use\n", "Address already in use"),
        ("ERRORS:\n?: (caches.E001) no cache\n\nSystem check identified 1 issue (0 silenced).\n", "no cache"),
    ],
)
async def test_output_of_a_server_that_ended_is_the_diagnostic(output: str, message: str, tmp_path: Path) -> None:
    ended = ServiceExit(name="server", code=1, signal=None, output=output)
    check = make_check("ask", commands=(make_command("ask", services=(make_command("serve", label="server"),)),))

    (result,) = await run(FakeEngine({"ask": Exit(code=None, services=(ended,))}), check, logs=tmp_path)

    assert reported(result) == (Status.FAILED, "not_ready")
    assert [each.message for each in result.diagnostics] == [message]


async def test_check_of_a_component_without_packages_fails_by_its_findings(tmp_path: Path) -> None:
    """A site has no Python packages, so the judgement of its broken links must not ask for them."""
    site = make_site()
    check = make_check("links", path=site.path)

    (result,) = await run(FakeEngine({"links": RED}), check, logs=tmp_path)

    assert reported(result) == (Status.FAILED, "findings")


async def test_red_check_without_output_has_a_diagnostic(tmp_path: Path) -> None:
    (result,) = await run(FakeEngine({"lint": RED}), make_check("lint"), logs=tmp_path)

    assert [each.message for each in result.diagnostics] == ["lint: exit code 1"]


async def test_lost_database_does_not_affect_a_check_without_a_database(tmp_path: Path) -> None:
    lost = ("service_lost", "the Postgres of this run is gone")
    with_database = make_check("migrate", database="empty")
    engine = FakeEngine({"lint": RED, "migrate": RED}, troubles=[lost])

    lint, migrate = await run(engine, make_check("lint"), with_database, logs=tmp_path)

    assert reported(lint) == (Status.FAILED, "findings")
    assert reported(migrate) == (Status.ERRORED, "service_lost")


async def test_full_disk_makes_a_red_check_errored(tmp_path: Path) -> None:
    engine = FakeEngine({"lint": RED}, troubles=[("disk_full", "no space left")])

    (result,) = await run(engine, make_check("lint"), logs=tmp_path)

    assert reported(result) == (Status.ERRORED, "disk_full")


async def test_checks_copy_the_database_of_the_attempt_that_passed(tmp_path: Path) -> None:
    engine = FakeEngine({"migrate": [Exit(code=None, signal=9), WELL]})
    migrate = make_check("migrate", database="template")
    health = make_check("health", database="migrated", needs=(migrate.id,))

    results = await run(engine, migrate, health, logs=tmp_path)

    assert all(result.passed for result in results)
    first, second, copy = (step.database for step in engine.ran)
    assert first
    assert second
    assert copy
    assert first.name != second.name
    assert copy.template == second.name


def locked(name: str, environment: str = "production", **over: Any) -> Check:
    return make_check(name, commands=(make_command(name, environment=environment),), **over)


async def test_shard_reports_each_check_with_a_broken_lock(tmp_path: Path) -> None:
    engine = FakeEngine(prepares={"production": Prepared(exit=STALE)})

    results = await run(engine, locked("image"), locked("lint"), logs=tmp_path, is_part=True)

    assert [reported(each) for each in results] == [(Status.FAILED, "lock_stale")] * 2


async def test_broken_lock_makes_one_check_red(tmp_path: Path) -> None:
    engine = FakeEngine(prepares={"production": Prepared(exit=STALE)})

    image, lint, types = await run(engine, locked("image"), locked("lint"), locked("types"), logs=tmp_path)

    assert reported(image) == (Status.FAILED, "lock_stale")
    assert reported(lint) == reported(types) == (Status.SKIPPED, "needs")
    assert lint.reason == "needs the same packages as image, and they did not install"
    assert lint.blocked_by == image.check
    assert engine.programs == []


async def test_broken_lock_that_production_and_development_share_makes_one_check_red(tmp_path: Path) -> None:
    engine = FakeEngine(prepares={"production": Prepared(exit=STALE), "development": Prepared(exit=STALE)})

    image, lint = await run(engine, locked("image"), locked("lint", "development"), logs=tmp_path)

    assert reported(image) == (Status.FAILED, "lock_stale")
    assert reported(lint) == (Status.SKIPPED, "needs")


async def test_separate_faults_in_two_environments_make_two_checks_red(tmp_path: Path) -> None:
    other = Exit(code=1, stderr="error: Hash mismatch for `ruff==0.12.0`")
    engine = FakeEngine(prepares={"production": Prepared(exit=STALE), "development": Prepared(exit=other)})

    image, lint = await run(engine, locked("image"), locked("lint", "development"), logs=tmp_path)

    assert reported(image) == (Status.FAILED, "lock_stale")
    assert reported(lint) == (Status.FAILED, "hash_mismatch")


async def test_output_before_a_timeout_is_not_the_reason(tmp_path: Path) -> None:
    engine = FakeEngine({"slow": Exit(code=None, stderr="warning: half way\n", timed_out=True)})

    (result,) = await run(engine, make_check("slow", commands=(make_command("slow", limit=5),)), logs=tmp_path)

    assert (
        result.reason == "slow was still running after 5 s. If it needs more time: limits.slow = 60 in predeploy.toml"
    )
    assert result.diagnostics[0].message == result.reason


async def test_unreachable_registry_makes_one_check_errored(tmp_path: Path) -> None:
    engine = FakeEngine(prepares={"production": Prepared(exit=LOST)}, registry=False)

    image, lint = await run(engine, locked("image"), locked("lint"), logs=tmp_path)

    assert reported(image) == (Status.ERRORED, "registry")
    assert reported(lint) == (Status.SKIPPED, "needs")


async def test_check_is_not_skipped_if_an_earlier_check_installed_the_same_packages_on_retry(tmp_path: Path) -> None:
    """Otherwise no check would be red, although this one never ran."""
    engine = FakeEngine(prepares={"production": [Prepared(exit=LOST), Prepared(exit=WELL), Prepared(exit=LOST)]})

    image, lint = await run(engine, locked("image"), locked("lint"), logs=tmp_path)

    assert image.passed
    assert reported(lint) == (Status.ERRORED, "acquire")


async def test_check_is_not_attributed_to_an_earlier_check_that_needs_it(tmp_path: Path) -> None:
    lint = locked("lint")
    first = locked("first", needs=(lint.id,))
    engine = FakeEngine(prepares={"production": Prepared(exit=STALE)})

    waiting, red = await run(engine, first, lint, logs=tmp_path)

    assert reported(red) == (Status.FAILED, "lock_stale")
    assert reported(waiting) == (Status.SKIPPED, "needs")


async def test_unsatisfiable_packages_on_another_python_version_are_errored(tmp_path: Path) -> None:
    clash = Exit(code=1, stderr="No solution found when resolving dependencies: they are unsatisfiable")
    gap = "Python 3.11 instead of 3.13"

    (exact,) = await run(FakeEngine(prepares={"": Prepared(exit=clash)}), locked("image"), logs=tmp_path)
    (other,) = await run(FakeEngine(prepares={"": Prepared(exit=clash, gaps=(gap,))}), locked("image"), logs=tmp_path)

    assert reported(exact) == (Status.FAILED, "unsatisfiable")
    assert reported(other) == (Status.ERRORED, "toolchain")
    assert gap in other.reason


async def test_missing_feature_of_the_engine_is_a_gap_in_the_proof(tmp_path: Path) -> None:
    check = make_check("image", requires=(("image", "no image was built"),))

    (partial,) = await run(FakeEngine(), check, logs=tmp_path)
    (full,) = await run(FakeEngine(provides=frozenset({"image"})), check, logs=tmp_path)

    assert partial.proof.gaps == ("no image was built",)
    assert full.proof.full


def test_log_names_are_readable_and_unique() -> None:
    names = log_names(("mypy[apps/web]", "lint[a/b]", "lint[a-b]", "Lint[a b]", "lint[.]", "../x[/]", "lint-a-b-2"))

    assert list(names.values()) == [
        *("mypy-apps-web.log", "lint-a-b.log", "lint-a-b-2.log", "lint-a-b-3.log"),
        *("lint.log", "x.log", "lint-a-b-2-2.log"),
    ]


RAISED = 'Traceback (most recent call last):\n  File "/app/config/wsgi.py", line 3, in <module>\nKeyError: "X"\n'
IMAGE = Image(title="image", dockerfile="Dockerfile", context="apps/web", copies=(("/app", "apps/web"),))


async def test_diagnostic_from_an_image_names_the_file_that_the_image_copied(tmp_path: Path) -> None:
    command = make_command("python", environment="image", parser="traceback")
    check = make_check("build", commands=(command,), image=IMAGE)
    engine = FakeEngine({"python": Exit(code=1, stderr=RAISED, root="/app")}, provides=frozenset({"image"}))

    (result,) = await run(engine, check, logs=tmp_path)

    assert result.reason == 'apps/web/config/wsgi.py:3: "X"'


async def test_diagnostic_from_a_server_names_a_file_by_where_the_server_ran(tmp_path: Path) -> None:
    server = make_command("gunicorn", label="server", cwd="apps/web", environment="production")
    ended = ServiceExit(name="server", code=1, signal=None, output=RAISED)
    check = make_check("health", commands=(make_command("GET", services=(server,)),), image=IMAGE)

    for provides, file in ((frozenset({"image"}), "apps/web/config/wsgi.py"), (frozenset[str](), "config/wsgi.py")):
        engine = FakeEngine({"GET": Exit(code=1, root="/app", services=(ended,))}, provides=provides)
        (result,) = await run(engine, check, logs=tmp_path)

        assert result.diagnostics[0].file == file


@pytest.mark.parametrize(
    ("registry", "expected"),
    [(True, (Status.FAILED, "image_build")), (False, (Status.ERRORED, "registry"))],
)
async def test_failed_run_instruction_is_errored_while_no_registry_answers(
    tmp_path: Path, registry: bool, expected: tuple[Status, str]
) -> None:
    verdicts = ((1, "image_build"), (2, "dockerfile"))
    downloads = ("image_build", "timeout")
    command = Command(argv=(), label="docker build", environment="image", verdicts=verdicts, downloads=downloads)
    check = make_check("build", commands=(command,), image=IMAGE)
    provides = frozenset({"image"})
    failing = FakeEngine({"": RED}, provides=provides, registry=registry)
    slow = FakeEngine({"": Exit(code=None, timed_out=True)}, provides=provides, registry=registry)
    wrong = FakeEngine({"": Exit(code=2)}, provides=provides, registry=registry)

    (result,) = await run(failing, check, logs=tmp_path)
    (late,) = await run(slow, check, logs=tmp_path)
    (broken,) = await run(wrong, check, logs=tmp_path)

    assert reported(result) == expected
    assert reported(late) == ((Status.FAILED, "timeout") if registry else expected)
    assert reported(broken) == (Status.FAILED, "dockerfile")
    assert wrong.controls == 0


NO_EXTENSION = 'psycopg.errors.FeatureNotSupported: extension "postgis" is not available\nDETAIL:  Could not open\n'


@pytest.mark.parametrize(
    ("database", "expected"),
    [("template", (Status.ERRORED, "extension_absent")), ("", (Status.FAILED, "findings"))],
)
async def test_missing_postgres_extension_is_errored_for_a_check_with_a_database(
    tmp_path: Path, database: Any, expected: tuple[Status, str]
) -> None:
    engine = FakeEngine({"migrate": Exit(code=1, stderr=NO_EXTENSION)})

    (result,) = await run(engine, make_check("migrate", database=database), logs=tmp_path)

    assert reported(result) == expected
    assert database == "" or 'has no extension "postgis". On the embedded engine: apt-get install' in result.reason


UNFIT: dict[str, Any] = {"unfit": ((75, "other_database"),), "explained": ("other_database",)}


def make_upgrade(**over: Any) -> Check:
    """Returns a check whose first command runs in the base."""
    base = make_command("old", tree="base", parser="plain", **UNFIT, **over)
    return make_check("upgrade", commands=(base, make_command("new")), database="empty")


@pytest.mark.parametrize(
    ("exit", "says"),
    [
        (Exit(code=1, stderr="menu/models.py:3: no such thing\n"), r"menu/models\.py:3: no such thing\). Name another"),
        (Exit(code=75, stderr="another database\n"), "another database"),
        (Exit(code=None, timed_out=True), "still running after 600 s"),
        (Exit(code=1, stderr='extension "citext" is not available\n'), "no extension"),
        (Exit(code=None, signal=11), "old crashed with SIGSEGV"),
    ],
    ids=["broken", "on another database", "endless", "extension missing", "crashing"],
)
async def test_failure_in_the_base_skips_the_check(exit: Exit, says: str, tmp_path: Path) -> None:
    engine = FakeEngine({"old": exit})

    (result,) = await run(engine, make_upgrade(), logs=tmp_path)

    assert engine.programs == ["old"]
    assert reported(result) == (Status.SKIPPED, "base_broken")
    assert re.search(rf"no upgrade was tried: the base cannot be used \(.*{says}", result.reason)
    assert result.proof.gaps == (result.reason,)
    assert result.diagnostics == ()
    assert give_verdict([result, Result(check="other", status=Status.PASSED)], whole=True).exit_code == 0


async def test_failed_installation_in_the_base_skips_the_check(tmp_path: Path) -> None:
    engine = FakeEngine(prepares={"production": Prepared(exit=STALE)})

    (result,) = await run(engine, make_upgrade(environment="production"), logs=tmp_path)

    assert reported(result) == (Status.SKIPPED, "base_broken")
    assert "needs to be updated" in result.reason
    assert [environment.tree for environment in engine.prepared] == ["base", "base"]


async def test_trouble_of_engine_or_registry_in_the_base_is_errored(tmp_path: Path) -> None:
    lost = Exit(code=None, trouble="service_lost", detail="Postgres is gone")

    (by_engine,) = await run(FakeEngine({"old": lost}), make_upgrade(), logs=tmp_path)
    (by_registry,) = await run(
        FakeEngine(prepares={"production": Prepared(exit=LOST)}, registry=False),
        make_upgrade(environment="production"),
        logs=tmp_path,
    )

    assert reported(by_engine) == (Status.ERRORED, "service_lost")
    assert reported(by_registry) == (Status.ERRORED, "registry")


async def test_failure_in_the_tree_after_the_base_is_a_verdict(tmp_path: Path) -> None:
    engine = FakeEngine({"new": RED})

    (result,) = await run(engine, make_upgrade(), logs=tmp_path)

    assert engine.programs == ["old", "new"]
    assert reported(result) == (Status.FAILED, "findings")


async def test_gaps_that_a_probe_reports_make_the_proof_partial(tmp_path: Path) -> None:
    exit = Exit(code=0, stdout='{"gaps": ["no row in menu_product"]}')

    (result,) = await run(
        FakeEngine({"fill": exit}), make_check(commands=(make_command("fill", parser="probe"),)), logs=tmp_path
    )

    assert result.passed
    assert result.proof.gaps == ("no row in menu_product",)


async def test_check_with_a_skip_reason_is_skipped_and_runs_nothing(tmp_path: Path) -> None:
    skip = SkipReason(reason_code="no_base", reason="no upgrade was tried: git has no commit")
    engine = FakeEngine()

    (result,) = await run(engine, make_check("upgrade", commands=(), skip_reason=skip), logs=tmp_path)

    assert engine.programs == []
    assert reported(result) == (Status.SKIPPED, "no_base")
    assert (result.reason, result.proof.gaps) == (skip.reason, (skip.reason,))


async def test_failed_need_takes_precedence_over_a_skip_reason(tmp_path: Path) -> None:
    """A check that is skipped for its needs prevents a pass; a skip reason alone allows a partial pass."""
    skip = SkipReason(reason_code="no_base", reason="no upgrade was tried")
    migrate = make_check("migrate")

    results = await run(
        FakeEngine({"migrate": RED}),
        migrate,
        make_check("upgrade", commands=(), needs=(migrate.id,), skip_reason=skip),
        logs=tmp_path,
    )

    assert [reported(result) for result in results] == [(Status.FAILED, "findings"), (Status.SKIPPED, "needs")]


async def test_time_out_on_a_busy_machine_is_errored_after_a_longer_limit(tmp_path: Path) -> None:
    engine = FakeEngine({"slow": Exit(code=None, timed_out=True, cpu=1.0)})

    (result,) = await run(engine, make_check("slow", commands=(make_command("slow", limit=30),)), logs=tmp_path, load=2)

    assert reported(result) == (Status.ERRORED, "timeout")
    assert engine.ran[0].limit == 60
    assert "slow was still running after 60 s on a busy machine" in result.reason


async def test_failure_of_a_library_that_the_machine_lacks_is_errored(tmp_path: Path) -> None:
    lacks = Exit(
        code=1,
        stderr="Traceback (most recent call last):\n"
        '  File "/ws/pdf.py", line 1, in <module>\n'
        "    import weasyprint\n"
        "OSError: cannot load library 'libpango-1.0-0': libpango-1.0-0: cannot open shared object file\n",
    )
    check = make_check("migrate", commands=(make_command("migrate", environment="production", parser="migrations"),))

    (result,) = await run(FakeEngine({"migrate": lacks}), check, logs=tmp_path)

    assert reported(result) == (Status.ERRORED, "system_package")
    assert "the library libpango-1.0-0 is not on this machine" in result.reason
