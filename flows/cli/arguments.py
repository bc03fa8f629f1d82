"""The arguments of the command line. Values are checked with the other settings: every mistake is told at once."""

import argparse
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from tasks.errors import UsageError
from tasks.models import Stage

EPILOG = """\
exit codes:
  0    passed
  1    a check failed: the code is broken
  2    wrong usage or configuration
  3    no verdict: the code may be fine, something around it is not
  124  the budget is spent
  130  interrupted
  143  terminated"""
SETTINGS = {
    "stage": "stages",
    "only": "only",
    "skip": "skip",
    "engine": "engine",
    "gate": "gate",
    "base": "base",
    "environment": "environment",
    "export_image": "export_image",
    "export_built": "export_built",
    "publish": "publish",
    "output": "output",
    "json_output": "json_output",
    "fail_fast": "fail_fast",
    "budget": "budget",
    "jobs": "jobs",
}
"""For each flag that is a setting too, that setting."""


class Parser(argparse.ArgumentParser):
    """Raises instead of ending the process, so that the last line is always written."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\nSee what there is: {self.prog} --help")


def make_parser(called_as: str) -> Parser:
    """All flags."""
    parser = Parser(
        prog=called_as,
        description="Would a deploy of this tree succeed?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        add_help=False,
    )
    add = parser.add_argument
    add("stack", nargs="?", help="the stack's directory (default: the current one)")
    add("--stage", action="append", metavar="STAGE", help=f"only this stage: {', '.join(Stage)}; repeatable")
    add("--only", action="append", metavar="CHECK", help="only this check and what it needs; repeatable")
    add("--skip", action="append", metavar="CHECK", help="without this check and what needs it; repeatable")
    add("--engine", metavar="ENGINE", help="auto, dagger (containers) or local (this machine)")
    add("--gate", action="store_true", help="for deploys: a clean clone of the commit, everything run, full proof")
    add("--commit", metavar="REF", help="with --gate, the commit to validate (default: HEAD, and nothing changed)")
    add("--base", metavar="REF", help="the commit that is deployed, to upgrade from (default: found in the history)")
    add(
        "--environment",
        metavar="NAME",
        help="where a deploy would go: staging or production; its secrets are checked",
    )
    add("--export-image", metavar="FILE", help="write the image that was validated, where the run passed")
    add("--export-built", metavar="DIR", help="write the bundles and pages that were built, where the run passed")
    add("--publish", metavar="REF", help="push the image that was validated to a registry, where the run passed")
    add("--json-output", action="store_true", help="the report as JSON on stdout, and nothing else there")
    add("--output", metavar="MODE", help="auto, human, or agent: failures only, no colour")
    add("--fail-fast", action="store_true", help="stop at the first red check")
    add("--budget", metavar="SECONDS", help="stop cleanly when time is up")
    add("--jobs", metavar="N", help="how many checks at once")
    add("--distribute", action="store_true", help="have the checks done by Prefect's workers, in shards")
    add("--plan", action="store_true", help="print what would run, and run nothing")
    add("--list", action="store_true", help="print the checks this stack has and has not, and run nothing")
    add("--debug", action="store_true", help="show the traceback of a mistake of our own")
    add("--help", "-h", action="store_true", help="print this, and run nothing")
    return parser


def read_arguments(parser: Parser, arguments: Sequence[str]) -> Mapping[str, Any]:
    """What was given. Raises UsageError for what no flag is called, with the flag that was probably meant."""
    found, unknown = parser.parse_known_args(arguments)
    options: dict[str, Any] = vars(found)
    if not unknown or options.get("help"):
        return options
    known = [flag for action in parser._actions for flag in action.option_strings]  # noqa: SLF001 - no other way to ask
    lines = []
    for each in unknown:
        flag = each.partition("=")[0]
        if flag.startswith("-"):
            meant = difflib.get_close_matches(flag, known, n=1, cutoff=0.7)
            lines.append(f"{flag}: there is no such flag" + (f"; did you mean {meant[0]}?" if meant else ""))
        else:
            lines.append(f"{each}: one stack at a time" if "stack" in options else f"{each}: unexpected")
    raise UsageError("\n".join([*lines, f"See what there is: {parser.prog} --help"]))
