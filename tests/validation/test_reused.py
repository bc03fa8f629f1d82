"""The keys of a run on real files: which runs may reuse, what an edit during a run does, and what a machine changes."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.errors import EngineError
from tasks.execution.reuse.machine import caller_digest, machine_digest
from tasks.execution.reuse.work import Reuse, remember
from tasks.hardening import NOTHING_EXPOSED
from tasks.models import EngineFacts, Result, Status
from tasks.steps import Environment, Image
from tasks.user_dirs import UserDirs
from tasks.validation.base_images import base_images
from tasks.validation.job import Job, RunEnvironment, prepare
from tasks.validation.reused import open_reuse
from tasks.validation.scope import read_scope
from tests.support.factories import make_check, make_some_plan, make_stack, make_uv_project, make_web
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
    """A fake engine under the name of the container engine, with a digest for each base image."""

    name = "dagger"

    def __init__(self, **digests: str) -> None:
        super().__init__(provides=frozenset({"image"}))
        self.identity = {"platform": "linux/amd64", **digests}


class WithoutImage(Containers):
    """A container engine that cannot get a base image."""

    async def identify(self, *_: object, **__: object) -> Mapping[str, str]:
        raise EngineError("the base image python:3.13 is not available", "base_image")


class Listening(Containers):
    """A container engine that keeps the environments whose base images it identifies."""

    asked: tuple[Environment, ...] = ()

    async def identify(
        self, environments: Iterable[Environment], images: Iterable[str], *, has_database: bool
    ) -> Mapping[str, str]:
        self.asked = tuple(environments)
        return await super().identify(self.asked, images, has_database=has_database)


class SlowRegistry(Containers):
    """A container engine whose registry does not answer."""

    async def identify(self, *_: object, **__: object) -> Mapping[str, str]:
        await asyncio.Event().wait()
        raise AssertionError


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


def open_now(job: Job, engine: Embedded | None = None) -> Reuse | None:
    return asyncio.run(open_reuse(job, engine or Embedded()))


def opened(stack: Path, engine: Embedded | None = None, **over: object) -> Reuse:
    reuse = open_now(job_of(stack, **over), engine)
    assert reuse is not None
    return reuse


def passed(
    stack: Path, meanwhile: Callable[[Path], object] = lambda _: None, engine: Embedded | None = None, **over: object
) -> None:
    """A run in which the check passes."""
    reuse = opened(stack, engine, **over)
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
    assert open_now(job_of(stack, **over)) is None


def test_gate_and_server_of_mysql_reuse_nothing(stack: Path) -> None:
    job = job_of(stack)
    for over in ({"gate": True}, {"mysql_url": "mysql://user:password@host"}):
        scope = replace(job.scope, settings=job.settings.model_copy(update=over))
        assert open_now(replace(job, scope=scope)) is None


def test_containers_reuse_with_the_same_base_images_alone(stack: Path) -> None:
    passed(stack, engine=Containers(python="python@sha256:1"))

    assert LINT.id in opened(stack, Containers(python="python@sha256:1")).records
    assert opened(stack, Containers(python="python@sha256:2")).records == {}
    assert opened(stack, Containers(python="python@sha256:1", platform="linux/arm64")).records == {}
    assert opened(stack).records == {}


def test_programs_of_this_machine_do_not_matter_in_containers(stack: Path) -> None:
    passed(stack, engine=Containers())
    (stack.parent / "bin").mkdir()
    (stack.parent / "bin/ruff").touch()

    assert LINT.id in opened(stack, Containers()).records


def test_unavailable_base_image_means_no_reuse(stack: Path) -> None:
    assert open_now(job_of(stack), WithoutImage()) is None


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM python:3.13 AS b\nFROM scratch\nCOPY --from=b /a /a\n", {"python:3.13"}),
        ("FROM python:3.13\nCOPY --from=nginx:1 /x /x\n", {"python:3.13", "nginx:1"}),
        ("FROM a:1 AS b\nCOPY --from=uv:1 /uv /uv\nFROM c:1\nCOPY --from=b /x /x\n", {"a:1", "uv:1", "c:1"}),
        ("FROM a:1 AS b\nFROM c:1\nCOPY --from=0 /x /x\n", {"a:1", "c:1"}),
        ("# syntax=docker/dockerfile:1\nFROM a:1\nADD --checksum=sha256:0 https://host/x /x\n", {"a:1"}),
        ("# syntax=other/frontend:1\nFROM a:1\n", None),
        ("FROM a:1\nADD https://host/x /x\n", None),
        ("FROM a:1\nARG URL=https://host/x\nADD --chown=1 \\\n  $URL /x\n", None),
        ("FROM a:1\nRUN --mount=type=bind,\\\nfrom=c:1 true\n", None),
        ("FROM a:1\nRUN <<END\nADD https://host/x\nEND\nADD x /x\n", {"a:1"}),
        ("FROM a:1 AS b\nONBUILD COPY --from=c:1 /x /x\nFROM b\n", None),
        ("FROM a:1\nRUN --mount=type=bind,FROM=c:1 true\n", None),
        ("ARG V=3.13\nFROM python:$V\n", {"python:3.13"}),
        ("ARG V\nFROM python:$V\n", None),
        ("FROM python:3.13\n# RUN --mount=from=x\nRUN --mount=type=cache,from=uv pip install x\n", None),
    ],
)
def test_base_images_of_a_dockerfile(stack: Path, dockerfile: str, expected: set[str] | None) -> None:
    (stack / "Dockerfile").write_text(dockerfile)
    job = job_of(stack)
    image = Image(title="image of web", dockerfile="Dockerfile")
    scope = replace(job.scope, plan=make_some_plan(replace(LINT, image=image)))

    assert base_images(scope) == expected


@pytest.mark.parametrize(
    ("link", "target", "image"),
    [
        ("web", "real", Image(title="", context="web", dockerfile="Dockerfile")),
        ("web", "real", Image(title="", context="web", dockerfile="../real/Dockerfile")),
        ("docker", "real", Image(title="", context="app", dockerfile="../docker/Dockerfile")),
        ("docker/Dockerfile", "../real/Dockerfile", Image(title="", context="app", dockerfile="../docker/Dockerfile")),
        ("real/Dockerfile.dockerignore", "x", Image(title="", context="app", dockerfile="../real/Dockerfile")),
    ],
    ids=["context", "context of another Dockerfile", "directory", "Dockerfile", "ignore file"],
)
def test_build_behind_a_symlink_has_no_certain_files(stack: Path, link: str, target: str, image: Image) -> None:
    for path in ("real/Dockerfile", "app/Dockerfile"):
        (stack / path).parent.mkdir()
        (stack / path).write_text("FROM python:3.13\n")
    (stack / link).parent.mkdir(exist_ok=True)
    (stack / link).symlink_to(target)
    job = job_of(stack)
    straight = Image(title="", context="app", dockerfile="Dockerfile")
    scopes = [replace(job.scope, plan=make_some_plan(replace(LINT, image=each))) for each in (image, straight)]

    assert [base_images(scope) for scope in scopes] == [None, {"python:3.13"}]


def test_base_image_of_an_image_without_a_dockerfile_is_identified(stack: Path) -> None:
    job, engine = job_of(stack), Listening()
    built = make_check("image", path="apps/shop", image=Image(title="image of shop"))
    shop = make_web("apps/shop", make_uv_project())
    scope = replace(job.scope, plan=make_some_plan(built), stack=make_stack(shop))
    open_now(replace(job, scope=scope), engine)

    assert [each.kind for each in engine.asked] == ["python"]


def test_slow_registry_means_no_reuse(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.validation.reused.IDENTITY_LIMIT", 0.01)

    assert open_now(job_of(stack), SlowRegistry()) is None


def test_failed_check_is_flaky(stack: Path) -> None:
    passed(stack)
    remember(opened(stack, fresh=True), {LINT.id: replace(PASS, status=Status.FAILED)}, frozenset(), ())
    passed(stack)

    assert opened(stack).records == {}


def test_keys_have_the_indexes_of_the_files_of_pip(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PATH": ""}
    before = caller_digest(environ, b"s"), machine_digest(environ, b"s")
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://host/simple\n")
    after = caller_digest(environ, b"s"), machine_digest(environ, b"s")

    assert before[0] != after[0]
    assert before[1] != after[1]


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
