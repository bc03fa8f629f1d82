"""Dotenv files: what one says, and the examples in which a Worker shows its variables."""

import posixpath
from collections.abc import Callable

WORKER_EXAMPLES = (".dev.vars.example", ".dev.vars.sample", ".env.example", ".env.sample")


def worker_examples(directory: str, has: Callable[[str], bool]) -> tuple[str, ...]:
    """The examples in a Worker's directory. Where two show a name, the first is right."""
    paths = (posixpath.normpath(posixpath.join(directory, name)) for name in WORKER_EXAMPLES)
    return tuple(path for path in paths if has(path))


def parse_dotenv(text: str) -> dict[str, str]:
    """Names and values of a dotenv file; no interpolation, no multi-line values. The last of a name wins."""
    values = {}
    for line in text.splitlines():
        entry = line.strip().removeprefix("export ").strip()
        name, equals, value = entry.partition("=")
        if not equals or entry.startswith("#") or not name.strip().isidentifier():
            continue
        value = value.strip()
        if value[:1] in {"'", '"'} and value[0] in value[1:]:
            value = value[1 : value.index(value[0], 1)]
        else:
            value = value.partition(" #")[0].strip()
        values[name.strip()] = value
    return values
