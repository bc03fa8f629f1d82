"""Runs a step together with its servers. They run as long as the step, and the end of a server ends the step."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.engines.local.ports import LOOPBACK, is_free, listens
from tasks.engines.local.processes.process import Process, run_process, start_process
from tasks.exits import Exit, ServiceExit
from tasks.redaction.redactor import NOTHING, Redactor

TAIL = 200
STOP_GRACE = 3.0
LAST_WORDS = 0.3
"""Seconds to wait after a failed step: a server whose crash caused the failure may end a little later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A command that is ready to start, without tokens."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    log: Path
    limit: float = 0.0
    redactor: Redactor = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLaunch:
    """A server that is ready to start, and the port that it must listen on."""

    name: str
    port: int
    launch: Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server that has been started."""

    serving: ServerLaunch
    process: Process
    ended: asyncio.Future[Exit]


async def run_alone(launch: Launch, marker: str) -> Exit:
    """Runs a command without servers."""
    return await run_process(
        launch.argv,
        cwd=launch.cwd,
        env=launch.env,
        limit=launch.limit,
        log=launch.log,
        marker=marker,
        redactor=launch.redactor,
    )


def start(launch: Launch, marker: str) -> AbstractAsyncContextManager[Process]:
    """Runs a command for the length of a block."""
    return start_process(
        launch.argv, cwd=launch.cwd, env=launch.env, log=launch.log, marker=marker, redactor=launch.redactor
    )


async def run_with_servers(step: Launch, servers: Sequence[ServerLaunch], marker: str) -> Exit:
    """Runs a step with its servers. If a server ended or the step failed, the exit has the state of each server."""
    if not servers:
        return await run_alone(step, marker)
    async with AsyncExitStack() as stack:
        served = []
        for each in servers:
            process = await stack.enter_async_context(start(each.launch, marker))
            served.append(RunningServer(serving=each, process=process, ended=asyncio.ensure_future(process.wait())))
        exit = await until_one_ends(step, [each.ended for each in served], marker)
        if exit.code != 0 or any(each.ended.done() for each in served):
            for one in served:
                exit = with_server_exit(exit, one)
        ends = await asyncio.gather(*(each.process.stop(signal.SIGTERM, grace=STOP_GRACE) for each in served))
        exit = with_cpu_of_servers(exit, ends)
        taken = next((each for each in servers if exit.code == 0 and listens(each.port)), None)
        if taken is not None:
            detail = f"another program answered on port {taken.port} of this machine, not the {taken.name}"
            exit = replace(exit, code=None, trouble="port_taken", detail=detail)
        return exit


async def until_one_ends(step: Launch, servers: Sequence[asyncio.Future[Exit]], marker: str) -> Exit:
    """The exit of the step. If a server ends first, the step is stopped."""
    async with start(step, marker) as process:
        done = asyncio.ensure_future(process.wait())
        await asyncio.wait({done, *servers}, timeout=step.limit, return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            exit = done.result()
            if exit.code != 0:
                await asyncio.wait(servers, timeout=LAST_WORDS, return_when=asyncio.FIRST_COMPLETED)
            return exit
        if any(each.done() for each in servers):
            return replace(await process.end(1.0), code=None, signal=None, detail="stopped: the server had ended")
        cpu, detail = process.cpu_seconds(), f"It ran into its limit of {step.limit:g} s."
        return replace(await process.end(2.0), code=None, timed_out=True, detail=detail, cpu=cpu)


def with_cpu_of_servers(exit: Exit, ends: Sequence[Exit]) -> Exit:
    """The exit of a step with the processor time of its servers. That of a step over its limit is its own."""
    used = [each.cpu for each in (exit, *ends)]
    return exit if exit.timed_out or None in used else replace(exit, cpu=sum(filter(None, used)))


def with_server_exit(exit: Exit, served: RunningServer) -> Exit:
    """The exit of a failed step, with the state of one of its servers."""
    name, port = served.serving.name, served.serving.port
    output = served.process.tail(TAIL)
    if not served.ended.done():
        silent = "" if listens(port) else f"the {name} runs, and never listened on {LOOPBACK}:{port}"
        server = ServiceExit(name=name, code=None, signal=None, output=output, cpu=served.process.cpu_seconds())
        return replace(exit, services=(*exit.services, server), detail=exit.detail or silent)
    end = served.ended.result()
    server = ServiceExit(name=name, code=end.code, signal=end.signal, output=output)
    exit = replace(exit, services=(*exit.services, server))
    if end.trouble:
        return replace(exit, trouble=end.trouble, detail=end.detail)
    if not is_free(port):
        return replace(exit, trouble="port_taken", detail=f"another program took port {port} of this machine meanwhile")
    return exit
