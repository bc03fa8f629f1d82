"""Directories that a process of its own deletes, so that no run waits for it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.engines.local.run_dirs import RunDirs, create_run_dirs
from tasks.engines.private import private_directory, remove_abandoned
from tasks.engines.removal import remove_in_background
from tests.cli.caller import is_alive, wait_for


def filled(place: Path) -> Path:
    """A directory with a read-only one, as installed packages are."""
    (place / "packages").mkdir()
    (place / "packages/module.py").touch()
    (place / "packages").chmod(0o500)
    return place


def test_large_directory_is_deleted_after_its_block(tmp_path: Path) -> None:
    with private_directory(tmp_path, remove=remove_in_background) as place:
        filled(place)

    wait_for(lambda: not place.exists(), "the deletion")


def test_directory_of_a_deletion_that_is_killed_is_left_to_a_later_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, pid = tmp_path / "waits", tmp_path / "pid"
    waits.write_text(f"#!/bin/sh\necho $$ > {pid}.partial; mv {pid}.partial {pid}; exec sleep 60\n")
    waits.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(waits))

    with private_directory(tmp_path, remove=remove_in_background) as place:
        filled(place)
    wait_for(pid.exists, "the deletion")
    remove_abandoned(tmp_path)
    during = place.exists()
    os.kill(int(pid.read_text()), signal.SIGKILL)
    wait_for(lambda: not is_alive(int(pid.read_text())), "the end of the process")
    remove_abandoned(tmp_path)

    assert (during, place.exists()) == (True, False)


def test_directory_is_deleted_at_once_if_no_process_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise BlockingIOError

    monkeypatch.setattr(subprocess, "Popen", fails)

    with private_directory(tmp_path, remove=remove_in_background) as place:
        filled(place)

    assert not place.exists()


@pytest.mark.parametrize("is_large", [True, False])
def test_a_gate_alone_leaves_the_deletion_to_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    handed_over: list[Path] = []

    def hand_over(path: Path, lock: int) -> None:
        handed_over.append(path)
        os.close(lock)

    monkeypatch.setattr("tasks.engines.local.run_dirs.remove_in_background", hand_over)
    dirs: RunDirs = create_run_dirs(tmp_path, {}, large=is_large)

    dirs.remove()

    assert not dirs.path.exists()
    assert handed_over == ([dirs.disk] if is_large else [])
    assert dirs.disk.exists() is is_large
