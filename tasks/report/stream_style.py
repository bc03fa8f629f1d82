"""Detects the style of a stream: its terminal, its encoding, and the variables of the user."""

import codecs
import os
from collections.abc import Mapping
from typing import TextIO

from tasks.env_flags import is_set
from tasks.report.style import NARROWEST, WIDTH, Style


def detect_style(stream: TextIO | None, environ: Mapping[str, str]) -> Style:
    """The style of a stream. NO_COLOR beats FORCE_COLOR; both beat what the stream is."""
    return Style(_has_colour(stream, environ), _is_utf8(stream), _width(stream, environ))


def is_interactive(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """A person may watch the stream, and it can move its cursor."""
    return _is_terminal(stream) and environ.get("TERM", "") != "dumb" and not is_set(environ, "CI")


def _has_colour(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    if environ.get("NO_COLOR"):
        return False
    if forced := environ.get("FORCE_COLOR"):
        return forced.lower() not in {"0", "false"}
    return _is_terminal(stream) and environ.get("TERM", "") != "dumb"


def _is_utf8(stream: TextIO | None) -> bool:
    try:
        return codecs.lookup(getattr(stream, "encoding", None) or "ascii").name in {"utf-8", "utf-8-sig"}
    except LookupError:
        return False


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _width(stream: TextIO | None, environ: Mapping[str, str]) -> int:
    """80 columns, or the terminal's if it has fewer: a report looks the same on every wider terminal."""
    columns = environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns) > 0:
        return max(NARROWEST, min(WIDTH, int(columns)))
    if stream is None or not _is_terminal(stream):
        return WIDTH
    try:
        seen = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return WIDTH
    return max(NARROWEST, min(WIDTH, seen or WIDTH))
