"""Runs a step beside a server of the stack: the server lives as long as the step, and its end is the step's end."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.engines.local.ports import LOOPBACK, is_free, listens
from tasks.engines.local.process import Process, run_process, start_process
from tasks.redaction import NOTHING, Redactor
from tasks.steps import Exit, ServiceExit

TAIL = 200
STOP_GRACE = 3.0
LAST_WORDS = 0.3
"""Seconds in which a server that took the step down with it is seen to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A command as it is started: nothing left to replace."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    log: Path
    limit: float = 0.0
    redactor: Redactor = NOTHING


async def run_alone(launch: Launch, marker: str) -> Exit:
    """Runs a step that needs no server."""
    return await run_process(
        launch.argv,
        cwd=launch.cwd,
        env=launch.env,
        limit=launch.limit,
        log=launch.log,
        marker=marker,
        redactor=launch.redactor,
    )


def begun(launch: Launch, marker: str) -> AbstractAsyncContextManager[Process]:
    """A launch that goes on beside a block."""
    return start_process(
        launch.argv, cwd=launch.cwd, env=launch.env, log=launch.log, marker=marker, redactor=launch.redactor
    )


async def run_beside(step: Launch, server: Launch, *, name: str, port: int, marker: str) -> Exit:
    """Runs a step while the server runs. Where one of them fails, `service` tells how the server was then."""
    async with begun(server, marker) as service:
        ended = asyncio.ensure_future(service.wait())
        exit = await until_either_ends(step, ended, marker)
        if exit.code != 0 or ended.done():
            exit = told(exit, service, ended, name, port)
        await service.stop(signal.SIGTERM, grace=STOP_GRACE)
        if exit.code == 0 and listens(port):
            detail = f"another program answered on port {port} of this machine, not the {name}"
            exit = replace(exit, code=None, trouble="port_taken", detail=detail)
        return exit


async def until_either_ends(step: Launch, ended: asyncio.Future[Exit], marker: str) -> Exit:
    """The step's own exit, or, where the server was first, how far it came."""
    async with begun(step, marker) as process:
        done = asyncio.ensure_future(process.wait())
        await asyncio.wait({done, ended}, timeout=step.limit, return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            exit = done.result()
            if exit.code != 0:
                await asyncio.wait({ended}, timeout=LAST_WORDS)
            return exit
        if ended.done():
            return replace(await process.end(1.0), code=None, signal=None, detail="stopped: the server had ended")
        return replace(
            await process.end(2.0), code=None, timed_out=True, detail=f"It ran into its limit of {step.limit:g} s."
        )


def told(exit: Exit, service: Process, ended: asyncio.Future[Exit], name: str, port: int) -> Exit:
    """A failed step with what is to be said of its server."""
    output = service.tail(TAIL)
    if not ended.done():
        silent = "" if listens(port) else f"the {name} runs, and never listened on {LOOPBACK}:{port}"
        said = ServiceExit(name=name, code=None, signal=None, output=output)
        return replace(exit, service=said, detail=exit.detail or silent)
    end = ended.result()
    exit = replace(exit, service=ServiceExit(name=name, code=end.code, signal=end.signal, output=output))
    if end.trouble:
        return replace(exit, trouble=end.trouble, detail=end.detail)
    if not is_free(port):
        return replace(exit, trouble="port_taken", detail=f"another program took port {port} of this machine meanwhile")
    return exit
