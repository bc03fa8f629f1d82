"""Limits on the length of files and functions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.validate import ROOT

FILE, FUNCTION = 250, 40
PARTS = ("deployments", "flows", "tasks")
OURS = [path.relative_to(ROOT) for part in PARTS for path in sorted(ROOT.glob(f"{part}/**/*.py"))]


def long_functions(module: ast.Module) -> Iterator[str]:
    """Yields name and length of functions over the limit. The signature and the docstring do not count."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            work = node.body[1:] if ast.get_docstring(node) else node.body
            length = (work[-1].end_lineno or 0) - work[0].lineno + 1 if work else 0
            if length > FUNCTION:
                yield f"{node.name}: {length}"


@pytest.mark.parametrize("path", OURS, ids=str)
def test_files_and_functions_are_short(path: Path) -> None:
    text = (ROOT / path).read_text()

    assert len(text.splitlines()) <= FILE
    assert [*long_functions(ast.parse(text))] == []
