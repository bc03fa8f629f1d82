"""Receipts: the same command on the same files is answered without a run, and anything else runs."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest

from flows.cli.receipt.answer import ASKED, Answer, answer, require_receipt
from flows.cli.receipt.write import is_base_certain, write_receipt
from tasks.engines.dagger.reach import RUNNER_HOST, RUNTIMES
from tasks.hardening import NOTHING_EXPOSED
from tasks.models import EngineFacts, Report
from tasks.secrets import Secrets
from tasks.user_dirs import UserDirs
from tasks.validation.job import Job, RunEnvironment, prepare
from tasks.validation.scope import read_scope
from tests.report import factories as make
from tests.support.validate import ROOT, commit

HEAVY = ("prefect", "dagger", "pydantic", "pydantic_settings", "httpx", "rich")
ARGUMENTS = ["--engine", "local"]


@dataclass(kw_only=True)
class World:
    """A stack whose run was green, with its user."""

    stack: Path
    environ: dict[str, str]

    @property
    def user_dirs(self) -> UserDirs:
        return UserDirs.of_user()

    def job(self) -> Job:
        scope = read_scope(self.stack, {"engine": "local"}, self.environ, self.user_dirs.cache)
        given = RunEnvironment(environ=self.environ, token=None, exposure=NOTHING_EXPOSED)
        return prepare(scope, given, user_dirs=self.user_dirs, takes_secrets=False, reuses=True)

    def report(self, **over: Any) -> Report:
        place = self.stack / ".predeploy/runs/r1"
        place.mkdir(parents=True, exist_ok=True)
        (place / "report.json").write_text('{"of": "r1"}\n')
        facts: dict[str, Any] = {
            "certain_until": time.time() + 3600,
            "engine": EngineFacts(name="local", version="1", reason=""),
        }
        return replace(make.green_full(), directory=".predeploy/runs/r1", place=str(place), **{**facts, **over})

    def ask(self, *arguments: str) -> Answer | None:
        return answer(arguments or ARGUMENTS, self.environ, has_token=False)

    def run(self, job: Job | None = None, **over: Any) -> None:
        """A run, which begins with a command that no receipt answers."""
        self.ask()
        report = self.report(**over)
        write_receipt(report, job or self.job(), "the whole report", Path(report.place))

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", self.stack, *arguments], check=True, capture_output=True)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    stack = tmp_path / "stack"
    stack.mkdir()
    (stack / "predeploy.toml").write_text('[[check]]\nname = "words"\nstage = "quality"\nrun = "true"\n')
    (stack / "app.py").write_text("print(1)\n")
    (stack / ".gitignore").write_text("ignored\n.predeploy\n")
    commit(stack)
    monkeypatch.chdir(stack)
    for name, place in (("XDG_CACHE_HOME", "cache"), ("XDG_DATA_HOME", "data")):
        monkeypatch.setenv(name, str(tmp_path / place))
    monkeypatch.setattr(ASKED, "command", b"")
    (tmp_path / "bin").mkdir()
    homes = {name: os.environ[name] for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME")}
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8", **homes}
    return World(stack=stack, environ=environ)


def test_unchanged_command_is_answered_with_the_old_report(world: World) -> None:
    world.run()
    found = world.ask()

    assert found is not None
    assert found.code == 0
    text, head, last = found.people.splitlines()
    assert text == "the whole report"
    assert head.startswith("Nothing has changed since the run 2")
    assert head.endswith(" ago: this is its report. To run all: --fresh")
    assert last.startswith("PREDEPLOY PASSED exit=0 checks=9 failed=0 errored=0 skipped=0 cached=9 seconds=")


def test_ignored_file_and_the_time_of_a_file_change_nothing(world: World) -> None:
    world.run()
    (world.stack / "ignored").write_text("x")
    os.utime(world.stack / "app.py")

    assert world.ask() is not None


CHANGES: dict[str, Callable[[World], object]] = {
    "content": lambda world: (world.stack / "app.py").write_text("print(2)\n"),
    "mode": lambda world: (world.stack / "app.py").chmod(0o755),
    "new file": lambda world: (world.stack / "new.py").touch(),
    "deleted file": lambda world: (world.stack / "app.py").unlink(),
    "renamed file": lambda world: (world.stack / "app.py").rename(world.stack / "b.py"),
    "symlink": lambda world: (world.stack / "link").symlink_to("app.py"),
    "configuration": lambda world: (world.stack / "predeploy.toml").write_text(""),
    "commit": lambda world: world.git("commit", "--allow-empty", "-qm", "another"),
    "default branch": lambda world: world.git("update-ref", "refs/remotes/origin/main", "HEAD^"),
    "variable": lambda world: world.environ.update(DEBUG="1"),
    "program": lambda world: (world.stack.parent / "bin/ruff").write_text("new"),
    "report": lambda world: (world.stack / ".predeploy/runs/r1/report.json").unlink(),
    "receipt": lambda world: [
        path.write_bytes(path.read_bytes().replace(b"whole", b"other"))
        for path in world.user_dirs.cache.glob("receipts/*")
    ],
}


@pytest.mark.parametrize("change", CHANGES)
def test_command_runs_again_after_a_change(world: World, change: str) -> None:
    world.run()
    CHANGES[change](world)

    assert world.ask() is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["--engine", "local", "--only", "words"],
        ["--engine", "local", "--fresh"],
        ["--plan"],
        ["--watch"],
        [],
        ["doctor"],
    ],
)
def test_another_command_is_not_answered(world: World, arguments: list[str]) -> None:
    world.run()

    assert answer(arguments, world.environ, has_token=False) is None


def test_answer_needs_time_directory_and_no_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run()

    assert answer(ARGUMENTS, world.environ, has_token=True) is None
    monkeypatch.chdir(world.stack.parent)
    assert world.ask() is None
    monkeypatch.chdir(world.stack)
    assert world.ask() is not None
    now = time.time()
    monkeypatch.setattr("flows.cli.receipt.answer.time.time", lambda: now + 3601)
    assert world.ask() is None


def test_answer_ends_at_midnight(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run()

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(days=1)

    monkeypatch.setattr("flows.cli.receipt.facts.datetime", Tomorrow)

    assert world.ask() is None


UNCERTAIN: dict[str, Callable[[Job], Job]] = {
    "a secret": lambda job: replace(job, secrets=Secrets({"KEY": "value-of-key"})),
    "a deployment": lambda job: replace(job, reuses=False),
    "a job of CI": lambda job: replace(job, environ={**job.environ, "CI": "true"}),
    "a fresh run": lambda job: with_settings(job, fresh=True),
    "a named base": lambda job: with_settings(job, base="HEAD^"),
    "an engine that may be reached": lambda job: replace(
        with_settings(job, engine="auto"), environ={**job.environ, "DAGGER_SESSION_PORT": "1"}
    ),
    "containers": lambda job: with_settings(job, engine="dagger"),
    "another deployed commit": lambda job: replace(job, scope=replace(job.scope, deployed=("f" * 40, "named"))),
}


def with_settings(job: Job, **over: Any) -> Job:
    return replace(job, scope=replace(job.scope, settings=job.settings.model_copy(update=over)))


@pytest.mark.parametrize("why", UNCERTAIN)
def test_uncertain_run_leaves_no_receipt(world: World, why: str) -> None:
    job = UNCERTAIN[why](world.job())
    world.run(job)

    assert world.ask() is None


def test_docker_without_a_daemon_is_no_engine_until_its_daemon_listens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket_file = world.stack.parent / "docker.sock"
    monkeypatch.setattr("tasks.engines.dagger.reach.DOCKER_SOCKET", str(socket_file))
    docker = world.stack.parent / "bin/docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    world.environ["PATH"] = f"{docker.parent}:{without_runtimes(os.environ['PATH'])}"
    world.run(with_settings(world.job(), engine="auto"))

    assert world.ask() is not None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(socket_file))
        listener.listen()
        assert world.ask() is None
    assert world.ask() is not None, "the file of a socket without a listener is no daemon"
    (world.stack.parent / ".docker").mkdir()
    (world.stack.parent / ".docker/config.json").write_text('{"currentContext": "remote"}')
    assert world.ask() is None


def test_run_in_containers_is_answered_while_the_same_engine_listens(world: World) -> None:
    place = world.stack.parent / "engine.sock"
    world.environ |= {"PATH": without_runtimes(os.environ["PATH"]), RUNNER_HOST: f"unix://{place}"}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        world.run(with_settings(world.job(), engine="auto"), engine=EngineFacts(name="dagger", version="1", reason=""))

        assert world.ask() is not None
    assert world.ask() is None


def without_runtimes(path: str) -> str:
    """Returns a PATH without the directories that have programs of containers."""
    return ":".join(each for each in path.split(":") if not any(Path(each, name).exists() for name in RUNTIMES))


def test_run_with_a_check_that_always_runs_leaves_no_receipt(world: World) -> None:
    world.run(certain_until=0.0)

    assert world.ask() is None


def test_configuration_that_git_ignores_leaves_no_receipt(world: World) -> None:
    with (world.stack / ".gitignore").open("a") as file:
        file.write("predeploy.toml\n")
    world.git("rm", "-q", "--cached", "predeploy.toml")
    world.run()

    assert world.ask() is None


def test_base_is_certain_if_git_still_names_it(world: World) -> None:
    scope = world.job().scope

    assert is_base_certain(scope)
    assert not is_base_certain(replace(scope, deployed=("f" * 40, "named")))


def test_document_of_the_old_run_goes_to_stdout(world: World) -> None:
    job = with_settings(world.job(), json_output=True)
    world.run(job)
    found = world.ask()

    assert found is not None
    assert found.document == '{"of": "r1"}\n'


def test_required_receipt(world: World) -> None:
    def required() -> tuple[str, int]:
        return require_receipt(world.stack, world.user_dirs, world.environ)

    assert required() == ("No receipt: no run of all checks has passed on these files. Run predeploy.", 3)
    world.run()
    text, code = required()
    assert (code, text.splitlines()[-1][:24]) == (0, "PREDEPLOY PASSED exit=0 ")
    world.environ.update(GIT_EXEC_PATH="/git", PATH=f"/git:{world.environ['PATH']}", GIT_DIR=".git")
    assert required()[1] == 0
    (world.stack / "app.py").write_text("print(2)\n")
    text, code = required()
    assert code == 3
    assert "is out of date: something has changed" in text


def test_answers_import_neither_prefect_nor_dagger_nor_pydantic(world: World) -> None:
    program = (
        "import os, sys\n"
        "from flows.cli.receipt.answer import answer\n"
        "found = answer(sys.argv[1:], dict(os.environ), has_token=False)\n"
        f"print(found.code if found else None, [name for name in {HEAVY} if name in sys.modules])\n"
    )
    world.run()
    environ = {**world.environ, "PYTHONPATH": str(ROOT)}
    said = [
        subprocess.run(
            [sys.executable, "-c", program, *arguments], env=environ, capture_output=True, text=True, check=True
        ).stdout
        for arguments in (["status", "--require-receipt"], ARGUMENTS)
    ]

    assert said == ["0 []\n", "None []\n"]
