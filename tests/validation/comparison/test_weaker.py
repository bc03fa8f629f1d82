"""The weaker gate: edits of a stack, and what is said."""

import time

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


@pytest.mark.parametrize("mark", ["noqa", "NOQA", "NoQA", "NoQa: E501"])
def test_a_mark_counts_in_any_case(mark: str) -> None:
    change = FileChange(path="a.py", before="x = 1\n", after=f"x = 1  # {mark}\n")

    assert [each.kind for each in weakenings([change])] == ["suppression"]


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ('say = "# noqa"', False),
        ('say = """\n# noqa\n"""', False),
        ("say = '''it's \\''' # noqa\n'''", False),
        ('say = "\\"# noqa"', False),
        ("say = 'it\\'s'  # noqa", True),
        ('say = "it\'s"  # noqa', True),
        ('say = f"{"a"}"  # noqa', True),
        ('say = ""  # noqa', True),
        ("say = 'without an end\ncup = 1  # noqa", True),
        ('"""a text"""  # noqa', True),
    ],
)
def test_a_mark_in_a_text_of_python_does_not_count(code: str, *, counts: bool) -> None:
    change = FileChange(path="a.py", before="", after=f"{code}\n")

    assert bool(weakenings([change])) is counts


def test_seven_hundred_changed_files_cost_less_than_a_second() -> None:
    code = "".join(f"def price_{n}(cup):  # the skipped ones are ignored\n    return cup * {n}\n\n" for n in range(50))
    changes = [
        FileChange(path=f"shop/part_{n}.py", before=code, after=code.replace("cup * 7\n", "cup + 7  # noqa\n"))
        for n in range(700)
    ]

    begun = time.process_time()
    found = weakenings(changes)

    assert len(found) == 700
    assert time.process_time() - begun < 1.0
