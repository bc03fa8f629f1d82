"""Finds in tracebacks the variables that only production has, where predeploy's loader of the settings did not run.

An image may have a Python that is older than the loader needs, or an entry script that sets another PYTHONPATH.
"""

import re
from itertools import pairwise

from tasks.diagnostics.settings_marks import AbsentSetting
from tasks.diagnostics.tracebacks import Trace, traces

LOADER = "predeploy_settings.py"
SETTINGS = "django/conf/__init__.py"
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+|[A-Z]{3,}")
_LIBRARIES = re.compile(r"/(?:lib/python|site-packages/|dist-packages/)")
_ENVIRON = re.compile(r"/lib/python[\d.]+/os\.py$|^<frozen os>$")
_NAMED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ImproperlyConfigured", re.compile(r"[Ss]et the (?P<name>\w+) env(?:ironment)? var")),
    ("UndefinedValueError", re.compile(r"(?P<name>\w+) not found\. Declare it as envvar")),
    ("EnvError", re.compile(r"[Ee]nvironment variable \"(?P<name>\w+)\" not set")),
    ("ValidationError", re.compile(r"(?P<name>\w+) is required in env")),
    ("KeyError", re.compile(r"Config '(?P<name>\w+)' is missing")),
)
"""By exception of a library, the text with the name: django-environ, decouple, environs, Dynaconf and Starlette."""
_PRODUCTION_FILES = ("/run/secrets/", "/var/run/secrets/", "/vault/", "/etc/secrets/")
_NO_FILE = re.compile(r"No such file or directory: '(?P<path>[^']+)'")


def absent_variable(text: str) -> AbsentSetting | None:
    """Returns what the error that ended a program needs and this run does not have, or None."""
    found = traces(text) if "Traceback" in text else []
    for trace in reversed(found):
        if (absent := _absent(trace)) is not None:
            return absent
        if not trace.chained:
            break
    return None


def _absent(trace: Trace) -> AbsentSetting | None:
    paths = [path for path, _ in trace.frames]
    if not paths or any(path.endswith(LOADER) for path in paths):
        return None  # the loader has tried all values, and reports what is absent
    message = f"{trace.name}: {trace.message}"
    names = _names(trace, paths)
    if names:
        return AbsentSetting(name=", ".join(names), message=message)
    is_loading = any(path.endswith(SETTINGS) for path in paths)
    is_own = not _LIBRARIES.search(paths[-1])
    file = _NO_FILE.search(trace.message) if trace.name == "FileNotFoundError" else None
    is_unconfigured = trace.name == "ImproperlyConfigured" and is_own and is_loading
    if is_unconfigured or (file and file["path"].startswith(_PRODUCTION_FILES)):
        return AbsentSetting(name="", message=message)
    return None


def _names(trace: Trace, paths: list[str]) -> list[str]:
    """Returns the variables that an error names as absent."""
    key = trace.message.strip("'\"")
    is_loading = any(path.endswith(SETTINGS) for path in paths)
    is_key = trace.name == "KeyError" and _VARIABLE.fullmatch(key) is not None
    if trace.name == "KeyError" and (_ENVIRON.search(paths[-1]) or (is_key and is_loading)):
        return [key]
    for name, pattern in _NAMED:
        if trace.name == name and (match := pattern.search(trace.message)):
            return [match["name"]]
    if trace.name == "ValidationError" and any("/pydantic_settings/" in path for path in paths):
        return [field.upper() for field, error in pairwise(trace.notes) if "[type=missing" in error]
    return []
