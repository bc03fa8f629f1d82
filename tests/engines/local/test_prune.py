"""Maintenance of the cache: the removed entries, their order, and the entries that a run holds."""

import os
import time
from pathlib import Path

import pytest

from tasks.engines.local.bounds import GROWN, bound_cache, mark_grown, sweep_cache
from tasks.engines.local.prune import DAY, Limits, items_of, measured, prune_cache, prune_reports, size_of
from tasks.engines.local.store import open_entry
from tasks.engines.workspace import lease
from tasks.locks import take_shared_lock

NOW = time.time()
MB = 1 << 20
ROOMY = Limits(days=30, size=1 << 40)


def age(path: Path, days: float) -> None:
    os.utime(path, (NOW - days * DAY, NOW - days * DAY))


async def make_environment(cache: Path, name: str, days: float, size: int = MB) -> Path:
    """A complete entry of the store, last used that many days ago."""
    entry = await open_entry(cache / "environments" / name, lambda: None)
    (entry.path / "package").write_bytes(b"x" * size)
    entry.complete()
    entry.touch()
    age(entry.path / ".last_used", days)
    entry.close()
    return entry.path


def make_workspace(cache: Path, name: str, days: float) -> Path:
    """A kept workspace with the files next to it."""
    with lease(cache / "stacks/0123", name) as path:
        (path / "file").write_bytes(b"x" * MB)
    for end in (".cache", ".modules", ".json"):
        path.with_name(path.name + end).write_text("{}")
    age(path.with_name(path.name + ".lock"), days)
    return path


async def test_long_unused_entries_are_removed(tmp_path: Path) -> None:
    old, new = await make_environment(tmp_path, "old", 31), await make_environment(tmp_path, "new", 29)
    workspace, used = make_workspace(tmp_path, "old", 31), make_workspace(tmp_path, "new", 1)

    kept = prune_cache(tmp_path, ROOMY, NOW)

    assert [path.exists() for path in (old, new, workspace, used)] == [False, True, False, True]
    assert sorted(path.name for path in workspace.parent.iterdir() if path.name.startswith("old")) == ["old-0.lock"]
    assert (kept.removed, kept.held) == (2, 0)
    assert kept.before is not None
    assert kept.after == size_of(tmp_path) < kept.before - 2 * MB


