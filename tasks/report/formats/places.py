"""Paths as services see them: relative to the top of the repository. Pure."""

import posixpath

from tasks.report.layout import clean_line


def in_repository(path: str, below: str) -> str:
    """A path of the stack, from the top of its repository. `below` is the stack's directory there."""
    return clean_line(posixpath.normpath(posixpath.join(below, path)))
