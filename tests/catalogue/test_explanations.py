"""Each reason code that a row of the catalogue can give is explained."""

import re
from pathlib import Path

from tasks.catalogue.explanations import ADVICE, CHECK_CODES, explanations
from tasks.reason_codes import ReasonCode
from tests.support.validate import ROOT

CODES = re.compile(
    r'\(\d+, "([a-z_]+)"\)|reason_code="([a-z_]+)"|^NO_\w+ = "([a-z_]+)"|\breason: str = "(\w+)"', re.MULTILINE
)
SOURCES = [
    path
    for part in ("catalogue", "planning", "execution", "validation", "secrets")
    for path in (ROOT / "tasks" / part).rglob("*.py")
]
UNITS = {"minute", "hour", "day"}


def codes_in(path: Path) -> set[str]:
    return {code for match in CODES.findall(path.read_text()) for code in match if code}


def test_every_code_of_a_row_is_explained() -> None:
    used = set().union(*map(codes_in, SOURCES))

    assert "upgrade_failed" in used
    assert used - {*CHECK_CODES, *ReasonCode} - UNITS == set()


def test_no_code_is_explained_that_no_row_has() -> None:
    text = "".join(path.read_text() for path in (ROOT / "tasks").rglob("*.py") if path.name != "explanations.py")

    assert [code for code in CHECK_CODES if f'"{code}"' not in text] == []
    assert not {*CHECK_CODES} & {*ReasonCode}


def test_every_shared_code_is_explained_as_a_phrase() -> None:
    assert {*ADVICE} == {*ReasonCode}
    for each in explanations().values():
        assert each.meaning
        assert each.advice
        assert not each.meaning.endswith(".")
        assert not each.advice.endswith(".")
