"""A session with an engine: it is opened, queried, watched and closed here."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tasks.engines.dagger.client import (
    ANY,
    SHOWN,
    BuildArg,
    CacheVolume,
    Client,
    Connection,
    Container,
    Directory,
    EngineRefusedError,
    ExecFailedError,
    File,
    Secret,
    Service,
    connect,
    first_line,
    is_download_failure,
    is_start_failure,
    load_container,
    make_connection,
    translate_error,
    with_cached_id,
)
from tasks.engines.dagger.command_line import CLI_BIN, MaskedLog, end, find_cli, variables_for_cli
from tasks.engines.dagger.reach import SESSION_PORT, SESSION_TOKEN
from tasks.errors import EngineError
from tasks.redaction.redactor import Redactor
from tasks.trust import TRUSTED, Trust

__all__ = [
    "ANY",
    "BuildArg",
    "CacheVolume",
    "Client",
    "Container",
    "DaggerSession",
    "Directory",
    "EngineRefusedError",
    "ExecFailedError",
    "File",
    "Secret",
    "Service",
    "open_session",
    "with_cached_id",
]

T = TypeVar("T")
OLDEST = (0, 21)
"""The first version with variables outside of the cache key, which show whether a result was cached."""
CLOSE_LIMIT, LOST_CLOSE_LIMIT = 20.0, 1.0
ANSWER_LIMIT = 1800.0
"""Seconds for a request without its own limit: the engine may have to pull an image."""
PULSE, PULSE_LIMIT, HUNG = 2.0, 8.0, 90.0
"""Seconds between two health checks; for an answer, before its address is checked; and without any answer, until the
engine counts as lost."""


@dataclass(slots=True, kw_only=True)
class DaggerSession:
    """A connection to one engine. `lost` is a future with the reason if the engine does not answer any more."""

    client: Client
    version: str
    connection: Connection
    output: MaskedLog
    cli: tuple[int, ...] = ()
    lost: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def ask(self, request: Awaitable[T], *, limit: float | None = ANSWER_LIMIT) -> T:
        """The answer to a request. Raises ExecFailedError, EngineRefusedError, or EngineError.

        Its reason codes: `engine_lost`, `engine_hung`, `engine_version` for a request that the engine does not know,
        and `engine` for an invalid answer.
        """
        asked = asyncio.ensure_future(request)
        try:
            await asyncio.wait([asked, self.lost], timeout=limit, return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
            if asked.done():
                return asked.result()
        except Exception as error:
            meant = translate_error(error, self.version)
            if isinstance(meant, EngineError) and meant.reason_code == "engine_lost":
                meant = EngineError(self.lose(str(meant)), "engine_lost")
            raise meant from None
        finally:
            if not asked.done():
                asked.cancel()
        if self.lost.done():
            raise EngineError(self.lost.result(), "engine_lost")
        raise EngineError(f"the Dagger engine did not answer within {limit:g} s", "engine_hung")

    async def known(self, container: Container) -> Container:
        """The same container, referred to by its id in the engine.

        Without it, the client repeats the whole chain of operations in every request. That was most of its work.
        """
        return load_container(self.client, await self.ask(container.id()))

    def lose(self, reason: str) -> str:
        """Marks the engine as lost. The first reason stays."""
        if not self.lost.done():
            self.lost.set_result(reason)
        return self.lost.result()

    async def close(self) -> str:
        """Ends the session and everything in it. Returns a problem as text: it changes no verdict."""
        closing = asyncio.ensure_future(self.connection.__aexit__(None, None, None))
        closing.add_done_callback(lambda _: self.output.close())
        limit = LOST_CLOSE_LIMIT if self.lost.done() else CLOSE_LIMIT
        await asyncio.wait({closing}, timeout=limit)
        if not closing.done():
            end(self.cli)
            await asyncio.wait({closing}, timeout=2)
            closing.cancel()
            return f"the Dagger session did not end within {limit:g} s, and was ended"
        error = closing.exception()
        return f"the Dagger session did not end well: {first_line(error)}" if error else ""

    async def watch(self, silence: Callable[[], str]) -> None:
        """Checks the engine regularly: the client would wait forever for an engine that has died.

        `silence` returns the reason why the engine's address does not answer, and may block. A slow engine still
        accepts connections there, so it gets more time: it may compress an image, or serve ten runs.
        """
        heard = time.monotonic()
        while not self.lost.done():
            await asyncio.sleep(PULSE)
            try:
                async with asyncio.timeout(PULSE_LIMIT):
                    await self.client.version()
                heard = time.monotonic()
            except TimeoutError:
                if trouble := await asyncio.to_thread(silence):
                    self.lose(f"the Dagger engine went away: {trouble}")
                elif time.monotonic() - heard > HUNG:
                    self.lose(f"the Dagger engine did not answer for {HUNG:g} s")
            except Exception as error:  # a working engine always returns its version
                self.lose(f"the Dagger engine went away: {first_line(error)}")


async def open_session(
    environ: Mapping[str, str], log: Path, redactor: Redactor, *, limit: float, trust: Trust = TRUSTED
) -> DaggerSession:
    """Opens a session with the engine that the environment names; its output goes to `log`.

    `trust` says whether it gets the user's credentials.

    Raises EngineError: `engine_absent` if none answers within `limit` seconds, `engine_version` for an old one.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    output = MaskedLog(log, redactor)
    connection = make_connection(output)
    before = find_cli()
    with variables_for_cli(environ, trust):
        greeting = asyncio.ensure_future(greet(connection))
        try:
            await asyncio.wait({greeting}, timeout=limit)
        finally:
            is_late = not greeting.done()
            if is_late:
                await give_up(greeting, {*find_cli()} - {*before})
    if is_late:
        output.close()
        text = f"the Dagger engine did not answer within {limit:g} s. See {log.name}, or take --engine local."
        raise EngineError(text, "engine_absent")
    if error := greeting.exception():
        said = await asyncio.to_thread(output.last_words) if is_start_failure(error) else ""
        output.close()
        raise refusal(error, said) from None
    client, version = greeting.result()
    started = tuple({*find_cli()} - {*before})
    return DaggerSession(client=client, version=version, connection=connection, output=output, cli=started)


