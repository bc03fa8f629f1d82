"""Finds errors about a file or directory outside of the stack, which production's machine may have. Pure."""

import re

from tasks.execution.causes.raised_errors import RaisedError

_PLACES = r"var/(?:log|lib|run|www|cache|opt|spool|tmp)|run|etc|srv|opt|mnt|app|code|data|usr/src|secrets"
_ABSENT = re.compile(
    rf"(?:FileNotFoundError|PermissionError|NotADirectoryError): \[Errno \d+\] [^:\n]+: "
    rf"'(?P<path>/(?:{_PLACES})(?:/[^'\n]*)?)'"
)


def outside_path(error: RaisedError) -> str:
    """Returns the path outside of the stack that an error is about, or an empty text."""
    found = _ABSENT.search(error.text)
    return found["path"] if found else ""


def outside_reason(path: str) -> str:
    """Returns the reason of the missing verdict."""
    return (
        f"the code needs {path}, which this machine does not have or does not let it use. If production has it, make "
        "it here too, or validate in production's image: --engine dagger"
    )
