"""The store of passed results on this machine: sealed JSON records, checked when they are read."""

import contextlib
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tasks.execution.reuse.keys import WEEK
from tasks.execution.reuse.sealed import make_secret, read_sealed, write_sealed
from tasks.models import Result, Status

FORMAT = 1
CLOCK_ERROR = 60.0
"""Seconds by which the time of a record may be ahead of the clock."""
FLAKY = ".flaky"
LATEST = "latest"
MARKS_KEPT = 90 * 24 * 3600.0
"""Seconds for which a failed key is remembered, longer than any result of it could be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A passed result with its key, its run, the seconds since 1970, and the engine's base images by tag."""

    format: int
    key: str
    check: str
    run: str
    at: float
    result: Result
    images: tuple[tuple[str, str], ...] = ()


RECORD = TypeAdapter(Record)
PARTS = TypeAdapter(dict[str, dict[str, str]])


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultStore:
    """Records by key below `base`. `secret` seals them: a record that another program wrote is ignored.

    Errors of the file system cost time, never a verdict.
    """

    base: Path
    secret: bytes = field(repr=False)

    def find(self, key: str, check: str, limit: float, now: float) -> Record | None:
        """Returns the record of a key that is at most `limit` seconds old."""
        content = self._read(self._file(key))
        try:
            record = RECORD.validate_json(content, strict=True) if content else None
        except ValidationError:
            return None
        if record is None or (record.format, record.key, record.check) != (FORMAT, key, check):
            return None
        is_pass = record.result.status is Status.PASSED and record.result.check == check
        return record if is_pass and -CLOCK_ERROR <= now - record.at <= limit else None

    def keep(self, record: Record) -> None:
        """Stores a record."""
        assert record.result.passed, "only passed results are kept"
        self._write(self._file(record.key), RECORD.dump_json(record))

    def is_flaky(self, key: str) -> bool:
        """Whether a check with this key has failed before."""
        return self._file(key).with_suffix(FLAKY).exists()

    def mark_flaky(self, key: str) -> None:
        """Remembers that a check with this key has failed. Its earlier passes no longer count."""
        path = self._file(key)
        self._write(path.with_suffix(FLAKY), b"{}")
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def latest(self, stack: str) -> Mapping[str, Mapping[str, str]]:
        """Returns the parts of the newest kept key of each check of a stack, by check id."""
        content = self._read(self._latest_file(stack))
        try:
            return PARTS.validate_json(content, strict=True) if content else {}
        except ValidationError:
            return {}

    def keep_latest(self, stack: str, parts: Mapping[str, Mapping[str, str]]) -> None:
        """Adds the parts of keys by check id. They only explain a key that has changed."""
        merged = {**self.latest(stack), **parts}
        self._write(self._latest_file(stack), json.dumps({name: dict(each) for name, each in merged.items()}).encode())

    def prune(self, now: float) -> None:
        """Deletes old records, at most once a day."""
        marker = self.base / "pruned"
        with contextlib.suppress(OSError):
            if marker.exists() and now - marker.stat().st_mtime < 24 * 3600:
                return
            for path in self.base.glob("??/*"):
                if now - path.stat().st_mtime > (MARKS_KEPT if path.suffix == FLAKY else WEEK):
                    path.unlink(missing_ok=True)
            marker.touch()

    def _file(self, key: str) -> Path:
        return self.base / key[:2] / f"{key}.json"

    def _latest_file(self, stack: str) -> Path:
        return self.base / LATEST / f"{hashlib.sha256(stack.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.json"

    def _read(self, path: Path) -> bytes:
        return read_sealed(path, self.secret)

    def _write(self, path: Path, content: bytes) -> None:
        write_sealed(path, self.secret, content)


def open_store(cache: Path, data: Path) -> ResultStore | None:
    """Returns the store of this user, or None if its secret can neither be read nor made."""
    secret = make_secret(data)
    return ResultStore(base=cache / "results", secret=secret) if secret else None


def plain_time(at: float) -> str:
    """Returns seconds since 1970 as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(at))
