"""The state of a server: its address, whether its process runs, and whether it answers."""

import http.client
import json
import os
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit


class Phase(StrEnum):
    """The phase of a server. `STARTING` is known for our own servers only."""

    STARTING = "starting"
    READY = "ready"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRecord:
    """The state file of our server. `identity` distinguishes its process from a later one with its pid."""

    url: str
    pid: int
    identity: str
    phase: Phase
    launched: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHandle:
    """A server that records runs.

    `home` is None for a server of the user. `temporary`: it must end with this run. `lifeline` is the pipe that ends
    it when it is closed. `note` tells what was repaired for it; then it may still be starting for long. `password` is
    that of our own server, and `launched` the Unix time of its start.
    """

    url: str
    started: bool = False
    pid: int | None = None
    home: Path | None = None
    state: Path | None = None
    temporary: bool = False
    note: str = ""
    launched: float | None = None
    password: str = field(default="", repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)
    lifeline: int | None = field(default=None, repr=False, compare=False)

    @property
    def log(self) -> Path | None:
        """The log of our server."""
        return self.home / "server.log" if self.home else None


def process_identity(pid: int) -> str | None:
    """Return a text that identifies a running process, also among earlier and later processes with its pid."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _identity_from_ps(pid)
    except OSError:
        return None
    # the name in the second field may contain spaces and parentheses
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def used_seconds(pid: int | None) -> float | None:
    """Return the processor time that a process has used; None if that is not known."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_asleep(pid: int | None) -> bool:
    """Tell whether a process neither uses the processor nor waits for it or for a disk. False if that is not known."""
    try:
        states = [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:
        return False
    return bool(states) and not {"R", "D"} & set(states)


def _identity_from_ps(pid: int) -> str | None:
    asked = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return asked.stdout.strip() or None


def read_record(state: Path) -> ServerRecord | None:
    """Return the record in a state file, or None if the server's process does not run."""
    try:
        fields = json.loads(state.read_text())
        record = ServerRecord(**{**fields, "phase": Phase(fields["phase"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return record if process_identity(record.pid) == record.identity else None


def write_record(state: Path, record: ServerRecord) -> None:
    """Publish a server, atomically."""
    descriptor, name = tempfile.mkstemp(dir=state.parent, prefix=".state-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(record), file)
    Path(name).replace(state)


def answers(url: str, timeout: float = 1.0) -> bool:
    """Tell whether the API at `url` answers within `timeout` seconds. Never raises."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/health")
            # any answer is fine: a hosted API requires credentials here, too
            return connection.getresponse().status < 500
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        return False


def phase(handle: ServerHandle) -> Phase:
    """Return the phase of a server, without a request."""
    if handle.process is not None and handle.process.poll() is not None:
        return Phase.GONE
    if handle.state is None:
        return Phase.READY
    record = read_record(handle.state)
    return record.phase if record and record.pid == handle.pid else Phase.GONE
