"""`predeploy init` writes the first files, and overwrites none."""

import os
import subprocess
from pathlib import Path

import pytest

from flows.cli.actions.start import start
from tasks.errors import UsageError
from tasks.user_dirs import UserDirs
from tests.support.validate import copy_sample


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """The sample in a directory of a repository."""
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "core.hooksPath", str(tmp_path / ".git/hooks"))
    (tmp_path / ".git/hooks/pre-push").unlink(missing_ok=True)
    copy_sample(tmp_path / "cafe")
    (tmp_path / "cafe/predeploy.toml").unlink(missing_ok=True)
    return tmp_path / "cafe"


def git(directory: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=directory, check=True, capture_output=True)


def init(stack: Path, *wanted: str) -> list[str]:
    text, code = start(stack, dict.fromkeys(wanted, True), {}, UserDirs.of_user())
    assert code == 0
    return text.splitlines()


def test_files_are_written_where_they_belong(stack: Path) -> None:
    lines = init(stack, "workflow", "hook", "agents")

    assert lines[:4] == [
        "written  predeploy.toml",
        "written  .github/workflows/predeploy.yml",
        "written  pre-push hook",
        "written  AGENTS.md",
    ]
    assert '[component."apps/web"]' in (stack / "predeploy.toml").read_text()
    assert 'stack: "cafe"' in (stack.parent / ".github/workflows/predeploy.yml").read_text()
    assert os.access(stack.parent / ".git/hooks/pre-push", os.X_OK)


def test_only_what_is_asked_for_is_written(stack: Path) -> None:
    init(stack)

    assert not (stack.parent / ".github").exists()
    assert not (stack.parent / "AGENTS.md").exists()


def test_no_file_is_overwritten(stack: Path) -> None:
    (stack.parent / "AGENTS.md").write_text("ours\n")
    (stack / "predeploy.toml").symlink_to("nowhere.toml")

    with pytest.raises(UsageError, match=r"kept     predeploy\.toml: it exists\nkept     AGENTS\.md"):
        init(stack, "agents")

    assert (stack.parent / "AGENTS.md").read_text() == "ours\n"
    assert not (stack / "nowhere.toml").exists()


def test_paragraph_is_printed_if_the_file_for_agents_exists(stack: Path) -> None:
    (stack.parent / "AGENTS.md").write_text("ours\n")

    lines = init(stack, "agents")

    assert "kept     AGENTS.md: it exists. Add these lines to it:" in lines
    assert "  ## Before you say that you are done" in lines


def test_hooks_of_other_repositories_are_left_alone(stack: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    shared = tmp_path_factory.mktemp("hooks")
    git(stack.parent, "config", "core.hooksPath", str(shared))

    with pytest.raises(UsageError, match="which other repositories share"):
        init(stack, "hook")

    assert [*shared.iterdir()] == []
    assert not (stack / "predeploy.toml").exists()


def test_directory_without_a_component_gets_no_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing\n")

    with pytest.raises(UsageError, match="has no component"):
        init(tmp_path)
