"""Calls of quality tools in the stack's own files: which tool, with which options, and where."""

from dataclasses import dataclass
from enum import IntEnum


class CallSource(IntEnum):
    """The kind of file that calls a tool. The lowest value says best what the owner runs before a deploy."""

    CI = 0
    CI_HOOK = 1
    RECIPE = 2
    HOOK = 3
    DOCS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call of a quality tool in the stack's own files.

    `tool` is one of `tasks.discovery.calls.arguments.TOOLS`, such as `ruff check` or `manage.py test`. `options` and
    `paths` are its plain arguments, without those that only change the output. `directory` is the working directory,
    relative to the stack's root, and `script` the path of manage.py as written. `contained` means that the call runs in
    a container, where the working directory is another one. `file` and `line` are the place of the call.
    `version` and `packages` are those of a pre-commit hook or of an action. `excluded` has the Python files and
    directories that a hook leaves out. `env` has the plain variables of the call, `services` those of its CI job.
    """

    tool: str
    origin: CallSource
    file: str
    line: int
    options: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    directory: str = "."
    script: str = ""
    contained: bool = False
    version: str = ""
    packages: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    services: tuple[str, ...] = ()
