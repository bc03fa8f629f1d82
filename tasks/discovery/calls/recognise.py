"""Recognises calls of quality tools, and of recipes, in simple commands."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tasks.discovery.calls.arguments import DJANGO_TEST, sort_arguments
from tasks.discovery.calls.shell import ShellCommand, read_script
from tasks.stack import CallSource, ToolCall

_INSTALLERS = ("uv", "uvx", "poetry", "pipenv", "pdm", "hatch", "rye", "pipx", "nix", "devbox", "mise", "conda")
_WRAPPERS = frozenset((*_INSTALLERS, "docker", "docker-compose", "podman", "doppler", "dotenv", "direnv", "op"))
_PREFIXES = frozenset(("coverage", "uvx", "nice", "xvfb-run", "timeout", "sfw"))
_PYTHON = re.compile(r"^python[\d.]*$")
_CONTAINERS = frozenset({"docker", "docker-compose", "podman"})
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})
_PLAIN = frozenset({"black", "isort", "flake8", "mypy", "pyright", "pytest"})
_SPELLINGS = {"py.test": "pytest", "basedpyright": "pyright"}
_RUNS = frozenset({"run", "exec", "-m", "--module", "tool", "--"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeCall:
    """A call of something that calls tools in turn: a target, a script of a package, a test environment, or hooks.

    `program` is `make`, `just`, `tox`, `npm`, `hooks` or `script`; `names` are its targets.
    """

    program: str
    names: tuple[str, ...]
    directory: str


def recognise(command: ShellCommand, *, source: CallSource, file: str, line: int) -> Iterator[ToolCall | RecipeCall]:
    """Yields the calls in a command. A call whose failure is ignored is no check of the stack."""
    words = command.words
    if not words or command.ignored:
        return
    inner = _inner_script(words)
    contained = posixpath.basename(words[0]) in _CONTAINERS
    if inner:
        for each in read_script(inner, command.directory):
            for found in recognise(each, source=source, file=file, line=line):
                yield replace(found, contained=contained) if isinstance(found, ToolCall) else found
        return
    index = _position(words)
    if index is None:
        yield from _recipe(words, command.directory)
        return
    tool, script, arguments = _named(words, index)
    sorted_arguments = sort_arguments(tool, arguments) if tool else None
    if sorted_arguments is None:
        return
    options, paths = sorted_arguments
    yield ToolCall(
        tool=tool,
        source=source,
        file=file,
        line=line,
        options=options,
        paths=paths,
        directory=command.directory,
        script=script,
        contained=contained,
        env=command.env,
    )


def _position(words: Sequence[str]) -> int | None:
    """Returns the index of the tool's name, if the words before it only start it."""
    for index in range(len(words)):
        if _named(words, index)[0]:
            before = words[:index]
            return index if not before or _starts(before) else None
    return None


def _starts(before: Sequence[str]) -> bool:
    first = posixpath.basename(before[0])
    if _PYTHON.match(first) or first in _PREFIXES:
        return True
    return first in _WRAPPERS and (bool(_RUNS.intersection(before)) or _PYTHON.match(before[-1]) is not None)


def _named(words: Sequence[str], index: int) -> tuple[str, str, Sequence[str]]:
    """Returns the tool at a position, the path of manage.py, and the arguments; an empty tool if there is none."""
    word, rest = words[index], words[index + 1 :]
    name = _SPELLINGS.get(posixpath.basename(word), posixpath.basename(word)).partition("==")[0].partition("@")[0]
    if index and words[index - 1] in {"--from", "--with", "--only-group", "--group", "--extra", "-f", "--file"}:
        return "", "", ()
    if name == "ruff":
        return _ruff(rest)
    if name in _PLAIN:
        return name, "", rest
    is_module = index > 0 and words[index - 1] in {"-m", "--module"}
    if name == "manage.py" or (is_module and name == "manage"):
        script = f"{word}.py" if is_module and name == "manage" else word
        return (DJANGO_TEST, posixpath.normpath(script), rest[1:]) if rest[:1] == ("test",) else ("", "", ())
    if name == "django-admin" and rest[:1] == ("test",):
        return DJANGO_TEST, "manage.py", rest[1:]
    return "", "", ()


def _ruff(rest: Sequence[str]) -> tuple[str, str, Sequence[str]]:
    index = next((index for index, word in enumerate(rest) if not word.startswith("-")), None)
    if index is not None and rest[index] in {"check", "format"}:
        return f"ruff {rest[index]}", "", (*rest[:index], *rest[index + 1 :])
    is_path = index is not None and rest[index] not in {"rule", "config", "linter", "clean", "version", "server"}
    return ("ruff check", "", rest) if is_path else ("", "", ())


def _inner_script(words: Sequence[str]) -> str:
    """Returns the script of `sh -c SCRIPT`, also inside a container."""
    for index, word in enumerate(words[:-2]):
        if posixpath.basename(word) in _SHELLS and re.fullmatch(r"-\w*c", words[index + 1]):
            return words[index + 2]
    return ""


def _recipe(words: Sequence[str], directory: str) -> Iterator[RecipeCall]:
    """Yields the call of a recipe, if the command is one. Words of wrappers before it are skipped."""
    for index, word in enumerate(words):
        name, rest = posixpath.basename(word), tuple(words[index + 1 :])
        if index and not _starts(words[:index]):
            continue
        targets = tuple(each for each in rest if re.fullmatch(r"[\w.:-]+", each) and not each.startswith("-"))
        if name in {"make", "gmake", "just"}:
            yield RecipeCall(program=name.removeprefix("g"), names=targets, directory=directory)
        elif name in {"tox", "nox"}:
            yield RecipeCall(program=name, names=targets, directory=directory)
        elif name in {"npm", "pnpm", "yarn", "bun"}:
            yield RecipeCall(program="npm", names=targets, directory=directory)
        elif name in {"pre-commit", "prek"} and rest[:1] == ("run",):
            hooks = targets[1:]
            yield RecipeCall(program="hooks", names=hooks, directory=directory)
        elif word.startswith("./") or name in _SHELLS:
            path = word if word.startswith("./") else (rest[0] if rest else "")
            yield RecipeCall(program="script", names=(path,) if path else (), directory=directory)
        else:
            continue
        return
