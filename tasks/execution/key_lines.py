"""Finds the line of a configuration file for a finding that only names a key of it."""

import re
from collections.abc import Iterator
from dataclasses import replace

from tasks.diagnostics.reading import Parsed
from tasks.models import Diagnostic
from tasks.production import KeyLines

# A key in quotes, one with a place in a list, or one before the word "field": `"main"`, `kv_namespaces[0].id`.
_NAMED = re.compile(
    r"[\"'`]([\w-]+(?:\.[\w-]+|\[\d+\])*)[\"'`]|(?<![\w.])([\w-]+(?:\[\d+\]|\.[a-z_]\w*)+|\w+(?= field:))"
)
_VALUE = re.compile(r" but got .*$", re.DOTALL)
# Words of messages that name no key.
_MEANT = (
    (re.compile(r"^Invalid Routes"), ("routes", "route")),
    (re.compile(r"run_worker_first|static rout", re.IGNORECASE), ("assets.run_worker_first",)),
    (re.compile(r"assets directory", re.IGNORECASE), ("assets.directory", "assets")),
    (re.compile(r"\bcron", re.IGNORECASE), ("triggers.crons", "triggers")),
    (re.compile(r"compatibility[ _]date", re.IGNORECASE), ("compatibility_date",)),
)


def with_key_lines(parsed: Parsed, keys: KeyLines) -> Parsed:
    """Returns the findings with the lines of the keys that they name, if they have no other place."""
    found = (
        each if each.line or each.file not in {None, keys.file} else _placed(each, keys) for each in parsed.diagnostics
    )
    return replace(parsed, diagnostics=tuple(found))


def _placed(finding: Diagnostic, keys: KeyLines) -> Diagnostic:
    lines = dict(keys.lines)
    line = next((lines[name] for name in _names(finding.message, keys.section) if name in lines), None)
    return finding if line is None else replace(finding, file=keys.file, line=line)


def _names(message: str, section: str) -> Iterator[str]:
    """Yields the keys that a message may mean, the most exact first: below another named key, or in the section."""
    named = [quoted or bare for quoted, bare in _NAMED.findall(_VALUE.sub("", message))]
    meant = [name for pattern, names in _MEANT if pattern.search(message) for name in names]
    nested = [f"{above}.{name}" for above in named for name in named if above != name]
    for name in (*nested, *named, *meant):
        # a section of an environment has its own keys
        yield from ((f"{section}.{name}", name) if section else (name,))
