"""What each parser reads in the captured outputs of its tool: a golden file per parser."""

from collections.abc import Callable

import pytest

from tests.diagnostics.captures import names, read, shown

# test_dockerfile.py has the expectations of this one
ELSEWHERE = "dockerfile"
PARSERS = sorted({name.partition("/")[0] for name in names()} - {ELSEWHERE})


@pytest.mark.parametrize("parser", PARSERS)
def test_captured_outputs_are_read(parser: str, golden: Callable[[str, str], None]) -> None:
    """Each finding, summary and count of each capture: place, rule and message whole."""
    golden(f"{parser}.txt", "\n".join("\n".join(described(name)) + "\n" for name in names(parser)))


def described(name: str) -> list[str]:
    """One capture: its findings, a line each, and what the tool says of its own work."""
    parsed = read(name)
    lines = [f"# {name}", *(shown(finding).replace("\n", "\\n") for finding in parsed.diagnostics)]
    if parsed.summary:
        lines.append(f"summary: {parsed.summary}")
    if parsed.tests:
        counts = parsed.tests
        lines.append(f"tests: {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped")
    return lines
