"""A cache of file digests between runs. An entry is used only if the file's times prove that it is unchanged."""

import json
import os
import secrets
from collections.abc import Collection
from pathlib import Path

FORMAT = 1


class KnownDigests:
    """Maps a path to its digest, for a file with the same size, inode and times.

    A file that changes in the same clock tick as it is read looks unchanged afterwards. So, as in git's index, an entry
    is used only if the file's times are at least `margin_ns` older than the time given to `save`.
    """

    def __init__(self, margin_ns: int) -> None:
        self.margin_ns = margin_ns
        self.latest_forgotten = 0
        self._stamp = 0
        self._entries: dict[str, list[str | int]] = {}
        self._is_dirty = False

    @classmethod
    def load(cls, path: Path, margin_ns: int) -> "KnownDigests":
        """The cache in a file; empty if the file is missing or invalid."""
        known = cls(margin_ns)
        try:
            stored = json.loads(path.read_bytes())
            if stored["format"] == FORMAT:
                known._stamp, known._entries = int(stored["stamp"]), dict(stored["files"])
                known.latest_forgotten = int(stored["latest_forgotten"])
        except (OSError, ValueError, KeyError, TypeError):
            return cls(margin_ns)
        return known

    def digest(self, path: str, found: os.stat_result) -> str | None:
        """The digest of the file, or None if the file must be read."""
        entry = self._entries.get(path)
        if entry is None or max(found.st_mtime_ns, found.st_ctime_ns) >= self._stamp - self.margin_ns:
            return None
        return str(entry[0]) if entry[1:] == _identity(found) else None

    def mtime_ns(self, path: str) -> int:
        """The last known modification time of the path, or 0."""
        entry = self._entries.get(path)
        return 0 if entry is None else int(entry[2])

    def remember(self, path: str, digest: str, found: os.stat_result) -> None:
        self._entries[path] = [digest, *_identity(found)]
        self._is_dirty = True

    def keep_only(self, paths: Collection[str]) -> None:
        """Removes the entries of all other paths."""
        for path in [path for path in self._entries if path not in paths]:
            self.latest_forgotten = max(self.latest_forgotten, self.mtime_ns(path))
            del self._entries[path]
            self._is_dirty = True

    def save(self, path: Path, now_ns: int) -> None:
        """Writes the cache atomically. Of several runs at the same time, the last one wins."""
        if not self._is_dirty:
            return
        stored = {
            "format": FORMAT,
            "stamp": now_ns,
            "latest_forgotten": self.latest_forgotten,
            "files": self._entries,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        try:
            new.write_text(json.dumps(stored), encoding="ascii")
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)


def _identity(found: os.stat_result) -> list[str | int]:
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
