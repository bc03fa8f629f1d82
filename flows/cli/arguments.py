"""The arguments of the command line, parsed but not yet validated: the settings report all mistakes at once."""

import argparse
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from flows.cli.declarations import HELP, NUMBERS, PROGRAMS, RUN_FLAGS, STACK, SUBCOMMANDS, VERSION, Subcommand
from tasks.errors import UsageError
from tasks.settings.flags import Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The parsed command line. Without a `subcommand` it is a run. `options` has only what was given.

    `words` stand after `--`: they choose tests of one check.
    """

    subcommand: str
    options: Mapping[str, Any]
    words: tuple[str, ...] = ()


class Parser(argparse.ArgumentParser):
    """Raises instead of ending the process, so that the last line is always written."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message.removeprefix('argument ')}\nAll flags: {self.prog} --help")


# pydantic-settings has a parser too (CliSettingsSource). It makes a flag of every key, `--component` and `--check`
# included. It validates the merged sources, so a mistake names no flag, and a mistake that another source hides stays
# unknown. One unknown flag hides all other mistakes.
def make_parser(called_as: str) -> Parser:
    """A subparser for each subcommand, and one with the empty name for a run."""
    return make_parsers(called_as, lambda _, __: None)[0]


def make_parsers(
    called_as: str, take: Callable[[str, argparse.Action], None]
) -> tuple[Parser, Mapping[str, argparse.ArgumentParser]]:
    """The parser with its subparsers. `take` is called for each argument, with the name of its subcommand."""
    common: dict[str, Any] = {"allow_abbrev": False, "argument_default": argparse.SUPPRESS, "add_help": False}
    root = Parser(prog=called_as, **common)
    subparsers = root.add_subparsers(dest="subcommand")
    run = Subcommand(text="", flags=RUN_FLAGS, takes_stack=True)
    for name, subcommand in {"": run, **SUBCOMMANDS}.items():
        parser = subparsers.add_parser(name, prog=f"{called_as} {name}".rstrip(), **common)
        if subcommand.operand:
            take(name, parser.add_argument("operand", metavar=subcommand.operand))
        if subcommand.takes_stack:
            take(name, parser.add_argument("stack", nargs="?", metavar=STACK))
        for option, flag in subcommand.flags.items():
            names = ("-h", flag.name) if flag is HELP else (flag.name,)
            take(name, parser.add_argument(*names, dest=option, **argument_of(option, flag)))
    return root, subparsers.choices


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
    arguments, words = split_words(arguments)
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
    if words and subcommand:
        raise UsageError(f"{subcommand} takes no words after --: only a run does, for one test runner")
    return Arguments(subcommand=subcommand, options=options, words=words)


def split_words(arguments: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The arguments of predeploy itself, and the words after `--`."""
    given = [*arguments]
    place = given.index("--") if "--" in given else len(given)
    return given[:place], tuple(given[place + 1 :])


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
