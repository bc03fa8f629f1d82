"""Reads recipes: targets of make and just, test environments of tox and nox, scripts of a package.json."""

import ast
import configparser
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tasks.discovery.calls.shell import logical_lines
from tasks.discovery.documents import string, table, text_table
from tasks.discovery.file_view import FileView, join, parent

_TARGET = re.compile(r"^(?P<names>[\w./%-]+(?:[ \t]+[\w./%-]+)*)[ \t]*::?(?!=)(?P<needs>[^=#;]*)")
_VARIABLE = re.compile(r"^(?:export[ \t]+)?(?P<name>\w+)[ \t]*[:?+]?=[ \t]*(?P<value>.*)$")
_SPECIAL = re.compile(r"\.[A-Z]")  # such as .PHONY; a target may be a file such as .env
_USE = re.compile(r"\$[({](\w+)[)}]")
_JUST = re.compile(r"^@?(?P<name>[\w-]+)(?P<parameters>[^:=]*):(?!=)(?P<needs>[^#]*)")
_JUST_VARIABLE = re.compile(r"""^(?:export[ \t]+)?(?P<name>\w+)[ \t]*:=[ \t]*["'](?P<value>[^"']*)["'][ \t]*$""")
MAKEFILES = ("Makefile", "makefile", "GNUmakefile")
JUSTFILES = ("justfile", "Justfile", ".justfile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A named list of commands. `lines` has pairs of a line number from 1 and a shell line, each run on its own.

    `needs` are the names of recipes of the same file that run before. `default` is the one that runs without a name.
    """

    program: str
    name: str
    file: str
    directory: str
    lines: tuple[tuple[int, str], ...]
    needs: tuple[str, ...] = ()
    default: bool = False


def read_recipes(tree: FileView) -> tuple[Recipe, ...]:
    """Returns every recipe of the tree, except those in folders of dependencies."""
    found: list[Recipe] = []
    for path in tree.named(*MAKEFILES):
        found += _makefile(path, tree.text(path))
    for path in tree.named(*JUSTFILES):
        found += _justfile(path, tree.text(path))
    for path in tree.named("tox.ini", "setup.cfg"):
        found += _tox(path, tree.text(path))
    for path in tree.named("pyproject.toml"):
        found += _tox_of_manifest(path, tree)
    for path in tree.named("noxfile.py"):
        found += _nox(path, tree.text(path))
    for path in tree.named("package.json"):
        for name, script in text_table(tree.table(path), "scripts").items():
            line = line_of(tree.text(path), f'"{name}"')
            found.append(Recipe(program="npm", name=name, file=path, directory=parent(path), lines=((line, script),)))
    return tuple(found)


def line_of(text: str, snippet: str, start: int = 1) -> int:
    """Returns the number of the first line, from `start` on, that contains a snippet; `start` if none does."""
    lines = text.splitlines()
    return next((index + 1 for index in range(start - 1, len(lines)) if snippet in lines[index]), start)


def _makefile(path: str, text: str) -> Iterator[Recipe]:
    variables = {"MAKE": "make"}
    names: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    lines: list[tuple[int, str]] = []
    is_first = True
    for number, line in logical_lines(text):
        if line.startswith("\t"):
            lines += [(number + 1, _expanded(line.strip().lstrip("@-+"), variables))] if names else []
            continue
        variable, target = _VARIABLE.match(line), _TARGET.match(line)
        if not target and not variable:
            continue
        for name in names:
            yield Recipe(
                program="make",
                name=name,
                file=path,
                directory=parent(path),
                lines=tuple(lines),
                needs=needs,
                default=is_first,
            )
        is_first = is_first and not names
        names, needs, lines = (), (), []
        if variable:
            variables.setdefault(variable["name"], _expanded(variable["value"].strip(), variables))
        elif target and not _SPECIAL.match(target["names"]):
            names, needs = tuple(target["names"].split()), tuple(target["needs"].split())
    for name in names:
        yield Recipe(
            program="make",
            name=name,
            file=path,
            directory=parent(path),
            lines=tuple(lines),
            needs=needs,
            default=is_first,
        )


def _expanded(text: str, variables: dict[str, str]) -> str:
    """Returns a line of a makefile with its plain variables. `$$` is the shell's own dollar."""
    return _USE.sub(lambda match: variables.get(match[1], match[0]), text).replace("$$", "$")


def _justfile(path: str, text: str) -> Iterator[Recipe]:
    variables: dict[str, str] = {}
    current: Recipe | None = None
    is_first = True
    for number, line in logical_lines(text):
        if line[:1].isspace():
            if current and line.strip():
                shell = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: variables.get(found[1], found[0]), line.strip())
                current = replace(current, lines=(*current.lines, (number + 1, shell.lstrip("@-"))))
            continue
        variable, target = _JUST_VARIABLE.match(line), _JUST.match(line)
        if variable:
            variables[variable["name"]] = variable["value"]
        elif target:
            if current:
                yield current
            needs = tuple(re.findall(r"[\w-]+", target["needs"]))
            name = target["name"]
            current = Recipe(
                program="just", name=name, file=path, directory=parent(path), lines=(), needs=needs, default=is_first
            )
            is_first = False
    if current:
        yield current


