"""The keys of a run on real files: which runs may reuse, what an edit during a run does, and what a machine changes."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.execution.reuse.machine import machine_digest
from tasks.execution.reuse.work import Reuse, remember
from tasks.hardening import NOTHING_EXPOSED
from tasks.models import EngineFacts, Result, Status
from tasks.user_dirs import UserDirs
from tasks.validation.job import Job, RunEnvironment, prepare
from tasks.validation.reused import open_reuse
from tasks.validation.scope import read_scope
from tests.support.factories import make_check, make_some_plan
from tests.support.fakes import FakeEngine
from tests.support.validate import commit

LINT = make_check("lint", path=".")
PASS = Result(check=LINT.id, status=Status.PASSED, summary="clean")


class Embedded(FakeEngine):
    """A fake engine under the name of the embedded one."""

    name = "local"

    @property
    def facts(self) -> EngineFacts:
        return EngineFacts(name=self.name, version="1", reason="")


class Containers(Embedded):
    """A fake engine under the name of the container engine."""

    name = "dagger"


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    root = tmp_path / "stack"
    root.mkdir()
    (root / "predeploy.toml").write_text('[[check]]\nname = "words"\nstage = "quality"\nrun = "true"\n')
    (root / "app.py").write_text("print(1)\n")
    commit(root)
    return root


def job_of(stack: Path, **over: object) -> Job:
    user_dirs = UserDirs(cache=stack.parent / "cache", data=stack.parent / "data")
    environ = {"PATH": str(stack.parent / "bin"), "HOME": str(stack.parent)}
    settings: dict[str, object] = {name: over.pop(name) for name in ("fresh", "reuse") if name in over}
    scope = read_scope(stack, settings, environ, user_dirs.cache)
    scope = replace(scope, plan=make_some_plan(LINT))
    given = RunEnvironment(environ=environ, token=None, exposure=NOTHING_EXPOSED)
    job = prepare(scope, given, user_dirs=user_dirs, takes_secrets=False, reuses=True)
    return replace(job, **over)  # type: ignore[arg-type]


def opened(stack: Path, **over: object) -> Reuse:
    reuse = open_reuse(job_of(stack, **over), Embedded())
    assert reuse is not None
    return reuse


def passed(stack: Path, meanwhile: Callable[[Path], object] = lambda _: None) -> None:
    """A run in which the check passes."""
    reuse = opened(stack)
    meanwhile(stack)
    remember(reuse, {LINT.id: PASS}, reuse.changed(), ())


def test_unchanged_stack_has_its_result(stack: Path) -> None:
    passed(stack)

    assert opened(stack).records[LINT.id].result == PASS
    assert opened(stack, fresh=True).records == {}


def test_another_worktree_with_the_same_files_has_it_too(stack: Path, tmp_path: Path) -> None:
    passed(stack)
    stack.rename(tmp_path / "elsewhere")

    assert LINT.id in opened(tmp_path / "elsewhere").records


def flip(stack: Path) -> None:
    """An edit that is undone: the file has its content and its time again."""
    path = stack / "app.py"
    before, text = path.stat(), path.read_text()
    path.write_text("print(2)\n")
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda stack: (stack / "app.py").write_text("print(2)\n"),
        lambda stack: (stack / "app.py").chmod(0o755),
        lambda stack: (stack / "new.py").touch(),
        lambda stack: (stack / "app.py").unlink(),
        lambda stack: (stack / "app.py").rename(stack / "b.py"),
        flip,
    ],
)
def test_result_of_a_run_with_an_edit_is_not_kept(stack: Path, meanwhile: Callable[[Path], object]) -> None:
    time.sleep(0.02)  # the clock of the file system ticks
    passed(stack, meanwhile)

    assert opened(stack).records == {}


@pytest.mark.parametrize(
    "over",
    [{"is_trusted": False}, {"reuses": False}, {"whole": make_some_plan(LINT)}, {"reuse": False}],
    ids=["untrusted", "deployment", "shard", "setting"],
)
def test_run_without_reuse(stack: Path, over: dict[str, object]) -> None:
    assert open_reuse(job_of(stack, **over), Embedded()) is None


def test_gate_server_of_mysql_and_container_engine_reuse_nothing(stack: Path) -> None:
    job = job_of(stack)
    for over in ({"gate": True}, {"mysql_url": "mysql://user:password@host"}):
        scope = replace(job.scope, settings=job.settings.model_copy(update=over))
        assert open_reuse(replace(job, scope=scope), Embedded()) is None
    assert open_reuse(job, Containers()) is None


def test_failed_check_is_flaky(stack: Path) -> None:
    passed(stack)
    remember(opened(stack, fresh=True), {LINT.id: replace(PASS, status=Status.FAILED)}, frozenset(), ())
    passed(stack)

    assert opened(stack).records == {}


def test_key_of_the_machine_has_programs_and_variables(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    environ = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    digests = {machine_digest(environ, b"s")}
    program = tmp_path / "bin/ruff"
    for change in (
        lambda: program.write_text("1"),
        lambda: program.write_text("12"),
        lambda: program.rename(tmp_path / "bin/black"),
        lambda: environ.update(LANG="de"),
        lambda: environ.update(HTTPS_PROXY="http://user:password@proxy"),
        lambda: environ.update(PATH=f"{tmp_path}/bin:/nowhere"),
        lambda: (tmp_path / ".pyenv/versions/3.13.1").mkdir(parents=True),
    ):
        change()
        new = machine_digest(environ, b"s")
        assert new not in digests
        digests.add(new)
    environ["EDITOR"] = "vi"

    assert machine_digest(environ, b"s") in digests
    assert machine_digest(environ, b"another machine") not in digests
