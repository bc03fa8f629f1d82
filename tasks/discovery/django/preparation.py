"""Finds what an entry script prepares in the image before it starts the server: static files and translations."""

import re
import shlex

_COMMANDS = frozenset(["collectstatic", "compilemessages", "compress"])
_STRICT = re.compile(r"^\s*set\s+-\w*e|\berrexit\b|^#!\S+sh\s+-\w*e|&&", re.MULTILINE)


def prepares(words: tuple[str, ...]) -> bool:
    """Whether a command of manage.py makes files that the server needs."""
    return not _COMMANDS.isdisjoint(words[1:5])


def preparation(words: tuple[str, ...], directory: str, script: str) -> str:
    """Returns the line of a shell for a command. A script that ends at errors does not start its server after one."""
    line = f"(cd {shlex.quote(directory)} && {shlex.join(words)})"
    return f"{line} || exit" if _STRICT.search(script) else line


def prepared(argv: tuple[str, ...], lines: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the argv of a server, with the lines before it."""
    return ("sh", "-c", "; ".join([*lines, 'exec "$0" "$@"']), *argv) if lines else argv
