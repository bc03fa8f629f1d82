"""Reads the output of a command that ran in a workspace of this machine, or in a container."""

import os

from tasks.diagnostics import Parsed, parse
from tasks.execution.key_lines import with_key_lines
from tasks.steps import Command


def parse_output(
    parser: str, stdout: str, stderr: str, *, root: str, command: Command, copies: tuple[tuple[str, str], ...] = ()
) -> Parsed:
    """As `parse`, and adds the lines of named keys. A path to the workspace may contain symbolic links: both count."""
    real_root = os.path.realpath(root)
    parsed = parse(parser, stdout=stdout, stderr=stderr, root=root, real_root=real_root, cwd=command.cwd, copies=copies)
    return with_key_lines(parsed, command.keys) if command.keys else parsed
