"""A process that has predeploy's command line imported, and forks itself for each call: a call need not import again.

usage: python -m tests.support.fork_server DESCRIPTOR

DESCRIPTOR is a socket. Each message on it is a call: arguments, environment and current directory as JSON, with four
file descriptors: stdin, stdout, stderr and a socket for the call. That socket gets the lines `pid N` and, when the
process has ended, `exit N`. The server ends when the other end of its socket is closed.
"""

import gc
import importlib
import json
import os
import selectors
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any, NoReturn

from flows.cli import start_time
from flows.cli.process import ROOT, enter

IMPORTED = (
    "flows.cli.help",
    "flows.cli.information",
    "flows.cli.main",
    "flows.cli.session",
    "flows.cli.status",
    "flows.cli.ui",
    "flows.distribution.opening",
    "flows.recording.recorder",
    "tasks.doctor.examine",
    "tasks.secrets.doppler.provider",
    "tasks.secrets.doppler.snapshot",
)
"""The modules that most calls need. Prefect is not among them: tests replace it, and it reads the environment."""
LARGEST = 1 << 20
PROGRAM = str(ROOT / "flows/predeploy.py")


def load_flow() -> object:
    """As in `flows/predeploy.py`."""
    from flows.predeploy import predeploy

    return predeploy


def become(call: Mapping[str, Any], descriptors: list[int]) -> NoReturn:
    """Makes the forked process what a new interpreter would be, and runs the command line."""
    *streams, link = descriptors
    os.setsid()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115 - the streams stay open to the end of the process
    sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
    os.chdir(call["cwd"])
    os.environ.clear()
    os.environ.update(call["environ"])
    time.tzset()
    sys.path[:] = [*os.environ["PYTHONPATH"].split(os.pathsep), *(path for path in sys.path if path != str(ROOT))]
    sys.argv[:] = [PROGRAM, *call["arguments"]]
    start_time.STARTED = time.monotonic()
    os.write(link, f"pid {os.getpid()}\n".encode())
    os.closerange(3, 1024)
    enter(load_flow)


def serve(control: socket.socket) -> None:
    """Forks a process for each message, and sends its exit code when it has ended."""
    links: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is control:
                    message, descriptors, _, _ = socket.recv_fds(control, LARGEST, 4)
                    if not message:
                        return
                    pid = os.fork()
                    if pid == 0:
                        try:
                            become(json.loads(message), descriptors)
                        finally:  # only after an error: `become` ends the process
                            traceback.print_exc()
                            os._exit(70)
                    *streams, link = descriptors
                    for descriptor in streams:
                        os.close(descriptor)
                    ended = os.pidfd_open(pid)
                    links[ended] = (pid, link)
                    selector.register(ended, selectors.EVENT_READ)
                else:
                    selector.unregister(key.fileobj)
                    os.close(key.fd)
                    pid, link = links.pop(key.fd)
                    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    os.write(link, f"exit {status}\n".encode())
                    os.close(link)


def main() -> None:
    """Imports the command line, and serves."""
    control = socket.socket(fileno=int(sys.argv[1]))
    del sys.path[0]  # the current directory
    for name in IMPORTED:
        importlib.import_module(name)
    assert "prefect" not in sys.modules
    assert threading.active_count() == 1, "a thread is not forked, and may hold a lock"
    gc.freeze()  # the garbage collector does not copy the pages of these modules
    serve(control)


if __name__ == "__main__":
    main()
