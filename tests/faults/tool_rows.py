"""Rows of the fault matrix for quality tools that the stack itself calls: CI, hooks and neighbours."""

from tests.faults.fault import WEB, Fault, red, write

ODD = f"{WEB}/menu/odd.py"
HOOKS = f"""files: ^{ODD}$
ci: {{autofix_prs: false}}
repos:
  - repo: https://github.com/psf/black-pre-commit-mirror
    rev: 25.1.0
    hooks: [{{id: black}}]
  - repo: https://github.com/PyCQA/isort
    rev: 6.0.1
    hooks: [{{id: isort}}]
  - repo: https://github.com/PyCQA/flake8
    rev: 7.1.1
    hooks: [{{id: flake8, args: [--max-line-length=100]}}]
  - repo: https://github.com/RobertCraigie/pyright-python
    rev: v1.1.390
    hooks: [{{id: pyright, args: [{WEB}/menu/odd.py]}}]
"""


def workflow(*runs: str, services: str = "") -> str:
    """A workflow of GitHub whose job runs these commands in the directory of the Django project."""
    steps = "".join(f"      - run: {run}\n        working-directory: {WEB}\n" for run in runs)
    return f"on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n{services}    steps:\n{steps}"


CI = ".github/workflows/ci.yml"
POSTGRES = "    services:\n      db:\n        image: postgres:17\n"
CASES = """from django.test import TestCase


class ShelfTests(TestCase):
    def test_shelf(self) -> None:
        assert len("shelf") == {length}
"""
TOOLS = (
    Fault(
        name="a file that the hooks of pre-commit do not accept",
        edits=(
            write(".pre-commit-config.yaml", HOOKS),
            write(ODD, "import sys\nimport os\n\n\nx: int  = len(os.sep + sys.byteorder)\ny: str = x\n"),
        ),
        red=(
            red("ruff_check", "findings", f"{ODD}:1", "un-sorted"),
            red("ruff_format", "findings", f"{ODD}:5", "would be reformatted"),
            red("black", "findings", f"{ODD}:5", "would be reformatted"),
            red("isort", "findings", f"{ODD}:1", "incorrectly sorted"),
            red("flake8", "findings", f"{ODD}:5", "multiple spaces"),
            red("mypy", "findings", f"{ODD}:6", "Incompatible types"),
            red("pyright", "findings", f"{ODD}:6", "not assignable"),
        ),
    ),
    Fault(
        name="a test that only Django's runner runs",
        edits=(
            write(CI, workflow("python manage.py test menu", services=POSTGRES)),
            write(f"{WEB}/menu/tests.py", CASES.format(length=4)),
        ),
        red=(red("django_test", "tests_failed", f"{WEB}/menu/tests.py:6", "AssertionError"),),
    ),
    Fault(
        name="a test that CI does not run",
        edits=(
            write(CI, workflow("pytest tests -k 'not shelf'")),
            write(
                f"{WEB}/tests/test_shelf.py",
                "def test_shelf() -> None:\n    assert len('shelf') == 4\n".replace("'", '"'),
            ),
        ),
        exit=0,
    ),
    Fault(
        name="a neighbour with a manifest of its own",
        edits=(
            write(f"{WEB}/infra/Pulumi.yaml", "name: cafe\nruntime: python\n"),
            write(f"{WEB}/infra/__main__.py", "import os\nx  =  1\n"),
            write(f"{WEB}/infra/test_infra.py", "def test_infra() -> None:\n    raise RuntimeError\n"),
        ),
        exit=0,
    ),
    Fault(
        name="two test files with one module name",
        edits=(
            write(f"{WEB}/tests/unit/test_shelf.py", "def test_shelf() -> None:\n    assert True\n"),
            write(f"{WEB}/tests/api/test_shelf.py", "def test_shelf() -> None:\n    assert True\n"),
        ),
        red=(red("pytest", "collection_error", f"{WEB}/tests/unit/test_shelf.py", f"{WEB}/tests/api/test_shelf.py"),),
    ),
)
