"""The subcommands. A stack in a directory with the name of a subcommand is `./status`."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cli.arguments import Arguments
from flows.cli.invocation import Caller, absolute
from flows.cli.signals import is_json_wanted
from tasks.report.stream_style import detect_style
from tasks.user_dirs import UserDirs

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

Options = Mapping[str, Any]


def stack_of(options: Options, caller: Caller) -> Path:
    """The directory of the stack: the given one, or the default."""
    return absolute(options.get("stack") or caller.default_stack)


def run_status(options: Options, caller: Caller) -> tuple[str, int]:
    """The verdict of the newest run, with its exit code."""
    from flows.cli.actions.detach import wait_for_run
    from flows.cli.status import render_status

    if "require_receipt" in options:
        from flows.cli.receipt.answer import require_receipt

        return require_receipt(stack_of(options, caller), UserDirs.of_user(), caller.environ)
    if "wait" in options:
        stack, user_dirs = stack_of(options, caller), UserDirs.of_user()
        return wait_for_run(stack, user_dirs, as_json="json_output" in options, show=partial(print, flush=True))
    return render_status(stack_of(options, caller), UserDirs.of_user(), as_json="json_output" in options)


def run_ui(options: Options, caller: Caller) -> tuple[str, int]:
    """The URL of the history. Opens it in a browser on a desktop."""
    from flows.cli.ui import find_history_url, open_browser

    url = find_history_url(caller.environ, UserDirs.of_user())
    if "no_browser" not in options:
        open_browser(url, caller.environ)
    return url, 0


def run_inspect(options: Options, caller: Caller) -> tuple[str, int]:
    """The facts about the stack's components, with their origin."""
    from flows.cli.inspect_stack import render_stack

    flags = {name: options[name] for name in ("json_output",) if name in options}
    return render_stack(stack_of(options, caller), flags, caller.environ, UserDirs.of_user())


def run_explain(options: Options, caller: Caller) -> tuple[str, int]:
    """The meaning of a reason code, a check or a finding."""
    from flows.cli.actions.explain import render_explanation

    return render_explanation(options["operand"], stack_of(options, caller), UserDirs.of_user()), 0


def run_init(options: Options, caller: Caller) -> tuple[str, int]:
    """The files that were written, and those that exist already."""
    from flows.cli.actions.start import start

    return start(stack_of(options, caller), options, caller.environ, UserDirs.of_user())


def run_completion(options: Options, caller: Caller) -> tuple[str, int]:  # noqa: ARG001 - all have one signature
    """The code for a shell."""
    from flows.cli.actions.completion import shell_code

    return shell_code(options["operand"]), 0


def run_mcp(options: Options, caller: Caller) -> tuple[str, int]:  # noqa: ARG001 - all have one signature
    """Nothing: the client has got all answers."""
    from flows.cli.actions.mcp_server import serve

    serve(caller)
    return "", 0


def run_doctor(options: Options, caller: Caller) -> tuple[str, int]:
    """The findings about this machine. Exit code 3 means that a run cannot start."""
    from tasks.doctor.examine import Doctor
    from tasks.doctor.finding import document, is_well, render

    flags = {name: options[name] for name in ("engine", "environment", "json_output") if name in options}
    doctor = Doctor(
        stack=stack_of(options, caller),
        flags=flags,
        environ=caller.environ,
        token=caller.token,
        user_dirs=UserDirs.of_user(),
    )
    findings = asyncio.run(doctor.examine())
    as_json = is_json_wanted([], caller.environ.get("PREDEPLOY_JSON_OUTPUT", "")) or "json_output" in options
    text = document(findings) if as_json else render(findings, detect_style(sys.stdout, caller.environ)).rstrip()
    return text, 0 if is_well(findings) else 3


def run_maintain(options: Options, caller: Caller) -> tuple[str, int]:
    """The removals from caches and history. Prefect records them, as it does for the deployment of this flow."""
    import os

    from flows.cli.ui import find_history
    from tasks.prefect_server import client_environment

    handle = find_history(caller.environ, UserDirs.of_user())
    client_environment(handle, os.environ)
    from prefect import tags  # reads its settings when it is imported

    from flows.maintain import OURS, maintain

    async def run() -> "State[Any]":
        with tags(OURS):
            return await maintain(**options, return_state=True)

    state = asyncio.run(run())
    return state.message or "", 0 if state.is_completed() else 3


RUNNERS: Mapping[str, Callable[[Options, Caller], tuple[str, int]]] = {
    "status": run_status,
    "explain": run_explain,
    "init": run_init,
    "completion": run_completion,
    "inspect": run_inspect,
    "mcp": run_mcp,
    "ui": run_ui,
    "doctor": run_doctor,
    "maintain": run_maintain,
}
"""For each subcommand, the function that returns a text for stdout and the exit code."""


def run_subcommand(given: Arguments, caller: Caller) -> tuple[str, int]:
    """Runs a subcommand. Returns its text for stdout, and its exit code."""
    return RUNNERS[given.subcommand](given.options, caller)
