"""A cluster's files and its server process: initialised from a kept copy, started on a free port."""

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.local.ports import LOOPBACK, is_free, pick_port
from tasks.engines.local.postgres.account import SystemAccount
from tasks.engines.local.postgres.binaries import Binaries
from tasks.engines.local.processes.process import Process, run_process, start_process
from tasks.engines.local.store import filled
from tasks.engines.threads import in_thread
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.redaction.redactor import NOTHING, Redactor

# A superuser, because a run's own cluster holds nobody else's data: Django's test runner creates databases, and
# migrations create extensions that in production an administrator has created.
ROLE = "predeploy"
START_LIMIT = 30.0
TEMPLATE_VERSION = 1
"""Changes with the way that initialised directories are made."""
PORTS = 5
TAIL = 12
STATUS_LINE = 7
"""Of postmaster.pid, counted from 0."""
# Nothing of it has to outlive a crash.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "jit": "off",
    "max_wal_size": "1GB",
    "wal_init_zero": "off",
    "wal_recycle": "off",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": LOOPBACK,
    "logging_collector": "off",
    "log_destination": "stderr",
}
# the socket lies in a directory that is closed to others
TRUST = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
# small segments: a new cluster is half as large, and as much faster to copy
INITDB = (
    "--wal-segsize",
    "1",
    "--username",
    ROLE,
    "--encoding",
    "UTF8",
    "--no-sync",
    "--auth-local",
    "trust",
    "--auth-host",
    "scram-sha-256",
)
NO_ROOM = os.strerror(errno.ENOSPC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """Where a run's cluster is to be. `templates` is the store of initialised data directories.

    `sockets` must be short: a path of a socket has a hundred bytes. `disk` is where the data go.
    """

    binaries: Binaries
    templates: Path
    disk: Path
    sockets: Path
    log: Path
    env: Mapping[str, str]
    marker: str
    note: Callable[[str], None]
    redactor: Redactor = NOTHING


class Cluster:
    """The files and the process of one server."""

    def __init__(self, config: ClusterConfig, account: SystemAccount) -> None:
        self.port = 0
        self.config = config
        self._account = account
        # another user reaches nothing but the directory that is made for it
        self._data = config.disk if account.uid is None else config.sockets / "data"
        self._programs = config.binaries.directory
        self._process: Process | None = None
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Makes the cluster and waits until it answers; raises EngineError (`postgres`) with what the server said."""
        await in_thread(self._make_room)
        await self._initialise()
        for _ in range(PORTS):
            self.port = pick_port()
            if await self._launch():
                return
            # somebody else was faster: the port is gone, the cluster is as it was
        raise self.refusal("found no free port")

    async def stop(self) -> None:
        """Ends the server at once; its data are worth nothing."""
        if self._process is not None:
            await self._process.stop(signal.SIGQUIT, grace=3)
        await self._stack.aclose()

    def said(self, lines: int = 1) -> str:
        """What the server said last."""
        return flat(self._process.tail(lines)) if self._process else ""

    def refusal(self, what: str, exit: Exit | None = None) -> EngineError:
        """What to raise where the server does not do what it should."""
        last = flat("\n".join((exit.stderr or exit.stdout).splitlines()[-TAIL:])) if exit else self.said(TAIL)
        # it takes its files away as it ends: asked afterwards, the disk has room again
        full = (
            next((line for line in f"{exit.stderr}\n{exit.stdout}".splitlines() if NO_ROOM in line), "") if exit else ""
        )
        version, directory = self.config.binaries.version, self.config.binaries.directory
        return EngineError(
            f"Postgres {version} ({directory}) {what}. It said last: {full or last or 'nothing'}. "
            f"Its whole log is {self.config.log}",
            "disk_full" if full else "postgres",
        )

    def _make_room(self) -> None:
        """Puts everything where the account can reach it."""
        self.config.sockets.mkdir(mode=0o700, exist_ok=True)
        self._programs = self._account.reachable(self.config.binaries.directory, self.config.sockets)
        self._account.own(self.config.sockets)

    async def _initialise(self) -> None:
        """Copies an initialised data directory, which takes a tenth of the time that making one takes."""
        config = self.config
        path = config.templates / f"{config.binaries.name}-{TEMPLATE_VERSION}"
        async with filled(path, lambda: config.note("waiting for another run that initialises Postgres")) as entry:
            if not entry.ready:
                exit = await self._initdb(entry.path / "data", "C.UTF-8")
                if exit.code != 0:  # not every system has that locale
                    exit = await self._initdb(entry.path / "data", "C")
                if exit.code != 0:
                    raise self.refusal("could not be initialised", exit)
                (entry.path / "data/pg_hba.conf").write_text(TRUST)
                entry.complete()
            entry.touch()
            await in_thread(shutil.copytree, entry.path / "data", self._data, symlinks=True, dirs_exist_ok=True)
        await in_thread(self._account.own, self._data)

    async def _initdb(self, data: Path, locale: str) -> Exit:
        await in_thread(shutil.rmtree, data, ignore_errors=True)
        arguments = (*INITDB, "--locale", locale, "--lc-messages", "C", "--pgdata")

        async def initdb(target: Path) -> Exit:
            return await run_process(
                (str(self._programs / "initdb"), *arguments, str(target)),
                cwd=self.config.sockets,
                env=self.config.env,
                limit=120,
                log=self.config.log,
                marker=self.config.marker,
                options=self._account.options,
            )

        return await self._account.initialise(data, self.config.sockets, initdb)

    async def _launch(self) -> bool:
        """Starts the server; False where its port was taken in the meantime."""
        config = self.config
        settings = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(config.sockets)}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        async with contextlib.AsyncExitStack() as stack:
            process = await stack.enter_async_context(
                start_process(
                    (str(self._programs / "postgres"), "-D", str(self._data), *arguments),
                    cwd=config.sockets,
                    env=config.env,
                    log=config.log,
                    marker=config.marker,
                    # an immediate shutdown also where our own process is gone: it frees the shared memory
                    options=(*self._account.options, "--stop-signal", str(int(signal.SIGQUIT))),
                    # statements of the stack's, with what it put into them
                    redactor=config.redactor,
                )
            )
            ended = asyncio.ensure_future(process.wait())
            if await self._until_ready(ended):
                self._process = process
                self._stack = stack.pop_all()
                return True
            exit = await ended
            if is_free(self.port):
                raise self.refusal("did not start", exit)
            return False

    async def _until_ready(self, ended: asyncio.Future[Exit]) -> bool:
        """True when the server accepts connections, False when it has ended."""
        deadline = time.monotonic() + START_LIMIT
        while not ended.done():
            if is_ready(self._data / "postmaster.pid"):
                return True
            if time.monotonic() > deadline:
                raise self.refusal(f"was not ready after {START_LIMIT:g} s")
            await asyncio.sleep(0.01)
        return False


def is_ready(status: Path) -> bool:
    """What the server's own status file says."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return False
    return len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"


def flat(text: str) -> str:
    """On one line."""
    return " / ".join(line.strip() for line in text.splitlines() if line.strip())
