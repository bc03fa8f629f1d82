"""Locks on files: their effect on other processes, and their release when a process ends."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tasks.locks import locked, open_lock_file, share_lock, take_lock, try_lock
from tests.support.validate import ROOT

HOLDER = """
import os, subprocess, sys, time
from pathlib import Path
from tasks.locks import take_lock
take_lock(Path(sys.argv[1]))
subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL)
print("held", flush=True)
time.sleep(60)
"""


def is_free(path: Path, *, shared: bool = False) -> bool:
    descriptor = open_lock_file(path, create=False)
    try:
        return try_lock(descriptor, shared=shared)
    finally:
        os.close(descriptor)


def test_a_lock_is_exclusive_until_its_block_ends(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        assert not is_free(tmp_path / "lock")
        assert not is_free(tmp_path / "lock", shared=True)

    assert is_free(tmp_path / "lock")
    assert (tmp_path / "lock").exists(), "the file of a released lock stays"


def test_a_shared_lock_admits_other_shared_locks_only(tmp_path: Path) -> None:
    descriptor = take_lock(tmp_path / "lock")
    share_lock(descriptor)

    assert is_free(tmp_path / "lock", shared=True)
    assert not is_free(tmp_path / "lock")
    os.close(descriptor)


def test_a_killed_process_releases_its_lock_although_a_child_of_it_lives(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, process_group=0) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert not is_free(tmp_path / "lock")

        holder.kill()
        holder.wait()

        assert is_free(tmp_path / "lock")
        os.killpg(holder.pid, 9)


def test_no_lock_is_taken_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic link"):
        open_lock_file(tmp_path / "lock")
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_lock_file_is_not_created_where_it_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_lock_file(tmp_path / "lock", create=False)
