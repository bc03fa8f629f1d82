"""Outputs of several versions of each tool are captured, and a format that is not known loses no failure."""

import re

import pytest

from tasks.diagnostics import PARSERS, parse
from tests.diagnostics.captures import load, names

OWN = {"plain", "probe", "worker"}
"""Formats of our own, which have one version."""
ONE_VERSION = {"dockerfile": "BuildKit's format, whose version is the one of the engine"}
_VERSION = re.compile(r"(?:_\d+)+$")
_FAMILIES = {"yarn": "berry_"}


@pytest.mark.parametrize("parser", sorted(PARSERS.keys() - OWN - ONE_VERSION.keys()))
def test_outputs_of_two_versions_are_captured(parser: str) -> None:
    captured = [name.partition("/")[2] for name in names(parser)]
    other = [name for name in captured if _VERSION.search(name) or name.startswith(_FAMILIES.get(parser, "\0"))]

    assert other
    assert len(captured) > len(other)


@pytest.mark.parametrize("parser", sorted(PARSERS))
def test_a_format_that_is_not_known_is_read_without_places(parser: str) -> None:
    """A check whose output says nothing gets a finding without a line: see tests/execution/test_red_results.py."""
    text = "The tool of the future found 3 problems.\n<problem at='a.py#L3'>broken</problem>\n"

    found = parse(parser, stdout=text, stderr="", root="/ws", cwd="apps/web").diagnostics

    assert not [each for each in found if each.line]


@pytest.mark.parametrize("name", [name for name in names() if _VERSION.search(name) and "clean" not in name])
def test_the_output_of_another_version_gives_findings(name: str) -> None:
    capture = load(name)
    parser = name.partition("/")[0]

    found = parse(parser, stdout=capture.stdout, stderr=capture.stderr, root="/ws", cwd=capture.cwd)

    assert found.diagnostics or capture.exit == 0
