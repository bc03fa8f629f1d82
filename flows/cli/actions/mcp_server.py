"""`predeploy mcp`: a server of the Model Context Protocol on stdin and stdout, by the official SDK.

It is thin: each tool does what a command of the command line does. An answer has at most `LONGEST` bytes, because it
stays in the context of an agent.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.cli.actions.detach import DetachedRun, newest_detached, start_detached, wait_for_run
from flows.cli.actions.explain import render_explanation, reported
from flows.cli.arguments import parse_arguments
from flows.cli.invocation import Caller, absolute
from flows.cli.status import newest_place, read_document, render_status
from tasks.errors import PredeployError, UsageError
from tasks.redaction.streams import unmasked
from tasks.report.layout import clean, clean_line
from tasks.source.places import existing
from tasks.user_dirs import UserDirs
from tasks.version import VERSION

LONGEST = 10_000
"""The bytes of an answer."""
WAIT, LONGEST_WAIT = 45.0, 600.0
"""The seconds that `run` and `status` wait: a client may give up after a minute."""
PAUSE = 0.2
FINDINGS = 20
LOG_LINES = 40
INSTRUCTIONS = (
    "predeploy says whether a deploy of the working tree would succeed. Call run, and fix what it prints. If it says "
    "that the run goes on, call status. failure has more of one check, explain has the meaning of a code."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The tools of the server. Each returns a text. An error of predeploy is a text as well: agents act on it."""

    caller: Caller
    user_dirs: UserDirs

    async def run(self, stack: str = "", only: list[str] | None = None, seconds: float = WAIT) -> str:
        """Validate the stack in a directory, by default the current one: build, code quality and integration.

        `only` names checks, such as `mypy`. The tool waits for the verdict for some seconds; the run then goes on.
        """
        given = [*([stack] if stack else []), *(word for name in only or () for word in ("--only", name))]
        arguments = [*given, "--output", "agent", "--detach"]

        def start() -> str:
            start_detached(arguments, parse_arguments(arguments, "predeploy"), self.caller)
            return self._waited(stack, seconds)

        return await self._answer(start)

    async def status(self, stack: str = "", seconds: float = 0.0) -> str:
        """Print the verdict of the newest run, or what the run in progress has printed. Waits for some seconds."""
        return await self._answer(lambda: self._waited(stack, seconds))

    async def failure(self, check: str, stack: str = "") -> str:
        """Print why a check of the newest run is red: its findings, and the end of its log."""

        def find() -> str:
            place = newest_place(self._stack(stack), self.user_dirs)
            return "\n".join(failure_lines(check, read_document(place), place))

        return await self._answer(find)

    async def explain(self, what: str, stack: str = "") -> str:
        """Print what a reason code, a check or the fingerprint of a finding means, and what usually fixes it."""
        return await self._answer(lambda: render_explanation(what, self._stack(stack), self.user_dirs))

    def _stack(self, stack: str) -> Path:
        return existing(absolute(stack or self.caller.default_stack))

    def _waited(self, stack: str, seconds: float) -> str:
        """The text of the newest run. It waits until the run ends, or the seconds have passed."""
        root = self._stack(stack)
        run = newest_detached(root, self.user_dirs)
        end = time.monotonic() + min(seconds, LONGEST_WAIT)
        while run and run.is_running() and time.monotonic() < end:
            time.sleep(PAUSE)
        if run and run.is_running():
            return f"{text_of(run)}\nThe run goes on. Call status for its verdict."
        if run is None:
            return render_status(root, self.user_dirs, as_json=False)[0]
        lines: list[str] = []
        last, _ = wait_for_run(root, self.user_dirs, as_json=False, show=lines.append)
        return "\n".join([*lines, last])

    async def _answer(self, work: Callable[[], str]) -> str:
        try:
            return shortened(await asyncio.to_thread(work))
        except PredeployError as error:
            return shortened(f"predeploy: {error} (exit code {error.exit_code})")


def text_of(run: DetachedRun) -> str:
    """What a run has printed so far."""
    return run.text.read_text(encoding="utf-8", errors="replace").rstrip()


def failure_lines(name: str, document: Mapping[str, Any], place: Path) -> Iterator[str]:
    """The reason of a check, its findings with their fixes, and the end of its log."""
    found = [check for check in reported(document) if name in {check["id"], check["name"]}]
    if not found:
        known = ", ".join(check["id"] for check in reported(document) if check["status"] in {"failed", "errored"})
        raise UsageError(f"the newest run has no check {name}. Red checks: {known or 'none'}")
    for check in found:
        yield clean_line(f"{check['id']}: {check['status']} {check['reason_code']} {check['reason']}")
        for each in check["diagnostics"][:FINDINGS]:
            where = ":".join(str(each[key]) for key in ("file", "line", "column") if each[key] is not None)
            fix = f" Fix: {clean_line(each['fix'])}" if each["fix"] else ""
            yield f"- {clean_line(where)} {clean_line(each['message'])}{fix} [{each['fingerprint']}]"
        if len(check["diagnostics"]) > FINDINGS:
            yield f"and {len(check['diagnostics']) - FINDINGS} more in {place}/report.json"
        if check["rerun"]:
            yield f"run it again: {clean_line(check['rerun'])}"
        if check["log"]:
            log = place / "logs" / Path(check["log"]).name
            yield f"the end of {log}:"
            yield from clean(log.read_text(encoding="utf-8", errors="replace")).splitlines()[-LOG_LINES:]


def shortened(text: str) -> str:
    """The text with at most `LONGEST` bytes. Its middle is left out: the start has the reason, the end the verdict."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= LONGEST:
        return data.decode()
    note = f"\n… {len(data) - LONGEST} bytes are left out …\n"
    room = LONGEST - len(note.encode()) - 20
    head, tail = data[: 2 * room // 3], data[-(room // 3) :]
    return head.decode(errors="ignore") + note + tail.decode(errors="ignore")


def serve(caller: Caller) -> None:
    """Answers a client until it closes stdin. Raises UsageError if the SDK is not installed."""
    try:
        from mcp.server.mcpserver import MCPServer
    except ImportError as error:
        text = f"predeploy mcp needs the package mcp ({error}). Install it: pip install 'predeploy[mcp]'"
        raise UsageError(text) from error

    tools = Tools(caller=caller, user_dirs=UserDirs.of_user())
    server = MCPServer("predeploy", instructions=INSTRUCTIONS, version=VERSION, log_level="WARNING")
    for tool in (tools.run, tools.status, tools.failure, tools.explain):
        server.add_tool(tool, structured_output=False)
    sys.stdout = unmasked(sys.stdout)  # the protocol needs its bytes; reports and texts of runs are masked already
    server.run("stdio")
