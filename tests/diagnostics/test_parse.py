"""Properties of every parser: any output is read as far as possible."""

import itertools
import random
import re

import pytest

from tasks.diagnostics import PARSERS, Parsed, parse
from tasks.models import Diagnostic
from tasks.report.findings.fingerprints import fingerprints
from tests.diagnostics.captures import load, names, read


def _parse(parser: str, stdout: str, stderr: str, root: str = "/ws", cwd: str = "apps/web") -> Parsed:
    return parse(parser, stdout=stdout, stderr=stderr, root=root, cwd=cwd)


PARTS = 24
CAPTURED = sorted({name.partition("/")[0] for name in names()})


@pytest.mark.parametrize("parser", CAPTURED)
def test_any_beginning_or_end_of_an_output_is_read(parser: str) -> None:
    for capture, cut in itertools.product(map(load, names(parser)), range(PARTS)):
        out, err = len(capture.stdout) * cut // PARTS, len(capture.stderr) * cut // PARTS
        for stdout, stderr in (
            (capture.stdout[:out], capture.stderr[:err]),
            (capture.stdout[out:], capture.stderr[err:]),
        ):
            for finding in _parse(parser, stdout, stderr, cwd=capture.cwd).diagnostics:
                assert finding.message
                assert finding.line is None or (finding.line > 0 and finding.file)


@pytest.fixture(scope="module")
def noise() -> list[str]:
    """Texts of random characters, the same ones each time."""
    rng = random.Random(7)
    letters = "{}[]\"':,.\n\t /\\0123456789abcE=_-\x1b\x00é│╭"
    return ["".join(rng.choices(letters, k=400)) for _ in range(60)]


@pytest.mark.parametrize("parser", PARSERS)
def test_garbage_and_other_tools_outputs_never_raise(parser: str, noise: list[str]) -> None:
    for text in noise:
        _parse(parser, text, text[::-1])
    for name in names()[::4]:
        capture = load(name)
        _parse(parser, capture.stdout, capture.stderr)


@pytest.mark.parametrize("parser", PARSERS)
def test_lines_without_end_cost_little(parser: str) -> None:
    """A pattern with quadratic cost would not end for these lines."""
    for unit in ("a", "\n", "/a/b.ts", " ", "[{"):
        text = unit * (200_000 // len(unit))

        assert len(_parse(parser, text, text).diagnostics) <= 1, unit


@pytest.mark.parametrize("parser", PARSERS)
def test_an_empty_output_says_nothing(parser: str) -> None:
    assert _parse(parser, "", "").diagnostics == ()


@pytest.mark.parametrize("parser", CAPTURED)
def test_no_finding_depends_on_where_the_workspace_was(parser: str) -> None:
    root = "/var/folders/x y/work.1"
    for name in names(parser):
        capture = load(name)
        stdout, stderr = (re.sub(r"/ws\b", root, text) for text in (capture.stdout, capture.stderr))

        found = _parse(parser, stdout, stderr, root=root, cwd=capture.cwd).diagnostics

        assert fingerprints(found) == fingerprints(read(name).diagnostics), name
        assert not [each for each in found if each.file and each.file.startswith(("/", ".."))], name


def test_hint_is_a_sentence_of_its_own() -> None:
    text = "WARNINGS:\n?: (shop.W003) BASE_URL is not set\n\tHINT: Set it.\n\nSystem check identified 1 issue.\n"

    (found,) = _parse("django_check", "", text).diagnostics

    assert found.message == "BASE_URL is not set. Set it."


def test_identical_findings_are_reported_once_in_the_tools_order() -> None:
    stdout = "b.ts(2,1): error TS1: two\na.ts(1,1): error TS1: one\nb.ts(2,1): error TS1: two\n"

    assert [each.location for each in _parse("tsc", stdout, "").diagnostics] == [
        "apps/web/b.ts:2:1",
        "apps/web/a.ts:1:1",
    ]


def test_json_that_lost_its_beginning_is_read_from_the_next_finding() -> None:
    whole = load("eslint/findings")
    second = whole.stdout.index('{"filePath"', 5)

    found = _parse("eslint", whole.stdout[second - 9 :], "", cwd=whole.cwd).diagnostics

    assert found == read("eslint/findings").diagnostics[-1:]


def test_addresses_of_objects_do_not_change_a_fingerprint() -> None:
    def finding(address: str) -> Diagnostic:
        text = f'Traceback (most recent call last):\n  File "/ws/a.py", line 1, in f\nValueError: <X at 0x{address}>\n'
        return _parse("traceback", "", text).diagnostics[0]

    assert fingerprints([finding("7f318ada24d0")]) == fingerprints([finding("7f0000000000")])


def test_an_unknown_parser_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        _parse("nosuch", "", "")
