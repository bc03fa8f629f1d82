"""What the command line does beside validating. A directory with the name of a subcommand is `./status`."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.arguments import Parser, read_arguments
from flows.places import Places

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcommand:
    """Its line of help, its arguments, and what it does: a text for stdout, and the exit code."""

    help: str
    arguments: tuple[tuple[str, Mapping[str, Any]], ...]
    run: Callable[[Options, Mapping[str, str]], tuple[str, int]]


def run_status(options: Options, environ: Mapping[str, str]) -> tuple[str, int]:
    """The verdict of the newest run."""
    from flows.status import tell_status

    stack = Path(options.get("stack") or environ.get("PREDEPLOY_STACK") or ".").absolute()
    return tell_status(stack, Places.of_user(), as_json="json_output" in options)


def run_ui(options: Options, environ: Mapping[str, str]) -> tuple[str, int]:
    """Where the history is, opened if somebody is there to look at it."""
    from flows.ui import bring_up_history, open_browser

    url = bring_up_history(environ, Places.of_user())
    if "no_browser" not in options:
        open_browser(url, environ)
    return url, 0


def run_maintain(options: Options, environ: Mapping[str, str]) -> tuple[str, int]:
    """What upkeep did. It is recorded as the flow that a deployment would run."""
    import asyncio
    import os

    from flows.ui import find_history
    from tasks.prefect_server import client_environment

    handle = find_history(environ, Places.of_user())
    client_environment(handle, os.environ)
    from flows.maintain import maintain  # reads its settings when it is imported

    async def run() -> "State[Any]":
        return await maintain(**options, return_state=True)

    state = asyncio.run(run())
    return state.message or "", 0 if state.is_completed() else 3


SWITCH: Mapping[str, Any] = {"action": "store_true"}
SUBCOMMANDS: Mapping[str, Subcommand] = {
    "status": Subcommand(
        help="the verdict of the newest run again, with its exit code",
        arguments=(
            ("stack", {"nargs": "?", "help": "the stack's directory (default: the current one)"}),
            ("--json-output", {**SWITCH, "help": "its report as JSON"}),
        ),
        run=run_status,
    ),
    "ui": Subcommand(
        help="Prefect's UI on the history of runs",
        arguments=(("--no-browser", {**SWITCH, "help": "say where it is, and open nothing"}),),
        run=run_ui,
    ),
    "maintain": Subcommand(
        help="keep caches and history within limits, and say what that did to the disk",
        arguments=(
            ("--days", {"type": float, "metavar": "N", "help": "what no run has used for so long goes (30)"}),
            ("--gigabytes", {"type": float, "metavar": "N", "help": "so large caches may be (20)"}),
            ("--history-days", {"type": float, "metavar": "N", "help": "runs in Prefect that are older go (90)"}),
        ),
        run=run_maintain,
    ),
}


def run_subcommand(name: str, arguments: Sequence[str], environ: Mapping[str, str], called_as: str) -> tuple[str, int]:
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
    return subcommand.run(options, environ)
