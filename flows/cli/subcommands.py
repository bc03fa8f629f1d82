"""What the command line does beside validating. A directory with the name of a subcommand is `./status`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cli.arguments import Parser, read_arguments
from flows.cli.invocation import Caller, absolute
from flows.cli.signals import is_json_wanted
from tasks.report.style import detect_style
from tasks.user_dirs import UserDirs

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcommand:
    """Its line of help, its arguments, and what it does: a text for stdout, and the exit code."""

    help: str
    arguments: tuple[tuple[str, Mapping[str, Any]], ...]
    run: Callable[[Options, Caller], tuple[str, int]]


def stack_of(options: Options, caller: Caller) -> Path:
    """The directory that was named, or the one that is meant."""
    return absolute(options.get("stack") or caller.default_stack)


def run_status(options: Options, caller: Caller) -> tuple[str, int]:
    """The verdict of the newest run."""
    from flows.cli.status import tell_status

    return tell_status(stack_of(options, caller), UserDirs.of_user(), as_json="json_output" in options)


def run_ui(options: Options, caller: Caller) -> tuple[str, int]:
    """Where the history is, opened if somebody is there to look at it."""
    from flows.cli.ui import bring_up_history, open_browser

    url = bring_up_history(caller.environ, UserDirs.of_user())
    if "no_browser" not in options:
        open_browser(url, caller.environ)
    return url, 0


def run_doctor(options: Options, caller: Caller) -> tuple[str, int]:
    """Whether all is here that a run needs."""
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
    """What upkeep did. It is recorded as the flow that a deployment would run."""
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


STACK: tuple[str, Mapping[str, Any]] = (
    "stack",
    {"nargs": "?", "help": "the stack's directory (default: the current one)"},
)
SWITCH: Mapping[str, Any] = {"action": "store_true"}
SUBCOMMANDS: Mapping[str, Subcommand] = {
    "status": Subcommand(
        help="the verdict of the newest run again, with its exit code",
        arguments=(
            STACK,
            ("--json-output", {**SWITCH, "help": "its report as JSON"}),
        ),
        run=run_status,
    ),
    "ui": Subcommand(
        help="Prefect's UI on the history of runs",
        arguments=(("--no-browser", {**SWITCH, "help": "say where it is, and open nothing"}),),
        run=run_ui,
    ),
    "doctor": Subcommand(
        help="is all here that a run needs, and what mends what is not",
        arguments=(
            STACK,
            ("--engine", {"metavar": "ENGINE", "help": "auto, dagger (containers) or local (this machine)"}),
            ("--environment", {"metavar": "NAME", "help": "where a deploy would go, as in production"}),
            ("--json-output", {**SWITCH, "help": "the findings as JSON on stdout"}),
        ),
        run=run_doctor,
    ),
    "maintain": Subcommand(
        help="keep caches and history within limits, and say what that did to the disk",
        arguments=(
            ("--days", {"type": float, "metavar": "N", "help": "what no run has used for so long goes (30)"}),
            ("--gigabytes", {"type": float, "metavar": "N", "help": "so large caches may be (20)"}),
            (
                "--history-days",
                {"type": float, "metavar": "N", "help": "older runs in Prefect go, and their reports (90)"},
            ),
        ),
        run=run_maintain,
    ),
}


def run_subcommand(name: str, arguments: Sequence[str], caller: Caller, called_as: str) -> tuple[str, int]:
    """Runs one: what it has to say on stdout, and its exit code."""
    subcommand = SUBCOMMANDS[name]
    parser = Parser(
        prog=f"{called_as} {name}",
        description=subcommand.help[:1].upper() + subcommand.help[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        add_help=False,
    )
    for argument, facts in subcommand.arguments:
        parser.add_argument(argument, **facts)
    parser.add_argument("--debug", action="store_true", help="show the traceback of a mistake of our own")
    parser.add_argument("--help", "-h", action="store_true", help="print this, and do nothing")
    options = read_arguments(parser, arguments)
    if options.get("help"):
        return parser.format_help().rstrip(), 0
    return subcommand.run(options, caller)
