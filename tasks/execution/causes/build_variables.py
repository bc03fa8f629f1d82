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
# What a client says if its key, address or name is undefined, such as "supabaseUrl is required".
_WANTED = re.compile(
    r"(?i)(?:api ?key|secret|token|credentials?|authenticator|connection ?string|url|dsn|publishable ?key"
    r"|(?:project|client|account|app) ?id)\b.{0,60}?\b(?:required|missing|empty|(?:not|n't|never) (?:been |be )?"
    r"(?:set|provided|defined|specified|found)|provided)\b"
    r"|\b(?:missing|requires?|no|without|must provide|provide)\b.{0,40}?(?:api ?key|secret|token|credentials?"
    r"|connection ?string|\burl|dsn|publishable ?key|(?:project|client|account|app) ?id)\b"
)
_SYNTAX = re.compile(r"(?i)\b(?:unexpected|expected|tag|syntax|module|import|export|property|attribute|type)\b")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_COMMON = frozenset({"api", "app", "id", "key", "next", "secret", "token", "url"})
_NEAR = 15
_ADDRESS = re.compile(r"URL|URI|HOST|ENDPOINT|ORIGIN|DOMAIN|API|BASE")


def blamed_variables(message: str, output: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the names of variables that an error blames, sorted. `message` is the first error, `env` the variables.

    Either the error shows a throwaway value, or it says that a variable is missing.
    """
    used = _shown(message or output[-4000:], env)
    return tuple(sorted(used or _missing(message) or _listed(message, output)))


def blamed_reads(first: Diagnostic | None, reads: Sequence[Variable], given: Collection[str]) -> tuple[str, ...]:
    """Returns the names of variables without a value that an error blames, sorted. `reads` are those of the code.

    The error names a variable, comes from a line that reads one, shows an address that starts with `undefined`, or
    says that a key or an address is missing.
    """
    unset = [each for each in reads if each.name not in given]
    if first is None or not unset:
        return ()
    named = {each.name for each in unset if re.search(rf"\b{each.name}\b", first.message)}
    if named and _ABSENT.search(first.message):
        return tuple(sorted(named))
    if _WANTED.search(first.message) and not _SYNTAX.search(first.message):
        return _related(first.message, {each.name for each in unset})
    if not _UNDEFINED.search(first.message):
        return ()
    placed = {each.name for each in unset if (each.file, each.line) == (first.file, first.line)}
    addresses = (
        {each.name for each in unset if _ADDRESS.search(each.name)} if _UNDEFINED_URL.search(first.message) else ()
    )
    return tuple(sorted(placed or addresses))


def _related(message: str, names: set[str]) -> tuple[str, ...]:
    """Returns the names that share a word with an error of a client; without one, those of keys and addresses."""
    words = {word.lower() for word in _WORDS.findall(message)} - _COMMON
    shared = {name for name in names if words & {*name.lower().split("_")}}
    likely = {name for name in names if re.search(r"KEY|TOKEN|SECRET|PASSWORD|DSN|_ID$", name) or _ADDRESS.search(name)}
    return tuple(sorted(shared or likely))


def _listed(message: str, output: str) -> set[str]:
    """Returns the names that a program lists next to an error of the form "Invalid environment variables"."""
    if not message or not (_ABSENT.search(message) and _ENVIRONMENT.search(message)):
        return set()
    lines = output.splitlines()
    at = next((number for number, line in enumerate(lines) if message[:60] in line), None)
    near = [] if at is None else lines[max(0, at - _NEAR) : at + _NEAR]
    plain = (line for line in near if not re.match(r"\s*at ", line))
    return {name for line in plain for name in _NAME.findall(line) if not name.startswith(("ERR_", "NODE_"))}


def _shown(text: str, env: Mapping[str, str]) -> set[str]:
    words = {match["word"] or match["value"].removeprefix("predeploy-") for match in _THROWAWAY.finditer(text)}
    return {name for name in env if re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") in words}


def _missing(message: str) -> set[str]:
    if not _ABSENT.search(message):
        return set()
    names = set(_NAME.findall(message))
    return names if _ENVIRONMENT.search(message) else {name for name in names if re.match(_PUBLIC, name)}
