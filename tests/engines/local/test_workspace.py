"""Kept workspaces: they have exactly the tree's files, after any earlier change in them."""

import asyncio
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tasks.engines import workspace
from tasks.engines.workspace import Synced, clone_tree, lease, remove_tree, sync
from tasks.errors import EngineError
from tasks.files import Copier
from tasks.source.tree import Tree, TreeFile, digest_of


def snapshot(root: Path) -> Tree:
    """A tree of all files of a directory, without git."""
    files = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            content, mode = os.fsencode(path.readlink()), 0o120000
        elif path.is_file():
            content, mode = path.read_bytes(), 0o100755 if os.access(path, os.X_OK) else 0o100644
        else:
            continue
        name = str(path.relative_to(root))
        files[name] = TreeFile(path=name, mode=mode, digest=hashlib.sha256(content).hexdigest(), size=len(content))
    return Tree(root=root, files=files, untracked=(), commit=None, changed=True, digest=digest_of(files))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "web" / "deep").mkdir(parents=True)
    (root / "README").write_text("hello")
    (root / "web" / "manage").write_text("#!/bin/sh\n")
    (root / "web" / "manage").chmod(0o755)
    (root / "web" / "deep" / "leaf").write_bytes(b"\0" * 100_000)
    (root / "link").symlink_to("web/deep")
    return root


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "mypy-0"


def fill(source: Path, place: Path, *keep: str) -> Synced:
    tree = snapshot(source)
    return sync(tree, tree.files, place, keep=keep)


def assert_same(source: Path, place: Path) -> None:
    assert snapshot(place).files == snapshot(source).files
    directories_of = [{str(p.relative_to(r)) for p in r.rglob("*") if p.is_dir()} for r in (source, place)]
    assert directories_of[0] == directories_of[1]


def test_first_sync_copies_all_files(source: Path, place: Path) -> None:
    synced = fill(source, place)

    assert synced == Synced(changed=4, removed=0)
    assert_same(source, place)


def test_second_sync_without_changes_reads_and_writes_nothing(
    source: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = snapshot(source)
    sync(tree, tree.files, place)
    real_time = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real_time() + 1_000_000_000)
    os.utime(place / "README")
    sync(tree, tree.files, place)
    monkeypatch.setattr(workspace, "_digest", lambda *_: pytest.fail("read a file that nobody touched"))
    shutil.rmtree(source)

    assert sync(tree, tree.files, place) == Synced(changed=0, removed=0)


def test_edits_and_deletions_arrive(source: Path, place: Path) -> None:
    fill(source, place)
    (source / "README").write_text("HELLO")
    (source / "web" / "manage").chmod(0o644)
    shutil.rmtree(source / "web" / "deep")
    (source / "new").mkdir()
    (source / "new" / "file").write_text("n")

    assert fill(source, place) == Synced(changed=2, removed=1)
    assert_same(source, place)


@pytest.mark.parametrize("fresh_manifest", [True, False])
def test_changes_by_tools_are_undone(source: Path, place: Path, fresh_manifest: bool) -> None:
    fill(source, place)
    found = (place / "README").stat()
    (place / "README").write_text("hellO")
    os.utime(place / "README", ns=(found.st_atime_ns, found.st_mtime_ns))
    (place / "web" / "manage").chmod(0o600)
    (place / "web" / "deep" / "leaf").unlink()
    (place / "link").unlink()
    (place / "link").mkdir()
    (place / "link" / "inner").write_text("i")
    (place / "cache" / "deep").mkdir(parents=True)
    (place / "cache" / "x").write_text("c")
    (place / "cache").chmod(0o500)
    os.mkfifo(place / "fifo")
    if fresh_manifest:
        place.with_name("mypy-0.json").unlink()

    fill(source, place)

    assert_same(source, place)
    assert stat.S_IMODE((place / "web" / "manage").stat().st_mode) == 0o755


def test_file_that_became_a_directory_and_the_reverse(source: Path, place: Path) -> None:
    fill(source, place)
    (source / "README").unlink()
    (source / "README").mkdir()
    (source / "README" / "inner").write_text("i")
    shutil.rmtree(source / "web")
    (source / "web").write_text("a file")
    (source / "link").unlink()
    (source / "link").write_text("a file")

    fill(source, place)

    assert_same(source, place)


