"""Runs one command in a container, writes its log, and says how it ended."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tasks.engines.command_log import KEPT, Log
from tasks.engines.dagger.paths import WORK
from tasks.engines.dagger.resources import SessionResources
from tasks.engines.dagger.session import ANY, Container, EngineRefusedError, ExecFailedError
from tasks.engines.dagger.wrapper import RECORD, CommandRecord, read_record, wrap
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.redaction.redactor import Redactor

GRACE = 120.0
"""Seconds beyond a step's limit, in which the engine fetches images and fills mounts; then it hangs."""
KEEP_PASS = 7 * 86400.0
"""Seconds that an engine's memory of a pass is taken for one."""
STOPPED = "stopped: the server had ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOrder:
    """A command for a container, with its own `variables`, none of which is a secret.

    `cwd` is where it runs; `servers` are the names of those beside it.
    """

    argv: tuple[str, ...]
    cwd: str
    limit: float
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    volatile: bool = False
    servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How one exec ended, with all that it said, and what it left. `remembered`: it ended so before, not now."""

    exit: Exit
    after: Container
    remembered: bool = False


async def execute(resources: SessionResources, container: Container, order: StepOrder) -> tuple[Exit, Container]:
    """Runs the command now, unless the engine remembers that it passed on the same inputs; and what it left.

    A failure that is remembered is not believed, be it of this very run: whatever made it fail may be gone.
    """
    nonce = resources.fresh_nonce() if order.volatile else ""
    tried = await attempt(resources, container, order, nonce)
    if tried.remembered and not acceptable(tried.exit):
        tried = await attempt(resources, container, order, resources.fresh_nonce())
    note(order, tried.exit, resources.redactor)
    return shortened(tried.exit), tried.after


def acceptable(exit: Exit) -> bool:
    """May a remembered exit stand?"""
    return exit.code == 0 and not exit.trouble and exit.age <= KEEP_PASS


async def attempt(resources: SessionResources, container: Container, order: StepOrder, nonce: str) -> Tried:
    """One exec behind the wrapper."""
    marker = f"{resources.config.run_id}/{resources.fresh_nonce()}"
    argv = wrap(order.argv, order.limit, order.servers, variables=order.variables)
    after = resources.with_run(container, marker, nonce).with_workdir(order.cwd).with_exec(argv)
    begun = time.monotonic()
    try:
        async with asyncio.timeout(order.limit + GRACE):
            after = await resources.session.ask(after.sync(), limit=None)
            written, stdout, stderr = await asyncio.gather(
                resources.session.ask(after.file(f"{RECORD}/exit").contents()),
                resources.session.ask(after.stdout()),
                resources.session.ask(after.stderr()),
            )
        record = read_record(written)
    except TimeoutError:
        detail = f"the Dagger engine did not end a command within {order.limit + GRACE:g} s"
        return Tried(exit=Exit(code=None, trouble="engine_hung", detail=detail, root=WORK), after=container)
    except (ExecFailedError, EngineRefusedError, ValueError) as error:
        return Tried(exit=broken(error, time.monotonic() - begun), after=container)
    except EngineError as error:
        return Tried(exit=no_exit(error, WORK), after=container)
    reused = record.run.partition("/")[0] != resources.config.run_id
    exit = exit_of(record, order, stdout, stderr, reused=reused)
    return Tried(exit=exit, after=after, remembered=record.run != marker)


def exit_of(record: CommandRecord, order: StepOrder, stdout: str, stderr: str, *, reused: bool) -> Exit:
    """The facts of a record as an Exit."""
    timed_out = record.code in {124, 137} and record.seconds >= order.limit
    told = record.code != 0 or any(each.ended for each in record.servers)
    detail = STOPPED if record.stopped else f"It ran into its limit of {order.limit:g} s." if timed_out else ""
    return Exit(
        code=None if timed_out or record.stopped else record.code,
        stdout=stdout,
        stderr=stderr,
        duration=record.seconds,
        timed_out=timed_out,
        detail=detail,
        root=WORK,
        reused=reused,
        age=max(0.0, time.time() - record.ended) if reused else 0.0,
        services=record.servers if told else (),
    )


def broken(error: ExecFailedError | EngineRefusedError | ValueError, seconds: float) -> Exit:
    """An exec without a record: the wrapper itself was killed, or could not be started."""
    if isinstance(error, ExecFailedError):
        return Exit(
            code=error.code, stdout=error.stdout, stderr=error.stderr or str(error), duration=seconds, root=WORK
        )
    said = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return Exit(code=None, trouble="engine", detail=f"the engine could not run it: {said}", duration=seconds, root=WORK)


def no_exit(error: EngineError | EngineRefusedError | ExecFailedError, root: str = "") -> Exit:
    """What the engine could not do, as the end of a step that has none."""
    if isinstance(error, EngineError):
        return Exit(code=None, trouble=error.reason_code, detail=str(error), root=root)
    return Exit(code=None, trouble="engine", detail=str(error).strip().splitlines()[-1], root=root)


async def execute_unwrapped(resources: SessionResources, container: Container, order: StepOrder, root: str) -> Exit:
    """Runs the command in somebody else's image, which may hold nothing that a wrapper needs."""
    after = resources.with_run(container, resources.config.run_id, resources.fresh_nonce()).with_exec(
        list(order.argv), expect=ANY
    )
    begun = time.monotonic()
    try:
        async with asyncio.timeout(order.limit):
            code = await resources.session.ask(after.exit_code(), limit=None)
            stdout, stderr = await asyncio.gather(
                resources.session.ask(after.stdout()), resources.session.ask(after.stderr())
            )
        exit = Exit(code=code, stdout=stdout, stderr=stderr, duration=time.monotonic() - begun, root=root)
    except TimeoutError:
        detail = f"It ran into its limit of {order.limit:g} s."
        exit = Exit(code=None, timed_out=True, detail=detail, duration=order.limit, root=root)
    except (ExecFailedError, EngineRefusedError) as error:
        exit = broken(error, time.monotonic() - begun)
    except EngineError as error:
        exit = no_exit(error, root)
    note(order, exit, resources.redactor)
    return shortened(exit)


def shortened(exit: Exit) -> Exit:
    """What is kept of a long output: its end, from the beginning of a line. The log has all of it."""
    return replace(exit, stdout=last_lines(exit.stdout), stderr=last_lines(exit.stderr))


def last_lines(text: str) -> str:
    """As many as are kept."""
    return text if len(text) <= KEPT else text[-KEPT:].partition("\n")[2]


def note(order: StepOrder, exit: Exit, redactor: Redactor) -> None:
    """Writes a command, its output and its end to the log."""
    log = Log(order.log, redactor=redactor)
    log.begin(order.argv, Path(order.cwd))
    for text in (exit.stdout, exit.stderr, *(each.output for each in exit.services)):
        if text:
            log.add(text.encode("utf-8", "replace") + (b"" if text.endswith("\n") else b"\n"))
    how = f"exit {exit.code}" if exit.code is not None else "no exit"
    remembered = ", remembered by the engine" if exit.reused else ""
    detail = f": {exit.detail}" if exit.detail else ""
    log.end(f"{how} after {exit.duration:.2f} s{remembered}{detail}")
