"""Trouble that is not the code's: no verdict, the reason in one line, nothing left running and nothing half written."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.engines.process_table import find_marked, list_processes
from tasks.models import Report, Result, Status
from tasks.user_dirs import UserDirs
from tests.support.validate import Validator, copy_sample, shared_cache, told

pytestmark = [pytest.mark.real, pytest.mark.network]
CLOSED = "http://127.0.0.1:9/"
SLEEP = ("sleep", "300.125")
CHECKS = """
[[check]]
name = "slow"
stage = "build"
run = ["sleep", "300.125"]

[[check]]
name = "later"
stage = "quality"
run = ["true"]
needs = ["slow"]

[[check]]
name = "quick"
stage = "quality"
run = ["true"]
"""


@pytest.fixture
def validator(shared_home: Path, tmp_path: Path) -> Validator:
    return Validator(user_dirs=UserDirs(cache=shared_cache(shared_home), data=tmp_path / "data"))


@pytest.fixture
def cafe(tmp_path: Path) -> Path:
    copy_sample(tmp_path / "cafe")
    return tmp_path / "cafe"


@pytest.fixture
def sleeper(tmp_path: Path) -> Path:
    """A stack whose one long check does nothing at all."""
    stack = tmp_path / "sleeper"
    stack.mkdir()
    (stack / "predeploy.toml").write_text(CHECKS)
    return stack


@contextmanager
def small_disk(disk: Path, megabytes: int) -> Iterator[Path]:
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk needs the right to mount one")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def results_of(report: Report) -> Mapping[str, Result]:
    return {check.name: check.result for check in report.checks}


def assert_no_verdict(report: Report, stack: Path, validator: Validator, *, exit_code: int = 3) -> None:
    """The exit code, a reason of one line, and that all is cleaned up and written whole."""
    assert report.verdict.exit_code == exit_code, told(report)
    assert report.verdict.reason
    assert "\n" not in report.verdict.reason
    assert find_marked(report.run.id.encode()) == []
    assert list((validator.user_dirs.data / "runs").iterdir()) == []
    runs = stack / ".predeploy/runs"
    assert [path.name for path in runs.iterdir()] == [report.run.id]
    assert json.loads((runs / report.run.id / "report.json").read_text())["exit_code"] == exit_code


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Does something in a thread while the block runs; the event tells that it has ended."""
    ended = threading.Event()
    thread = threading.Thread(target=work, args=(ended,))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def argv_of(pid: int) -> tuple[str, ...]:
    with suppress(OSError):
        return tuple(Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1])
    return ()


@pytest.mark.slow
def test_registry_is_unreachable(cafe: Path, validator: Validator, tmp_path: Path) -> None:
    nowhere = {"UV_INDEX_URL": CLOSED, "UV_DEFAULT_INDEX": CLOSED, "npm_config_registry": CLOSED}
    cut_off = replace(
        validator,
        user_dirs=replace(validator.user_dirs, cache=tmp_path / "empty"),
        environ={**validator.environ, **nowhere, "UV_HTTP_RETRIES": "0"},
    )

    report = cut_off.validate(cafe, only=["django_container", "worker_container"])

    assert_no_verdict(report, cafe, cut_off)
    results = results_of(report)
    assert {each.status for each in results.values()} == {Status.ERRORED}
    # of Node not even the program that would install is there
    codes = {"django_container": "registry", "worker_container": "toolchain"}
    assert {name: each.reason_code for name, each in results.items()} == codes, told(report)
    assert not any("\n" in each.reason for each in results.values())


INITDB = """#!/bin/sh
[ "$1" = --version ] && echo "initdb (PostgreSQL) 99.0" && exit
{initdb}
"""
MADE = 'for last; do :; done; mkdir -p "$last"; touch "$last/PG_VERSION" "$last/pg_hba.conf"'
POSTGRES = """#!/bin/sh
[ "$1" = --version ] && echo "postgres (PostgreSQL) 99.0" && exit
echo "FATAL: no coffee left" >&2
exit 1
"""


@pytest.mark.parametrize(
    "initdb",
    [pytest.param("exit 1", id="no data directory", marks=pytest.mark.slow), pytest.param(MADE, id="no server")],
)
def test_postgres_does_not_start(initdb: str, cafe: Path, validator: Validator, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in {"initdb": INITDB.format(initdb=initdb), "postgres": POSTGRES}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    broken = replace(validator, environ={**validator.environ, "PATH": f"{programs}:{os.environ['PATH']}"})

    report = broken.validate(cafe, only=["migrate"], postgres="host")

    assert_no_verdict(report, cafe, broken)
    result = results_of(report)["migrate"]
    assert (result.status, result.reason_code) == (Status.ERRORED, "postgres"), told(report)


LONG_TEST = """

def test_long(espresso: Product) -> None:
    import pathlib
    import time

    pathlib.Path("{ready}").touch()
    for _ in range(600):
        assert Product.objects.count() == 1
        time.sleep(0.05)
"""


def test_postgres_dies_while_a_check_runs(cafe: Path, validator: Validator, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with (cafe / "apps/web/tests/test_menu.py").open("a") as opened:
        opened.write(LONG_TEST.format(ready=ready))

    def kill(ended: threading.Event) -> None:
        while not ended.wait(0.02):
            servers = [pid for pid, _ in list_processes() if str(validator.user_dirs.data) in " ".join(argv_of(pid))]
            if ready.exists() and servers:
                for pid in servers:
                    if "postgres" in argv_of(pid)[0]:
                        os.kill(pid, signal.SIGKILL)
                return

    with beside(kill):
        report = validator.validate(cafe, only=["pytest"])

    assert ready.exists()
    assert_no_verdict(report, cafe, validator)
    result = results_of(report)["pytest"]
    assert (result.status, result.reason_code) == (Status.ERRORED, "service_lost"), told(report)


@pytest.mark.parametrize(("place", "megabytes"), [("data", 8), pytest.param("cache", 72, marks=pytest.mark.slow)])
def test_disk_is_full(place: str, megabytes: int, cafe: Path, validator: Validator, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes) as disk:
        cramped = replace(validator, user_dirs=replace(validator.user_dirs, **{place: disk}))

        report = cramped.validate(cafe, only=["migrate"])

        assert_no_verdict(report, cafe, cramped)
    codes = {result.reason_code for result in results_of(report).values() if result.status is Status.ERRORED}
    assert codes == {"disk_full"}, told(report)


def test_tool_is_killed_from_outside_each_time(sleeper: Path, validator: Validator) -> None:
    killed: list[int] = []

    def kill(ended: threading.Event) -> None:
        while not ended.wait(0.02):
            for pid, _ in list_processes():
                if argv_of(pid) == SLEEP and pid not in killed:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    with beside(kill):
        report = validator.validate(sleeper, only=["slow"])

    assert len(killed) == 2
    assert_no_verdict(report, sleeper, validator)
    result = results_of(report)["slow"]
    assert (result.status, result.reason_code, result.attempts) == (Status.ERRORED, "killed", 2), told(report)
    assert "SIGKILL" in result.reason


def test_budget_is_spent(sleeper: Path, validator: Validator) -> None:
    report = validator.validate(sleeper, budget=2)

    assert_no_verdict(report, sleeper, validator, exit_code=124)
    results = results_of(report)
    assert {name: each.status for name, each in results.items()} == {
        "slow": Status.ERRORED,
        "quick": Status.PASSED,
        "later": Status.SKIPPED,
    }
    assert (results["slow"].reason_code, results["later"].reason_code) == ("budget", "budget")
    assert "2 s" in results["later"].reason
