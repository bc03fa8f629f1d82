"""The server's process: Prefect's application behind our guard. It ends by itself when it is not used."""

import gc

if __name__ == "__main__":
    gc.disable()  # it would take a fifth of the time of the imports below, which is three seconds

import argparse
import asyncio
import contextlib
import logging
import logging.handlers
import os
import shutil
import signal
import socket
import sqlite3
import threading
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from prefect.server.api.server import create_app
from prefect.server.database import provide_database_interface
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy.ext.asyncio import AsyncSession

from tasks.locks import locked
from tasks.prefect_server import history
from tasks.prefect_server.guard import Guard
from tasks.prefect_server.handle import Phase, ServerRecord, process_identity, read_record, write_record
from tasks.prefect_server.password import password_in

_LOG_BYTES = 1_000_000
_STOP_SECONDS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The starter's arguments. `idle` is None for a server that ends with its starter, which closes `lifeline`."""

    fd: int
    url: str
    home: Path
    state: Path
    template: Path
    idle: float | None
    lifeline: int | None

    @property
    def database(self) -> Path:
        """Where Prefect keeps its history."""
        return self.home / history.NAME


def main() -> None:
    """Serve until the server is not needed any more. Never returns."""
    gc.freeze()
    gc.enable()
    place = _place()
    # uvicorn raises the signal that stopped it once more when it is done: ours must be the last word
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    code = 1
    try:
        asyncio.run(_serve(place))
        code = 0
    except BaseException:
        logging.getLogger("predeploy.server").exception("the server stopped")
    finally:
        _unpublish(place)
        # taking this interpreter apart takes longer than a second
        os._exit(code)


def _place() -> Place:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--url", required=True)
    for name in ("--home", "--state", "--template"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--idle", type=float)
    parser.add_argument("--lifeline", type=int)
    return Place(**vars(parser.parse_args()))


async def _serve(place: Place) -> None:
    launched = time.time()
    with locked(place.home / "database.lock"):  # two servers of one home must not migrate it at once
        await _prepare_database(place)
        server, guard = _server(place)
        serving = asyncio.create_task(server.serve(sockets=[socket.socket(fileno=place.fd)]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)
    if not serving.done():
        _publish(place, launched)
        _end_with_starter(place, server)
        await _wait_until_unneeded(place, guard, serving, launched)
        server.should_exit = True
    threading.Timer(_STOP_SECONDS, os._exit, [1]).start()
    await serving


def _server(place: Place) -> tuple[uvicorn.Server, Guard]:
    begin_immediately()
    application = create_app(final=True)
    # after Prefect has set up its own logging
    _log_to(place.home / "server.log")
    guard = Guard(application, password_in(place.home))
    config = uvicorn.Config(guard, lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    return uvicorn.Server(config), guard


def begin_immediately() -> None:
    """Make every write transaction on SQLite take the lock when it begins.

    Prefect reads first and then writes: any commit in between is an error that its client answers by sleeping for two
    seconds, several times a run.
    """
    deferred = AioSqliteConfiguration.begin_transaction

    def immediate(
        self: AioSqliteConfiguration,
        session: AsyncSession,
        with_for_update: bool = True,  # noqa: ARG001 - always
    ) -> AbstractAsyncContextManager[Any]:
        return deferred(self, session, with_for_update=True)

    AioSqliteConfiguration.begin_transaction = immediate  # type: ignore[method-assign,assignment]


async def _prepare_database(place: Place) -> None:
    """Make a new database from the copy of an empty one: hundreds of migrations take several seconds."""
    if place.database.exists():
        return
    if place.template.exists():
        partial = place.database.with_suffix(".partial")
        shutil.copyfile(place.template, partial)
        partial.replace(place.database)
        return
    interface = provide_database_interface()
    await interface.create_db()
    await (await interface.engine()).dispose()
    _keep_template(place)


def _keep_template(place: Place) -> None:
    partial = place.template.with_suffix(f".{os.getpid()}")
    # the next fresh home only takes longer without it
    with contextlib.suppress(OSError, sqlite3.Error):
        with contextlib.closing(sqlite3.connect(place.database)) as connection:
            connection.execute("VACUUM INTO ?", [str(partial)])
        partial.replace(place.template)


def _publish(place: Place, launched: float) -> None:
    pid = os.getpid()
    identity = process_identity(pid) or ""
    write_record(
        place.state, ServerRecord(url=place.url, pid=pid, identity=identity, phase=Phase.READY, launched=launched)
    )


def _unpublish(place: Place) -> None:
    record = read_record(place.state)
    if record and record.pid == os.getpid():
        place.state.unlink(missing_ok=True)


async def _wait_until_unneeded(place: Place, guard: Guard, serving: "asyncio.Task[None]", launched: float) -> None:
    while not serving.done():
        if place.idle is not None and guard.idle > place.idle:
            # a client that has just read the address gets time to use it
            _unpublish(place)
            await asyncio.sleep(1)
            if guard.idle > place.idle:
                return
            _publish(place, launched)
        failed = asyncio.create_task(guard.failed.wait())
        await asyncio.wait(
            {serving, failed},
            timeout=None if place.idle is None else min(place.idle / 10, 5.0),
            return_when=asyncio.FIRST_COMPLETED,
        )
        failed.cancel()
        if guard.failed.is_set():
            guard.failed.clear()
            if trouble := await asyncio.to_thread(history.trouble_with, place.database, place.template, whole=True):
                history.mark(place.database, trouble)  # the next server begins with another database
                _unpublish(place)
                return


def _end_with_starter(place: Place, server: "uvicorn.Server") -> None:
    if place.lifeline is None:
        return
    lifeline = place.lifeline

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
