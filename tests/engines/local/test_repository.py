"""Builds in a workspace find the commit of the stack in a repository of git that is not the stack's own."""

import subprocess
from pathlib import Path

import pytest

from tasks.engines.local.repository import GIT, WorkspaceRepository
from tasks.source.tree import Tree, read_tree

WHO = ("-c", "user.name=T", "-c", "user.email=t@t.example")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *WHO, *words], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else f"exit {done.returncode}: {done.stderr}"


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    stack = tmp_path / "stack"
    (stack / "site").mkdir(parents=True)
    (stack / "site/page.md").write_text("# Menu\n")
    git(stack, "init", "--quiet", "--initial-branch=main")
    git(stack, "add", ".")
    git(stack, "commit", "--quiet", "--message=first", "--date=2026-01-02T03:04:05Z")
    git(stack, "tag", "v1.2.0")
    git(stack, "remote", "add", "origin", "https://me:secret@git.example/me/shop.git")
    return stack


def placed(stack: Path, tmp_path: Path, tree: Tree | None = None) -> Path:
    workspace = tmp_path / "workspace"
    (workspace / "site").mkdir(parents=True)
    (workspace / "site/page.md").write_text("# Menu\n")
    WorkspaceRepository(tree or read_tree(stack, None), tmp_path / "run").place(workspace)
    return workspace


@pytest.mark.parametrize(
    "words",
    [
        ("rev-parse", "--short", "HEAD"),
        ("rev-parse", "--abbrev-ref", "HEAD"),
        ("log", "-1", "--format=%s %aI", "--", "site/page.md"),
        ("describe", "--tags", "--dirty"),
        ("status", "--porcelain"),
        ("ls-files",),
    ],
)
def test_git_answers_as_in_the_stack(words: tuple[str, ...], stack: Path, tmp_path: Path) -> None:
    workspace = placed(stack, tmp_path)

    assert git(workspace, *words) == git(stack, *words)


def test_the_origin_has_no_credentials(stack: Path, tmp_path: Path) -> None:
    assert git(placed(stack, tmp_path), "remote", "get-url", "origin") == "https://git.example/me/shop.git"


def test_a_worktree_without_a_branch_has_the_commit(stack: Path, tmp_path: Path) -> None:
    worktree = tmp_path / "other"
    git(stack, "worktree", "add", "--quiet", "--detach", str(worktree))

    workspace = placed(worktree, tmp_path)

    assert git(workspace, "rev-parse", "HEAD") == git(stack, "rev-parse", "HEAD")


def test_a_build_that_writes_changes_nothing_in_the_stack(stack: Path, tmp_path: Path) -> None:
    workspace = placed(stack, tmp_path)
    before = {path: path.read_bytes() for path in (stack / GIT).rglob("*") if path.is_file()}

    git(workspace, "config", "core.hooksPath", ".githooks")
    git(workspace, "commit", "--quiet", "--allow-empty", "--message=of a build")
    git(workspace, "tag", "--delete", "v1.2.0")

    assert git(workspace, "log", "--format=%s").split("\n") == ["of a build", "first"]
    assert {path: path.read_bytes() for path in (stack / GIT).rglob("*") if path.is_file()} == before


def test_a_part_of_a_repository_and_a_stack_without_commits_get_none(stack: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (new / "a.txt").write_text("a")
    git(new, "init", "--quiet")

    assert not (placed(stack, tmp_path / "1", read_tree(stack / "site", None)) / GIT).exists()
    assert not (placed(stack, tmp_path / "2", read_tree(new, None)) / GIT).exists()
