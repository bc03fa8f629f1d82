"""The only module that imports Dagger's client: its connection, its objects, and a translation of its errors."""

import asyncio
import functools
import logging
from typing import TextIO, TypeVar, cast

import cattrs
import dagger
import gql.transport.httpx
import httpx
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
from dagger.client._core import Context
from rich.console import Console

from tasks.errors import EngineError

__all__ = [
    "ANY",
    "BuildArg",
    "CacheVolume",
    "Client",
    "Connection",
    "Container",
    "Directory",
    "EngineRefusedError",
    "ExecFailedError",
    "File",
    "Secret",
    "Service",
    "connect",
    "first_line",
    "is_download_failure",
    "is_start_failure",
    "load_container",
    "make_connection",
    "translate_error",
    "with_cached_id",
]

# gql takes httpx2 where another package has installed it, and refuses the objects of httpx that Dagger's client passes
gql.transport.httpx.httpx = httpx  # type: ignore[attr-defined]
ANY = ReturnType.ANY
Connection = dagger.Connection
SHOWN = 300
"""Characters of a message that are shown: a proxy may answer with a complete page."""
NOTHING_SAID = "the engine gave no reason"
Passed = TypeVar("Passed", Directory, CacheVolume, File)


class ExecFailedError(Exception):
    """A program in a container ended with an unexpected code."""

    def __init__(self, message: str, code: int, stdout: str, stderr: str, argv: tuple[str, ...] = ()) -> None:
        self.code, self.stdout, self.stderr, self.argv = code, stdout, stderr, argv
        super().__init__(message)


class EngineRefusedError(Exception):
    """The engine works, and refused a request: a broken Dockerfile, a missing image, a service that ended."""


class LeanContext(Context):
    """A context with a shared converter. The client makes one per link of a chain: half of a run's client time.

    Converters differ only for lists of objects, which predeploy never requests.
    """

    def __post_init__(self) -> None:
        self.converter = converter()


@functools.cache
def converter() -> cattrs.Converter:
    """The converter that all contexts share."""
    return Context().converter


def make_connection(output: object) -> Connection:
    """A connection, not opened yet. The command line's output goes to the file `output`."""
    # it logs tracebacks of exceptions that it also raises
    logging.getLogger(dagger.__name__).setLevel(logging.CRITICAL)
    config = dagger.Config(retry=None, log_output=cast("TextIO", output))
    # on a terminal it would draw a spinner, and replace sys.stderr for that
    config.console = Console(file=config.log_output, force_terminal=False)
    return dagger.Connection(config)


async def connect(connection: Connection) -> Client:
    """Opens a connection."""
    client = await connection.__aenter__()
    return Client(LeanContext(conn=client._ctx.conn))  # noqa: SLF001 - there is no public access


def load_container(client: Client, name: str) -> Container:
    """The container with this id in the engine."""
    return client.load_container_from_id(dagger.ContainerID(name))


def with_cached_id(passed: Passed) -> Passed:
    """The same object, which queries its id once. The client queries it at every use as an argument."""
    kind = type(passed)

    class Named(kind):  # type: ignore[misc, valid-type]
        """Caches its id."""

        _name: "asyncio.Future[str] | None" = None

        @classmethod
        def _graphql_name(cls) -> str:
            return kind.__name__

        async def id(self) -> str:
            if self._name is None or failed(self._name):
                self._name = asyncio.ensure_future(super().id())
                self._name.add_done_callback(failed)  # marks an exception as retrieved, if the caller was cancelled
            return await asyncio.shield(self._name)

    return cast("Passed", Named(passed._ctx))  # noqa: SLF001


def failed(asked: "asyncio.Future[str]") -> bool:
    """Did the query fail? Then it is repeated."""
    return asked.done() and (asked.cancelled() or asked.exception() is not None)


def translate_error(error: Exception, version: str) -> Exception:
    """Translates an exception of the client. An invalid answer may raise an exception of another library."""
    match error:
        case dagger.ExecError():
            said, argv = (error.stdout, error.stderr), tuple(error.command)
            return ExecFailedError(error.message or NOTHING_SAID, error.exit_code, *said, argv)
        case dagger.QueryError():
            return EngineRefusedError(str(error).strip() or NOTHING_SAID)
        case dagger.InvalidQueryError() if error.__cause__ is not None:
            text = f"the Dagger engine {version} does not know a request: {first_line(error.__cause__)}"
            return EngineError(f"{text}. Take one of 0.21.", "engine_version")
        case dagger.ClientConnectionError() | dagger.TransportError():
            return EngineError(f"the Dagger engine went away: {first_line(error)}", "engine_lost")
    return EngineError(f"an answer of the Dagger engine cannot be read: {first_line(error)}", "engine")


def is_start_failure(error: BaseException) -> bool:
    """Did the command line fail to start a session? Then its output has the reason."""
    return isinstance(error, dagger.ProvisionError)


def is_download_failure(error: BaseException) -> bool:
    """Did the download of the command line fail?"""
    return isinstance(error, dagger.DownloadError)


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, or its class name."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:SHOWN]
