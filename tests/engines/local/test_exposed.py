"""What stays after a run: no value of a secret, no directory of a killed process, no core file."""

import base64
import os
import resource
from pathlib import Path

import pytest

from tasks.engines.local.engine import LocalEngine
from tasks.engines.private import LOCK, PREFIX, remove_abandoned, remove_locked
from tasks.secrets import Secrets
from tests.support.benches import Bench, hello

VALUE = "c4n4ry-value-of-a-secret"
WRITES = """
echo "$KEY" > main.py; mkdir -p new; echo "$KEY" > new/file
echo "$KEY" > "$CACHE/plain"; printf %s "$KEY" | base64 > "$CACHE/encoded"
ln -s "$KEY" "$CACHE/link"; echo fine > "$CACHE/fine"
"""


def found(below: Path) -> list[str]:
    """The files below a directory with a trace of the value."""
    traces = (VALUE.encode(), base64.b64encode(VALUE.encode()))
    places = [path for path in below.rglob("*") if path.is_symlink() or path.is_file()]
    content = {path: os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() for path in places}
    return [str(path) for path, text in content.items() if any(trace in text for trace in traces)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return hello(tmp_path, name="local")


def context(bench: Bench, secrets: Secrets) -> LocalEngine:
    return LocalEngine(bench.engine_context(secrets=secrets))


async def test_values_that_a_check_wrote_go_with_the_run(bench: Bench) -> None:
    secrets = Secrets({"KEY": VALUE})
    step = bench.step("sh", "-c", WRITES, secrets=("KEY",), env=(("CACHE", "@cache@"),))
    async with context(bench, secrets) as engine:
        assert (await engine.run(step, bench.log)).code == 0
        assert len(found(bench.cache)) == 5

    assert found(bench.cache) == []
    kept = [path.name for path in bench.cache.glob("stacks/*/*.cache/*")]
    assert kept == ["fine"]


async def test_workspace_without_secrets_is_kept(bench: Bench) -> None:
    async with context(bench, Secrets({"KEY": VALUE})) as engine:
        await engine.run(bench.step("sh", "-c", "echo > made"), bench.log)

    assert [*bench.cache.glob("stacks/*/*/made")]
    assert not [*bench.cache.glob("stacks/*/*.exposed")]


@pytest.mark.parametrize("is_same", [True, False])
async def test_values_of_a_killed_run_go_with_the_next_one(bench: Bench, tmp_path: Path, *, is_same: bool) -> None:
    async with context(bench, Secrets()) as engine:
        await engine.run(bench.step("true"), bench.log)
    (lock,) = bench.cache.glob("stacks/*/*.lock")
    workspace = lock.with_suffix("")
    workspace.with_name(f"{workspace.name}.exposed").touch()
    (workspace / "left").write_text(VALUE)
    workspace.with_name(f"{workspace.name}.cache").mkdir(exist_ok=True)
    workspace.with_name(f"{workspace.name}.cache").joinpath("left").write_text(VALUE)

    (tmp_path / "other").mkdir()
    other = bench if is_same else hello(tmp_path / "other", name="local")
    async with LocalEngine(other.engine_context(cache=bench.cache)) as engine:
        assert (await engine.run(other.step("true"), other.log)).code == 0

    assert found(bench.cache) == []


async def test_check_leaves_no_core_file(bench: Bench) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        async with context(bench, Secrets()) as engine:
            exit = await engine.run(bench.step("sh", "-c", "ulimit -c; ulimit -Hc"), bench.log)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))

    assert exit.stdout.split() == ["0", "0"]


def old(path: Path, *names: str, days: float = 2.0) -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / name).mkdir()
    then = path.stat().st_mtime - days * 86400
    os.utime(path, (then, then))
    return path


def test_directories_of_killed_processes_are_swept_by_owner_and_age(tmp_path: Path) -> None:
    gone = [old(tmp_path / f"{PREFIX}git-ab_c0123", "objects", "refs"), old(tmp_path / f"{PREFIX}abcd0123", "home")]
    kept = [
        old(tmp_path / f"{PREFIX}git-ab_c0124", "objects", days=0.5),
        old(tmp_path / f"{PREFIX}checkout", "src"),  # of a person
        old(tmp_path / f"{PREFIX}main", "home"),
        old(tmp_path / "other-abcd0123", "home"),
    ]
    if os.geteuid() == 0:
        kept.append(old(tmp_path / f"{PREFIX}abcd0124", "home"))
        os.chown(kept[-1], 65534, 65534)

    remove_abandoned(tmp_path)

    assert [path for path in gone if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []


def test_directory_of_a_process_that_is_killed_during_the_deletion_keeps_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old(tmp_path / f"{PREFIX}abcd0123", "home", "tmp")
    (path / LOCK).touch()

    def is_killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tasks.engines.private.remove_tree", is_killed)
        with pytest.raises(KeyboardInterrupt):
            remove_locked(path)
    assert (path / LOCK).exists()

    remove_abandoned(tmp_path)
    assert not path.exists()
