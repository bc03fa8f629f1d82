"""The request to a reaper, and its execution in the child process."""
# ruff: noqa: PTH123
# (pathlib takes longer to import than this whole module)

import _signal as signal  # type: ignore[import-not-found]  # `signal` imports enum: a quarter of the reaper's time
import ctypes
import errno
import os
import resource
import warnings  # noqa: F401  # os.execvpe imports it, and another user may be unable to read Python's directory
from itertools import pairwise

from tasks.engines.process_table import LINUX

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, CLONE_NEWUSER = 1, 36, 0x10000000
INNER_ID = 1000
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""Signals that end a reaper. Its child must not inherit them as ignored."""


class ProcessRequest:
    """A command. The payload has the working directory, the number of arguments, the arguments and the variables."""

    def __init__(self, payload: bytes, options: list[str]) -> None:
        cwd, count, *rest = payload.split(b"\0")
        self.cwd, self.argv = cwd, rest[: int(count)]
        self.env = dict(item.split(b"=", 1) for item in rest[int(count) :])
        self.userns = "--userns" in options
        pairs = dict(pairwise(options))
        self.uid, self.gid = int(pairs.get("--uid", -1)), int(pairs.get("--gid", -1))
        self.nice, self.stop_signal = int(pairs.get("--nice", 0)), int(pairs.get("--stop-signal", signal.SIGTERM))


def execute(request: ProcessRequest, report: int, parent: int) -> None:
    """Executes the command in the child process, or reports the stage that failed. It never returns."""
    stage = "session"
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()  # the command may signal its own process group, without the reaper
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, *STOPPING):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.nice(request.nice)
        # a core file would have the command's secrets, and stay
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        stage = "identity"
        change_identity(request)
        if LINUX:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # after all changes of identity, because they reset it
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
    """Changes to another user, of the system or of a user namespace: some programs refuse to run as root."""
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
