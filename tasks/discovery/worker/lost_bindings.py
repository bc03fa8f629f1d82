"""Finds reads of bindings that the deploy's target lacks: wrangler's sections do not inherit bindings."""

import re
from collections.abc import Collection, Iterator

from tasks.discovery.documents import Table, table
from tasks.discovery.file_view import FileView
from tasks.discovery.worker.targets import target_of
from tasks.discovery.worker.worker_env import COMMENT, DESTRUCTURED, bindings_of, bound_names
from tasks.worker import LostBinding

_GENERATED = "worker-configuration.d.ts"
_ENV = r"\b(?:\w*[eE]nv|Bindings)\b"


def bound_in(document: Table) -> dict[str, str]:
    """Returns the names that one target binds to objects, with their sections of the wrangler file."""
    return {name: key for key, section in bindings_of(document).items() for name in bound_names(section)}


def bound_anywhere(document: Table) -> dict[str, str]:
    """Returns the names that any target of a wrangler file binds to objects."""
    found = bound_in(target_of(document, ""))
    for environment in table(document, "env"):
        found |= bound_in(target_of(document, environment))
    return found


def lost_bindings(tree: FileView, paths: Collection[str], document: Table, environment: str) -> tuple[LostBinding, ...]:
    """Returns the first read of each binding that other targets have, and this one lacks.

    The code must use the binding without a test whether it exists.
    """
    here, everywhere = target_of(document, environment), bound_anywhere(document)
    missing = everywhere.keys() - bound_in(here).keys() - table(here, "vars").keys()
    texts = code_of(tree, paths) if missing else {}
    tested = {name for name in missing if any(is_tested(text, name) for text in texts.values())}
    found: list[LostBinding] = []
    for name in sorted(missing - tested):
        places = ((path, line) for path, text in texts.items() for line in _reads(text, name))
        first = next(places, None)
        if first:
            found.append(LostBinding(name=name, section=everywhere[name], file=first[0], line=first[1]))
    return tuple(found)


def code_of(tree: FileView, paths: Collection[str]) -> dict[str, str]:
    """Returns code by path without comments, with its lines in place.

    The types that wrangler generates are left out: they call a name optional because one target lacks it.
    """
    written = [path for path in paths if not path.endswith(_GENERATED)]
    return {path: COMMENT.sub(lambda match: "\n" * match[0].count("\n") or " ", tree.text(path)) for path in written}


def is_tested(text: str, name: str) -> bool:
    """Whether code tests that a binding exists, or uses it only if it does."""
    read = rf"(?:{_ENV}\??\.)?\b{re.escape(name)}\b"
    tests = (rf"{read}\s*(?:\?|&&|\|\||[!=]==?)", rf"!\s*(?:\w+\.)*{read}", rf"\bif\s*\(\s*(?:\w+\.)*{read}\s*\)")
    named = rf"""["']{re.escape(name)}["']\s*in\b"""
    return any(re.search(pattern, text) for pattern in (*tests, named))


def _reads(text: str, name: str) -> Iterator[int]:
    """Yields the lines that use a binding: its members, or the binding as an argument."""
    word = re.escape(name)
    used = re.compile(rf"{_ENV}\.{word}\b(?=\s*(?:\.|\[|\)|,))")
    yield from (text.count("\n", 0, match.start()) + 1 for match in used.finditer(text))
    for match in DESTRUCTURED.finditer(text):
        if re.search(rf"\b{word}\b", match["names"]) and re.search(rf"(?<![\w.]){word}\s*\.", text[match.end() :]):
            yield text.count("\n", 0, match.start()) + 1
