"""The only module that knows Dagger's client: its connection, its objects, and what its errors mean to us."""

import asyncio
import functools
import logging
from typing import TextIO, TypeVar, cast

import cattrs
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
    "is_download_failure",
    "is_start_failure",
    "load_container",
    "make_connection",
    "meaning",
    "plain",
    "with_cached_id",
]

ANY = ReturnType.ANY
Connection = dagger.Connection
SHOWN = 300
"""Characters of a message that is shown: what stands between us and the engine may answer with a whole page."""
NOTHING_SAID = "the engine gave no reason"
Passed = TypeVar("Passed", Directory, CacheVolume, File)


class ExecFailedError(Exception):
    """A program in a container ended with a code that is not accepted."""

    def __init__(self, message: str, code: int, stdout: str, stderr: str, argv: tuple[str, ...] = ()) -> None:
        self.code, self.stdout, self.stderr, self.argv = code, stdout, stderr, argv
        super().__init__(message)


class EngineRefusedError(Exception):
    """A living engine said no: a broken Dockerfile, an image that is not there, a service that ended."""


class LeanContext(Context):
    """The client's own makes a converter of values for every link of a chain: half of what a run's client did.

    The one difference between converters is whose objects a list of objects holds; we ask for no such lists.
    """

    def __post_init__(self) -> None:
        self.converter = converter()


@functools.cache
def converter() -> cattrs.Converter:
    """What all links of all chains share."""
    return Context().converter


def make_connection(output: object) -> Connection:
    """A connection that is not opened yet. What the command line says goes to `output`, which is a file."""
    # it shows tracebacks of what its exceptions say as well
    logging.getLogger(dagger.__name__).setLevel(logging.CRITICAL)
    config = dagger.Config(retry=None, log_output=cast("TextIO", output))
    # on what it takes for a terminal it draws a spinner, and puts itself in the place of sys.stderr for that
    config.console = Console(file=config.log_output, force_terminal=False)
    return dagger.Connection(config)


async def connect(connection: Connection) -> Client:
    """Opens it."""
    client = await connection.__aenter__()
    return Client(LeanContext(conn=client._ctx.conn))  # noqa: SLF001 - nothing public hands it on


def load_container(client: Client, name: str) -> Container:
    """The container that the engine knows by that name."""
    return client.load_container_from_id(dagger.ContainerID(name))


def with_cached_id(passed: Passed) -> Passed:
    """The same object, whose name the engine is asked for once: the client asks each time it is passed on."""
    kind = type(passed)

    class Named(kind):  # type: ignore[misc, valid-type]
        """It keeps the answer."""

        _name: "asyncio.Future[str] | None" = None

        @classmethod
        def _graphql_name(cls) -> str:
            return kind.__name__

        async def id(self) -> str:
            if self._name is None or failed(self._name):
                self._name = asyncio.ensure_future(super().id())
                self._name.add_done_callback(failed)  # whoever asked may not wait any more
            return await asyncio.shield(self._name)

    return cast("Passed", Named(passed._ctx))  # noqa: SLF001


def failed(asked: "asyncio.Future[str]") -> bool:
    """Did nobody answer? Then it is asked again."""
    return asked.done() and (asked.cancelled() or asked.exception() is not None)


def meaning(error: Exception, version: str) -> Exception:
    """What an exception of the client is to us. It has some that are none of Dagger's, for answers out of shape."""
    match error:
        case dagger.ExecError():
            said, argv = (error.stdout, error.stderr), tuple(error.command)
            return ExecFailedError(error.message or NOTHING_SAID, error.exit_code, *said, argv)
        case dagger.QueryError():
            return EngineRefusedError(str(error).strip() or NOTHING_SAID)
        case dagger.InvalidQueryError() if error.__cause__ is not None:
            text = f"the Dagger engine {version} does not know what it was asked: {plain(error.__cause__)}"
            return EngineError(f"{text}. Take one of 0.21.", "engine_version")
        case dagger.ClientConnectionError() | dagger.TransportError():
            return EngineError(f"the Dagger engine went away: {plain(error)}", "engine_lost")
    return EngineError(f"an answer of the Dagger engine cannot be read: {plain(error)}", "engine")


def is_start_failure(error: BaseException) -> bool:
    """Did the command line not start a session? Then it has said why."""
    return isinstance(error, dagger.ProvisionError)


def is_download_failure(error: BaseException) -> bool:
    """Was there no command line, and none to be had?"""
    return isinstance(error, dagger.DownloadError)


def plain(error: BaseException) -> str:
    """The first line of an exception, or its name where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:SHOWN]
