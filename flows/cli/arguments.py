"""The arguments of the command line, parsed but not yet validated: the settings report all mistakes at once."""

import argparse
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tasks.errors import UsageError
from tasks.settings.flags import Flag, Group, first_sentence
from tasks.settings.models import FLAGS

DEFAULT_PROGRAM = "python -m flows.predeploy"
STACK = "STACK"
STACK_TEXT = "the directory of the stack, by default the current one"
DISTRIBUTE = Flag(
    group=Group.RUN,
    name="--distribute",
    text="run the checks on Prefect workers, in shards. Each worker has its own engine",
)
COMMIT = Flag(
    group=Group.DEPLOY,
    name="--commit",
    metavar="REF",
    text="with `--gate`: the commit to validate, by default `HEAD`. Without it, no file may differ from `HEAD`",
)
DEBUG = Flag(group=Group.OUTPUT, name="--debug", text="print the traceback of an internal error of predeploy")
LIST = Flag(
    group=Group.OUTPUT,
    name="--list",
    text="print the checks of the stack, and run nothing. It also prints the absent checks and the reasons",
)
PLAN = Flag(group=Group.OUTPUT, name="--plan", text="print the checks with keys and commands, and run nothing")
VERSION = Flag(group=Group.OUTPUT, name="--version", text="print the versions of predeploy, dagger-io and Prefect")
HELP = Flag(group=Group.OUTPUT, name="--help", text="print the help")
NO_SETTINGS: Mapping[str, Flag] = {
    "distribute": DISTRIBUTE,
    "commit": COMMIT,
    "debug": DEBUG,
    "list": LIST,
    "plan": PLAN,
    "version": VERSION,
    "help": HELP,
}
"""The flags of a run that are no settings. `FLAGS` has the others."""
RUN_FLAGS: Mapping[str, Flag] = {**FLAGS, **NO_SETTINGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcommand:
    """The arguments of a subcommand, and its text as in `Flag`. `flows/cli/subcommands.py` has its function."""

    text: str
    flags: Mapping[str, Flag]
    takes_stack: bool = False

    @property
    def help(self) -> str:
        """The first sentence of the text."""
        return first_sentence(self.text)


ALWAYS: Mapping[str, Flag] = {"debug": DEBUG, "help": HELP}
"""The flags of every subcommand."""
SUBCOMMANDS: Mapping[str, Subcommand] = {
    "status": Subcommand(
        text="print the newest verdict again, with its exit code. Nothing runs",
        takes_stack=True,
        flags={"json_output": FLAGS["json_output"], **ALWAYS},
    ),
    "inspect": Subcommand(
        text="print what production starts, with file and line. It also prints what production installs, its "
        "variables, each guess, and the line of `predeploy.toml` that corrects the guess",
        takes_stack=True,
        flags={"json_output": FLAGS["json_output"], **ALWAYS},
    ),
    "doctor": Subcommand(
        text="check that this machine has everything for a run. It prints how to fix each problem",
        takes_stack=True,
        flags={**{name: FLAGS[name] for name in ("engine", "environment", "json_output")}, **ALWAYS},
    ),
    "ui": Subcommand(
        text="open the history of runs in Prefect's UI. It prints the URL, and opens a browser on a desktop",
        flags={"no_browser": Flag(name="--no-browser", text="print the URL, and open no browser"), **ALWAYS},
    ),
    "maintain": Subcommand(
        text="remove unused caches and old runs. It reports the disk space before and after",
        flags={
            "days": Flag(name="--days", metavar="N", text="remove cache entries unused for N days; 30 by default"),
            "gigabytes": Flag(
                name="--gigabytes",
                metavar="N",
                text="keep at most N GB of cache; 20 by default. The cache of an engine has the same limit",
            ),
            "history_days": Flag(
                name="--history-days",
                metavar="N",
                text="remove runs older than N days; 90 by default. Their reports on a worker's disk are removed too",
            ),
            **ALWAYS,
        },
    ),
}
PROGRAMS: Mapping[str, str] = {
    "deploy": "create or renew the deployments and their work pools on a Prefect server",
    "worker": "run a worker for a work pool, `local` by default. It takes the flags of `prefect worker start`",
    "webhook": "run the webhook service, which starts a run for each push",
}
"""Subcommands for operators, with texts as in `Flag`. Each is a module of `deployments` that reads its own flags."""
NUMBERS = frozenset({"days", "gigabytes", "history_days"})
"""Flags that are no settings, and have a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The parsed command line. Without a `subcommand` it is a run. `options` has only what was given."""

    subcommand: str
    options: Mapping[str, Any]


class Parser(argparse.ArgumentParser):
    """Raises instead of ending the process, so that the last line is always written."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message.removeprefix('argument ')}\nAll flags: {self.prog} --help")


# pydantic-settings has a parser too (CliSettingsSource). It makes a flag of every key, `--component` and `--check`
# included. It validates the merged sources, so a mistake names no flag, and a mistake that another source hides stays
# unknown. One unknown flag hides all other mistakes.
def make_parser(called_as: str) -> Parser:
    """A subparser for each subcommand, and one with the empty name for a run."""
    common: dict[str, Any] = {"allow_abbrev": False, "argument_default": argparse.SUPPRESS, "add_help": False}
    root = Parser(prog=called_as, **common)
    subparsers = root.add_subparsers(dest="subcommand")
    run = Subcommand(text="", flags=RUN_FLAGS, takes_stack=True)
    for name, subcommand in {"": run, **SUBCOMMANDS}.items():
        parser = subparsers.add_parser(name, prog=f"{called_as} {name}".rstrip(), **common)
        if subcommand.takes_stack:
            parser.add_argument("stack", nargs="?", metavar=STACK)
        for option, flag in subcommand.flags.items():
            names = ("-h", flag.name) if flag is HELP else (flag.name,)
            parser.add_argument(*names, dest=option, **argument_of(option, flag))
    return root


def argument_of(option: str, flag: Flag) -> dict[str, Any]:
    """The arguments of `add_argument` for a flag."""
    if not flag.metavar:
        return {"action": "store_true"}
    action = "append" if flag.is_repeatable else "store"
    return {"action": action, "metavar": flag.metavar, "type": number if option in NUMBERS else str}


def number(value: str) -> float:
    """A value as a number. Raises the error of argparse, in the words of the settings."""
    try:
        return float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number (got {value!r})") from None


def parse_arguments(arguments: Sequence[str], called_as: str) -> Arguments:
    """Parses a command line. Raises UsageError for unknown arguments, each with the nearest known one."""
    first = next(iter(arguments), "")
    if first in PROGRAMS:
        return Arguments(subcommand=first, options={})
    if first not in SUBCOMMANDS:
        reject_misspelt(first, called_as)
        arguments = ["", *arguments]
    found, unknown = make_parser(called_as).parse_known_args(arguments)
    options = vars(found)
    subcommand = options.pop("subcommand")
    if not subcommand:
        reject_misspelt(options.get("stack", ""), called_as)
    if unknown and "help" not in options:
        prog = f"{called_as} {subcommand}".rstrip()
        lines = list(explain(unknown, SUBCOMMANDS[subcommand].flags if subcommand else RUN_FLAGS, options))
        raise UsageError("\n".join([*lines, f"All flags: {prog} --help"]))
    return Arguments(subcommand=subcommand, options=options)


def reject_misspelt(word: str, called_as: str) -> None:
    """Raises UsageError if a word stands for a stack that does not exist, and is near to a subcommand."""
    words = {**{name: name for name in (*SUBCOMMANDS, *PROGRAMS)}, "help": HELP.name, "version": VERSION.name}
    meant = difflib.get_close_matches(word, words, n=1, cutoff=0.7)
    if not meant or word.startswith("-") or "/" in word or Path(word).exists():
        return
    if word in {*SUBCOMMANDS, *PROGRAMS}:
        raise UsageError(f"{word} is no directory. A subcommand is the first argument: {called_as} {word}")
    text = f"{word} is no directory and no subcommand; did you mean {words[meant[0]]}?"
    raise UsageError(f"{text}\nAll subcommands: {called_as} --help")


def explain(unknown: Iterable[str], flags: Mapping[str, Flag], options: Mapping[str, Any]) -> Iterable[str]:
    """A line for each unknown argument."""
    known = [flag.name for flag in flags.values()]
    for argument in unknown:
        name = argument.partition("=")[0]
        if name.startswith("-"):
            meant = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            yield f"{name}: no such flag" + (f"; did you mean {meant[0]}?" if meant else "")
        elif argument in SUBCOMMANDS:
            yield f"{argument}: a subcommand is the first argument"
        else:
            yield f"{argument}: one stack at a time" if "stack" in options else f"{argument}: unexpected argument"
