"""Digests of files remembered between runs, believed only while a file's times vouch for it."""

import json
import os
import secrets
from collections.abc import Collection
from pathlib import Path

FORMAT = 1


class KnownDigests:
    """path -> digest, for a file of this size, inode and times.

    A file that changed in the same tick of the clock as it was read looks unchanged afterwards. So, as in git's index,
    an entry is believed only if the file's times are older than `margin_ns` before the moment given to `save`.
    """

    def __init__(self, margin_ns: int) -> None:
        self.margin_ns = margin_ns
        self.latest_forgotten = 0
        self._stamp = 0
        self._entries: dict[str, list[str | int]] = {}
        self._is_dirty = False

    @classmethod
    def load(cls, path: Path, margin_ns: int) -> "KnownDigests":
        """What is remembered there: nothing, if it is not there or not what `save` wrote."""
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
        """The digest of the file, if it need not be read."""
        entry = self._entries.get(path)
        if entry is None or max(found.st_mtime_ns, found.st_ctime_ns) >= self._stamp - self.margin_ns:
            return None
        return str(entry[0]) if entry[1:] == _identity(found) else None

    def mtime_ns(self, path: str) -> int:
        """The modification time that the path had, 0 where it is not known."""
        entry = self._entries.get(path)
        return 0 if entry is None else int(entry[2])

    def remember(self, path: str, digest: str, found: os.stat_result) -> None:
        self._entries[path] = [digest, *_identity(found)]
        self._is_dirty = True

    def keep_only(self, paths: Collection[str]) -> None:
        """Forgets all others."""
        for path in [path for path in self._entries if path not in paths]:
            self.latest_forgotten = max(self.latest_forgotten, self.mtime_ns(path))
            del self._entries[path]
            self._is_dirty = True

    def save(self, path: Path, now_ns: int) -> None:
        """Writes it as a whole, so that runs at the same time do not meet: the last one's memory stays."""
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
