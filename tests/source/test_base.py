"""The base: the choice of the deployed commit, and the export of its files from git."""

import os
import re
import time
from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.models import SkipReason
from tasks.source.base import Base, History, choose_base, read_base
from tasks.source.commit_tree import KEPT
from tasks.source.tree import read_tree
from tests.source.test_tree import git, write

HEAD, BEFORE, FORK = "1" * 40, "2" * 40, "3" * 40
MAIN = "refs/remotes/origin/main"


def history(**over: object) -> History:
    facts = {"head": HEAD, "is_changed": False, "is_shallow": False, "parent": BEFORE, "branch": MAIN}
    return History(**{**facts, "merge_base": FORK, **over})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "commit"),
    [
        (history(), FORK),
        (history(merge_base=HEAD, is_changed=True), HEAD),
        (history(merge_base=HEAD), BEFORE),
        (history(is_shallow=True), FORK),
    ],
    ids=["on a branch", "with changes on the default branch", "the default branch itself", "shallow, and still there"],
)
def test_base_is_the_expected_commit(facts: History, commit: str) -> None:
    chosen = choose_base(facts)

    assert isinstance(chosen, tuple)
    assert chosen[0] == commit
    assert "origin/main" in chosen[1]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (history(branch="", merge_base=""), "no default branch here .*--base REF"),
        (history(merge_base=""), "origin/main and this commit have no common history here$"),
        (history(merge_base="", is_shallow=True), "the clone is shallow: git fetch --unshallow, or .*--base REF"),
        (history(merge_base=HEAD, parent=""), "there is no commit before this one$"),
        (history(merge_base=HEAD, parent="", is_shallow=True), "before this one, because the clone is shallow"),
    ],
    ids=["no default branch", "another history", "cut off before the fork", "the first commit", "cut off at once"],
)
def test_missing_base_has_a_reason_and_a_fix(facts: History, says: str) -> None:
    why = choose_base(facts)

    assert isinstance(why, SkipReason)
    assert why.reason_code == "no_base"
    assert re.search(says, why.reason), why.reason


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits on the default branch, and one on another that is checked out."""
    root = tmp_path / "stack"
    write(root, web__manage="one", old="old")
    (root / "run.sh").write_text("exit 0\n")
    (root / "run.sh").chmod(0o755)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    write(root, web__manage="two")
    git(root, "commit", "-qam", "second")
    git(root, "checkout", "-qb", "work")
    write(root, web__manage="three")
    git(root, "rm", "-q", "old")
    git(root, "commit", "-qam", "third")
    return root


def base_of(root: Path, cache: Path, named: str = "") -> Base:
    found = read_base(read_tree(root, None), named, cache)
    assert isinstance(found, Base), found
    return found


def hindrance_of(root: Path, cache: Path) -> SkipReason:
    found = read_base(read_tree(root, None), "", cache)
    assert isinstance(found, SkipReason)
    return found


def texts(base: Base) -> dict[str, str]:
    return {path: (base.tree.root / path).read_text() for path in base.tree.files}


def test_base_of_a_branch_is_its_merge_base_with_the_default_branch(repository: Path, tmp_path: Path) -> None:
    base = base_of(repository, tmp_path / "cache")

    assert base.tree.commit == git(repository, "rev-parse", "main")
    assert base.title == f"{git(repository, 'rev-parse', 'main')[:10]} (merge base with main)"
    assert texts(base) == {"old": "old", "run.sh": "exit 0\n", "web/manage": "two"}


def test_base_of_the_default_branch_is_the_commit_before_unless_edited(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "-q", "main")
    clean = base_of(repository, tmp_path / "cache")
    write(repository, web__manage="edited")
    edited = base_of(repository, tmp_path / "cache")

    assert texts(clean)["web/manage"] == "one"
    assert texts(edited)["web/manage"] == "two"


def test_remote_default_branch_takes_precedence_over_a_local_one(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(repository), str(clone), "-b", "work")
    git(clone, "branch", "main", "origin/work")
    git(clone, "remote", "set-head", "origin", "main")

    assert texts(base_of(clone, tmp_path / "cache"))["web/manage"] == "two"


def test_base_has_the_same_tree_as_a_checkout_of_it(repository: Path, tmp_path: Path) -> None:
    (repository / "link").symlink_to("run.sh")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "fourth")
    checked_out = read_tree(repository, None)

    base = base_of(repository, tmp_path / "cache", "HEAD")

    assert base.tree.files == checked_out.files
    assert base.tree.digest == checked_out.digest
    assert (base.tree.root / "link").readlink() == Path("run.sh")
    assert os.access(base.tree.root / "run.sh", os.X_OK)
    assert not base.tree.changed


def test_base_of_a_stack_in_a_subdirectory_has_only_its_files(repository: Path, tmp_path: Path) -> None:
    assert texts(base_of(repository / "web", tmp_path / "cache")) == {"manage": "two"}


def test_base_has_no_links_out_of_it_and_no_files_of_predeploy(repository: Path, tmp_path: Path) -> None:
    (repository / "out").symlink_to("../elsewhere")
    (repository / "etc").symlink_to("/etc")
    write(repository, **{".predeploy__report": "ours"})
    git(repository, "add", "-f", ".")
    git(repository, "commit", "-qm", "fourth")
    write(repository / "inner", file="of a submodule")
    git(repository / "inner", "init", "-q")
    git(repository / "inner", "add", ".")
    git(repository / "inner", "commit", "-qm", "inner")
    git(repository, "add", "inner")
    git(repository, "commit", "-qm", "a submodule without an entry in .gitmodules")
    git(repository, "rm", "-rq", "--cached", ".predeploy", "inner")
    git(repository, "commit", "-qm", "reports and the submodule are no part of it any more")

    (repository / "out").unlink()
    (repository / "etc").unlink()
    base = base_of(repository, tmp_path / "cache", "HEAD~1")

    assert set(base.tree.files) == {"run.sh", "web/manage"}


def test_no_program_of_the_repository_runs(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for name in ("smudge", "clean", "process"):
        git(repository, "config", f"filter.spy.{name}", f"touch {ran}")
    hook = repository / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    (repository / ".git/info").mkdir(exist_ok=True)
    (repository / ".git/info/attributes").write_text("* filter=spy\n")
    before = sorted(path for path in repository.rglob("*"))

    base_of(repository, tmp_path / "cache", "main")

    assert not ran.exists()
    assert sorted(path for path in repository.rglob("*")) == before


def test_files_are_exported_once_and_removed_when_unused(repository: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = base_of(repository, cache, "main~1")
    (first.tree.root / "old").write_text("as it was left")
    again = base_of(repository, cache, "main~1")
    kept = texts(again)["old"]
    for path in cache.iterdir():
        os.utime(path, (time.time() - 2 * KEPT,) * 2)
    other = base_of(repository, cache, "main")

    assert again.tree == first.tree
    assert kept == "as it was left"
    assert [path.name for path in cache.iterdir()] == [other.tree.root.parent.name]


def test_incomplete_base_is_not_used(repository: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    blob = git(repository, "rev-parse", "main:web/manage")
    lost = repository / ".git/objects" / blob[:2] / blob[2:]
    kept = lost.read_bytes()
    lost.unlink()

    why = hindrance_of(repository, cache)
    lost.write_bytes(kept)

    assert why.reason_code == "no_base"
    assert "web/manage is missing" in why.reason
    assert list(cache.iterdir()) == []
    assert texts(base_of(repository, cache))["web/manage"] == "two"


def test_error_for_a_shallow_clone_has_the_command_for_the_history(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", f"file://{repository}", str(clone), "-b", "work")

    assert "git fetch --unshallow" in hindrance_of(clone, tmp_path / "cache").reason
    with pytest.raises(UsageError, match=r"--base main~1: git does not have this commit here.*--unshallow"):
        base_of(clone, tmp_path / "cache", "main~1")


def test_without_git_there_is_no_base(tmp_path: Path) -> None:
    write(tmp_path / "stack", manage="print()")

    assert hindrance_of(tmp_path / "stack", tmp_path / "cache").reason_code == "no_base"
    with pytest.raises(UsageError, match="the stack has no commit in git"):
        base_of(tmp_path / "stack", tmp_path / "cache", "main")


def test_a_commit_from_before_the_stack_is_no_base(repository: Path, tmp_path: Path) -> None:
    write(repository, api__manage="new")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "fourth")

    why = hindrance_of(repository / "api", tmp_path / "cache")

    assert why.reason_code == "not_in_base"
    assert "does not have this stack" in why.reason


@pytest.mark.parametrize("name", ["main", "main~1", "HEAD", "work^", "v1", "refs/heads/main"])
def test_a_base_may_be_named_as_git_names_commits(name: str, repository: Path, tmp_path: Path) -> None:
    git(repository, "tag", "-am", "a release", "v1", "main~1")

    base = base_of(repository, tmp_path / "cache", name)

    assert base.tree.commit == git(repository, "rev-parse", f"{name}^{{commit}}")
    assert base.title.endswith(f" ({name})")


@pytest.mark.parametrize("name", ["mian", "main:web", "--help", "-h", "HEAD^{tree}", "main..work"])
def test_named_base_that_is_no_commit_is_a_usage_error(name: str, repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git does not have this commit here"):
        base_of(repository, tmp_path / "cache", name)
