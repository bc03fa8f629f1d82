"""The only module that knows Dagger's client: an isolated session with an engine, and what its errors mean to us."""

import asyncio
import contextlib
import io
import os
import re
import signal
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, TypeVar, cast

import dagger
from dagger import (
    BuildArg,
    CacheVolume,
    Client,
    Container,
    Directory,
    File,
    ReturnType,
    Secret,
    Service,
)

from tasks.engines.local.process_table import list_processes
from tasks.errors import EngineError
from tasks.redaction import Redactor

__all__ = [
    "ANY",
    "BuildArg",
    "CacheVolume",
    "Client",
    "Container",
    "Directory",
    "ExecFailedError",
    "File",
    "RefusedError",
    "Secret",
    "Service",
    "Session",
    "open_session",
]

T = TypeVar("T")
ANY = ReturnType.ANY
OLDEST = (0, 21)
"""The first engine with variables that are not part of a key, which we find out with what was reused."""
CLOSE_LIMIT = 20.0
PULSE, PULSE_LIMIT = 2.0, 8.0
"""How often the engine is asked whether it is there, and how long it may take to say so."""
# for the command line that Dagger's client starts: nobody called at home, plain text, time to shut down
QUIET = {
    "DO_NOT_TRACK": "1",
    "DAGGER_NO_UPDATE_CHECK": "1",
    "DAGGER_NO_NAG": "1",
    "DAGGER_PROGRESS": "plain",
    "_EXPERIMENTAL_DAGGER_SHUTDOWN_TIMEOUT": "15s",
}
DAGGERS = ("DAGGER_", "_EXPERIMENTAL_DAGGER_")
# what would send traces somewhere, and makes the client rearrange our logging
NOT_OURS = ("OTEL_", "DAGGER_CLOUD_TOKEN")


class ExecFailedError(Exception):
    """A program in a container ended with a code that is not accepted."""

    def __init__(self, message: str, code: int, stdout: str, stderr: str, argv: tuple[str, ...] = ()) -> None:
        self.code, self.stdout, self.stderr, self.argv = code, stdout, stderr, argv
        super().__init__(message)


class RefusedError(Exception):
    """A living engine said no: a broken Dockerfile, an image that is not there, a service that ended."""


