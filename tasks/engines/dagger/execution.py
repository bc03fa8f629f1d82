"""Runs one command in a container, writes its log, and returns its exit."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from tasks.engines.command_log import KEPT, Log
from tasks.engines.dagger.paths import WORK
from tasks.engines.dagger.resources import SessionResources
from tasks.engines.dagger.session import ANY, Container, EngineRefusedError, ExecFailedError
from tasks.engines.dagger.wrapper import IS_FULL, OUTPUTS, RECORD, CommandRecord, read_record, wrap
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.redaction.redactor import Redactor

GRACE = 120.0
"""Seconds after a step's limit for pulling images and filling mounts. After that, the engine counts as hung."""
KEEP_PASS = 7 * 86400.0
"""The maximum age of a pass from the engine's cache, in seconds."""
STOPPED = "stopped: the server had ended"
WATCH_SCRIPT = f"""\
{IS_FULL}
until is_full "$1"; do sleep 0.5; done
"""
FULL = "too little is left on the disk of the Dagger engine; free some space there (`predeploy maintain`) and run again"


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOrder:
    """A command for a container. `variables` has no secret. `servers` are the names of the step's servers.

    `volatile`: the result must not come from the engine's cache.
    """

    argv: tuple[str, ...]
    cwd: str
    limit: float
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    volatile: bool = False
    servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecResult:
    """The exit of one exec and the container after it. `remembered`: the result is from the engine's cache."""

    exit: Exit
    after: Container
    remembered: bool = False


async def execute(resources: SessionResources, container: Container, order: StepOrder) -> tuple[Exit, Container]:
    """Runs the command, or takes a cached pass with the same inputs; returns the exit and the container after it.

    A cached failure is never used, because its cause may be gone: the command runs again.
    """
    nonce = resources.fresh_nonce() if order.volatile else ""
    tried = await attempt(resources, container, order, nonce)
    if tried.remembered and not is_usable(tried.exit):
        tried = await attempt(resources, container, order, resources.fresh_nonce())
    note(order, tried.exit, resources.redactor)
    return shortened(tried.exit), tried.after


def is_usable(exit: Exit) -> bool:
    """May this cached exit be used?"""
    return exit.code == 0 and not exit.trouble and exit.age <= KEEP_PASS


async def attempt(resources: SessionResources, container: Container, order: StepOrder, nonce: str) -> ExecResult:
    """One exec of the command in its wrapper."""
    marker = f"{resources.config.run_id}/{resources.fresh_nonce()}"
    argv = wrap(
        order.argv,
        order.limit,
        order.servers,
        variables=order.variables,
        file_bytes=resources.config.trust.file_bytes,
        spare_bytes=resources.config.trust.spare_bytes,
    )
    after = resources.with_run(container, marker, nonce).with_workdir(order.cwd).with_exec(argv)
    begun = time.monotonic()
    try:
        async with asyncio.timeout(order.limit + GRACE):
            after = await resources.session.ask(after.sync(), limit=None)
            written, stdout, stderr = await asyncio.gather(
                *(resources.session.ask(after.file(path).contents()) for path in (f"{RECORD}/exit", *OUTPUTS))
            )
        record = read_record(written)
    except TimeoutError:
        detail = f"the Dagger engine did not end a command within {order.limit + GRACE:g} s"
        return ExecResult(exit=Exit(code=None, trouble="engine_hung", detail=detail, root=WORK), after=container)
    except (ExecFailedError, EngineRefusedError, ValueError) as error:
        return ExecResult(exit=exit_without_record(error, time.monotonic() - begun), after=container)
    except EngineError as error:
        return ExecResult(exit=no_exit(error, WORK), after=container)
    reused = record.run.partition("/")[0] != resources.config.run_id
    exit = exit_of(record, order, stdout, stderr, reused=reused)
    return ExecResult(exit=exit, after=after, remembered=record.run != marker)


def exit_of(record: CommandRecord, order: StepOrder, stdout: str, stderr: str, *, reused: bool) -> Exit:
    """The Exit for a record."""
    timed_out = record.code in {124, 137} and record.seconds >= order.limit
    has_servers = record.code != 0 or any(each.ended for each in record.servers)
    detail = STOPPED if record.stopped else f"It ran into its limit of {order.limit:g} s." if timed_out else ""
    if record.is_disk_full:
        detail = FULL
    return Exit(
        code=None if timed_out or record.stopped or record.is_disk_full else record.code,
        stdout=stdout,
        stderr=stderr,
        duration=record.seconds,
        timed_out=timed_out,
        trouble="disk_full" if record.is_disk_full else "",
        detail=detail,
        root=WORK,
        reused=reused,
        age=max(0.0, time.time() - record.ended) if reused else 0.0,
        services=record.servers if has_servers else (),
        cpu=record.cpu,
    )


