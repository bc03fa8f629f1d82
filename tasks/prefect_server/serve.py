"""The server's process: serves Prefect's application behind the guard, and ends when the server is not needed."""

import argparse
import asyncio
import contextlib
import fcntl
import logging
import logging.handlers
import os
import shutil
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from prefect.server.api.server import create_app
from prefect.server.database import provide_database_interface
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy.ext.asyncio import AsyncSession

from tasks.prefect_server.guard import Guard
from tasks.prefect_server.handle import Phase, ServerRecord, process_identity, read_record, write_record

_LOG_BYTES = 1_000_000
_STOP_SECONDS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Arguments of the process.

    `idle`: seconds without a request until the server ends; None if it ends with its starter. `lifeline`: read end of a
    pipe that closes when the starter ends.
    """

    fd: int
    url: str
    home: Path
    state: Path
    template: Path
    idle: float | None
    lifeline: int | None

    @property
    def database(self) -> Path:
        """Prefect's database file."""
        return self.home / "prefect.db"


def main() -> None:
    """Serves until the server is idle or its starter has ended. Never returns: exits the process."""
    config = _parse_arguments()
    # uvicorn raises the signal that stopped it once more at its end, which would replace the exit code set here
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    code = 1
    try:
        asyncio.run(_serve(config))
        code = 0
    except BaseException:
        logging.getLogger("predeploy.server").exception("the server stopped")
    finally:
        _unpublish(config)
        # a regular shutdown of the interpreter takes longer than a second
        os._exit(code)


def _parse_arguments() -> ServerConfig:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--url", required=True)
    for name in ("--home", "--state", "--template"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--idle", type=float)
    parser.add_argument("--lifeline", type=int)
    return ServerConfig(**vars(parser.parse_args()))


async def _serve(config: ServerConfig) -> None:
    launched = time.time()
    with _migrating_alone(config.home):
        await _prepare_database(config)
        server, guard = _server(config)
        serving = asyncio.create_task(server.serve(sockets=[socket.socket(fileno=config.fd)]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)
    if not serving.done():
        _publish(config, launched)
        _end_with_starter(config, server)
        await _wait_until_unneeded(config, guard, serving, launched)
        server.should_exit = True
    threading.Timer(_STOP_SECONDS, os._exit, [1]).start()
    await serving


def _server(config: ServerConfig) -> tuple[uvicorn.Server, Guard]:
    begin_immediately()
    application = create_app(final=True)
    # after Prefect has set up its own logging
    _log_to(config.home / "server.log")
    guard = Guard(application)
    options = uvicorn.Config(guard, lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    return uvicorn.Server(options), guard


def begin_immediately() -> None:
    """Makes every write transaction on SQLite take the lock at its start.

    Prefect reads before it writes. A commit in between causes an error, after which its client sleeps for two seconds.
    This happens several times a run.
    """
    deferred = AioSqliteConfiguration.begin_transaction

    def immediate(
        self: AioSqliteConfiguration,
        session: AsyncSession,
        with_for_update: bool = True,  # noqa: ARG001 - the patch always passes True
    ) -> AbstractAsyncContextManager[Any]:
        return deferred(self, session, with_for_update=True)

    AioSqliteConfiguration.begin_transaction = immediate  # type: ignore[method-assign,assignment]


async def _prepare_database(config: ServerConfig) -> None:
    """Creates a missing database from the template, because hundreds of migrations take several seconds."""
    if config.database.exists():
        return
    if config.template.exists():
        partial = config.database.with_suffix(".partial")
        shutil.copyfile(config.template, partial)
        partial.replace(config.database)
        return
    interface = provide_database_interface()
    await interface.create_db()
    await (await interface.engine()).dispose()
    _keep_template(config)


def _keep_template(config: ServerConfig) -> None:
    partial = config.template.with_suffix(f".{os.getpid()}")
    # without the template, the next new database only takes longer
    with contextlib.suppress(OSError, sqlite3.Error):
        with contextlib.closing(sqlite3.connect(config.database)) as connection:
            connection.execute("VACUUM INTO ?", [str(partial)])
        partial.replace(config.template)


@contextlib.contextmanager
def _migrating_alone(home: Path) -> Iterator[None]:
    with (home / "database.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _publish(config: ServerConfig, launched: float) -> None:
    pid = os.getpid()
    identity = process_identity(pid) or ""
    write_record(
        config.state, ServerRecord(url=config.url, pid=pid, identity=identity, phase=Phase.READY, launched=launched)
    )


def _unpublish(config: ServerConfig) -> None:
    record = read_record(config.state)
    if record and record.pid == os.getpid():
        config.state.unlink(missing_ok=True)


async def _wait_until_unneeded(
    config: ServerConfig, guard: Guard, serving: "asyncio.Task[None]", launched: float
) -> None:
    while not serving.done():
        if config.idle is not None and guard.idle > config.idle:
            # gives a client that has just read the address time for its request
            _unpublish(config)
            await asyncio.sleep(1)
            if guard.idle > config.idle:
                return
            _publish(config, launched)
        await asyncio.wait({serving}, timeout=None if config.idle is None else min(config.idle / 10, 5.0))


def _end_with_starter(config: ServerConfig, server: "uvicorn.Server") -> None:
    if config.lifeline is None:
        return
    lifeline = config.lifeline

    def wait_for_the_end() -> None:
        os.read(lifeline, 1)
        server.should_exit = True
        threading.Timer(_STOP_SECONDS, os._exit, [1]).start()

    threading.Thread(target=wait_for_the_end, daemon=True).start()


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("prefect", "uvicorn", "fastapi", "docket"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


if __name__ == "__main__":
    main()
