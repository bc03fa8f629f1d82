"""Run directories: on a real file system, with real processes, a real small disk and a real other user."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import EngineError
from tasks.report import directory as module
from tasks.report.directory import RunDirectory, create_run_directory, latest_of
from tasks.report.publish import publish

ROOT = Path(__file__).parents[2]
REPORT = {"report.json": '{"schema": 1}\n'}


def run(stack: Path, run_id: str) -> Path:
    return publish(create_run_directory(stack, run_id), REPORT)


def names(stack: Path) -> list[str]:
    return sorted(path.name for path in (stack / ".predeploy" / "runs").iterdir())


def elsewhere(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """A separate process. The test reads its output."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


HOLD = """
import sys, pathlib, time
from tasks.report.directory import create_run_directory
held = create_run_directory(pathlib.Path(sys.argv[1]), sys.argv[2])
(held.logs / "mypy.log").write_text("half")
print("holding", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = elsewhere(HOLD, tmp_path, "living")
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_run_is_hidden_until_it_is_published(tmp_path: Path) -> None:
    directory = create_run_directory(tmp_path, "one")
    (directory.logs / "mypy.log").write_text("fine")
    before = [name for name in names(tmp_path) if not name.startswith(".")]

    final = publish(directory, REPORT)

    assert before == []
    assert final == tmp_path / ".predeploy/runs/one"
    assert directory.location == ".predeploy/runs/one"
    assert names(tmp_path) == ["one"]
    assert sorted(path.name for path in final.iterdir()) == ["logs", "report.json"]
    assert (final / "logs" / "mypy.log").read_text() == "fine"
    assert (tmp_path / ".predeploy/latest").readlink() == Path("runs/one")
    assert json.loads((tmp_path / ".predeploy/latest/report.json").read_text()) == {"schema": 1}
    assert sorted(path.name for path in (tmp_path / ".predeploy").iterdir()) == [".gitignore", "latest", "runs"]


def test_git_ignores_the_run_directory(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)

    run(tmp_path, "one")
    create_run_directory(tmp_path, "two").release()

    said = subprocess.run(
        ["git", "-C", tmp_path, "status", "--porcelain", "-uall"], capture_output=True, text=True, check=True
    )
    assert said.stdout == ""


def test_run_id_cannot_be_used_twice(tmp_path: Path) -> None:
    run(tmp_path, "one")

    with pytest.raises(EngineError, match="a run with this id was published before"):
        create_run_directory(tmp_path, "one")
    with pytest.raises(ValueError, match="plain file name"):
        create_run_directory(tmp_path, "../one")


def test_latest_points_to_the_newest_run_and_the_oldest_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".predeploy/runs/unrelated").mkdir(parents=True)

    for number in range(23):
        path = run(tmp_path, f"run-{number:02d}")
        os.utime(path / "report.json", ns=(number, number))

    assert names(tmp_path) == [*(f"run-{number:02d}" for number in range(3, 23)), "unrelated"]
    assert (tmp_path / ".predeploy/latest").readlink() == Path("runs/run-22")


def test_directory_of_a_run_in_progress_is_kept(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    run(tmp_path, "other")

    assert names(tmp_path) == [".living.partial", "other"]
    assert (tmp_path / ".predeploy/runs/.living.partial/logs/mypy.log").read_text() == "half"


def test_directory_of_a_suspended_run_is_kept(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGSTOP)

    run(tmp_path, "other")

    assert names(tmp_path) == [".living.partial", "other"]


def test_directory_of_a_killed_run_is_removed(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    left = names(tmp_path)

    run(tmp_path, "next")

    assert left == [".living.partial"]
    assert names(tmp_path) == ["next"]


def test_new_directory_without_a_lock_is_kept_and_an_old_one_removed(tmp_path: Path) -> None:
    runs = tmp_path / ".predeploy/runs"
    for name in (".fresh.partial", ".stale.partial"):
        (runs / name).mkdir(parents=True)
    os.utime(runs / ".stale.partial", (0, 0))
    (runs / ".pruned.gone" / "logs").mkdir(parents=True)

    create_run_directory(tmp_path, "next").abandon()

    assert names(tmp_path) == [".fresh.partial"]


def test_abandoned_run_leaves_no_files(tmp_path: Path) -> None:
    with create_run_directory(tmp_path, "one") as directory:
        (directory.logs / "mypy.log").write_text("half")

    assert names(tmp_path) == []
    assert not (tmp_path / ".predeploy/latest").exists()


def test_published_report_remains_after_the_context(tmp_path: Path) -> None:
    with create_run_directory(tmp_path, "one") as directory:
        publish(directory, REPORT)

    assert names(tmp_path) == ["one"]


RACE = """
import sys, pathlib
from tasks.report.directory import create_run_directory
from tasks.report.publish import publish
for number in range(25):
    run = create_run_directory(pathlib.Path(sys.argv[1]), f"{sys.argv[2]}-{number}")
    (run.logs / "a.log").write_text("x")
    publish(run, {"report.json": "{}"})