def exit_without_record(error: ExecFailedError | EngineRefusedError | ValueError, seconds: float) -> Exit:
    """The exit for an exec without a record: the wrapper was killed, or could not be started."""
    if isinstance(error, ExecFailedError):
        return Exit(
            code=error.code, stdout=error.stdout, stderr=error.stderr or str(error), duration=seconds, root=WORK
        )
    said = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return Exit(code=None, trouble="engine", detail=f"the engine could not run it: {said}", duration=seconds, root=WORK)


def no_exit(error: EngineError | EngineRefusedError | ExecFailedError, root: str = "") -> Exit:
    """The exit without a code for an error of the engine."""
    if isinstance(error, EngineError):
        return Exit(code=None, trouble=error.reason_code, detail=str(error), root=root)
    return Exit(code=None, trouble="engine", detail=str(error).strip().splitlines()[-1], root=root)


async def execute_unwrapped(resources: SessionResources, container: Container, order: StepOrder, root: str) -> Exit:
    """Runs the command without a wrapper: an image of the stack may lack the programs that a wrapper needs."""
    after = resources.with_run(container, resources.config.run_id, resources.fresh_nonce()).with_exec(
        list(order.argv), expect=ANY
    )
    begun = time.monotonic()
    try:
        async with asyncio.timeout(order.limit):
            code = await while_disk_lasts(resources, resources.session.ask(after.exit_code(), limit=None))
            stdout, stderr = await asyncio.gather(
                resources.session.ask(after.stdout()), resources.session.ask(after.stderr())
            )
        exit = Exit(code=code, stdout=stdout, stderr=stderr, duration=time.monotonic() - begun, root=root)
    except TimeoutError:
        detail = f"It ran into its limit of {order.limit:g} s."
        exit = Exit(code=None, timed_out=True, detail=detail, duration=order.limit, root=root)
    except (ExecFailedError, EngineRefusedError) as error:
        exit = exit_without_record(error, time.monotonic() - begun)
    except EngineError as error:
        exit = no_exit(error, root)
    note(order, exit, resources.redactor)
    return shortened(exit)


async def while_disk_lasts(resources: SessionResources, work: Coroutine[Any, Any, T]) -> T:
    """The result of work that runs code without a wrapper: `RUN` lines, and commands in the stack's own image.

    Code that is not trusted has to leave a part of the engine's disk: otherwise the work is cancelled, and EngineError
    (`disk_full`) is raised.
    """
    spare = resources.config.trust.spare_bytes
    if spare is None:
        return await work
    working, watching = asyncio.ensure_future(work), asyncio.ensure_future(watch_disk(resources, spare))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        await watching
        raise EngineError(FULL, "disk_full")
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def watch_disk(resources: SessionResources, spare: int) -> None:
    """Returns when less than `spare` bytes of the engine's disk are left. A container of its own measures them."""
    container, _ = await resources.base(None, "execute")
    argv = ["sh", "-c", WATCH_SCRIPT, "predeploy", str(spare >> 10)]
    watcher = resources.with_run(container, resources.config.run_id, resources.fresh_nonce()).with_exec(argv)
    try:
        await resources.session.ask(watcher.sync(), limit=None)
    except (ExecFailedError, EngineRefusedError) as error:
        raise EngineError(f"the disk of the Dagger engine cannot be watched: {error}", "engine") from None


def shortened(exit: Exit) -> Exit:
    """The exit with the last lines of a long output. The log has all of it."""
    return replace(exit, stdout=last_lines(exit.stdout), stderr=last_lines(exit.stderr))


def last_lines(text: str) -> str:
    """The last lines of a text, up to KEPT characters."""
    return text if len(text) <= KEPT else text[-KEPT:].partition("\n")[2]


def note(order: StepOrder, exit: Exit, redactor: Redactor) -> None:
    """Writes the command, its output and its exit to the log."""
    log = Log(order.log, redactor=redactor)
    log.begin(order.argv, Path(order.cwd))
    for text in (exit.stdout, exit.stderr, *(each.output for each in exit.services)):
        if text:
            log.add(text.encode("utf-8", "replace") + (b"" if text.endswith("\n") else b"\n"))
    how = f"exit {exit.code}" if exit.code is not None else "no exit"
    remembered = ", remembered by the engine" if exit.reused else ""
    detail = f": {exit.detail}" if exit.detail else ""
    log.end(f"{how} after {exit.duration:.2f} s{remembered}{detail}")
