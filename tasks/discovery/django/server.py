"""Finds the argv of production's web server, and changes it to listen at the run's host and port."""

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tasks.discovery.image.dockerfile import BuildStage, Shell, expand
from tasks.steps import SERVER_HOST, SERVER_PORT

_ADDRESS = f"{SERVER_HOST}:{SERVER_PORT}"
# A line with one of these characters needs a shell. This includes `$(` and backticks.
_OPERATORS = frozenset(";&|<>()`\n")
_RUNNERS = frozenset(["uv", "poetry", "pdm", "pipenv", "hatch", "rye"])
# Wrappers are part of production and installed in the same environment, so they stay in the argv.
_WRAPPERS = (("ddtrace-run",), ("newrelic-admin", "run-program"), ("opentelemetry-instrument",))
_INITS = frozenset(["tini", "dumb-init", "catatonit", "exec"])
_PYTHON = re.compile(r"python(3(\.\d+)?)?$")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_BROKEN_LIST = re.compile(r"\[[\"'\w./]|\[[^\]]*\]$")
_BRACED = re.compile(r"\$\{[^}`(]*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """The options for a server's address: those to remove, with and without a value, and those to add instead."""

    valued: tuple[str, ...]
    added: tuple[str, ...]
    flags: tuple[str, ...] = ()


_SERVERS: Mapping[str, _Options] = {
    # `--daemon` would detach the server from the process that started it.
    "gunicorn": _Options(valued=("--bind", "-b"), flags=("--daemon", "-D"), added=("--bind", _ADDRESS)),
    "uvicorn": _Options(
        valued=("--host", "--port", "--uds", "--fd"), added=("--host", SERVER_HOST, "--port", SERVER_PORT)
    ),
    "hypercorn": _Options(valued=("--bind", "-b", "--insecure-bind", "--quic-bind"), added=("--bind", _ADDRESS)),
    "daphne": _Options(
        valued=("--bind", "-b", "--port", "-p", "--unix-socket", "-u", "--endpoint", "-e", "--fd"),
        added=("--bind", SERVER_HOST, "--port", SERVER_PORT),
    ),
    "waitress-serve": _Options(
        valued=("--host", "--port", "--listen", "--unix-socket", "--unix-socket-perms"), added=(f"--listen={_ADDRESS}",)
    ),
    "granian": _Options(valued=("--host", "--port", "--uds"), added=("--host", SERVER_HOST, "--port", SERVER_PORT)),
}


def image_server(stage: BuildStage | None) -> tuple[str, ...]:
    """Returns the argv of the server that an image starts, or an empty one for a script or an unknown program.

    If ENTRYPOINT is a script, CMD alone may name the server.
    """
    if stage is None:
        return ()
    entry, command = stage.entrypoint, stage.cmd
    both = Shell(argv=(*entry.argv, *command.argv)) if entry and entry.argv and command and command.argv else None
    is_all = entry is not None and not entry.argv  # with a shell line as ENTRYPOINT, Docker ignores CMD
    candidates = (both, entry, None if is_all else command)
    found = (server_argv(shell, stage.env) for shell in candidates if shell)
    return next((argv for argv in found if argv), ())


def procfile_server(text: str) -> tuple[str, ...]:
    """Returns the argv of a Procfile's `web` process, or an empty one."""
    match = re.search(r"^web\s*:\s*(.+)$", text, re.MULTILINE)
    return server_argv(Shell(line=match.group(1).strip()), {}) if match else ()


def server_argv(shell: Shell, variables: dict[str, str]) -> tuple[str, ...]:
    """Returns a command as an argv that listens at SERVER_HOST:SERVER_PORT, or an empty one for an unknown program."""
    if shell.argv:
        argv = shell.argv
        if len(argv) >= 3 and posixpath.basename(argv[0]) in {"sh", "bash", "ash", "dash"} and argv[1] in {"-c", "-lc"}:
            return server_argv(Shell(line=argv[2]), variables)
        return _listening(_unwrapped(argv))
    if _BROKEN_LIST.match(shell.line):  # Docker gives a broken list to a shell, and it fails
        return ("/bin/sh", "-c", shell.line)
    line = _without_preparation(shell.line)
    if _OPERATORS & set(_BRACED.sub("", line)):
        return ()
    try:
        words = shlex.split(line)
    except ValueError:
        return ()
    listening = _listening(_unwrapped(tuple(words)))
    expanded = [expand(word, variables) for word in listening]
    return tuple(word for word in expanded if word is not None) if None not in expanded else ()


def _without_preparation(line: str) -> str:
    """Returns the last command of `python manage.py migrate && gunicorn …`. Other checks cover the commands before."""
    *before, last = line.split("&&")
    is_management = all(re.search(r"\bmanage\.py\s+\w+\s*(\s--?[\w-]+)*\s*$", command) for command in before)
    return last.strip() if is_management else line


def _unwrapped(argv: tuple[str, ...]) -> tuple[str, ...]:
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
        elif name == "env" or _ASSIGNMENT.match(words[0]):
            return ()  # an argv cannot hold variables
        elif _PYTHON.match(name) and words[1:2] == ["-m"] and words[2:3] and words[2] in _SERVERS:
            words = words[2:]
        else:
            break
    return tuple(words)


def _after_options(words: list[str]) -> list[str]:
    valued = {"--package", "--project", "--directory", "--group", "--extra", "--with", "--env-file", "-p", "--python"}
    while words and words[0].startswith("-") and words[0] != "--":
        words = words[2:] if words[0] in valued else words[1:]
    return words[1:] if words[:1] == ["--"] else words


def _listening(argv: tuple[str, ...]) -> tuple[str, ...]:
    wrapper = next((words for words in _WRAPPERS if argv[: len(words)] == words), ())
    program, *arguments = argv[len(wrapper) :] or ("",)
    name = posixpath.basename(program)
    if name not in _SERVERS:
        return ()
    options = _SERVERS[name]
    return (*wrapper, name, *options.added, *_without(tuple(arguments), options))


def _without(words: tuple[str, ...], options: _Options) -> Iterator[str]:
    remaining = iter(words)
    for word in remaining:
        long, equals, _ = word.partition("=")
        if word in options.valued:
            next(remaining, None)
        elif word in options.flags or (equals and long in options.valued) or _is_glued(word, options):
            continue
        else:
            yield word


def _is_glued(word: str, options: _Options) -> bool:
    """Whether a word is a short option with its value, such as `-b0.0.0.0:80`."""
    is_short = len(word) > 2 and word.startswith("-") and not word.startswith("--")
    return is_short and word[:2] in options.valued
