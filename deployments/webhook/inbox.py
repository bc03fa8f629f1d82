"""Stores accepted deliveries on disk, each one once. They survive a crash of the service."""

import asyncio
import errno
import shutil
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from deployments.webhook.decision import Wanted
from deployments.webhook.salvage import FIELDS, DamageError, is_damage, move_aside, read_rows, tell

SCHEMA = """
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL UNIQUE,
    accepted REAL NOT NULL,
    repository TEXT NOT NULL,
    ref TEXT NOT NULL,
    sha TEXT NOT NULL,
    policy TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    run TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS room (filler BLOB);
CREATE INDEX IF NOT EXISTS waiting ON delivery (number) WHERE state = 'waiting';
"""
SMALLEST_ROOM = 1 << 20
"""Bytes that must be free on the disk."""
COLUMNS = "number, digest, accepted, repository, ref, sha, policy, state, run, reason"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class _Offer:
    """A delivery that is to be stored, and what became of it."""

    digest: str
    wanted: Wanted
    is_new: bool = False
    error: sqlite3.Error | None = None


class DeliveryStage(StrEnum):
    """The state of a delivery."""

    WAITING = "waiting"
    STARTED = "started"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """One delivery. `number` is its place in the order of arrival, `accepted` a Unix time."""

    number: int
    digest: str
    accepted: float
    wanted: Wanted
    stage: DeliveryStage
    run: str
    reason: str


class Inbox:
    """The SQLite database of deliveries. Rows are never deleted, so that a repeated delivery is recognized.

    Every method may be called from any thread. Its changes are on disk when it returns.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self._lock = threading.RLock()
        # a separate single thread: slow work in the default pool cannot block it
        self._thread = ThreadPoolExecutor(1, "inbox")
        self._offered: deque[_Offer] = deque()
        self._connection = self._connect()
        self._healed(self._set_up)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        with self._lock:
            self._connection.close()

    async def ask(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls one of the methods below without blocking the event loop. A damaged database is replaced before."""
        call = partial(self._healed, partial(method, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def store(self, digest: str, wanted: Wanted) -> bool:
        """Like `accept`. Deliveries that arrive together share one write to the disk."""
        offer = _Offer(digest=digest, wanted=wanted)
        self._offered.append(offer)
        await self.ask(self._accept_offered)
        if offer.error is not None:
            raise offer.error
        return offer.is_new

    def check(self) -> None:
        """Does what a delivery needs: a write of its size, on the disk. Raises sqlite3.Error or OSError."""
        if shutil.disk_usage(self._path.parent).free < SMALLEST_ROOM:
            raise OSError(errno.ENOSPC, "no space left for deliveries")
        with self._cursor() as cursor:
            cursor.execute("INSERT INTO room (filler) VALUES (zeroblob(4096))")
            cursor.execute("DELETE FROM room")

    def accept(self, digest: str, wanted: Wanted) -> bool:
        """Stores a delivery. Returns False if it is known already."""
        with self._cursor() as cursor:
            cursor.execute(
                "INSERT INTO delivery (digest, accepted, repository, ref, sha, policy) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (digest) DO NOTHING",
                (digest, time.time(), wanted.repository, wanted.ref, wanted.commit, wanted.policy),
            )
            return cursor.rowcount == 1

    def find(self, digest: str) -> InboxEntry | None:
        """Returns a delivery by its digest, or None."""
        found = self._select("digest = ?", digest)
        return found[0] if found else None

    def waiting(self) -> list[InboxEntry]:
        """Returns the waiting deliveries, in the order of arrival."""
        return self._select("state = 'waiting'")

    def last_of(self, wanted: Wanted, commit: str) -> int:
        """Returns the number of the last delivery of a commit of the same ref, or 0 if there was none."""
        found = self._select("repository = ? AND ref = ? AND sha = ?", wanted.repository, wanted.ref, commit)
        return found[-1].number if found else 0

    def mark(self, entry: InboxEntry, stage: DeliveryStage, *, run: str = "", reason: str = "") -> None:
        """Stores the new state of a delivery."""
        with self._cursor() as cursor:
            cursor.execute(
                "UPDATE delivery SET state = ?, run = ?, reason = ? WHERE digest = ?",
                (stage.value, run, reason, entry.digest),
            )

    def _accept_offered(self) -> None:
        """Stores all that was offered meanwhile, in one transaction."""
        offers: list[_Offer] = []
        with suppress(IndexError):
            while True:
                offers.append(self._offered.popleft())
        if not offers:
            return
        try:
            with self._cursor() as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                try:
                    for offer in offers:
                        offer.is_new = self.accept(offer.digest, offer.wanted)
                    cursor.execute("COMMIT")
                except sqlite3.Error:
                    with suppress(sqlite3.Error):
                        cursor.execute("ROLLBACK")
                    raise
        except sqlite3.Error as error:
            if is_damage(error):
                self._offered.extendleft(reversed(offers))
                raise
            for offer in offers:
                offer.error = error

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=10)

    def _set_up(self) -> None:
        with self._cursor() as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.executescript(SCHEMA)
            if (found := cursor.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise DamageError(found)

    def _healed(self, work: Callable[[], T]) -> T:
        """Does work on the database. If that is damaged, moves it aside, saves what it can, and does it again."""
        try:
            return work()
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
        with self._lock:
            self._connection.close()
            aside = move_aside(self._path)
            rows = read_rows(aside)
            self._connection = self._connect()
            self._set_up()
            with self._cursor() as cursor:
                query = f"INSERT OR IGNORE INTO delivery ({', '.join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - only constants
                cursor.executemany(query, rows)
            tell(aside, rows)
        return work()

    def _select(self, condition: str, *values: str | int) -> list[InboxEntry]:
        with self._cursor() as cursor:
            query = f"SELECT {COLUMNS} FROM delivery WHERE {condition} ORDER BY number"  # noqa: S608 - only constants
            return [_entry(row) for row in cursor.execute(query, values)]

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        with self._lock:
            cursor = self._connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()


def _entry(row: tuple[int, str, float, str, str, str, str, str, str, str]) -> InboxEntry:
    number, digest, accepted, repository, ref, commit, policy, stage, run, reason = row
    return InboxEntry(
        number=number,
        digest=digest,
        accepted=accepted,
        wanted=Wanted(repository=repository, ref=ref, commit=commit, policy=policy),
        stage=DeliveryStage(stage),
        run=run,
        reason=reason,
    )
