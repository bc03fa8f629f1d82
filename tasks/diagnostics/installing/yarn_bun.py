"""Parsers of yarn and bun, with the rules of the other installers."""

import re
from collections.abc import Iterator

from tasks.diagnostics.installing.installers import absent_patches, rule_of
from tasks.diagnostics.reading import Parsed, ToolOutput, deduplicated, first_line, shortened
from tasks.models import Diagnostic

_YARN_1 = re.compile(r"^error (?P<message>.+(?:\n  [^\n]+)*)$", re.MULTILINE)
_YARN_2 = re.compile(r"^\u27a4 (?P<code>YN\d{4}): [\u2502\u250c\u2514\u00b7 ]*(?P<message>\S.*)$", re.MULTILINE)
# Lines of yarn 2 that are no errors: headings, warnings and notes. It marks none of them without colours.
_YARN_2_NOTES = frozenset(
    f"YN{number:04}"
    for number in (0, 2, 4, 5, 6, 7, 8, 13, 19, 32, 59, 60, 61, 62, 63, 68, 69, 76, 85, 86, 87, 88, 89, 90)
)
# Further lines of an error: a difference of the lock, or a request to the registry.
_DETAIL = re.compile(r"[+-]|Request (?:Method|URL):|Response Code:")
_USAGE = re.compile(r"^(?:Usage|Internal) Error: (?P<message>.+)$", re.MULTILINE)
_YARN_DONE = re.compile(r"(?:Done in|Done with warnings in) .+$", re.MULTILINE)
_BUN = re.compile(r"^(?:error|panic): (?P<message>(?!.* failed to resolve$).+(?:\nnote: (?!try ).+)?)$", re.MULTILINE)
_BUN_DONE = re.compile(r"^\d+ packages? installed.*$|^Checked \d+ installs?.*$", re.MULTILINE)
_OF_THE_LOCK = frozenset({"lock_stale", "lock_missing", "hash_mismatch"})


def yarn(output: ToolOutput) -> Parsed:
    """Reads `yarn install` of version 1, which prints errors on stderr, and of later ones, which print on stdout."""
    found = list(_yarn_errors(output))
    done = _YARN_DONE.findall(output.stdout)
    return Parsed(diagnostics=deduplicated(found), summary=first_line(done[-1]) if done and not found else "")


def _yarn_errors(output: ToolOutput) -> Iterator[Diagnostic]:
    for match in _YARN_1.finditer(output.text):
        if not match["message"].startswith(("Found incompatible module", "Command failed with exit code")):
            yield _finding("yarn", match["message"], "yarn.lock", output)
    for match in (*_YARN_2.finditer(output.text), *_USAGE.finditer(output.text)):
        code = match.groupdict().get("code") or ""
        if code not in _YARN_2_NOTES and not _DETAIL.match(match["message"]):
            yield _finding("yarn", f"{code}: {match['message']}".removeprefix(": "), "yarn.lock", output)


def bun(output: ToolOutput) -> Parsed:
    """Reads `bun install`."""
    lock = "bun.lockb" if "bun.lockb" in output.text else "bun.lock"
    found = absent_patches(output, "bun")
    found = found or [_finding("bun", match["message"], lock, output) for match in _BUN.finditer(output.text)]
    done = _BUN_DONE.search(output.stdout)
    return Parsed(diagnostics=deduplicated(found), summary=first_line(done[0]) if done and not found else "")


def _finding(tool: str, message: str, lock: str, output: ToolOutput) -> Diagnostic:
    rule = rule_of(message)
    file = output.mapper.own(lock) if rule in _OF_THE_LOCK else None
    return Diagnostic(tool=tool, message=shortened(" ".join(message.split())), file=file, rule=rule)
