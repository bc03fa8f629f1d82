"""Publishes a run's report: complete or not at all, and under `latest` as the newest."""

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from tasks.report.directory import GONE, OWNER, RunDirectory, no_room, write_whole

KEPT = 20


def publish(directory: RunDirectory, files: Mapping[str, str]) -> Path:
    """Writes the files next to the logs and makes all of it visible at once, as the newest. Returns its directory."""
    try:
        for name, text in files.items():
            write_whole(directory.working / name, text)
        directory.working.rename(directory.final)
    except OSError as error:
        directory.abandon()
        raise no_room(error, directory.home) from error
    with contextlib.suppress(OSError):
        (directory.final / OWNER).unlink()
    directory.release()
    _point_latest(directory)
    _prune(directory)
    return directory.final


def _point_latest(directory: RunDirectory) -> None:
    """Points `latest` to the newest report, or removes it: an older report under that name would mislead."""
    latest = directory.home / "latest"
    staged = directory.home / f".latest.{directory.run_id}"
    if not latest.is_symlink() and latest.is_dir():  # no run makes this directory: a link cannot replace it
        _take_away(latest, directory.home / "runs" / f".latest.{directory.run_id}{GONE}")
    try:
        staged.symlink_to(Path("runs") / directory.run_id)
        staged.replace(latest)
    except OSError:
        for path in (staged, latest):
            with contextlib.suppress(OSError):
                path.unlink()


def _prune(directory: RunDirectory) -> None:
    """Keeps the newest runs."""
    for path in _newest_first(directory.home / "runs")[KEPT:]:
        _take_away(path, path.with_name(f".{path.name}{GONE}"))


def _take_away(path: Path, gone: Path) -> None:
    """Renames a directory before it deletes it, so that no reader sees a part of it."""
    with contextlib.suppress(OSError):
        path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _newest_first(runs: Path) -> list[Path]:
    """Published runs, without other files next to them."""
    ages: dict[Path, int] = {}
    for path in runs.iterdir():
        with contextlib.suppress(OSError):
            if not path.name.startswith(".") and not path.is_symlink():
                ages[path] = (path / "report.json").stat().st_mtime_ns
    return sorted(ages, key=lambda path: ages[path], reverse=True)
