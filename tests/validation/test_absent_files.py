"""Why a deploy lacks a file: what git ignores, and names with other capitals."""

import subprocess
from pathlib import Path

import pytest

from tasks.models import Diagnostic, Result, Status
from tasks.source.tree import read_tree
from tasks.validation.absent_files import absent_files
from tests.support.factories import make_check


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    for name, text in {
        ".gitignore": "build/\n\nlib/\n",
        "src/lib/api.js": "",
        "src/main.js": "",
        "shop/models.py": "",
        "shop/__init__.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def explained(stack: Path, message: str, file: str, *, status: Status = Status.FAILED) -> Result:
    found = Diagnostic(tool="build", message=message, file=file, line=1)
    result = Result(check="lint[.]", status=status, reason=f"{file}:1: {message}", diagnostics=(found,))
    return absent_files(read_tree(stack, None)).explained(make_check(path="."), result)


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        ("could not resolve ../src/mian.js", "src/main.js"),
        ("No module named 'shop.model'", "shop/models.py"),
        ("could not resolve ./elsewhere.js", ""),
    ],
)
def test_similar_name_in_the_same_folder_is_named(stack: Path, message: str, meant: str) -> None:
    result = explained(stack, message, "src/app.js")

    assert result.diagnostics[0].message == (f"{message}. Did you mean {meant}?" if meant else message)


def test_ignored_file_that_lies_here_is_named_with_the_line_of_gitignore(stack: Path) -> None:
    result = explained(stack, "could not resolve ./lib/api.js", "src/main.js")

    cause = "src/lib/api.js lies here, but .gitignore:3 (lib/) keeps it out of git, so a deploy lacks it"
    assert result.diagnostics[0].message == f"could not resolve ./lib/api.js. {cause}"
    assert result.reason == f"src/main.js:1: could not resolve ./lib/api.js. {cause}"


@pytest.mark.parametrize(
    ("message", "file", "real"),
    [
        ("No module named 'Shop'", "config/settings.py", "shop"),
        ("No module named 'shop.Models'", "config/settings.py", "shop/models.py"),
        ("could not resolve ./Main", "src/index.js", "src/main.js"),
    ],
)
def test_name_with_other_capitals_is_told(stack: Path, message: str, file: str, real: str) -> None:
    result = explained(stack, message, file)

    assert result.diagnostics[0].message == f"{message}. The tree has {real}: capitals count in production"


def test_file_that_lies_nowhere_and_a_pass_stay_as_they_are(stack: Path) -> None:
    assert explained(stack, "could not resolve ./nowhere.js", "src/main.js").diagnostics[0].message.endswith(".js")
    passed = explained(stack, "could not resolve ./lib/api.js", "src/main.js", status=Status.PASSED)
    assert passed.diagnostics[0].message.endswith("api.js")
