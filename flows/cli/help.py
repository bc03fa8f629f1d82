"""The texts of `--help`. Pure: flags and subcommands in, text out."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from flows.cli.declarations import PROGRAMS, RUN_FLAGS, STACK, STACK_TEXT, SUBCOMMANDS
from tasks.files import page
from tasks.settings.flags import Flag, Group

WIDTH = 80
COLUMN = 23
"""The column in which the texts of flags begin."""
EXAMPLES: Mapping[str, str] = {
    "": "the current directory",
    "path/to/stack --only mypy": "one check",
    "--gate --engine dagger": "full proof for a deploy",
}
EXIT_CODES: Mapping[int, str] = {
    0: "passed",
    1: "failed",
    2: "wrong usage or configuration",
    3: "no verdict",
    124: "budget spent",
    130: "interrupted",
    143: "terminated",
}
SHORT: Mapping[tuple[str, ...], str] = {
    ("status", "rerun", "ui"): "newest verdict; run red checks again; open the history",
    ("explain", "inspect", "doctor"): "print codes, what production starts, this machine",
    ("init", "completion", "mcp", "maintain", *PROGRAMS): "set up and operate",
}
"""The subcommands in few lines. docs/cli.md has a line for each."""
PAGE = "cli.md"
"""The page with all flags and subcommands."""


def render_help(called_as: str) -> str:
    """The help of a run. It has no empty lines between its groups, so that it fits one screen."""
    lines = [
        f"usage: {called_as} [{STACK}] [FLAG ...] [-- TEST ...]",
        f"Would a deploy of the tree in {STACK}, by default this directory, succeed?",
        *examples(called_as),
    ]
    for group in Group:
        lines += [f"{group}:", *flag_lines(shown_flags(group))]
    lines += ["Subcommands, each with its own --help:", *(row(", ".join(names), text) for names, text in SHORT.items())]
    # the path of the page is never cut
    return "\n".join([*lines, *exit_code_lines()]) + f" More: {page(PAGE)}"


def render_subcommand_help(name: str, called_as: str) -> str:
    """The help of a subcommand."""
    subcommand = SUBCOMMANDS[name]
    operands = f" {subcommand.operands}" if subcommand.operands else ""
    lines = [
        f"usage: {called_as} {name}{operands} [FLAG ...]",
        f"{subcommand.help[:1].upper()}{subcommand.help[1:]}.",
        "",
    ]
    if subcommand.takes_stack:
        lines.append(row(STACK, STACK_TEXT))
    return "\n".join([*lines, *flag_lines(subcommand.flags.values()), "", f"More: {page(PAGE)}"])


def examples(called_as: str) -> list[str]:
    """A command and its meaning per line."""
    commands = [f"{called_as} {arguments}".rstrip() for arguments in EXAMPLES]
    width = max(map(len, commands))
    return [f"  {command:<{width}}  {meaning}" for command, meaning in zip(commands, EXAMPLES.values(), strict=True)]


def exit_code_lines() -> list[str]:
    """The exit codes in a sentence. No line ends between a code and its meaning."""
    codes = [f"{code} {meaning}".replace(" ", "\N{NO-BREAK SPACE}") for code, meaning in EXIT_CODES.items()]
    lines = textwrap.wrap(f"Exit codes: {', '.join(codes)}.", WIDTH, subsequent_indent="  ")
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def shown_flags(group: Group) -> Iterator[Flag]:
    """The flags of a group that the help of a run has. docs/cli.md has all of them."""
    return (flag for flag in RUN_FLAGS.values() if flag.group is group and flag.in_help)


def flag_lines(flags: Iterable[Flag]) -> Iterator[str]:
    """A line per flag."""
    return (row(flag.usage, flag.help) for flag in flags)


def row(name: str, text: str) -> str:
    """A name and its text, in two columns."""
    wrapped = textwrap.wrap(text, WIDTH - COLUMN, break_on_hyphens=False)
    gap = "" if len(name) < COLUMN - 2 else " "  # a long name pushes its text to the right
    return f"  {name:<{COLUMN - 2}}{gap}" + f"\n{' ' * COLUMN}".join(wrapped)