def _tox(path: str, text: str, start: int = 1) -> Iterator[Recipe]:
    if "[testenv" not in text:
        return
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    prefix = "tox:" if path.endswith("setup.cfg") else ""
    for section in parser.sections():
        kind, _, name = section.removeprefix(prefix).partition(":")
        if kind != "testenv" or not parser.has_option(section, "commands"):
            continue
        directory = parser.get(section, "changedir", fallback="").replace("{toxinidir}", ".")
        plain = directory if re.fullmatch(r"[\w./-]*", directory) else ""
        commands = parser.get(section, "commands").replace("{toxinidir}/", "").replace("\\\n", " ").splitlines()
        lines = tuple((line_of(text, each.strip()[:40], start), _tox_line(each)) for each in commands if each.strip())
        folder = join(parent(path), plain or ".")
        yield Recipe(program="tox", name=name, file=path, directory=folder, lines=lines)


def _tox_line(line: str) -> str:
    """Returns a command of tox as shell: without conditions such as `py312:`, and with its arguments left open."""
    plain = re.sub(r"\{posargs[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\{\[?[\w:\]]+\}", "$open", line.strip())
    return re.sub(r"^(?:[\w,!.-]+:\s+)?-?\s*", "", plain)


def _tox_of_manifest(path: str, tree: FileView) -> Iterator[Recipe]:
    tox = table(tree.table(path), "tool", "tox")
    old = string(tox, "legacy_tox_ini")
    if old:
        yield from _tox(path, old)
    for name in ("", *table(tox, "env")):
        section = table(tox, "env", name) if name else table(tox, "env_run_base")
        commands = section.get("commands")
        listed = [each for each in commands if isinstance(each, list)] if isinstance(commands, list) else []
        shell = [" ".join(word if isinstance(word, str) else "$open" for word in each) for each in listed]
        text = tree.text(path)
        lines = tuple((line_of(text, f'"{each.split()[0]}"'), each) for each in shell if each)
        if lines:
            yield Recipe(program="tox", name=name, file=path, directory=parent(path), lines=lines)


def _nox(path: str, text: str) -> Iterator[Recipe]:
    """Yields the sessions of a noxfile, with their calls of `session.run` that have only plain words."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two are for text that nests too deep
        return
    for function in (each for each in module.body if isinstance(each, ast.FunctionDef) and each.decorator_list):
        calls = [each for each in ast.walk(function) if isinstance(each, ast.Call) and _is_run(each.func)]
        lines = [(each.lineno, " ".join(_word(word) for word in each.args)) for each in calls]
        yield Recipe(program="nox", name=function.name, file=path, directory=parent(path), lines=tuple(lines))


def _is_run(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and function.attr == "run"


def _word(word: ast.expr) -> str:
    if isinstance(word, ast.Constant) and isinstance(word.value, str):
        return shlex.quote(word.value)
    return "$open"
