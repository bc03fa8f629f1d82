"""Reads uWSGI's configuration files into options, without addresses, other processes and users of production."""

import posixpath
import re
from collections.abc import Callable, Iterator

from tasks.discovery.file_view import FileView

_SOCKETS = re.compile(r"(https?|http11)(-.*)?$|.*socket$|(fast|scgi|ssl|raw)router.*")
_OTHERS = frozenset(
    [
        "attach-daemon",
        "attach-daemon2",
        "smart-attach-daemon",
        "cron",
        "cron2",
        "unique-cron",
        "mule",
        "spooler",
        "stats",
        "daemonize",
        "daemonize2",
        "logto",
        "logto2",
        "req-logger",
        "logger",
        "pidfile",
        "pidfile2",
        "uid",
        "gid",
        "touch-reload",
        "py-autoreload",
        "emperor",
    ]
)
_HOMES = frozenset(["home", "virtualenv", "venv", "pyhome", "plugin", "plugins"])
# uWSGI does not find the packages of its own environment; it replaces the variable itself
HOME = ("--home", "$(VIRTUAL_ENV)")
_BASE = ("--master", "--die-on-term", "--need-app")
_SWITCHES = frozenset(option.removeprefix("--") for option in _BASE)
_FILE = re.compile(r"(?:--ini[=\s])?(?P<path>[^\s=]+\.ini)(?::\w+)?$")


def without_sockets(
    argv: tuple[str, ...], tree: FileView, in_tree: Callable[[str], str], *, at_home: bool
) -> tuple[str, ...]:
    """Returns the argv with its configuration files of uWSGI as options, and any other argv unchanged.

    Without `at_home` the server runs with the packages of an installed environment.
    """
    program = next((place for place, word in enumerate(argv) if posixpath.basename(word) == "uwsgi"), None)
    if program is None:
        return argv
    words, kept = list(argv[program + 1 :]), list[str]()
    omitted = _OTHERS if at_home else _OTHERS | _HOMES
    while words:
        word = words.pop(0)
        path = words.pop(0) if word == "--ini" and words else word
        match = _FILE.match(path)
        place = in_tree(match["path"]) if match else ""
        if tree.has(place):
            kept += _options(tree.text(place), omitted)
        else:
            kept += [word, path] if path is not word else [word]
    home = () if at_home else HOME
    return (*argv[: program + 1], *home, *(each for each in _BASE if each not in kept), *kept)


def _options(text: str, omitted: frozenset[str]) -> Iterator[str]:
    """Yields the options of the section `uwsgi`. What depends on a variable holds as if the variable were not set."""
    section, is_off = "uwsgi", False
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        if bare.startswith("["):
            section = bare.strip("[]")
            continue
        name, equals, value = (part.strip() for part in bare.partition("="))
        if name in {"if-env", "if-not-env", "if-exists", "if-not-exists", "if-opt", "if-not-opt"}:
            is_off = "-not-" not in name
        elif name in {"endif", "end-if"}:
            is_off = False
        elif section != "uwsgi" or is_off or _SOCKETS.match(name) or name in omitted or name.startswith("hook-"):
            continue
        elif value.lower() not in {"false", "0", "no"} or name not in _SWITCHES:
            yield f"--{name}" if not equals or value.lower() == "true" else f"--{name}={value}"
