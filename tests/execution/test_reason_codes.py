"""Each reason code is declared once: in the command of a row, or in `tasks.reason_codes`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.reason_codes import ReasonCode
from tasks.steps import Command
from tests.support.factories import make_whole_plan

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for name in ("tasks", "flows") for path in (ROOT / name).rglob("*.py"))
OTHERS = [path for path in MODULES if "catalogue" not in path.parts and path.name != "reason_codes.py"]
CALLS = frozenset({"EngineError", "errored", "failed", "skipped"})
KEYWORDS = frozenset({"reason_code", "trouble"})
PROGRAMS = [program for check in make_whole_plan().checks for program in check.programs]


def literals(path: Path) -> Iterator[str]:
    """Yields the reason codes that a module passes as string literals, by position or by keyword."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            positional = node.args[1:2] if name == "EngineError" else node.args[:1] if name in CALLS else []
            named = [each.value for each in node.keywords if each.arg in KEYWORDS]
            for each in (*positional, *named):
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value:
                    yield each.value


@pytest.fixture(scope="module")
def sources() -> list[str]:
    """The source of each module outside the catalogue."""
    return [path.read_text() for path in OTHERS]


def test_codes_outside_of_rows_are_listed() -> None:
    written = {code: path.name for path in OTHERS for code in literals(path)}

    assert len(written) > 20
    assert {code: name for code, name in written.items() if code not in {*ReasonCode}} == {}


@pytest.mark.parametrize("code", list(ReasonCode))
def test_listed_code_is_used_and_has_a_meaning(code: ReasonCode, sources: list[str]) -> None:
    assert any(f'"{code}"' in source or f"ReasonCode.{code.name}" in source for source in sources)
    assert code.meaning
    assert not code.meaning.endswith(".")


@pytest.mark.parametrize("name", ["attempt", "executor", "findings", "judgement"])
def test_execution_contains_no_code_of_a_row(name: str) -> None:
    tree = ast.parse((ROOT / f"tasks/execution/{name}.py").read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    of_rows = {code for program in PROGRAMS for _, code in (*program.verdicts, *program.unfit)}

    assert texts & of_rows - {*ReasonCode} == set()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.label)
def test_row_refers_only_to_its_own_codes(program: Command) -> None:
    verdicts, unfit = {code for _, code in program.verdicts}, {code for _, code in program.unfit}

    assert {*program.explained} <= unfit
    assert {*program.answered} <= verdicts
    assert {code for code, _, _ in program.refined} <= verdicts
    assert {*program.downloads} <= verdicts | {ReasonCode.TIMEOUT}
