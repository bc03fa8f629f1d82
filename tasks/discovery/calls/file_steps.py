"""Reads the plain steps that make files before a tool runs: touch, mkdir, cp and the output of echo. Runs nothing."""

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence

from tasks.discovery.calls.arguments import is_open
from tasks.discovery.calls.shell import ShellCommand
from tasks.discovery.file_view import FileView, is_within, join, parent
from tasks.stack import FileStep

MANAGED = ("collectstatic", "compilemessages")
"""Commands of manage.py that make files which tests need."""
_PYTHON = re.compile(r"python[\d.]*$")
# The options of each command that change nothing else than which files it makes.
_OPTIONS = {"touch": "", "mkdir": "pv", "cp": "rRafnpvT"}
_RUNNERS = frozenset({"uv", "poetry", "pdm", "pipenv"})
_WRITERS = frozenset({"echo", "printf", "cat"})
_REDIRECTION = re.compile(r"^>{1,2}")
_GLOB = re.compile(r"[*?\[\]{}~<]")


def read_file_step(command: ShellCommand, *, file: str, line: int) -> FileStep | None:
    """Returns what a command makes in the tree; None if it does more, or if a path is not plain."""
    program, words = posixpath.basename(command.words[0]), command.words[1:]
    if program in _OPTIONS:
        options = [word for word in words if word.startswith("-")]
        paths = [_placed(word, command.directory) for word in words if not word.startswith("-")]
        letters = "".join(options).replace("--parents", "").replace("-", "")
        if not paths or not all(paths) or set(letters) - set(_OPTIONS[program]):
            return None
        sources, made = (paths[:-1], paths[-1:]) if program == "cp" else ([], paths)
        if program == "cp" and len(paths) != 2:
            return None
        kept = ["-p"] if program == "mkdir" else options
        return FileStep(words=(program, *kept, *paths), reads=tuple(sources), makes=tuple(made), file=file, line=line)
    if program in _WRITERS:
        return _written(program, words, command.directory, file, line)
    return _managed(command, file, line)


def _managed(command: ShellCommand, file: str, line: int) -> FileStep | None:
    """Returns the step of a command of manage.py, in its directory; None for another command."""
    words = command.words
    while len(words) > 2 and posixpath.basename(words[0]) in _RUNNERS and words[1] == "run":
        words = words[2:]
    rest = words[1:] if _PYTHON.fullmatch(posixpath.basename(words[0])) else words
    if len(rest) < 2 or posixpath.basename(rest[0]) != "manage.py" or rest[1] not in MANAGED:
        return None
    if any(map(is_open, rest)) or not _placed(rest[0], command.directory):
        return None
    run = ("sh", "-c", 'cd "$0" && exec "$@"', command.directory, "python", *rest)
    return FileStep(words=run, reads=(_placed(rest[0], command.directory),), makes=(), file=file, line=line)


def _written(program: str, words: Sequence[str], directory: str, file: str, line: int) -> FileStep | None:
    """Returns the step of `echo TEXT > FILE`; None for another command."""
    index = next((index for index, word in enumerate(words) if _REDIRECTION.match(word)), None)
    if index is None:
        return None
    mark = _REDIRECTION.sub("", words[index])
    operator = words[index][: len(words[index]) - len(mark)]
    target, rest = (mark, words[index + 1 :]) if mark else ("".join(words[index + 1 : index + 2]), words[index + 2 :])
    path, texts = _placed(target, directory), words[:index]
    if rest or not path or any(is_open(text) for text in texts):
        return None
    reads: tuple[str, ...] = ()
    if program == "cat":
        reads = tuple(_placed(text, directory) for text in texts)
        texts = reads
        if not reads or not all(reads):
            return None
    return FileStep(words=(program, *texts), reads=reads, makes=(path,), into=operator, file=file, line=line)


def _placed(word: str, directory: str) -> str:
    """Returns a path relative to the root; empty if it is not plain or not below the root."""
    if not word or is_open(word) or _GLOB.search(word) or word.startswith(("/", "-")):
        return ""
    path = posixpath.normpath(posixpath.join(directory, word))
    is_inside = path not in {".", ".."} and not path.startswith("../") and path.split("/")[0] != ".git"
    return path if is_inside else ""


def possible(steps: Sequence[FileStep], tree: FileView) -> Iterator[FileStep]:
    """Yields the steps that work in this tree, each once: their sources and the directories of their files exist."""
    made: set[str] = set()
    for step in dict.fromkeys(steps):
        sources = all(tree.has(path) or tree.has_directory(path) or path in made for path in step.reads)
        folders = (parent(path) for path in step.makes)
        has_folders = step.words[0] == "mkdir" or all(
            each == "." or tree.has_directory(each) or any(is_within(path, each) for path in made) for each in folders
        )
        if sources and has_folders:
            copied = (join(place, posixpath.basename(path)) for place in step.makes[:1] for path in step.reads)
            made |= {*step.makes, *copied}
            yield step


def shell_line(step: FileStep) -> str:
    """Returns a step as a line of shell, relative to the root."""
    redirection = f" {step.into} {shlex.quote(step.makes[0])}" if step.into else ""
    return shlex.join(step.words) + redirection
