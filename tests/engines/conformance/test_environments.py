"""Environments: each is made once from its inputs only, and a failed installation is reported."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.files import PROBE_LOCK
from tasks.planning.environments import our_environment
from tasks.steps import ENV, WORK
from tests.engines.conformance.packages import LOCKED, installed_by, node_packages, python_packages
from tests.support.benches import Bench, Opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

RANDOM = "cat /proc/sys/kernel/random/uuid"


@pytest.fixture(scope="module")
def module_bench(module_bench: Bench, shared_cache: Path) -> Bench:
    """A stack with packages locked for Python and for Node."""
    shutil.copytree(LOCKED, module_bench.root, dirs_exist_ok=True)
    return replace(module_bench, cache=shared_cache)


async def test_environment_is_made_once_for_concurrent_requests(opened: Opened) -> None:
    environment = installed_by("sh", "-c", f"{RANDOM}; sleep 0.3; mkdir -p {ENV}")
    asked = [opened.engine.prepare(environment, opened.bench.log) for _ in range(3)]
    first = await asyncio.gather(*asked)
    later = await opened.engine.prepare(environment, opened.bench.log)

    assert [each.exit.code for each in (*first, later)] == [0] * 4, first
    assert not first[0].reused
    assert first[0].version.startswith("Python 3.")
    assert opened.bench.written().count(RANDOM) == 1


async def test_cancelled_request_does_not_end_the_installation_for_others(opened: Opened) -> None:
    environment = installed_by("sh", "-c", f"sleep 0.5; mkdir -p {ENV}")
    impatient, patient = [asyncio.create_task(opened.engine.prepare(environment, opened.bench.log)) for _ in range(2)]
    await asyncio.sleep(0.2)
    impatient.cancel()

    assert (await patient).exit.code == 0


async def test_failed_installation_is_reported_and_retried_on_request(opened: Opened) -> None:
    environment = installed_by("sh", "-c", f"{RANDOM}; echo no such package >&2; exit 7")
    tries = [await opened.engine.prepare(environment, opened.bench.log) for _ in range(2)]

    assert [(each.exit.code, each.exit.stderr, each.exit.trouble) for each in tries] == [
        (7, "no such package\n", "")
    ] * 2
    assert tries[0].exit.stdout != tries[1].exit.stdout
    assert [each.command for each in tries] == [environment.commands[0]] * 2
    assert opened.bench.written().count("# exit 7 after") == 2


async def test_installation_sees_only_its_inputs(opened: Opened) -> None:
    environment = installed_by(
        "sh", "-c", f"cd {WORK} && find . -type f && exit 7", inputs=("app/main.js", "requirements.lock")
    )
    prepared = await opened.engine.prepare(environment, opened.bench.log)

    assert sorted(prepared.exit.stdout.split()) == ["./app/main.js", "./requirements.lock"], prepared


async def test_input_missing_in_the_tree_is_an_internal_error(opened: Opened) -> None:
    environment = installed_by("true", inputs=("absent.lock",))
    prepared = await opened.engine.prepare(environment, opened.bench.log)

    assert (prepared.exit.code, prepared.exit.trouble) == (None, "internal")
    assert "absent.lock" in prepared.exit.detail


async def test_step_installs_its_environment_if_it_is_missing(opened: Opened) -> None:
    environment = installed_by("sh", "-c", f"mkdir -p {ENV}/bin; echo made >{ENV}/made")
    exit = await opened.run("cat", f"{ENV}/made", environment=environment)

    assert (exit.code, exit.stdout) == (0, "made\n"), exit


async def test_a_step_whose_environment_cannot_be_made_is_no_verdict(opened: Opened) -> None:
    exit = await opened.run("true", environment=installed_by("false"))

    assert (exit.code, exit.trouble) == (None, "acquire")
    assert "packages of ." in exit.detail


async def test_programs_of_an_environment_are_first_on_the_path(opened: Opened) -> None:
    program = f"{ENV}/bin/sort"
    script = f"mkdir -p {ENV}/bin; printf '#!/bin/sh\\necho ours\\n' >{program}; chmod +x {program}"
    exit = await opened.run("sort", environment=installed_by("sh", "-c", script))

    assert exit.stdout == "ours\n", exit


@pytest.mark.real
@pytest.mark.network
async def test_locked_python_packages_are_installed_and_used(opened: Opened) -> None:
    packages = python_packages(opened.bench)
    prepared = await opened.engine.prepare(packages, opened.bench.log)
    code = "import iniconfig, os, sys; print(sys.prefix == os.environ['VIRTUAL_ENV'], iniconfig.__file__)"
    used = await opened.run("python", "-c", code, environment=packages)
    checked = await opened.run("uv", "pip", "check", environment=packages)

    assert prepared.exit.code == 0, opened.bench.written()
    assert used.stdout.startswith("True "), used.stderr
    assert checked.code == 0, checked.stderr


@pytest.mark.real
@pytest.mark.network
async def test_node_packages_are_in_each_workspace_that_needs_them(opened: Opened) -> None:
    packages = node_packages(opened.bench)
    prepared = await opened.engine.prepare(packages, opened.bench.log)
    main = await opened.run("node", "main.js", cwd="app", environment=packages)
    program = await opened.run("semver", "1.2.3", cwd="app", environment=packages)
    restarted = await opened.run("node", "main.js", cwd="app", environment=packages, begins=True)

    assert prepared.exit.code == 0, opened.bench.written()
    assert prepared.gaps == ()
    assert prepared.version.startswith("Node ")
    assert [exit.stdout for exit in (main, program, restarted)] == ["   hello you\n", "1.2.3\n", "   hello you\n"], main


@pytest.mark.real
@pytest.mark.network
async def test_reachable_registry_is_reported(opened: Opened) -> None:
    assert await opened.engine.answers(python_packages(opened.bench), opened.bench.log)


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.real
async def test_unreachable_registry_is_reported(bench: Bench, shared_cache: Path) -> None:
    nowhere = {"UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple", "UV_HTTP_TIMEOUT": "1"}
    shutil.copytree(LOCKED, bench.root, dirs_exist_ok=True)
    bench = replace(bench, cache=shared_cache)
    async with bench.engine(environ={**bench.environ, **nowhere}) as engine:
        assert not await engine.answers(python_packages(bench), bench.log)


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.real
@pytest.mark.network
async def test_mismatched_locks_are_failures_of_the_installers(bench: Bench, shared_cache: Path) -> None:
    shutil.copytree(LOCKED, bench.root, dirs_exist_ok=True)
    (bench.root / "requirements.lock").write_text("iniconfig==2.0.0 --hash=sha256:" + "0" * 64 + "\n")
    manifest = bench.root / "app/package.json"
    manifest.write_text(manifest.read_text().replace("7.6.3", "7.6.2"))
    bench = replace(bench, cache=shared_cache)
    async with bench.engine() as engine:
        hashes = await engine.prepare(python_packages(bench), bench.log)
        stale = await engine.prepare(node_packages(bench), bench.log)

    assert (hashes.exit.code, stale.exit.code) == (1, 1)
    assert hashes.command is not None
    assert hashes.command.label == "uv pip install"
    assert "hash mismatch" in hashes.exit.stderr.lower()
    assert "ERR_PNPM_OUTDATED_LOCKFILE" in stale.exit.stderr + stale.exit.stdout


async def test_predeploys_own_files_are_next_to_the_inputs(opened: Opened) -> None:
    environment = installed_by(
        "sh", "-c", f"ls {WORK}; cat {WORK}/own.txt; mkdir -p {ENV}", files=(("own.txt", "ours\n"),)
    )
    prepared = await opened.engine.prepare(environment, opened.bench.log)

    assert prepared.exit.code == 0, prepared
    assert opened.bench.written().count("\nown.txt\nours\n") == 1


async def test_step_imports_the_packages_of_the_probes(opened: Opened) -> None:
    exit = await opened.run(
        "python",
        "-c",
        "import psycopg; print(psycopg.pq.__impl__)",
        environment=our_environment(PROBE_LOCK.read_text()),
    )

    assert (exit.code, exit.stdout) == (0, "binary\n"), exit
