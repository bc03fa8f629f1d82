"""Finds errors that come of another minor version of Python than production's. Pure.

The text alone proves nothing: an error counts only if the interpreter that ran differs from the wanted one.
"""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.engines.versions.python import minor_of, minors_of, plain, specifier
from tasks.execution.causes.raised_errors import RaisedError
from tasks.stack import Version

STANDARD_MODULES = sys.stdlib_module_names | {"annotationlib", "compression"}
"""Modules of the standard library, also of newer releases than predeploy's own."""
REMOVED_MODULES = frozenset(
    {
        *("asynchat", "asyncore", "distutils", "imp", "smtpd"),
        *("aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "msilib", "nis"),
        *("nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"),
    }
)
"""Modules that Python 3.12 and 3.13 removed."""
_SYNTAX = re.compile(r"(?<![\w.])(?:Syntax|Indentation)Error: |^syntax: ", re.MULTILINE)
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '(?P<name>\w+)")
_NO_NAME = re.compile(r"ImportError: cannot import name '\w+' from '(?P<name>\w+)[\w.]*' \((?!.*site-packages)")
_NO_ATTRIBUTE = re.compile(r"AttributeError: (?:partially initialized )?module '(?P<name>\w+)[\w.]*' has no attribute")
_NO_STUB = re.compile(
    r"Cannot find implementation or library stub for module named \"(?P<name>\w+)"
    r"|Module \"(?P<module>\w+)[\w.]*\" has no attribute"
)
"""Errors of mypy."""
_NO_ANNOTATION = re.compile(r"NameError: name '(?P<name>\w+)' is not defined")
DEFERRED = 14
"""Python 3.14 does not evaluate annotations at the definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPython:
    """The interpreter that ran, such as `3.13.0`, and the version that the stack requires."""

    version: str
    required: Version

    @property
    def minor(self) -> int:
        """13 of 3.13.0."""
        return minor_of(self.version)

    @property
    def wanted(self) -> str:
        """The version in the words of its source, such as `3.14`."""
        return plain(self.required.wanted or self.required.accepts)

    @property
    def goals(self) -> list[int]:
        """The minor versions that the stack requires."""
        return minors_of(specifier(self.required.wanted or self.required.accepts, self.required.source))


def comes_of_other_python(error: RaisedError, python: RunningPython) -> bool:
    """Whether an error is typical of an older or a newer Python than the one that the stack requires."""
    goals = python.goals
    if not goals or python.minor in goals:
        return False
    patterns = (_NO_MODULE, _NO_NAME, _NO_ATTRIBUTE, _NO_STUB)
    named = {match[match.lastgroup or 0] for pattern in patterns for match in pattern.finditer(error.text)}
    if python.minor > min(goals):
        return bool(named & REMOVED_MODULES)
    if _SYNTAX.search(error.text) or named & (STANDARD_MODULES - REMOVED_MODULES):
        return True
    return min(goals) >= DEFERRED and _is_annotation(error)


def _is_annotation(error: RaisedError) -> bool:
    """Whether a name that is not defined stands in an annotation of the line that raised the error."""
    name = _NO_ANNOTATION.search(error.text)
    return name is not None and re.search(rf"(?::|->)[^=]*\b{name['name']}\b", error.source) is not None


def other_python_reason(error: str, pythons: Iterable[RunningPython]) -> str:
    """Returns the reason of the missing verdict, with the line that fixes it."""
    python = next(iter(pythons))
    source = f" ({python.required.source})" if python.required.source else ""
    minor = python.version.rpartition(".")[0]
    return (
        f"Python {minor} ran the code, and production has {python.wanted}{source}: {error}. "
        f"Install Python {python.wanted} so that it is on PATH, or set UV_PYTHON_DOWNLOADS=automatic"
    )
