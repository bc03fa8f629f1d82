"""Takes secrets out of this process's environment, before it starts anything that could look.

A process shows the environment that it was started with for as long as it lives, in /proc and to whoever may read its
memory; taking a variable out of `os.environ` changes nothing about that. Nothing but Python is imported here: until
this is done, whoever looks finds it.
"""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

TOKEN_VARIABLE = "DOPPLER_TOKEN"  # noqa: S105 - a name, not a token
DESCRIPTOR = "PREDEPLOY_TOKEN_FD"
"""Names an open file that the token is read from: so the wrapper hands it on, which then has it no more itself."""
PR_SET_DUMPABLE = 4
ENV_START, ENV_END = 47, 48
"""Where the block of the environment lies, among the fields of /proc/self/stat behind the name."""
LONGEST = 1 << 16


def take_token_and_close_memory() -> str | None:
    """The token, which nobody finds in our environment from then on."""
    close_memory()
    given = os.environ.get(TOKEN_VARIABLE)
    descriptor = os.environ.pop(DESCRIPTOR, "")
    with contextlib.suppress(ValueError, OSError), os.fdopen(int(descriptor), "rb") as file:
        given = file.read(LONGEST).decode(errors="replace") or given
    hide([TOKEN_VARIABLE])
    return given


def hide(names: Iterable[str]) -> None:
    """Takes variables out of `os.environ`, and out of what this process was started with."""
    gone = {name for name in names if os.environ.pop(name, None) is not None}
    if not gone or sys.platform != "linux":
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        begin, end = int(fields[ENV_START]), int(fields[ENV_END])
        place = begin
        for entry in ctypes.string_at(begin, end - begin).split(b"\0"):
            if os.fsdecode(entry.partition(b"=")[0]) in gone:
                ctypes.memset(place, 0, len(entry))
            place += len(entry) + 1


def close_memory() -> None:
    """From now on no other process of this user can read our memory or our /proc. Root still can."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Who could find the token in spite of all that. `holders` are programs above us that were started with it."""

    is_held: bool = False
    holders: tuple[str, ...] = ()

    def notes(self, engine: str) -> tuple[str, ...]:
        """What the report says of it. Containers see nothing of this machine's processes."""
        if not self.is_held or engine != "local":
            return ()
        if sys.platform != "linux":
            return (
                f"{TOKEN_VARIABLE}: on this system a check of the embedded engine can read it from our environment",
            )
        found = []
        if os.geteuid() == 0:
            why = "this run is root's, so a check of the embedded engine can read it from our memory"
            found.append(f"{TOKEN_VARIABLE}: {why}. Run as another user, or take --engine dagger")
        if self.holders:
            why = f"a check of the embedded engine can read it from the environment of {', '.join(self.holders)}"
            found.append(f"{TOKEN_VARIABLE}: {why}. Start predeploy with ./just, or take --engine dagger")
        return tuple(found)


NOTHING_EXPOSED = Exposure()


def exposure_of(token: str | None) -> Exposure:
    """Looks where a check would look."""
    if token is None:
        return NOTHING_EXPOSED
    return Exposure(is_held=True, holders=tuple(dict.fromkeys(holders(token.strip().encode()))))


def holders(text: bytes) -> Iterator[str]:
    """The names of processes above us whose environment shows a text to programs of this user."""
    pid = os.getppid()
    while pid > 0:
        try:
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            return
        with contextlib.suppress(OSError):  # what we may not read, a check may not either
            if text in Path(f"/proc/{pid}/environ").read_bytes():
                yield name
        pid = int(rest.split()[1])