"""


def test_concurrent_runs_are_isolated(tmp_path: Path) -> None:
    racers = [elsewhere(RACE, tmp_path, f"racer-{number}") for number in range(3)]

    assert [racer.wait(60) for racer in racers] == [0, 0, 0]
    for racer in racers:
        assert racer.stdout is not None
        racer.stdout.close()
    kept = names(tmp_path)
    assert len(kept) == 20
    assert all((tmp_path / ".predeploy/runs" / name / "logs/a.log").exists() for name in kept)
    assert (tmp_path / ".predeploy/latest/report.json").exists()


FALLBACK = """
import sys, pathlib
from tasks.report.directory import create_run_directory
from tasks.report.publish import publish
run = create_run_directory(pathlib.Path(sys.argv[1]), "one", data=pathlib.Path(sys.argv[2]))
print(publish(run, {"report.json": "{}"}), run.location, run.warning, sep="\\n")
"""


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every user can enter; pytest's own directories are private."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not write")
def test_report_of_a_read_only_stack_is_in_the_data_directory(open_place: Path) -> None:
    stack, data = open_place / "stack", open_place / "data"
    stack.mkdir(mode=0o755)
    data.mkdir()
    os.chown(data, 65534, 65534)

    drop = "import os; os.setgid(65534); os.setuid(65534)\n"
    process = elsewhere(f"import tasks.report.publish\n{drop}{FALLBACK}", stack, data)
    said = process.communicate(timeout=30)[0].splitlines()

    assert process.returncode == 0
    assert said[0] == said[1]
    assert Path(said[0]).is_relative_to(data / "runs")
    assert (Path(said[0]) / "report.json").exists()
    assert "cannot be written to (Permission denied): report and logs are kept in " in said[2]
    assert list(stack.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "link", "link to runs"])
def test_no_file_is_written_through_a_link_of_the_tree(tmp_path: Path, kind: str) -> None:
    stack, target, data = tmp_path / "stack", tmp_path / "target", tmp_path / "data"
    target.mkdir()
    stack.mkdir()
    if kind == "file":
        (stack / ".predeploy").write_text("")
    elif kind == "link":
        (stack / ".predeploy").symlink_to(target)
    else:
        (stack / ".predeploy").mkdir()
        (stack / ".predeploy/runs").symlink_to(target)

    directory = create_run_directory(stack, "one", data=data)

    assert directory.final.is_relative_to(data)
    assert str(directory.home) in directory.warning
    assert list(target.iterdir()) == []
    directory.abandon()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False, text=True
    )
    if mount.returncode:
        pytest.skip(f"no small disk here: {mount.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_full_disk_leaves_no_incomplete_report(small_disk: Path) -> None:
    first = run(small_disk, "first")
    directory = create_run_directory(small_disk, "second")

    with pytest.raises(EngineError, match=r"The disk of .* is full: .* Free some space and run again") as caught:
        publish(directory, {"report.json": "x" * 200_000})

    assert caught.value.reason_code == "disk_full"
    assert names(small_disk) == ["first"]
    assert (small_disk / ".predeploy/latest/report.json").read_text() == (first / "report.json").read_text()


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk_full"), (errno.EDQUOT, "disk_full"), (errno.EIO, "report_directory")]
)
def test_full_disk_before_the_run_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module, "write_whole", full)

    with pytest.raises(EngineError) as caught:
        create_run_directory(tmp_path, "one")

    assert caught.value.reason_code == code
    assert names(tmp_path) == []


def test_latest_that_cannot_be_updated_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, "one")

    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    run(tmp_path, "two")

    assert not (tmp_path / ".predeploy/latest").is_symlink()
    assert names(tmp_path) == ["one", "two"]


@pytest.mark.parametrize("with_links", [True, False])
def test_directory_named_latest_is_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_links: bool) -> None:
    latest = tmp_path / ".predeploy/latest"
    latest.mkdir(parents=True)
    (latest / "report.json").write_text('{"result": "passed"}')
    assert latest_of(tmp_path, data=tmp_path / "data") is None

    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    if not with_links:
        monkeypatch.setattr(Path, "symlink_to", refuse)
    final = run(tmp_path, "one")

    assert latest_of(tmp_path, data=tmp_path / "data") == (final if with_links else None)
    assert latest.exists() == with_links
    assert names(tmp_path) == ["one"]


def test_cleanup_between_opening_and_locking_keeps_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulates the moment in which a new directory has an unlocked lock file."""
    lock, rivals = module._lock, [True]

    def slow(descriptor: int) -> bool | None:
        if rivals.pop() if rivals else False:
            module._sweep(tmp_path / ".predeploy")
        return lock(descriptor)

    monkeypatch.setattr(module, "_lock", slow)
    directory: RunDirectory = create_run_directory(tmp_path, "one")

    assert directory.logs.is_dir()
    assert publish(directory, REPORT).is_dir()
