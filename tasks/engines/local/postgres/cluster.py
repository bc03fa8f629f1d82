"""The files and the server process of a cluster: copied from an initialised template, started on a free port."""

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tasks.engines.local.ports import LOOPBACK, is_free, pick_port
from tasks.engines.local.postgres.account import SystemAccount
from tasks.engines.local.postgres.binaries import Binaries
from tasks.engines.local.processes.process import Process, run_process, start_process
from tasks.engines.local.seal import SEAL, seal
from tasks.engines.local.store import filled
from tasks.engines.threads import in_thread
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.redaction.redactor import NOTHING, Redactor

# A superuser: Django's test runner creates databases, and migrations create extensions that an administrator has
# created in production. The cluster has only data of this run.
ROLE = "predeploy"
START_LIMIT = 30.0
TEMPLATE_VERSION = 1
"""It changes with the way that templates are initialised."""
PORTS = 5
TAIL = 12
STATUS_LINE = 7
"""The line of postmaster.pid with the status, counted from 0."""
# The data need not survive a crash.
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
    # in the data directory, which is deleted even if the server is killed; the default outlives it in /dev/shm
    "dynamic_shared_memory_type": "mmap",
    "logging_collector": "off",
    "log_destination": "stderr",
}
# only this account can enter the directory of the socket
TRUST = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
# with small segments a new cluster is half as large, and copied twice as fast
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
NO_SPACE = os.strerror(errno.ENOSPC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """The directories of a run's cluster. `templates` is the store of initialised data directories.

    `sockets` must be a short path: the path of a socket has at most a hundred bytes. `disk` is for the data.
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
        # another user can access only the directory for sockets
        self._data = config.disk if account.uid is None else config.sockets / "data"
        self._programs = config.binaries.directory
        self._process: Process | None = None
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Creates the cluster and waits until it is ready. Raises EngineError (`postgres`)."""
        await in_thread(self._prepare_directories)
        await self._initialise()
        for _ in range(PORTS):
            self.port = pick_port()
            if await self._launch():
                return
            # another program has taken the port; the cluster is unchanged
        raise self.failure("found no free port")

    async def stop(self) -> None:
        """Ends the server at once. Its data are not needed any more."""
        if self._process is not None:
            await self._process.stop(signal.SIGQUIT, grace=3)
        await self._stack.aclose()

    def last_output(self, lines: int = 1) -> str:
        """The last output of the server, on one line."""
        return on_one_line(self._process.tail(lines)) if self._process else ""

    def failure(self, what: str, exit: Exit | None = None) -> EngineError:
        """The error for a server that does not work, with its last output."""
        last = (
            on_one_line("\n".join((exit.stderr or exit.stdout).splitlines()[-TAIL:]))
            if exit
            else self.last_output(TAIL)
        )
        # the server deletes its files when it ends, so a later check would find free space
        full = (
            next((line for line in f"{exit.stderr}\n{exit.stdout}".splitlines() if NO_SPACE in line), "")
            if exit
            else ""
        )
        version, directory = self.config.binaries.version, self.config.binaries.directory
        return EngineError(
            f"Postgres {version} ({directory}) {what}. Its last output: {full or last or 'nothing'}. "
            f"Its whole log is {self.config.log}",
            "disk_full" if full else "postgres",
        )

    def _prepare_directories(self) -> None:
        """Creates the directories, and makes the programs available to the account."""
        self.config.sockets.mkdir(mode=0o700, exist_ok=True)
        self._programs = self._account.reachable(self.config.binaries.directory, self.config.sockets)
        self._account.own(self.config.sockets)

    async def _initialise(self) -> None:
        """Copies an initialised data directory: ten times as fast as a new initialisation."""
        config = self.config
        path = config.templates / f"{config.binaries.name}-{TEMPLATE_VERSION}"
        waiting = partial(config.note, "waiting for another run that initialises Postgres")
        changed = "the files of an initialised Postgres were changed ({}), and are made again"
        async with filled(path, waiting, lambda found: config.note(changed.format(found))) as entry:
            if not entry.ready:
                exit = await self._initdb(entry.path / "data", "C.UTF-8")
                if exit.code != 0:  # some systems lack this locale
                    exit = await self._initdb(entry.path / "data", "C")
                if exit.code != 0:
                    raise self.failure("could not be initialised", exit)
                (entry.path / "data/pg_hba.conf").write_text(TRUST)
                await in_thread(seal, entry.path, ["data"], entry.path / SEAL, is_read_only=False)
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
        """Starts the server. False if another program has taken its port."""
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
                    # an immediate shutdown frees the shared memory, also if this process was killed
                    options=(*self._account.options, "--stop-signal", str(int(signal.SIGQUIT))),
                    # the server logs statements of the stack, which may contain secrets
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
                raise self.failure("did not start", exit)
            return False

    async def _until_ready(self, ended: asyncio.Future[Exit]) -> bool:
        """True once the server accepts connections, False once it has ended."""
        deadline = time.monotonic() + START_LIMIT
        while not ended.done():
            if is_ready(self._data / "postmaster.pid"):
                return True
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready after {START_LIMIT:g} s")
            await asyncio.sleep(0.01)
        return False


def is_ready(status: Path) -> bool:
    """Whether the server's status file says that it is ready."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return False
    return len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"


def on_one_line(text: str) -> str:
    """The lines of a text on one line."""
    return " / ".join(line.strip() for line in text.splitlines() if line.strip())
