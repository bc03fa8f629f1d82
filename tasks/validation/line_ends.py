"""Warns of scripts with the line ends of Windows that an image starts: a container cannot run them."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from tasks.catalogue.django.entry_script import CONVERTED, NORMALIZED, RULE
from tasks.catalogue.row import ProgramFile
from tasks.models import Diagnostic
from tasks.source.tree import Tree
from tasks.stack import Stack

HEAD = 200


def line_end_warnings(tree: Tree, stack: Stack) -> Iterator[tuple[str, str]]:
    """Yields the path and a warning for each script that a Dockerfile names and whose first line ends with CRLF."""
    attributes = _text(tree, ".gitattributes") if ".gitattributes" in tree.files else ""
    if NORMALIZED.search(attributes):
        return
    named: dict[str, list[str]] = {}
    for path in tree.files:
        named.setdefault(path.rpartition("/")[2], []).append(path)
    dockerfiles = {web.dockerfile for each in stack.components if (web := each.web) and web.dockerfile}
    for dockerfile in sorted(dockerfiles & tree.files.keys()):
        text = _text(tree, dockerfile)
        if CONVERTED.search(text):
            continue
        for path in scripts_in(text, named):
            program = read_program(tree, path)
            if program.is_script and program.has_crlf:
                warning = (
                    f"{path}:1: the line ends are CRLF, and {dockerfile}:{line_of(path, text)} starts this script: a "
                    "container cannot run it (`no such file or directory`). Convert it to LF: "
                    f"`sed -i 's/\\r$//' {path}`, and add `*.sh text eol=lf` to .gitattributes"
                )
                yield path, warning


def without_reported(tree: Tree, stack: Stack, found: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Returns the stack's warnings without those of a script whose line ends a check reports as an error."""
    reported = {each.file for each in found if each.rule == RULE}
    if not reported:
        return stack.warnings
    said = {text for path, text in line_end_warnings(tree, stack) if path in reported}
    return tuple(each for each in stack.warnings if each not in said)


def scripts_in(dockerfile: str, named: Mapping[str, Iterable[str]]) -> list[str]:
    """Returns the files whose names a Dockerfile has as words, such as `entrypoint.sh`. `named` has files by name."""
    words = {posixpath.basename(word) for word in re.findall(r"[\w./-]+", dockerfile)}
    return sorted(path for word in words for path in named.get(word, ()))


def line_of(path: str, dockerfile: str) -> int:
    """The line of the ENTRYPOINT or CMD that names a script, else the first line with its name."""
    name = posixpath.basename(path)
    lines = [number for number, line in enumerate(dockerfile.splitlines(), 1) if name in line]
    starting = [number for number in lines if re.match(r"\s*(?:ENTRYPOINT|CMD)\b", dockerfile.splitlines()[number - 1])]
    return (starting or lines or [1])[0]


def read_program(tree: Tree, path: str) -> ProgramFile:
    """Returns what a kernel sees of a file."""
    try:
        with (tree.root / path).open("rb") as file:
            first = file.read(HEAD).partition(b"\n")[0]
    except OSError:
        return ProgramFile()
    is_executable = tree.files[path].mode != 0o100644
    return ProgramFile(is_executable=is_executable, is_script=first.startswith(b"#!"), has_crlf=first.endswith(b"\r"))


def _text(tree: Tree, path: str) -> str:
    try:
        return (tree.root / path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
