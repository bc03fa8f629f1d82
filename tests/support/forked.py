"""A call in a process that a fork server makes: it behaves as one of `subprocess.Popen`."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from tests.support.validate import ROOT

STREAM = 1 << 16
FOREVER = 3600.0


def start_server(*command: str, environ: Mapping[str, str]) -> socket.socket:
    """Starts a program that serves with `forking.serve`, and ends when this process does. Returns its socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [*command, str(theirs.fileno())],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LANG": "C.UTF-8", **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return ours


@cache
def fork_server(*flags: str) -> socket.socket:
    """The socket of the server that has the command line imported; with the flag `--prefect`, Prefect as well."""
    return start_server(sys.executable, "-m", "tests.support.fork_server", *flags, environ={"PYTHONPATH": str(ROOT)})


class ForkedProcess:
    """A running call, the leader of a session and process group of its own."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        environ: Mapping[str, str],
        cwd: Path,
        server: Callable[[], socket.socket] = fork_server,
        output: BinaryIO | None = None,
    ) -> None:
        """With `output`, both streams of the process go there, and those of this object are empty."""
        self.returncode: int | None = None
        self._received = b""
        self._link, link = socket.socketpair()
        out, stdout = os.pipe()
        error, stderr = os.pipe()
        self.stdout: BinaryIO = open(out, "rb")  # noqa: PTH123, SIM115 - a descriptor; `communicate` closes it
        self.stderr: BinaryIO = open(error, "rb")  # noqa: PTH123, SIM115
        call = {"arguments": list(arguments), "environ": dict(environ), "cwd": str(cwd)}
        with link, open(os.devnull, "rb") as stdin:  # noqa: PTH123 - the others are descriptors, too
            outputs = [output.fileno()] * 2 if output else [stdout, stderr]
            descriptors = [stdin.fileno(), *outputs, link.fileno()]
            socket.send_fds(server(), [json.dumps(call).encode()], descriptors)
        os.close(stdout)
        os.close(stderr)
        self.pid = self._answer("pid")

    def _answer(self, name: str) -> int:
        """Reads the next line of the call's socket, which is a name and a number."""
        while b"\n" not in self._received:
            more = self._link.recv(STREAM)
            assert more, "the fork server has ended"
            self._received += more
        line, _, self._received = self._received.partition(b"\n")
        word, number = line.decode().split()
        assert word == name, line
        return int(number)

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit code, or minus the number of the signal that killed it."""
        if self.returncode is None:
            self._link.settimeout(timeout)
            try:
                self.returncode = self._answer("exit")
            except TimeoutError:
                raise subprocess.TimeoutExpired(["predeploy"], timeout or 0) from None
            self._link.close()
        return self.returncode

    def poll(self) -> int | None:
        """Returns the exit code, or None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0.001)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Reads both streams to their end, and waits for the end of the process."""
        deadline = time.monotonic() + (FOREVER if timeout is None else timeout)
        read: dict[int, bytes] = {self.stdout.fileno(): b"", self.stderr.fileno(): b""}
        stdout, stderr = read
        with selectors.DefaultSelector() as selector:
            for descriptor in read:
                selector.register(descriptor, selectors.EVENT_READ)
            while selector.get_map():
                if not (ready := selector.select(max(0, deadline - time.monotonic()))):
                    raise subprocess.TimeoutExpired(["predeploy"], timeout or 0)
                for key, _ in ready:
                    if more := os.read(key.fd, STREAM):
                        read[key.fd] += more
                    else:
                        selector.unregister(key.fd)
        self.wait(max(0.001, deadline - time.monotonic()))
        self.stdout.close()
        self.stderr.close()
        return read[stdout], read[stderr]

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process alone, if it has not ended."""
        if self.returncode is None:
            os.kill(self.pid, number)