@dataclass(slots=True, kw_only=True)
class Session:
    """A connection to one engine. `lost` is done, with the reason, once the engine does not answer any more."""

    client: Client
    version: str
    connection: dagger.Connection
    output: "MaskedLog"
    cli: tuple[int, ...] = ()
    lost: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def ask(self, request: Awaitable[T]) -> T:
        """The answer to a request. Raises ExecFailedError, RefusedError, or EngineError (`engine_lost`)."""
        asked = asyncio.ensure_future(request)
        try:
            await asyncio.wait([asked, self.lost], return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
            if not asked.done():
                raise EngineError(self.lost.result(), "engine_lost")
            return asked.result()
        except dagger.ExecError as error:
            said, argv = (error.stdout, error.stderr), tuple(error.command)
            raise ExecFailedError(error.message, error.exit_code, *said, argv) from None
        except dagger.QueryError as error:
            raise RefusedError(str(error)) from None
        except dagger.DaggerError as error:
            raise EngineError(self.lose(f"the Dagger engine went away: {plain(error)}"), "engine_lost") from None
        finally:
            if not asked.done():
                asked.cancel()

    def lose(self, reason: str) -> str:
        """Notes that the engine is gone; the first reason stands."""
        if not self.lost.done():
            self.lost.set_result(reason)
        return self.lost.result()

    async def close(self) -> str:
        """Ends the session and all that runs in it. What went wrong with that is returned: it changes no verdict."""
        closing = asyncio.ensure_future(self.connection.__aexit__(None, None, None))
        closing.add_done_callback(lambda _: self.output.close())
        await asyncio.wait({closing}, timeout=1 if self.lost.done() else CLOSE_LIMIT)
        if not closing.done():
            end(self.cli)
            await asyncio.wait({closing}, timeout=2)
            closing.cancel()
            return f"the Dagger session did not end within {CLOSE_LIMIT:g} s, and was ended"
        error = closing.exception()
        return f"the Dagger session did not end well: {why(error)}" if error else ""

    async def watch(self) -> None:
        """Asks again and again whether the engine is there: a client whose engine died would wait for ever."""
        while not self.lost.done():
            await asyncio.sleep(PULSE)
            try:
                async with asyncio.timeout(PULSE_LIMIT):
                    await self.client.version()
            except TimeoutError:
                self.lose(f"the Dagger engine did not answer for {PULSE_LIMIT:g} s")
            except dagger.DaggerError as error:
                self.lose(f"the Dagger engine went away: {plain(error)}")


def plain(error: BaseException) -> str:
    """The first line of an exception, or its name where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextlib.contextmanager
def variables_for_cli(environ: Mapping[str, str]) -> Iterator[None]:
    """Dagger's own variables among ours, while its command line is started: that inherits them from nowhere else."""
    wanted = {**QUIET, **{name: value for name, value in environ.items() if name.startswith(DAGGERS)}}
    touched = {*wanted, *(name for name in os.environ if name.startswith((*DAGGERS, *NOT_OURS)))}
    before = {name: os.environ.pop(name) for name in touched if name in os.environ}
    os.environ.update({name: value for name, value in wanted.items() if not name.startswith(NOT_OURS)})
    try:
        yield
    finally:
        for name in touched:
            os.environ.pop(name, None)
        os.environ.update(before)


def find_cli() -> list[int]:
    """The command lines of Dagger that this process has started."""
    return [pid for pid, parent in list_processes() if parent == os.getpid() and is_cli(pid)]


def is_cli(pid: int) -> bool:
    """Whether a process is a `dagger session` of its Python client."""
    try:
        return b"dagger.io/sdk.name:python" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class MaskedLog(io.TextIOBase):
    """A log that passes the redactor. It has no descriptor, so Dagger's command line cannot write past it."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._file, self._stream = path.open("ab", buffering=0), redactor.stream()

    def write(self, text: str) -> int:
        """Called by the thread that reads what the command line says, until that has ended."""
        self._file.write(self._stream.feed(text.encode("utf-8", "replace")))
        return len(text)

    def close(self) -> None:
        """Writes what was held back."""
        if not self._file.closed:
            self._file.write(self._stream.flush())
            self._file.close()
        super().close()


async def open_session(environ: Mapping[str, str], log: Path, redactor: Redactor, *, limit: float) -> Session:
    """A session with the engine that the environment leads to; what it says goes to `log`.

    Raises EngineError (`engine_absent`) where there is none within `limit` seconds.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    output = MaskedLog(log, redactor)
    connection = dagger.Connection(dagger.Config(retry=None, log_output=cast("TextIO", output)))
    before = find_cli()
    with variables_for_cli(environ):
        connecting = asyncio.ensure_future(connection.__aenter__())
        try:
            await asyncio.wait({connecting}, timeout=limit)
        finally:
            if not connecting.done():
                end({*find_cli()} - {*before})  # only so does its thread come back
                await asyncio.wait({connecting}, timeout=5)
    if not connecting.done():
        connecting.cancel()
        output.close()
        raise EngineError(f"the Dagger engine did not answer within {limit:g} s. See {log.name}.", "engine_absent")
    if error := connecting.exception():
        output.close()
        raise EngineError(f"no Dagger session: {why(error)}", "engine_absent") from None
    client = connecting.result()
    version = await client.version()
    if not is_new(version):
        await connection.__aexit__(None, None, None)
        text = f"the Dagger engine is {version}, and predeploy needs 0.{OLDEST[1]} or newer. Update it."
        raise EngineError(text, "engine_version")
    started = tuple({*find_cli()} - {*before})
    return Session(client=client, version=version, connection=connection, output=output, cli=started)


def is_new(version: str) -> bool:
    """Whether an engine of that version can do what we ask of it."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return found is None or (int(found[1]), int(found[2])) >= OLDEST


def why(error: BaseException) -> str:
    """The line of a failed start that says most: the last one of what the command line wrote."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def end(pids: Iterable[int]) -> None:
    """Ends processes at once."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
