"""What a reaper is asked to run, and how its child becomes that."""
# ruff: noqa: PTH123
# (pathlib takes longer to load than everything here together)

import ctypes
import errno
import os
import signal
import warnings  # noqa: F401  # os.execvpe loads it, and whom we have become by then may not read our Python's folder
from itertools import pairwise

from tasks.engines.process_table import LINUX

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, CLONE_NEWUSER = 1, 36, 0x10000000
INNER_ID = 1000
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""What asks a reaper itself to end, and what its child must not inherit as ignored."""


class ProcessRequest:
    """What to run: the payload is the working directory, the number of arguments, they, and the environment."""

    def __init__(self, payload: bytes, options: list[str]) -> None:
        cwd, count, *rest = payload.split(b"\0")
        self.cwd, self.argv = cwd, rest[: int(count)]
        self.env = dict(item.split(b"=", 1) for item in rest[int(count) :])
        self.userns = "--userns" in options
        pairs = dict(pairwise(options))
        self.uid, self.gid = int(pairs.get("--uid", -1)), int(pairs.get("--gid", -1))
        self.nice, self.stop_signal = int(pairs.get("--nice", 0)), int(pairs.get("--stop-signal", signal.SIGTERM))


def execute(request: ProcessRequest, report: int, parent: int) -> None:
    """In the child: becomes the command, or tells at which stage that failed. Never returns."""
    stage = "session"
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()  # a command that signals its whole process group must not hit the reaper
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, *STOPPING):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.nice(request.nice)
        stage = "identity"
        change_identity(request)
        if LINUX:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # after every change of identity: those reset it
            if os.getppid() != parent:
                os._exit(127)
        stage = "cwd"
        os.chdir(request.cwd)
        stage = "exec"
        os.execvpe(request.argv[0], request.argv, request.env)  # noqa: S606
    except Exception as error:
        os.write(report, f"{stage} {getattr(error, 'errno', None) or errno.EIO}".encode())
    finally:
        os._exit(127)


def change_identity(request: ProcessRequest) -> None:
    """For programs that refuse to run as root: become somebody else, outright or inside a user namespace."""
    if request.userns and LINUX and os.geteuid() == 0:
        gid = os.getegid()
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        for name, text in (("setgroups", "deny"), ("uid_map", f"{INNER_ID} 0 1"), ("gid_map", f"{INNER_ID} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as table:
                table.write(text)
    if request.gid >= 0:
        os.setgroups([])
        os.setgid(request.gid)
    if request.uid >= 0:
        os.setuid(request.uid)


def prctl(option: int, value: int) -> int:
    return int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0))
