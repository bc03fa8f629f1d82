"""Recognises production's web servers, and changes their argv to listen at the run's host and port."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tasks.steps import SERVER_HOST, SERVER_PORT

ADDRESS = f"{SERVER_HOST}:{SERVER_PORT}"
_RUNNERS = frozenset(["uv", "poetry", "pdm", "pipenv", "hatch", "rye"])
# Wrappers are part of production and installed in the same environment, so they stay in the argv.
_WRAPPERS = (("ddtrace-run",), ("newrelic-admin", "run-program"), ("opentelemetry-instrument",))
_INITS = frozenset(["tini", "dumb-init", "catatonit", "exec", "nohup", "time"])
_PYTHON = re.compile(r"python(3(\.\d+)?)?$")
_VALUED = frozenset(
    [
        "--package",
        "--project",
        "--directory",
        "--group",
        "--extra",
        "--with",
        "--env-file",
        "-p",
        "--python",
        "-g",
        "-a",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """The options for a server's address: those to remove, with and without a value, and those to add instead.

    `outside` has the options with a value that only production's machine has: users, and files for logs and ids.
    """

    valued: tuple[str, ...]
    added: tuple[str, ...]
    flags: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


_GUNICORN_OUTSIDE = ("--access-logfile", "--error-logfile", "--log-file", "--pid", "-p", "--user", "-u", "--group")
SERVERS: Mapping[str, _Options] = {
    # `--daemon` would detach the server from the process that started it.
    "gunicorn": _Options(
        valued=("--bind", "-b"),
        flags=("--daemon", "-D"),
        added=("--bind", ADDRESS),
        outside=(*_GUNICORN_OUTSIDE, "-g"),
    ),
    "uvicorn": _Options(
        valued=("--host", "--port", "--uds", "--fd"), added=("--host", SERVER_HOST, "--port", SERVER_PORT)
    ),
    "hypercorn": _Options(
        valued=("--bind", "-b", "--insecure-bind", "--quic-bind"),
        added=("--bind", ADDRESS),
        outside=("--access-logfile", "--error-logfile", "--pid", "-p", "--user", "-u", "--group", "-g"),
    ),
    "daphne": _Options(
        valued=("--bind", "-b", "--port", "-p", "--unix-socket", "-u", "--endpoint", "-e", "--fd"),
        added=("--bind", SERVER_HOST, "--port", SERVER_PORT),
        outside=("--access-log",),
    ),
    "waitress-serve": _Options(
        valued=("--host", "--port", "--listen", "--unix-socket", "--unix-socket-perms"), added=(f"--listen={ADDRESS}",)
    ),
    "granian": _Options(
        valued=("--host", "--port", "--uds"),
        added=("--host", SERVER_HOST, "--port", SERVER_PORT),
        outside=("--pid-file",),
    ),
    "uwsgi": _Options(
        valued=("--http", "--http-socket", "--https", "--https-socket", "--socket", "-s", "--uwsgi-socket"),
        added=("--http-socket", ADDRESS),
        flags=("--daemonize2",),
        outside=("--logto", "--logto2", "--pidfile", "--uid", "--gid", "--daemonize", "-d", "--home", "--virtualenv"),
    ),
}
PACKAGES: Mapping[str, str] = {"waitress-serve": "waitress"}
"""The package of a server's program, if it has another name."""


def is_server(word: str) -> bool:
    """Whether a word names the program of a known server."""
    return posixpath.basename(word) in SERVERS


def unwrapped(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Removes programs that only find the server or reap its children. The environment's programs are on PATH."""
    words = list(argv)
    while words:
        name = posixpath.basename(words[0])
        if name in _INITS or words[0] == "--":
            words = _after_options(words[1:])
        elif name in _RUNNERS and "run" in words[1:3]:
            words = _after_options(words[words.index("run") + 1 :])
        elif name == "doppler" and "--" in words:
            words = words[words.index("--") + 1 :]
        elif _PYTHON.match(name) and (module := _module_of(words)) in SERVERS:
            words = words[words.index(module) :]
        else:
            break
    return tuple(words)


def _module_of(words: list[str]) -> str:
    """Returns the module of `python -u -m MODULE`, or an empty text."""
    place = next((place for place, word in enumerate(words[1:], 1) if not word.startswith("-")), 0)
    return words[place] if place and words[place - 1] == "-m" else ""


def _after_options(words: list[str]) -> list[str]:
    while words and words[0].startswith("-") and words[0] != "--":
        words = words[2:] if words[0] in _VALUED else words[1:]
    return words[1:] if words[:1] == ["--"] else words


def listening(argv: tuple[str, ...], *, at_home: bool) -> tuple[str, ...]:
    """Returns the argv with the run's address, or an empty one if it starts no known server.

    `at_home`: the server runs on its image. Otherwise the options for users and files of production are left out.
    """
    before, rest = (argv[: len(argv) - len(unwrapped(argv))], unwrapped(argv)) if at_home else ((), unwrapped(argv))
    wrapper = next((words for words in _WRAPPERS if rest[: len(words)] == words), ())
    program, *arguments = rest[len(wrapper) :] or ("",)
    name = posixpath.basename(program)
    if name not in SERVERS:
        return ()
    options = SERVERS[name]
    kept = tuple(_without(tuple(arguments), options, () if at_home else options.outside))
    return (*before, *wrapper, program if at_home else name, *options.added, *kept)


def _without(words: tuple[str, ...], options: _Options, outside: tuple[str, ...]) -> Iterator[str]:
    remaining = iter(words)
    for word in remaining:
        long, equals, value = word.partition("=")
        if word in options.valued:
            next(remaining, None)
        elif word in outside:
            value = next(remaining, "")
            yield from (word, value) if value == "-" else ()  # the standard output is everywhere
        elif (
            (equals and long in options.valued)
            or word in options.flags
            or _is_glued(word, options)
            or (equals and long in outside and value != "-")
        ):
            continue
        else:
            yield word


def _is_glued(word: str, options: _Options) -> bool:
    """Whether a word is a short option with its value, such as `-b0.0.0.0:80`."""
    is_short = len(word) > 2 and word.startswith("-") and not word.startswith("--")
    return is_short and word[:2] in options.valued
