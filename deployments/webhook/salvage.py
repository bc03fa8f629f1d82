"""Moves a damaged database of deliveries aside, and reads from it what can still be read."""

import logging
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

FIELDS = ("digest", "accepted", "repository", "ref", "sha", "policy", "state", "run", "reason")
Row = tuple[str, float, str, str, str, str, str, str, str]
PARTS = ("", "-wal", "-shm")
# A row as SQLite stores it: its values one after another, the time as eight bytes.
_STORED = re.compile(
    rb"([0-9a-f]{64})[\s\S]{8}([A-Za-z0-9_-][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]+?)(refs/[^\x00-\x1f\x7f ]+?)"
    rb"([0-9a-f]{64}|[0-9a-f]{40})([0-9a-f]{64}|[0-9a-f]{40}|)(waiting|started|superseded)"
)
_STATES, _COMMIT = re.compile(r"waiting|started|superseded"), re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_log = logging.getLogger("predeploy.webhook")


class DamageError(sqlite3.DatabaseError):
    """The check of the database found damage."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the error says that the file is no intact database: not that a disk is full, or a lock is held."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def move_aside(path: Path) -> Path:
    """Gives the damaged database another name, and returns it."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}-{time.time_ns() % 1_000_000:06}")
    for part in PARTS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + part).rename(aside.with_name(aside.name + part))
    return aside


def read_rows(aside: Path) -> list[Row]:
    """Returns the deliveries that can be read: through SQLite, and otherwise from the bytes of the file.

    A row from the bytes may be older than the delivery's last state. A run is started at most once for each digest.
    """
    found = {row[0]: row for row in _from_bytes(aside)}
    found |= {row[0]: row for row in _from_tables(aside)}
    return [row for row in found.values() if _STATES.fullmatch(row[6]) and _COMMIT.fullmatch(row[4])]


def tell(aside: Path, rows: list[Row]) -> None:
    """Logs what was done. The waiting deliveries are named, because a run may be missing if one was lost."""
    waiting = [row for row in rows if row[6] == "waiting"]
    _log.error(
        "the database of deliveries is damaged: it was moved to %s, and %d deliveries were read from it, %d of them"
        " waiting. Look in GitHub for deliveries of the last hours that have no run, and deliver them again.",
        aside,
        len(rows),
        len(waiting),
    )
    for _, _, repository, ref, commit, *_ in waiting:
        _log.error("salvaged: %s %s %s", repository, ref, commit)


def _from_tables(aside: Path) -> Iterator[Row]:
    """The rows that SQLite can read, one by one: a damaged page takes only its own rows along."""
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{aside.absolute().as_uri()}?mode=rw", uri=True)) as found,
    ):
        query = f"SELECT {', '.join(FIELDS)} FROM delivery"  # noqa: S608 - only constants
        last = int(found.execute("SELECT seq FROM sqlite_sequence WHERE name = 'delivery'").fetchone()[0])
        for number in range(1, last + 1):
            with suppress(sqlite3.Error):
                row = found.execute(f"{query} WHERE number = ?", (number,)).fetchone()
                if row is not None and all(isinstance(value, (str, float)) for value in row):
                    yield row


def _from_bytes(aside: Path) -> Iterator[Row]:
    for part in PARTS[:2]:
        with suppress(OSError):
            for digest, repository, ref, commit, policy, state in _STORED.findall(
                aside.with_name(aside.name + part).read_bytes()
            ):
                texts = [value.decode("utf-8", "replace") for value in (digest, repository, ref, commit, policy, state)]
                yield (texts[0], time.time(), *texts[1:], "", "")