def test_kept_paths_are_not_removed(source: Path, place: Path) -> None:
    for directory in ("node_modules/a", "web/node_modules/b", "gone/node_modules"):
        (place / directory).mkdir(parents=True)
        (place / directory / "x").write_text("x")

    fill(source, place, "node_modules", "web/node_modules/")

    assert (place / "node_modules" / "a" / "x").exists()
    assert (place / "web" / "node_modules" / "b" / "x").exists()
    assert not (place / "gone").exists()
    fill(source, place)
    assert_same(source, place)


def test_changed_file_has_a_later_time_in_whole_seconds(source: Path, place: Path) -> None:
    seconds = []
    for text in ("one", "two", "six", "ten"):
        (source / "README").write_text(text)
        fill(source, place)
        seconds.append(int((place / "README").stat().st_mtime))

    assert seconds == sorted(set(seconds))


def test_restored_file_has_a_later_time_than_before(source: Path, place: Path) -> None:
    fill(source, place)
    before = int((place / "README").stat().st_mtime)
    (source / "README").unlink()
    fill(source, place)
    (source / "README").write_text("HELLO")
    fill(source, place)

    assert int((place / "README").stat().st_mtime) > before


def test_untouched_file_keeps_its_time(source: Path, place: Path) -> None:
    fill(source, place)
    before = (place / "web" / "manage").stat().st_mtime_ns
    place.with_name("mypy-0.json").unlink()
    (source / "README").write_text("other")
    fill(source, place)

    assert (place / "web" / "manage").stat().st_mtime_ns == before


def test_hard_link_of_a_kept_file_is_not_written_through(source: Path, place: Path, tmp_path: Path) -> None:
    fill(source, place)
    os.link(place / "README", tmp_path / "elsewhere")
    (source / "README").write_text("other")
    fill(source, place)

    assert (tmp_path / "elsewhere").read_text() == "hello"


def test_users_umask_does_not_matter(source: Path, place: Path) -> None:
    before = os.umask(0o077)
    try:
        fill(source, place)
    finally:
        os.umask(before)

    assert stat.S_IMODE((place / "README").stat().st_mode) == 0o644
    assert stat.S_IMODE((place / "web").stat().st_mode) == 0o755
    assert stat.S_IMODE(place.stat().st_mode) == 0o755


@pytest.mark.parametrize("change", ["edit", "delete", "directory", "symlink"])
def test_tree_that_changes_during_the_sync_is_an_error(source: Path, place: Path, change: str) -> None:
    tree = snapshot(source)
    (source / "README").unlink()
    if change == "edit":
        (source / "README").write_text("HELLO")
    elif change == "directory":
        (source / "README").mkdir()
    elif change == "symlink":
        (source / "README").symlink_to("web/manage")

    with pytest.raises(EngineError, match="README changed during the run") as caught:
        sync(tree, tree.files, place)

    assert caught.value.reason_code == "tree_changed"
    fill(source, place)
    assert snapshot(place).files == snapshot(source).files


def test_interrupted_sync_is_repaired(source: Path, place: Path) -> None:
    program = (
        "import sys, os; sys.path[:0] = [{root!r}, {here!r}]\n"
        "from pathlib import Path\n"
        "import test_workspace as t, tasks.engines.workspace as w\n"
        "real, count = os.replace, [0]\n"
        "def replace(*a):\n"
        "    count[0] += 1\n"
        "    if count[0] == 3: os.kill(os.getpid(), 9)\n"
        "    real(*a)\n"
        "os.replace = replace\n"
        "t.fill(Path({source!r}), Path({place!r}))\n"
    )
    here = Path(__file__).parent
    text = program.format(root=str(here.parents[1]), here=str(here), source=str(source), place=str(place))
    killed = subprocess.run([sys.executable, "-c", text], check=False)
    assert killed.returncode == -9
    assert list(place.rglob(".predeploy-new-*"))

    fill(source, place)

    assert_same(source, place)


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"format": 1}'])
def test_broken_manifest_is_treated_as_missing(source: Path, place: Path, content: bytes) -> None:
    fill(source, place)
    manifest = place.with_name("mypy-0.json")
    assert json.loads(manifest.read_bytes())["files"].keys() == snapshot(source).files.keys()
    manifest.write_bytes(content)
    (source / "README").write_text("HELLO")

    assert fill(source, place).changed == 1


