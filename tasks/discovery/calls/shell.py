"""Splits shell scripts into simple commands, as far as they are plain. Runs nothing."""

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.discovery.calls.arguments import is_open
from tasks.discovery.file_view import join

_TEMPLATE = re.compile(r"\$\{\{.*?\}\}|\{\{.*?\}\}|\$\([^()]*(?:\([^()]*\)[^()]*)*\)")
_UNKNOWN = "$unknown"
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
_ASSIGNMENT = re.compile(r"^([A-Za-z_]\w*)=(.*)$", re.DOTALL)
_ENDS = frozenset({"&&", "||", ";", "|", "&", "(", ")", ";;", "|&", "{", "}"})
# After `||`, the script continues with these.
_CONTINUES = frozenset({":", "true", "echo"})
_KEYWORDS = frozenset(
    {"if", "then", "else", "elif", "do", "while", "until", "!", "time", "exec", "sudo", "env", "command"}
)


# Options with which a package manager runs in another directory.
_DIRECTORIES = ("--cwd", "--dir", "--prefix", "-C")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellCommand:
    """A simple command: its words, its plain variables, and its working directory. `line` counts from 0.

    `ignored` means that the script continues if the command fails.
    """

    words: tuple[str, ...]
    directory: str
    line: int
    env: tuple[tuple[str, str], ...] = ()
    ignored: bool = False


def read_script(text: str, directory: str) -> Iterator[ShellCommand]:
    """Yields the simple commands of a script. Lines that are no plain shell are left out."""
    env: dict[str, str] = {}
    for number, line in logical_lines(text):
        for words, ignored in _split(line):
            own, rest = _assignments(words)
            if rest[:1] == ("export",):
                env |= _assignments(rest[1:])[0]
            elif rest[:1] == ("cd",):
                directory = join(directory, rest[1]) if len(rest) > 1 and not is_open(rest[1]) else directory
            elif rest:
                variables = tuple(sorted({**env, **own}.items()))
                yield ShellCommand(words=rest, directory=directory, line=number, env=variables, ignored=ignored)
            else:
                env |= own


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yields lines with their number from 0: continued lines are joined, here-documents are left out."""
    ending, begun, first = "", "", 0
    for number, line in enumerate(text.splitlines()):
        if ending:
            ending = "" if line.strip() == ending else ending
            continue
        first = first if begun else number
        if line.rstrip().endswith("\\"):
            begun += line.rstrip()[:-1] + " "
            continue
        whole, begun = begun + line, ""
        if found := _HEREDOC.search(whole):
            ending = found[2]
        yield first, whole
    if begun:
        yield first, begun


def _split(line: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yields the words of each command in a line, and whether its failure is ignored."""
    lexer = shlex.shlex(_TEMPLATE.sub(_UNKNOWN, line), posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:
        return
    words: list[str] = []
    found: list[tuple[list[str], str]] = []
    for each in tokens:
        if each in _ENDS or set(each) <= set(";&|()"):
            # `2>&1` arrives as `2>`, `&`, `1`
            if each == "&" and words and words[-1].endswith(">"):
                continue
            found.append((words, each))
            words = []
        else:
            words.append(each)
    found.append((words, ""))
    for index, (command, end) in enumerate(found):
        following = found[index + 1][0] if index + 1 < len(found) else []
        yield tuple(command), end == "||" and bool(following) and following[0] in _CONTINUES


def _assignments(words: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Returns the plain variables before a command, and the command without them and without keywords."""
    env: dict[str, str] = {}
    rest = list(words)
    while rest:
        found = _ASSIGNMENT.match(rest[0])
        if found and not is_open(found[2]):
            env[found[1]] = found[2]
        elif not found and rest[0] not in _KEYWORDS:
            break
        rest.pop(0)
    return env, tuple(rest)


def without_directory(words: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Returns the words of a package manager without the option for its directory, and this directory."""
    directory = ""
    for option in _DIRECTORIES:
        if option in words[:-1]:
            index = words.index(option)
            directory = posixpath.join(directory, words[index + 1])
            words = (*words[:index], *words[index + 2 :])
    return tuple(words), directory
