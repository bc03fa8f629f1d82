"""The processes of this machine. It imports little, because every reaper loads it, and each command has a reaper."""
# ruff: noqa: PTH110, PTH123, PTH208, SIM105

import _signal as signal  # type: ignore[import-not-found]  # `signal` imports enum: a quarter of the reaper's time
import os
import sys
import time

LINUX = sys.platform == "linux"
VARIABLE = b"PREDEPLOY_RUN="


def kill(pid: int, number: int) -> None:
    try:  # contextlib takes long to import
        os.kill(pid, number)
    except OSError:  # it has ended, or this user may not kill it: then it counts as stuck
        pass


def list_processes() -> list[tuple[int, int]]:
    """(pid, parent pid) of every process that is not a zombie."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    state, parent = stat.read().rpartition(b") ")[2].split(b" ", 2)[:2]
            except (OSError, ValueError):
                continue
            if state not in b"ZX":
                found.append((int(name), int(parent)))
    return found


def list_descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in list_processes():
        children.setdefault(parent, []).append(pid)
    found = list(children.get(root, ()))
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def find_marked(marker: bytes) -> list[int]:
    """Other processes with this marker, or one below it, in their environment."""
    found = []
    for pid, _ in list_processes():
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                items = environ.read().split(b"\0")
        except OSError:
            continue
        values = [item[len(VARIABLE) :] for item in items if item.startswith(VARIABLE)]
        if pid != os.getpid() and any(value == marker or value.startswith(marker + b"/") for value in values):
            found.append(pid)
    return found


def list_kin_by_ps(leader: int) -> list[int]:
    import subprocess  # noqa: PLC0415  # slow to import, and not needed on Linux

    table = subprocess.run(["/bin/ps", "-axo", "pid=,ppid=,pgid=,stat="], capture_output=True, check=False).stdout
    rows = [line.split() for line in table.splitlines()]
    alive = [(int(pid), int(parent), int(group)) for pid, parent, group, state in rows if not state.startswith(b"Z")]
    found = [pid for pid, parent, group in alive if leader in (pid, group)]
    for ancestor in found:
        found.extend(pid for pid, parent, _ in alive if parent == ancestor and pid not in found)
    return found


def count_oom_kills() -> tuple[str, int]:
    """(source, number) of out-of-memory kills so far: of this control group if known, otherwise of the machine."""
    try:
        with open("/proc/self/cgroup") as table:
            path = next((line.rstrip("\n")[3:] for line in table if line.startswith("0::")), None)
        for where, name in ((f"/sys/fs/cgroup{path}/memory.events", "cgroup"), ("/proc/vmstat", "machine")):
            if os.path.exists(where):
                with open(where) as table:
                    return name, next((int(line.split()[1]) for line in table if line.startswith("oom_kill ")), 0)
    except OSError:
        return "unknown", 0
    return "unknown", 0


def kill_marked(marker: bytes) -> int:
    """Kills processes with the marker until there are none, for a second at most; returns their number."""
    killed: set[int] = set()
    patience = time.monotonic() + 1.0
    while time.monotonic() < patience:
        found = find_marked(marker) if LINUX else []
        if not found:
            break
        for pid in found:
            kill(pid, signal.SIGKILL)
        killed.update(found)
        time.sleep(0.005)
    return len(killed)