def test_full_disk_is_an_error_of_the_engine(source: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", fail)

    with pytest.raises(EngineError, match="No space left on device") as caught:
        fill(source, place)
    assert caught.value.reason_code == "disk_full"


def test_leases_are_exclusive(tmp_path: Path) -> None:
    with lease(tmp_path, "mypy") as first, lease(tmp_path, "mypy") as second, lease(tmp_path, "a/b[c]") as other:
        (first / "mark").touch()
        assert first != second
        assert other.parent == tmp_path

    with lease(tmp_path, "mypy") as again:
        assert (again / "mark").exists()


def test_lease_ends_with_its_process_and_is_not_inherited(tmp_path: Path) -> None:
    program = (
        f"import sys, subprocess; sys.path.insert(0, {str(Path(__file__).parents[3])!r})\n"
        "from pathlib import Path\n"
        "from tasks.engines.workspace import lease\n"
        f"with lease(Path({str(tmp_path)!r}), 'x') as path:\n"
        "    subprocess.Popen(['sleep', '5'])\n"
        "    print(path.name, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"x-0\n"
        with lease(tmp_path, "x") as mine:
            assert mine.name == "x-1"
        holder.kill()
        holder.wait()
        with lease(tmp_path, "x") as mine:
            assert mine.name == "x-0"
        os.killpg(holder.pid, 9)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    root = tmp_path / "node_modules"
    (root / ".pnpm" / "a" / "lib").mkdir(parents=True)
    (root / ".pnpm" / "a" / "lib" / "index.js").write_text("x")
    (root / ".bin").mkdir()
    (root / ".bin" / "tsc").write_text("#!")
    (root / ".bin" / "tsc").chmod(0o755)
    (root / "a").symlink_to(".pnpm/a")
    return root


async def test_clone_links_files(installed: Path, tmp_path: Path) -> None:
    target = tmp_path / "workspace" / "node_modules"

    assert await clone_tree(installed, target) == 2

    assert_same(installed, target)
    assert (target / ".bin" / "tsc").samefile(installed / ".bin" / "tsc")
    assert [path.name for path in target.parent.iterdir()] == ["node_modules"]


@pytest.mark.parametrize("number", [18, 31, 1])  # EXDEV, EMLINK, EPERM
async def test_clone_copies_if_it_cannot_link(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "no link")

    monkeypatch.setattr(os, "link", refuse)
    target = tmp_path / "workspace" / "node_modules"

    await clone_tree(installed, target)

    assert_same(installed, target)
    assert not (target / ".bin" / "tsc").samefile(installed / ".bin" / "tsc")


async def test_clone_replaces_existing_files(installed: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "old").mkdir(parents=True)

    await clone_tree(installed, target)

    assert_same(installed, target)


async def test_cancelled_clone_leaves_nothing(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go_on = threading.Event(), threading.Event()
    real = Copier._copy_file

    def slow(self: Copier, source: str, target: str) -> None:
        reached.set()
        go_on.wait(5)
        real(self, source, target)

    monkeypatch.setattr(Copier, "_copy_file", slow)
    target = tmp_path / "workspace" / "node_modules"
    work = asyncio.create_task(clone_tree(installed, target))
    await asyncio.to_thread(reached.wait, 5)

    work.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert list(target.parent.iterdir()) == []


async def test_clone_of_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await clone_tree(tmp_path / "nowhere", tmp_path / "target")
    assert not [*tmp_path.iterdir()]  # noqa: ASYNC240


def test_remove_handles_read_only_directories(installed: Path) -> None:
    for path in [*installed.rglob("*"), installed]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o500)

    remove_tree(installed)

    assert not installed.exists()


def test_remove_follows_no_symlink(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(installed)

    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "link")

    assert (installed / ".bin" / "tsc").exists()


def test_remove_handles_files_that_appear_meanwhile(installed: Path) -> None:
    late = iter(range(3))
    real = os.rmdir

    def rmdir(path: str) -> None:
        if next(late, None) is not None:
            (Path(path) / "late").touch()
        real(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rmdir", rmdir)
        remove_tree(installed)

    assert not installed.exists()
