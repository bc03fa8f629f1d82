"""Prints the errors of requests to production's server, with the places in templates among their frames.

Django's default logging prints no traceback if DEBUG is off.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from types import FrameType, ModuleType

from predeploy_empty import begin

CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"


def install(signals: ModuleType) -> None:
    """Connects the receiver of errors, if this process is a server."""
    if os.environ.get("PREDEPLOY_SERVER"):
        signals.got_request_exception.connect(show, weak=False)
        signals.request_started.connect(begin, weak=False)


def show(**_: object) -> None:
    """Prints the exception of a request, with the places in templates among its frames."""
    error = sys.exc_info()[1]
    if error is not None:
        os.write(2, "".join(lines_of(error)).encode("utf-8", "backslashreplace"))


def lines_of(error: BaseException) -> Iterator[str]:
    """Yields the lines of a traceback, the causes first."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from lines_of(cause)
        yield CAUSE
    yield "Traceback (most recent call last):\n"
    for frame, line in traceback.walk_tb(error.__traceback__):
        yield f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}\n'
        yield from template_line(frame)
    yield from traceback.format_exception_only(type(error), error)


def template_line(frame: FrameType) -> Iterator[str]:
    """Yields the place of the template's node that a frame of Django's templates renders."""
    if frame.f_code.co_name != "render_annotated":
        return
    node = frame.f_locals.get("self")
    path = getattr(getattr(node, "origin", None), "name", "")
    line = getattr(getattr(node, "token", None), "lineno", None)
    if isinstance(path, str) and path.startswith("/") and isinstance(line, int):
        yield f'  File "{path}", line {line}, in template\n'
