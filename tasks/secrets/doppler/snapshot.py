"""Encrypted copies of Doppler's last answers, for developers while Doppler does not answer."""

import hashlib
import json
import os
import secrets
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.secrets.doppler.access import CONFIG, PROJECT, Access
from tasks.secrets.doppler.client import DopplerAnswer
from tasks.secrets.doppler.sealed import UnsealedError, seal, unseal

TAKEN = "PREDEPLOY_TAKEN"
"""The key in a copy for its time, in seconds since 1970."""
DELETE_AFTER = 14 * 24 * 3600.0
"""The age in seconds at which every copy is deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotCopy:
    """An earlier answer, `age` seconds old."""

    answer: DopplerAnswer
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """The copies of one user, in their own directory. A copy older than `hours` is not used.

    A copy is for one token, project, config and set of names. It cannot be read with others.
    """

    directory: Path
    hours: float

    def keep(self, access: Access, names: Collection[str], answer: DopplerAnswer) -> None:
        """Writes a copy atomically. Raises OSError if that fails."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._delete_old()
        document = {**answer.values, PROJECT: answer.project, CONFIG: answer.config, TAKEN: f"{time.time():.0f}"}
        path = self._path(access, names)
        new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(seal(json.dumps(document), passphrase_of(access)))
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)

    def find(self, access: Access, names: Collection[str]) -> SnapshotCopy | None:
        """The copy for this access and these names, if there is one and it is not too old."""
        try:
            document = json.loads(unseal(read(self._path(access, names)), passphrase_of(access)))
            age = time.time() - float(document.pop(TAKEN))
            project, config = document.pop(PROJECT), document.pop(CONFIG)
        except (OSError, UnsealedError, ValueError, KeyError, TypeError, AttributeError):
            return None
        others = access.project not in {"", project} or access.config not in {"", config}
        if others or not -60 <= age <= self.hours * 3600 or not names >= document.keys():
            return None
        return SnapshotCopy(answer=DopplerAnswer(values=document, project=project, config=config), age=max(0.0, age))

    def forget(self, access: Access) -> bool:
        """Deletes all copies of the token; returns whether there were any."""
        found = [*self._of(access)]
        for path in found:
            path.unlink(missing_ok=True)
        return bool(found)

    def newest(self, access: Access) -> float | None:
        """The age of the token's newest copy in seconds, or None."""
        ages = []
        for path in self._of(access):
            with suppress(OSError):
                ages.append(time.time() - path.stat().st_mtime)
        return min(ages, default=None)

    def _of(self, access: Access) -> Iterator[Path]:
        return self.directory.glob(f"{digest(access.token.text)}-*.json")

    def _path(self, access: Access, names: Collection[str]) -> Path:
        what = digest(access.project, access.config, *sorted(names))
        return self.directory / f"{digest(access.token.text)}-{what}.json"

    def _delete_old(self) -> None:
        for path in self.directory.iterdir():
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > DELETE_AFTER:
                    path.unlink()


def passphrase_of(access: Access) -> str:
    """The passphrase that Doppler's command line uses for this token, project and config."""
    named = (access.project, access.config) if access.project and access.config else ()
    return ":".join([access.token.text, *named])


def digest(*parts: str) -> str:
    """A file name that does not reveal its parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def read(path: Path) -> str:
    """The text of a file that only this user can read. Raises OSError for any other file."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="ascii") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or status.st_uid != os.geteuid():
            raise PermissionError
        return file.read()


def age_text(seconds: float) -> str:
    """An age for people, such as `3 hours`."""
    for size, noun in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if (count := int(seconds // size)) >= 1:
            return f"{count} {noun}" + ("" if count == 1 else "s")
    return "less than a minute"
