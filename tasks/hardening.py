"""Takes secrets out of this process's environment, before it starts a process that could read them.

A process shows the environment that it was started with until it ends, in /proc and in its memory. Removing a variable
from `os.environ` does not change that. This module imports nothing but Python: until it has run, the token is visible.
"""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

TOKEN_VARIABLE = "DOPPLER_TOKEN"  # noqa: S105 - a name, not a token
DESCRIPTOR = "PREDEPLOY_TOKEN_FD"
"""Names an open file descriptor with the token. The wrapper passes it so, and has no such variable itself."""
PR_SET_DUMPABLE = 4
ENV_START, ENV_END = 47, 48
"""Where the block of the environment lies, among the fields of /proc/self/stat behind the name."""
LONGEST = 1 << 16


def take_token_and_close_memory() -> str | None:
    """Returns the token, takes it out of this process's environment, and closes its memory to programs of this user."""
    close_memory()
    given = os.environ.get(TOKEN_VARIABLE)
    descriptor = os.environ.pop(DESCRIPTOR, "")
    with contextlib.suppress(ValueError, OSError), os.fdopen(int(descriptor), "rb") as file:
        given = file.read(LONGEST).decode(errors="replace") or given
    hide([TOKEN_VARIABLE])
    return given


def hide(names: Iterable[str]) -> None:
    """Takes variables out of `os.environ`, and overwrites them in the block that this process was started with."""
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
    """Keeps other processes of this user from reading our memory and our /proc. Root still can."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How a check could still read the token, or a secret that was a variable of this command.

    `holders` are parent processes that were started with the token. `values` are the names of secrets that parent
    processes were started with, each with these processes.
    """

    is_held: bool = False
    holders: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def notes(self, engine: str) -> tuple[str, ...]:
        """Returns the warnings of the report. Containers see no process of this machine."""
        if engine != "local":
            return ()
        return (*(self._of_the_token() if self.is_held else ()), *self._of_the_values())

    def _of_the_values(self) -> Iterator[str]:
        shared: dict[tuple[str, ...], list[str]] = {}
        for name, processes in sorted(self.values.items()):
            shared.setdefault(processes, []).append(name)
        for processes, names in shared.items():
            why = f"each check of the embedded engine can read it from the environment of {', '.join(processes)}"
            advice = "Use another provider (secrets_provider), or take --engine dagger"
            yield f"{', '.join(names)}: {why}. {advice}"

    def _of_the_token(self) -> tuple[str, ...]:
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
    """Finds the parent processes that show the token to a check."""
    if token is None:
        return NOTHING_EXPOSED
    return Exposure(is_held=True, holders=tuple(dict.fromkeys(holders(token.strip().encode()))))


def value_holders(secrets: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The processes above us whose environment shows the value of a secret under its name, for each such secret."""
    entries = {os.fsencode(f"{name}={value}"): name for name, value in secrets.items() if value}
    found: dict[str, dict[str, None]] = {}
    for process, environment in environments_above() if entries else ():
        for entry in entries.keys() & {*environment.split(b"\0")}:
            found.setdefault(entries[entry], {})[process] = None
    return {name: tuple(processes) for name, processes in found.items()}


def holders(text: bytes) -> Iterator[str]:
    """The names of processes above us whose environment shows a text to programs of this user."""
    return (name for name, environment in environments_above() if text in environment)


def environments_above() -> Iterator[tuple[str, bytes]]:
    """The processes above us, with the environments that programs of this user can read."""
    pid = os.getppid()
    while pid > 0:
        try:
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            return
        with contextlib.suppress(OSError):  # a check has no more rights than this process
            yield name, Path(f"/proc/{pid}/environ").read_bytes()
        pid = int(rest.split()[1])