async def test_least_recently_used_entries_are_removed_first(tmp_path: Path) -> None:
    user_dirs = [await make_environment(tmp_path, f"used-{days}", days) for days in (3, 1, 2)]

    kept = prune_cache(tmp_path, Limits(days=30, size=size_of(tmp_path) - MB // 2), NOW)

    assert [path.exists() for path in user_dirs] == [False, True, True]
    assert kept.removed == 1


async def test_entries_that_a_run_holds_are_kept(tmp_path: Path) -> None:
    environment, workspace = await make_environment(tmp_path, "held", 99), make_workspace(tmp_path, "held", 99)
    entry = await open_entry(environment, lambda: None)
    with lease(workspace.parent, "held"):
        age(workspace.with_name(workspace.name + ".lock"), 99)
        kept = prune_cache(tmp_path, Limits(days=0, size=0), NOW)
    entry.close()

    assert (environment / "package").exists()
    assert (workspace / "file").exists()
    assert (kept.removed, kept.held) == (0, 2)
    assert prune_cache(tmp_path, Limits(days=0, size=0), NOW).removed == 2


def test_lease_counts_as_a_use(tmp_path: Path) -> None:
    make_workspace(tmp_path, "again", 99)
    with lease(tmp_path / "stacks/0123", "again"):
        pass

    (item,) = items_of(tmp_path, measured)

    assert item.used > NOW - 99 * DAY


@pytest.mark.parametrize("kind", ["digests", "durations"])
def test_long_unused_records_are_removed(tmp_path: Path, kind: str) -> None:
    (tmp_path / kind).mkdir()
    for name, days in (("old", 31), ("new", 1)):
        (tmp_path / kind / f"{name}.json").write_text("{}")
        age(tmp_path / kind / f"{name}.json", days)

    prune_cache(tmp_path, ROOMY, NOW)

    assert [path.name for path in (tmp_path / kind).iterdir()] == ["new.json"]


def test_missing_cache_is_no_error(tmp_path: Path) -> None:
    kept = prune_cache(tmp_path / "nowhere", ROOMY, NOW)

    assert (kept.before, kept.after, kept.removed) == (0, 0, 0)


def test_hard_linked_file_counts_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * MB)
    alone = size_of(tmp_path)
    (tmp_path / "two").hardlink_to(tmp_path / "one")

    assert size_of(tmp_path) == alone


def test_reports_are_removed_by_age(tmp_path: Path) -> None:
    for name, days in (("old", 91), ("new", 89)):
        (tmp_path / name / "logs").mkdir(parents=True)
        (tmp_path / name / "report.json").write_bytes(b"x" * MB)
        age(tmp_path / name, days)

    kept = prune_reports(tmp_path, 90, NOW)

    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert kept.summary == "reports: 1 MB, 2 MB before; 1 gone"


def make_downloads(cache: Path, megabytes: int) -> Path:
    """The caches of downloads with their lock file."""
    (cache / "stores/uv").mkdir(parents=True)
    (cache / "stores/uv/file").write_bytes(b"x" * MB * megabytes)
    (cache / "stores.lock").touch()
    return cache / "stores"


async def test_run_leaves_the_cache_within_its_limit(tmp_path: Path) -> None:
    items = [await make_environment(tmp_path, f"used-{days}", days) for days in (3, 1)]
    items.append(make_workspace(tmp_path, "used-2", 2))

    assert bound_cache(tmp_path, Limits(days=30, size=5 * MB // 2), 10)

    assert [path.exists() for path in items] == [False, True, True]


async def test_run_keeps_what_other_runs_use(tmp_path: Path) -> None:
    held, free = await make_environment(tmp_path, "held", 9), await make_environment(tmp_path, "free", 1)
    entry = await open_entry(held, lambda: None)

    assert bound_cache(tmp_path, Limits(days=30, size=MB), 10)

    assert (held.exists(), free.exists()) == (True, False)
    entry.close()


async def test_recorded_sizes_count_until_the_item_is_filled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await make_environment(tmp_path, "one", 1)
    assert bound_cache(tmp_path, ROOMY, 10)
    monkeypatch.setattr("tasks.engines.local.bounds.measured", lambda *_: 9 * MB)

    assert bound_cache(tmp_path, Limits(days=30, size=2 * MB), 10)
    assert path.exists()
    mark_grown(tmp_path, path)
    assert bound_cache(tmp_path, Limits(days=30, size=2 * MB), 10)
    assert not path.exists()


async def test_run_without_time_for_the_limit_leaves_it_to_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await make_environment(tmp_path, "one", 1)
    monkeypatch.setattr("tasks.engines.local.bounds.LIMITS", Limits(days=30, size=0))
    sweep_cache(tmp_path)
    assert path.exists()  # nothing was added
    mark_grown(tmp_path, path)

    with monkeypatch.context() as patch:
        patch.setattr("tasks.engines.local.bounds.PATIENCE", -1)
        sweep_cache(tmp_path)
    assert path.exists()
    assert (tmp_path / GROWN).exists()

    sweep_cache(tmp_path)
    assert not path.exists()
    assert not (tmp_path / GROWN).exists()


@pytest.mark.parametrize(("megabytes", "is_kept"), [(1, True), (3, False)])
async def test_downloads_are_removed_if_they_take_more_than_half_of_the_limit(
    tmp_path: Path, megabytes: int, *, is_kept: bool
) -> None:
    downloads, environment = make_downloads(tmp_path, megabytes), await make_environment(tmp_path, "one", 1)

    assert bound_cache(tmp_path, Limits(days=30, size=5 * MB // 2), 10)

    assert (downloads.exists(), environment.exists()) == (is_kept, True)


def test_downloads_that_a_run_may_use_are_kept(tmp_path: Path) -> None:
    downloads = make_downloads(tmp_path, 3)
    lock = take_shared_lock(tmp_path / "stores.lock")

    assert prune_cache(tmp_path, Limits(days=0, size=0), NOW).held == 1
    assert downloads.exists()
    os.close(lock)
    assert prune_cache(tmp_path, Limits(days=0, size=0), NOW).removed == 1
    assert not downloads.exists()
