"""A process that forks itself for each call: a call need not import again what this process has imported.

Only the standard library is imported, because the Python of a stack uses this module, too.

A message on the socket of the server is a call: arguments, environment and current directory as JSON, with four file
descriptors: stdin, stdout, stderr and a socket for the call. That socket gets the lines `pid N` and, when the process
has ended, `exit N`. The server ends when the other end of its socket is closed.
"""

import json
import os
import selectors
import socket
import sys
import tempfile
import time
from typing import Any

LARGEST = 1 << 20
Call = dict[str, Any]
"""The keys `arguments`, `environ` and `cwd`."""


def serve(control: socket.socket) -> Call | None:
    """Forks a process for each message, and sends its exit code when it has ended.

    Returns the call in each forked process, which then has the streams, environment and directory of the call. Returns
    None in the server itself, when the other end of the socket is closed.
    """
    links: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is control:
                    message, descriptors, _, _ = socket.recv_fds(control, LARGEST, 4)
                    if not message:
                        return None
                    pid = os.fork()
                    if pid == 0:
                        selector.close()
                        control.detach()  # `become` closes its descriptor
                        call: Call = json.loads(message)
                        become(call, descriptors)
                        return call
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


def become(call: Call, descriptors: list[int]) -> None:
    """Makes the forked process what a new interpreter with these streams would be."""
    *streams, link = descriptors
    os.setsid()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115 - the streams stay open to the end of the process
    sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    os.chdir(call["cwd"])
    os.environ.clear()
    os.environ.update(call["environ"])
    time.tzset()
    tempfile.tempdir = None  # TMPDIR may be another one
    os.write(link, f"pid {os.getpid()}\n".encode())
    os.closerange(3, 1024)
