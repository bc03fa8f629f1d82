"""Finds the commands of manage.py that each deploy runs, and that end it if they fail. Runs nothing."""

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tasks.discovery.calls.shell import read_script
from tasks.production import Sourced

_STRICT = re.compile(r"^\s*set\s+-\w*e|\berrexit\b|^#!\S+sh\s+-\w*e", re.MULTILINE)
_GUARDED = re.compile(r"\|\||[;|]\s*\S|(?:\[|\btest\b).*&&")
"""Lines whose command may fail or may not run: the script goes on."""
_OPENS = re.compile(r"(?:^|[;&|]|\bthen|\bdo|\belse)\s*(?:if|case|for|while|until|select)\b|\{\s*$")
_CLOSES = re.compile(r"(?:^|[;\s])(?:fi|esac|done)\b|^\s*\}")
_STARTS = re.compile(r"(?:.*/)?(?:python[\d.]*|uv|poetry|pdm|pipenv|exec|gosu|su-exec|manage\.py)$")
_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_NAME = re.compile(r"[a-z]\w*$")
_OTHER_SETTINGS = ("--settings", "--pythonpath", "--configuration")
_DEPTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployScript:
    """A text of a shell that a deploy runs, at a line of a file. `is_line`: each of its commands has to succeed."""

    text: str
    file: str
    line: int = 1
    is_line: bool = True


def manage_calls(
    script: DeployScript,
    manage: str,
    in_tree: Callable[[str], str],
    read: Callable[[str], str],
    *,
    directory: str = ".",
    depth: int = _DEPTH,
) -> Iterator[Sourced]:
    """Yields the command, with its arguments, of each certain call of the `manage.py` at a path of the tree.

    `in_tree` returns the path in the tree of a path where the script runs, or an empty text.
    """
    if not script.is_line and not _STRICT.search(script.text):
        return
    certain = _certain_lines(script.text)
    for each in read_script(script.text, directory):
        if each.line not in certain or each.ignored or not each.words:
            continue
        line = script.line if script.is_line else script.line + each.line
        found = next((place for place, word in enumerate(each.words) if word.endswith("manage.py")), None)
        if found is not None:
            names = {name for name, _ in each.env}
            is_own = in_tree(posixpath.join(each.directory, each.words[found])) == manage
            if is_own and _STARTS.match(each.words[0]) and not any(name.startswith("DJANGO_") for name in names):
                yield from _call(each.words[found + 1 :], script.file, line)
            continue
        program, *rest = each.words
        path = rest[0] if posixpath.basename(program) in _SHELLS and rest else program
        file = in_tree(posixpath.join(each.directory, path)) if depth else ""
        if file and read(file).startswith("#!"):
            inner = DeployScript(text=read(file), file=file, is_line=False)
            yield from manage_calls(inner, manage, in_tree, read, directory=each.directory, depth=depth - 1)


def _call(words: tuple[str, ...], file: str, line: int) -> Iterator[Sourced]:
    if words and _NAME.match(words[0]) and not any(word.startswith(_OTHER_SETTINGS) for word in words):
        yield Sourced(value=shlex.join(words), file=file, line=line)


def _certain_lines(text: str) -> set[int]:
    """Returns the numbers from 0 of the lines that run in each case, outside of branches, loops and functions."""
    found, depth, begun = set[int](), 0, 0
    is_continued = False
    for number, line in enumerate(text.splitlines()):
        begun = begun if is_continued else number
        depth += len(_OPENS.findall(line))
        if depth or _GUARDED.search(line):
            found.discard(begun)
        elif not is_continued:
            found.add(begun)
        depth = max(0, depth - len(_CLOSES.findall(line)))
        is_continued = line.rstrip().endswith("\\")
    return found
