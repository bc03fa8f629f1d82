"""Outputs of real tools, kept as files: what was run, where, how it ended, and both streams."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.diagnostics import Parsed, parse
from tasks.models import Diagnostic

ROOT = "/ws"
"""The text that replaces the path of the workspace."""
FOLDER = Path(__file__).parent / "captured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One run of one tool."""

    cwd: str
    exit: int
    stdout: str
    stderr: str


@cache
def load(name: str) -> Capture:
    """The capture of `parser/case`."""
    head, _, rest = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").partition("--- stdout\n")
    stdout, _, stderr = rest.partition("--- stderr\n")
    facts = dict(re.findall(r"^(cwd|exit): (.+)$", head, re.MULTILINE))
    return Capture(cwd=facts["cwd"], exit=int(facts["exit"]), stdout=stdout, stderr=stderr)


def read(name: str) -> Parsed:
    """Returns the result of the capture's parser, which is named in its path."""
    capture = load(name)
    parser = name.partition("/")[0]
    return parse(parser, stdout=capture.stdout, stderr=capture.stderr, root=ROOT, cwd=capture.cwd)


def names(*parsers: str) -> list[str]:
    """Every capture, or those of these parsers."""
    return [name for name in _names() if not parsers or name.partition("/")[0] in parsers]


@cache
def _names() -> list[str]:
    return sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("*/*.txt"))


def shown(finding: Diagnostic) -> str:
    """One line for a table: severity, place, rule, message and fix."""
    fix = f" (fix: {finding.fix})" if finding.fix else ""
    return f"{finding.severity} {finding.location or '-'} [{finding.rule or ''}] {finding.message}{fix}"


def assert_reads(name: str, expected: tuple[str, ...]) -> None:
    """Asserts that the findings begin like these lines, one for one and in this order."""
    found = [shown(finding) for finding in read(name).diagnostics]

    assert [line[: len(start)] for line, start in zip(found, expected, strict=False)] == list(expected)
    assert len(found) == len(expected), found[len(expected) :]
