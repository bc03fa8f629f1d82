"""The reaper supervises one command: it starts it, waits for its end, and kills all remaining descendants."""
# ruff: noqa: PTH123, SIM105
# (pathlib, json, argparse, signal and contextlib take longer to import than this whole module)

import _signal as signal  # type: ignore[import-not-found]  # `signal` imports enum: a quarter of the reaper's time
import os
import select
import time

from tasks.engines.local.processes.request import PR_SET_CHILD_SUBREAPER, STOPPING, ProcessRequest, execute, prctl
from tasks.engines.process_table import (
    LINUX,
    count_oom_kills,
    find_marked,
    kill,
    list_descendants,
    list_kin_by_ps,
)

ORPHANED_GRACE = 1.0
KILL_PATIENCE = 10.0


def main(arguments: list[str]) -> int:
    channel, marker = int(arguments[0]), arguments[1]
    os.set_inheritable(channel, False)
    os.umask(0o022)
    reaper = Reaper(channel, marker)
    request = reaper.receive(arguments[2:])
    if request is None:
        return 1
    killed_before = count_oom_kills()
    refusal = reaper.start(request)
    if refusal:
        stage, error = refusal.split()
        reaper.send(stage=f'"{stage}"', errno=int(error))
    reaper.send(pid=reaper.leader)
    if reaper.leader:
        reaper.supervise()
    left, stuck = reaper.kill_rest()
    oom = reaper.is_oom(killed_before)
    facts = describe(reaper.status) | {"rss_kb": reaper.rss, "cpu": reaper.cpu}
    reaper.send(**facts, left=left, stuck=stuck, oom=oom)
    return 0


class Reaper:
    """The state of one supervision."""

    def __init__(self, channel: int, marker: str) -> None:
        self.channel, self.marker, self.buffer = channel, marker.encode(), b""
        self.leader, self.status, self.rss, self.cpu = 0, -1, 0, 0.0
        self.running, self.ending, self.deadline = False, False, 0.0
        self.stop_signal = int(signal.SIGTERM)
        self.adopts = LINUX and prctl(PR_SET_CHILD_SUBREAPER, 1) == 0
        self.wake, writer = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, *STOPPING):
            signal.signal(number, lambda *_: None)
        self.poll = select.poll()
        self.poll.register(self.wake, select.POLLIN)
        self.poll.register(channel, select.POLLIN)

    def receive(self, options: list[str]) -> ProcessRequest | None:
        """Reads `<length>\\n<payload>`; None if the client closes the channel before that."""
        while b"\n" not in self.buffer or len(self.buffer.partition(b"\n")[2]) < int(self.buffer.partition(b"\n")[0]):
            data = os.read(self.channel, 1 << 20)
            if not data:
                return None
            self.buffer += data
        length, _, rest = self.buffer.partition(b"\n")
        self.buffer = rest[int(length) :]
        return ProcessRequest(rest[: int(length)], options)

    def send(self, **facts: object) -> None:
        try:
            os.write(self.channel, ("{" + ", ".join(f'"{k}": {v}' for k, v in facts.items()) + "}\n").encode())
        except OSError:
            self.ending = True  # the client has closed the channel: only killing is left to do

    def start(self, request: ProcessRequest) -> str:
        """Forks the command. Returns an empty text once it runs, otherwise the stage and the errno of the failure."""
        self.stop_signal = request.stop_signal
        reader, writer = os.pipe()
        try:
            self.leader = os.fork()
        except OSError as error:
            return f"fork {error.errno}"
        if self.leader == 0:
            execute(request, writer, os.getppid())
        self.running = True
        os.close(writer)
        with open(reader, "rb") as refusal:
            return refusal.read().decode()

    def supervise(self) -> None:
        """Returns when the command has ended. After `end`: when no child is left, or the grace period is over."""
        self.absorb(b"")  # an `end` may have arrived together with the request
        while True:
            childless = self.reap()
            if childless or not (self.running or self.ending):
                return
            patience = None
            if self.ending or self.deadline:
                patience = self.deadline - time.monotonic()
                if patience <= 0:
                    return
            self.listen(patience)

    def listen(self, patience: float | None) -> None:
        for descriptor, _ in self.poll.poll(None if patience is None else patience * 1000 + 1):
            if descriptor == self.wake:
                if any(number in STOPPING for number in os.read(self.wake, 4096)):
                    self.end(ORPHANED_GRACE)
                continue
            try:
                data = os.read(self.channel, 4096)
            except OSError:
                data = b""
            if not data:
                self.poll.unregister(self.channel)
                self.end(ORPHANED_GRACE)
            self.absorb(data)

    def absorb(self, data: bytes) -> None:
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            self.obey(line.split())

    def obey(self, words: list[bytes]) -> None:
        if words[0] == b"end":
            self.end(float(words[1]))
        elif self.running and not self.ending:
            kill(self.leader, int(words[1]))
            kill(self.leader, signal.SIGCONT)
            self.deadline = time.monotonic() + float(words[2])

    def end(self, grace: float) -> None:
        """Sends the stop signal to all descendants. A further call can only shorten the grace period."""
        deadline = time.monotonic() + grace
        self.deadline = min(self.deadline, deadline) if self.deadline else deadline
        if not self.ending:
            self.ending = True
            for number in (self.stop_signal, signal.SIGCONT):
                for pid in self.find_kin():
                    kill(pid, number)

    def reap(self) -> bool:
        """Waits for ended children; True if no child is left. For a subreaper that means: no descendant."""
        try:
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    return False
                self.cpu += usage.ru_utime + usage.ru_stime
                if pid == self.leader:
                    self.running, self.status, self.rss = False, status, usage.ru_maxrss // (1 if LINUX else 1024)
        except ChildProcessError:
            return True

    def kill_rest(self) -> tuple[int, int]:
        """Kills all descendants; returns the number of killed ones, and of those that cannot be killed."""
        killed: set[int] = set()
        kin: list[int] = []
        patience = time.monotonic() + KILL_PATIENCE
        while time.monotonic() < patience:
            childless = self.reap()
            kin = [] if childless and self.adopts else self.find_kin()
            if childless and not kin:
                break
            for pid in kin:
                kill(pid, signal.SIGKILL)
            killed.update(kin)
            select.select([self.wake], [], [], 0.01)
            drain(self.wake)
        return len(killed - {self.leader}), len(kin)

    def find_kin(self) -> list[int]:
        if not LINUX:
            return list_kin_by_ps(self.leader)
        kin = list_descendants(os.getpid())
        return kin if self.adopts else [*kin, *find_marked(self.marker)]

    def is_oom(self, killed_before: tuple[str, int]) -> str:
        """Whether the command failed and the kernel killed a process because of memory meanwhile."""
        where, count = count_oom_kills()
        ends = describe(self.status)
        suspect = ends["signal"] == signal.SIGKILL or ends["exit"] == 128 + signal.SIGKILL
        # The counter of this control group proves more than the counter of the whole machine.
        likely = self.status != 0 if where == "cgroup" else suspect
        return "true" if likely and (where, count) > killed_before and not self.ending else "false"


def drain(descriptor: int) -> None:
    try:
        os.read(descriptor, 4096)
    except BlockingIOError:
        pass


def describe(status: int) -> dict[str, object]:
    if status < 0:
        return {"exit": "null", "signal": "null"}
    code = os.waitstatus_to_exitcode(status)
    return {"exit": code, "signal": "null"} if code >= 0 else {"exit": "null", "signal": -code}
