"""The database with the history of runs: one that a server cannot use is moved aside before the server starts."""

import contextlib
import fcntl
import os
import sqlite3
import struct
import sys
import time
from pathlib import Path

NAME, MARK = "prefect.db", "prefect.db.trouble"
PARTS = ("", "-wal", "-shm")
CHECKED_BYTES = 64 << 20
"""A larger database is checked as a whole only when a request has failed: that takes seconds."""
LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_LOCKS = (("-shm", 120, 1), ("", 0x40000000, 512))
"""The bytes that SQLite locks to write: one with a write-ahead log, the others without. (Its file format, 2.3.2)"""
_FLOCK = "hhqqi"  # struct flock of Linux


def trouble_with(database: Path, template: Path, *, whole: bool = False) -> str:
    """The reason why a server of this version cannot use the database, or an empty text. It only reads."""
    if not database.exists() and not database.is_symlink():
        return ""
    if database.is_symlink() or not database.is_file():
        return "it is not a file"
    try:
        with database.open("r+b"):
            pass
        version = _version(database, whole=whole or database.stat().st_size <= CHECKED_BYTES)
    except OSError as error:
        return f"it cannot be written: {error.strerror}"
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return "" if code in LOCKED else str(error)
    with contextlib.suppress(OSError, sqlite3.Error):
        if template.is_file() and version != _version(template, whole=False):
            return "it belongs to another version of Prefect, or to another program"
    return "" if version else "it belongs to another program"


def mark(database: Path, trouble: str) -> None:
    """Notes that the database is damaged, for the start of the next server."""
    with contextlib.suppress(OSError):
        database.with_name(MARK).write_text(trouble, encoding="utf-8")


def marked(database: Path) -> str:
    """Returns the trouble that a server has noted, and forgets it."""
    note = database.with_name(MARK)
    try:
        trouble = note.read_text(encoding="utf-8", errors="replace")
        note.unlink()
    except OSError:
        return ""
    return trouble if database.exists() else ""


def move_aside(database: Path) -> Path:
    """Gives the database another name, and returns it."""
    aside = database.with_name(f"{database.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}-{time.time_ns() % 1000:03}")
    for part in PARTS:
        with contextlib.suppress(FileNotFoundError):
            database.with_name(database.name + part).rename(aside.with_name(aside.name + part))
    return aside


def writer_of(database: Path) -> int | None:
    """The process that writes to the database or keeps it locked; None if there is none, or if that is not known.

    No process that has the database open may ask: to close a file ends its own locks.
    """
    if sys.platform != "linux":
        return None
    for part, start, length in _LOCKS:
        asked = struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, start, length, 0)
        with contextlib.suppress(OSError), database.with_name(database.name + part).open("rb") as file:
            kind, *_, pid = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
            if kind != fcntl.F_UNLCK:
                return int(pid)
    return None


def _version(database: Path, *, whole: bool) -> str:
    """The version of the schema; empty if the database has none."""
    address = f"{database.absolute().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=0.5)) as connection:
        if whole and (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)
        has_version = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if has_version else None
    return str(row[0]) if row else ""
