"""The client of a reaper: starts it, reads the command's output and the reaper's facts, and makes the Exit."""

import asyncio
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from tasks.engines import process_table
from tasks.engines.command_log import Log, Tail
from tasks.engines.local.processes.endings import Facts, explain, summarize
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.redaction.redactor import Stream

REAPER = Path(__file__).with_name("reaper_main.py")
READ_SIZE = 1 << 18
RECENT = 64 << 10
SEND_PATIENCE = 10.0
REAPER_PATIENCE = 15.0
"""Seconds after a grace period in which a reaper must kill all processes. Then it is killed itself."""
PIPE_PATIENCE = 2.0
"""Seconds that a pipe may stay open after the end of the reaper: an escaped process holds the other end."""
F_SETPIPE_SZ = 1031
LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""The only inherited variables of a reaper: Python may need them to start."""


class Supervised:
    """A command under its reaper. It uses callbacks of the loop only, so no cancellation can interrupt its reading."""

    def __init__(
        self, argv: Sequence[str], reaper: subprocess.Popen[bytes], channel: socket.socket, log: Log, marker: str
    ) -> None:
        self.pid = 0
        self.started = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Exit] = self._loop.create_future()
        self.stdout, self.stderr, self.recent = Tail(), Tail(), Tail(RECENT)
        self._argv, self._reaper, self._channel, self._log, self._marker = argv, reaper, channel, log, marker
        self._lines, self._facts = b"", Facts()
        self._pipes: dict[int, tuple[Tail, Stream]] = {}
        self._writing = -1
        self._begun, self._ended = time.monotonic(), 0.0
        channel.setblocking(False)
        self._loop.add_reader(channel, self._read_channel)

    def end(self, grace: float, why: str) -> None:
        """Ends the command and its descendants within `grace` seconds. A reaper that does not manage that is killed."""
        if not self.done.done():
            if why:
                self._log.note(why)
            self.send(f"end {grace}")
            self._loop.call_later(grace + REAPER_PATIENCE, self._reaper.kill)

    def send(self, line: str) -> None:
        """Sends a line to the reaper, if it is still running."""
        if not self.done.done():
            with suppress(OSError):
                self._channel.send(line.encode() + b"\n")

    def read(self, pipe: int, tail: Tail) -> None:
        os.set_blocking(pipe, False)
        if sys.platform == "linux":
            with suppress(OSError):  # over the user's limit: the default of 64 KiB remains
                fcntl.fcntl(pipe, F_SETPIPE_SZ, READ_SIZE)
        self._pipes[pipe] = (tail, self._log.redactor.stream())
        self._loop.add_reader(pipe, self._receive, pipe)

    def write(self, pipe: int, data: bytes) -> None:
        os.set_blocking(pipe, False)
        self._writing = pipe
        self._loop.add_writer(pipe, self._feed, pipe, memoryview(data))

    def _feed(self, pipe: int, data: memoryview) -> None:
        self._loop.remove_writer(pipe)
        try:
            data = data[os.write(pipe, data) :]
        except BlockingIOError:
            pass
        except OSError:
            data = data[:0]  # the command has closed its stdin
        if data:
            self._loop.add_writer(pipe, self._feed, pipe, data)
        else:
            os.close(pipe)
            self._writing = -1

    def _receive(self, pipe: int) -> None:
        try:
            data = os.read(pipe, READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            tail, stream = self._pipes[pipe]
            self._record(stream.feed(data), tail)
        else:
            self._close(pipe)
            self._finish_if_done()

    def _record(self, data: bytes, tail: Tail) -> None:
        for target in (tail, self.recent, self._log):
            target.add(data)

    def _close(self, pipe: int) -> None:
        if pipe in self._pipes:
            tail, stream = self._pipes.pop(pipe)
            self._record(stream.flush(), tail)
            self._loop.remove_reader(pipe)
            os.close(pipe)

    def _read_channel(self) -> None:
        try:
            data = self._channel.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        *lines, self._lines = (self._lines + data).split(b"\n")
        for line in lines:
            self._facts = replace(self._facts, **json.loads(line))
        if self._facts.pid is not None:
            self.pid = self._facts.pid
            self.started.set()
        if not data:
            self._handle_end_of_reaper()

    def _handle_end_of_reaper(self) -> None:
        """The reaper has ended and closed its channel. If it was killed, the marked processes are killed here."""
        self._loop.remove_reader(self._channel)
        self._channel.close()
        self._ended = time.monotonic()
        self._reaper.wait()
        if self._facts.left is None:
            process_table.kill_marked(self._marker.encode())
        self._finish_if_done()
        if self._pipes:
            self._loop.call_later(PIPE_PATIENCE, self._give_up_pipes)

    def _give_up_pipes(self) -> None:
        for pipe in tuple(self._pipes):
            self._close(pipe)
        self._finish_if_done()

    def _finish_if_done(self) -> None:
        if self._pipes or not self._ended or self.done.done():
            return
        if self._writing >= 0:
            self._loop.remove_writer(self._writing)
            os.close(self._writing)
        self.started.set()
        self.done.set_result(self._exit())

    def _exit(self) -> Exit:
        duration = self._ended - self._begun
        ended = explain(self._facts, self._argv)
        self._log.end(summarize(ended, self._facts, duration))
        if self._log.trouble:
            ended = replace(ended, trouble=self._log.trouble, detail="The log of the command could not be written.")
        return replace(ended, stdout=self.stdout.text(), stderr=self.stderr.text(), duration=duration)


def launch(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Log,
    marker: str,
    options: Sequence[str],
    stdin: bytes,
) -> Supervised:
    """Starts a reaper and sends it the command. The environment goes through the channel: argv is public."""
    fields = [str(cwd), str(len(argv)), *argv, *(f"{name}={value}" for name, value in env.items())]
    if any("\0" in field for field in fields):
        log.close()
        raise EngineError(f"The arguments or the environment of {argv[0]} contain a NUL character. Remove it.")
    payload = b"\0".join(map(os.fsencode, fields))
    with ExitStack() as ours, ExitStack() as theirs:
        ours.callback(log.close)
        try:
            channel, far_channel = socket.socketpair()
            ours.callback(channel.close)
            theirs.callback(far_channel.close)
            stdout, stderr, feed = (_open_pipe(ours, theirs, inward=inward) for inward in (True, True, False))
            streams = (feed[1] if stdin else subprocess.DEVNULL, stdout[1], stderr[1])
            reaper = _start_reaper(far_channel.fileno(), [marker, *options], streams)
        except OSError as error:
            reason = f"Cannot start {argv[0]}: {error.strerror}. The machine is out of processes, files or memory"
            raise EngineError(f"{reason}; end something else, or use fewer --jobs.") from error
        theirs.close()
        channel.settimeout(SEND_PATIENCE)
        with suppress(OSError):  # if the reaper has failed, the closed channel shows it
            channel.sendall(b"%d\n" % len(payload) + payload)
        supervised = Supervised(argv, reaper, channel, log, marker)
        supervised.read(stdout[0], supervised.stdout)
        supervised.read(stderr[0], supervised.stderr)
        supervised.write(feed[0], stdin)
        ours.pop_all()
    return supervised


def _start_reaper(channel: int, arguments: Sequence[str], streams: tuple[int, int, int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable,
            "-I",
            "-S",
            *(["-B"] if sys.dont_write_bytecode else []),
            str(REAPER),
            str(channel),
            *arguments,
        ],
        stdin=streams[0],
        stdout=streams[1],
        stderr=streams[2],
        cwd="/",
        env={name: os.environ[name] for name in LIBRARY_PATHS if name in os.environ},
        pass_fds=(channel,),
        start_new_session=True,
    )


def _open_pipe(ours: ExitStack, theirs: ExitStack, *, inward: bool) -> tuple[int, int]:
    """A pipe as (end of this process, end of the command)."""
    reader, writer = os.pipe()
    near, far = (reader, writer) if inward else (writer, reader)
    ours.callback(os.close, near)
    theirs.callback(os.close, far)
    return near, far