async def greet(connection: Connection) -> tuple[Client, str]:
    """Opens the connection, and checks the engine's version."""
    client = await connect(connection)
    try:
        version = await client.version()
        require_new(version)
    except BaseException:
        await connection.__aexit__(None, None, None)
        raise
    return client, version


async def give_up(greeting: asyncio.Future[tuple[Client, str]], started: set[int]) -> None:
    """Cancels the opening of a connection, and kills the command lines that it has started."""
    end(started)
    if started:
        await asyncio.wait({greeting}, timeout=5)  # this ends the thread that reads their output
    greeting.cancel()
    await asyncio.wait({greeting}, timeout=1)
    if greeting.done() and not greeting.cancelled():
        greeting.exception()  # marks the exception as retrieved


def refusal(error: BaseException, said: str) -> EngineError:
    """The error for a missing session, with advice. `said` is the last output of the command line, if any."""
    if isinstance(error, EngineError):
        return error
    if getattr(error.__cause__, "code", None) == 401:
        text = f"the Dagger session refuses the token: {SESSION_TOKEN} is not that of the session at {SESSION_PORT}"
        return EngineError(f"{text}. Set both anew, or neither.", "engine_absent")
    advice = f"Name one in {CLI_BIN}" if is_download_failure(error) else "Start an engine"
    return EngineError(
        f"no Dagger session: {(said or first_line(error)).rstrip('.')[:SHOWN]}. {advice}, or take --engine local.",
        "engine_absent",
    )


def require_new(version: str) -> None:
    """Raises EngineError for an engine that is too old. A version in an unknown format is accepted."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if found is not None and (int(found[1]), int(found[2])) < OLDEST:
        text = f"the Dagger engine is {version}, and predeploy needs {OLDEST[0]}.{OLDEST[1]} or newer"
        raise EngineError(f"{text}. Update it, or take --engine local.", "engine_version")
