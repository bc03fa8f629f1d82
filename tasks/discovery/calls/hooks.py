"""Reads the pre-commit hooks that are quality tools, and the GitHub actions that stand for a call of a tool."""

import posixpath
import re
import shlex
from collections.abc import Collection, Iterator

from tasks.discovery.calls.arguments import sort_arguments
from tasks.discovery.calls.recipes import line_of
from tasks.discovery.calls.recognise import RecipeCall, recognise
from tasks.discovery.calls.shell import read_script
from tasks.discovery.calls.workflows import Script
from tasks.discovery.documents import Table, string, strings, tables
from tasks.discovery.file_view import FileView
from tasks.stack import CallSource, ToolCall

CONFIGS = (".pre-commit-config.yaml", ".pre-commit-config.yml", "prek.yaml")
HOOK_ACTIONS = frozenset({"pre-commit/action", "j178/prek-action", "tox-dev/action-pre-commit-uv"})
_HOOKS = {
    "ruff": "ruff check",
    "ruff-check": "ruff check",
    "ruff-format": "ruff format",
    "black": "black",
    "black-jupyter": "black",
    "isort": "isort",
    "flake8": "flake8",
    "mypy": "mypy",
    "pyright": "pyright",
}
_ACTIONS = {
    "astral-sh/ruff-action": ("ruff", "args", "src"),
    "chartboost/ruff-action": ("ruff", "args", "src"),
    "psf/black": ("black", "options", "src"),
    "isort/isort-action": ("isort", "configuration", "sort-paths"),
    "py-actions/flake8": ("flake8", "args", "path"),
    "jakebailey/pyright-action": ("pyright", "extra-args", "working-directory"),
}
_OWN_ENVIRONMENT = ("system", "script", "unsupported")
_MYPY_DEFAULTS = ("--ignore-missing-imports", "--scripts-are-modules")
_VERSION = re.compile(r"^v?(\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?)$")
_SOURCES = re.compile(r"\.pyi?$")


def read_hooks(tree: FileView, *, in_ci: bool) -> Iterator[ToolCall]:
    """Yields the hooks that are quality tools. `in_ci` means that CI runs all of them."""
    path = tree.first(".", *CONFIGS)
    document = tree.table(path)
    if path is None:
        return
    source = CallSource.CI_HOOK if in_ci or "ci" in document else CallSource.HOOK
    common = string(document, "files"), string(document, "exclude")
    stages = strings(document, "default_stages")
    for repository in tables(document, "repos"):
        revision = string(repository, "rev")
        # The comment is that of `pre-commit autoupdate --freeze`.
        frozen = re.search(
            rf"rev:[ \t]*[\"']?{re.escape(revision)}[\"']?[ \t]*#[ \t]*frozen:[ \t]*(\S+)", tree.text(path)
        )
        match = _VERSION.match(frozen[1] if frozen else revision)
        for hook in tables(repository, "hooks"):
            if "manual" not in (strings(hook, "stages") or stages):
                yield from _hook(tree, path, hook, match[1] if match else "", common, source)


def _hook(
    tree: FileView, path: str, hook: Table, version: str, common: tuple[str, str], source: CallSource
) -> Iterator[ToolCall]:
    name, entry = string(hook, "id"), string(hook, "entry")
    line = line_of(tree.text(path), f"id: {name}")
    if entry and hook.get("language") in _OWN_ENVIRONMENT:
        # A local hook runs a program of the development environment.
        for command in read_script(" ".join((entry, *strings(hook, "args"))), "."):
            found = recognise(command, source=source, file=path, line=line)
            yield from (each for each in found if isinstance(each, ToolCall))
        return
    tool = _HOOKS.get(name, "")
    found_arguments = sort_arguments(tool, strings(hook, "args")) if tool else None
    if found_arguments is None:
        return
    # The defaults of the hook, which replaces them by `args`.
    options = _MYPY_DEFAULTS if tool == "mypy" and "args" not in hook else found_arguments[0]
    is_own = hook.get("language") in _OWN_ENVIRONMENT
    patterns = (common, (string(hook, "files"), string(hook, "exclude")))
    yield ToolCall(
        tool=tool,
        source=source,
        file=path,
        line=line,
        options=options,
        paths=found_arguments[1],
        version="" if is_own else version,
        packages=strings(hook, "additional_dependencies"),
        excluded=left_out(tree.files, patterns),
    )


def left_out(files: Collection[str], patterns: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """Returns the Python files that hooks do not see, as few paths as possible: a directory without any other file.

    Each pattern is a pair of `files` and `exclude`, as in pre-commit's configuration.
    """
    sources = [path for path in files if _SOURCES.search(path)]
    hidden = {path for path in sources if not all(_is_seen(path, *pattern) for pattern in patterns)}
    if not hidden:
        return ()
    seen_above = {above for path in sources if path not in hidden for above in _above(path)}
    highest = (next((above for above in _above(path) if above not in seen_above), path) for path in hidden)
    return tuple(sorted(set(highest)))


def _above(path: str) -> tuple[str, ...]:
    """Returns the directories of a file, the highest first."""
    parts = posixpath.dirname(path).split("/") if "/" in path else []
    return tuple("/".join(parts[: index + 1]) for index in range(len(parts)))


def _is_seen(path: str, included: str, excluded: str) -> bool:
    try:
        if included and not re.search(included, path):
            return False
        return not (excluded and excluded != "^$" and re.search(excluded, path))
    except re.error:
        return True


def read_action(script: Script) -> Iterator[ToolCall | RecipeCall]:
    """Yields the call that a known action of GitHub makes."""
    if script.uses in HOOK_ACTIONS:
        yield RecipeCall(program="hooks", names=(), directory=script.directory)
    if script.uses not in _ACTIONS:
        return
    program, arguments, paths = _ACTIONS[script.uses]
    given = dict(script.given)
    words = _words(given.get(arguments, "")) or (["check"] if program == "ruff" else [])
    tool = f"ruff {words.pop(0)}" if program == "ruff" and words[0] in {"check", "format"} else program
    found = sort_arguments(tool, (*words, *_words(given.get(paths, "")))) if tool != "ruff" else None
    version = _VERSION.match(given.get("version", ""))
    if found is not None:
        yield ToolCall(
            tool=tool,
            source=CallSource.CI,
            file=script.file,
            line=script.line,
            options=found[0],
            paths=found[1],
            directory=script.directory,
            version=version[1] if version else "",
        )


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []
