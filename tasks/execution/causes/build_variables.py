"""Finds variables that only production has, as the cause of a failed build. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence

from tasks.models import Diagnostic
from tasks.variable import Variable

_THROWAWAY = re.compile(r"(?P<word>[a-z0-9-]+)\.predeploy\.invalid|(?P<value>predeploy-[a-z0-9-]+)")
_ABSENT = re.compile(
    r"(?i:missing|required|undefined|not set|not defined|not provided|must be set|must provide|invalid|not exported)"
)
_ENVIRONMENT = re.compile(
    r"(?i:environment variables?|env(?:ironment)? vars?\b|process\.env|import\.meta\.env|\.env\b"
    r"|\benv/(?:static|dynamic)/)"
)
_PUBLIC = r"(?:PUBLIC|VITE|NEXT_PUBLIC|GATSBY|REACT_APP|NUXT_PUBLIC|VUE_APP|NG_APP)_"
_NAME = re.compile(r"(?<![\w.])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_UNDEFINED = re.compile(r"\bundefined\b|Invalid URL|not (?:a )?valid URL")
_UNDEFINED_URL = re.compile(r"(?i)parse URL from undefined|Invalid URL|\bundefined/|URL.*\bundefined\b")
_ADDRESS = re.compile(r"URL|URI|HOST|ENDPOINT|ORIGIN|DOMAIN|API|BASE")


def blamed_variables(message: str, output: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the names of variables that an error blames, sorted. `message` is the first error, `env` the variables.

    Either the error shows a throwaway value, or it says that a variable is missing.
    """
    used = _shown(message or output[-4000:], env)
    return tuple(sorted(used)) if used else tuple(sorted(_missing(message)))


def blamed_reads(first: Diagnostic | None, reads: Sequence[Variable], given: Collection[str]) -> tuple[str, ...]:
    """Returns the names of variables without a value that an error blames, sorted. `reads` are those of the code.

    The error names a variable, comes from a line that reads one, or shows an address that starts with `undefined`.
    """
    unset = [each for each in reads if each.name not in given]
    if first is None or not unset:
        return ()
    named = {each.name for each in unset if re.search(rf"\b{each.name}\b", first.message)}
    if named and _ABSENT.search(first.message):
        return tuple(sorted(named))
    if not _UNDEFINED.search(first.message):
        return ()
    placed = {each.name for each in unset if (each.file, each.line) == (first.file, first.line)}
    addresses = (
        {each.name for each in unset if _ADDRESS.search(each.name)} if _UNDEFINED_URL.search(first.message) else ()
    )
    return tuple(sorted(placed or addresses))


def _shown(text: str, env: Mapping[str, str]) -> set[str]:
    words = {match["word"] or match["value"].removeprefix("predeploy-") for match in _THROWAWAY.finditer(text)}
    return {name for name in env if re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") in words}


def _missing(message: str) -> set[str]:
    if not _ABSENT.search(message):
        return set()
    names = set(_NAME.findall(message))
    return names if _ENVIRONMENT.search(message) else {name for name in names if re.match(_PUBLIC, name)}
