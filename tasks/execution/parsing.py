"""Reads the output of a command that ran in a workspace of this machine, or in a container."""

import os

from tasks.diagnostics import Parsed, parse


def parse_output(
    parser: str, stdout: str, stderr: str, *, root: str, cwd: str, copies: tuple[tuple[str, str], ...] = ()
) -> Parsed:
    """As `parse`. A path to the workspace may contain symbolic links, and tools print either form of it."""
    real_root = os.path.realpath(root)
    return parse(parser, stdout=stdout, stderr=stderr, root=root, real_root=real_root, cwd=cwd, copies=copies)
