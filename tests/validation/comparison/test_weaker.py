"""The weaker gate: edits of a stack, and what is said."""

import pytest

from tasks.validation.comparison.changes import FileChange
from tasks.validation.comparison.weaker import weakenings
from tests.validation.comparison.edits import EDITS, Edit


@pytest.mark.parametrize("edit", EDITS, ids=[each.what for each in EDITS])
def test_an_edit_that_weakens_the_gate_is_named(edit: Edit) -> None:
    assert [f"{each.location} {each.text}" for each in weakenings(edit.changes)] == [*edit.said]


@pytest.mark.parametrize("edit", EDITS, ids=[each.what for each in EDITS])
def test_the_opposite_of_an_edit_does_not_weaken_the_same(edit: Edit) -> None:
    back = [FileChange(path=each.path, before=each.after, after=each.before) for each in edit.changes]

    assert not {each.text for each in weakenings(back)} & {each.text for each in weakenings(edit.changes)}


@pytest.mark.parametrize("text", ["[tool", "\x00", "def test_a(:\n  # noqa\n'''", "[" * 5_000, "a: [" * 5_000])
@pytest.mark.parametrize("path", ["pyproject.toml", "a.py", "tsconfig.json", ".pre-commit-config.yaml", "setup.cfg"])
def test_broken_files_are_no_error(path: str, text: str) -> None:
    for change in (
        FileChange(path=path, before="", after=text),
        FileChange(path=path, before=text, after=None),
    ):
        assert {each.file for each in weakenings([change])} <= {path}
