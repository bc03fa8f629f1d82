"""Clean clones of real repositories: their files, their base, and the safety of the source."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.errors import EngineError, TreeError, UsageError
from tasks.source.base import Base, read_base
from tasks.source.clone import changes_of, clone_stack, find_commit
from tasks.source.tree import read_tree


def git(root: Path, *arguments: str) -> str:
    options = ("-c", "protocol.file.allow=always")
    asked = subprocess.run(["git", *options, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return asked.stdout.strip()


def commit_all(root: Path, message: str = "more") -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD")


def write(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A stack in a folder of a repository, whose default branch is main."""
    root = tmp_path / "shop"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    write(root, stack__main="one\n", elsewhere="two\n")
    (root / ".gitignore").write_text("ignored\n")
    commit_all(root, "first")
    return root


def clone(stack: Path, place: Path, name: str = "") -> Path:
    return clone_stack(stack, find_commit(stack, name), place)


def test_a_clone_has_the_files_of_the_commit_and_no_others(repository: Path, tmp_path: Path) -> None:
    write(repository, stack__main="changed\n", stack__ignored="left over\n", stack__untracked="new\n")

    cloned = clone(repository / "stack", tmp_path / "place")

    assert cloned == tmp_path / "place/shop/stack"
    assert [path.name for path in cloned.iterdir()] == ["main"]
    assert (cloned / "main").read_text() == "one\n"
    tree = read_tree(cloned, None)
    assert (tree.commit, tree.changed, tree.untracked) == (git(repository, "rev-parse", "HEAD"), False, ())


def test_edit_that_git_ignores_by_flag_is_not_cloned(repository: Path, tmp_path: Path) -> None:
    git(repository, "update-index", "--assume-unchanged", "stack/main")
    write(repository, stack__main="hidden\n")

    assert changes_of(repository / "stack") == ()
    assert (clone(repository / "stack", tmp_path / "place") / "main").read_text() == "one\n"


def test_other_commit_is_cloned_by_name(repository: Path, tmp_path: Path) -> None:
    git(repository, "tag", "before")
    write(repository, stack__main="two\n")
    commit_all(repository)

    assert (clone(repository / "stack", tmp_path / "place", "before") / "main").read_text() == "one\n"
    with pytest.raises(UsageError, match="--commit nowhere: git does not have this commit here"):
        clone(repository / "stack", tmp_path / "other", "nowhere")


def test_commit_without_the_stack_is_a_usage_error(repository: Path, tmp_path: Path) -> None:
    write(repository, later__main="new\n")
    commit_all(repository)

    with pytest.raises(UsageError, match=r"does not have later\. Name one that has it"):
        clone(repository / "later", tmp_path / "place", "HEAD^")


def test_directory_without_a_commit_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no commit; --gate validates commits\. Commit the stack first"):
        find_commit(tmp_path, "")


def test_no_hook_and_no_filter_runs(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (repository / ".gitattributes").write_text("* filter=spy\n")
    commit_all(repository)
    git(repository, "config", "filter.spy.smudge", f"touch {ran}; cat")
    hook = repository / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    git(repository, "config", "core.hooksPath", str(hook.parent))

    clone(repository / "stack", tmp_path / "place")

    assert changes_of(repository) == ()
    assert not ran.exists()


def test_base_of_a_clone_is_that_of_its_source(repository: Path, tmp_path: Path) -> None:
    """The clone has a detached head. Its base is still the merge base of the source branch."""
    fork = git(repository, "rev-parse", "HEAD")
    git(repository, "switch", "--quiet", "--create", "feature")
    for text in ("two\n", "three\n"):
        write(repository, stack__main=text)
        commit_all(repository)

    base = read_base(read_tree(clone(repository / "stack", tmp_path / "place"), None), "", tmp_path / "bases")

    assert isinstance(base, Base)
    assert base.title == f"{fork[:10]} (merge base with main)"


def test_shallow_and_linked_checkouts_are_cloned(repository: Path, tmp_path: Path) -> None:
    write(repository, stack__main="two\n")
    head = commit_all(repository)
    git(tmp_path, "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow")
    git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))

    for name in ("shallow", "linked"):
        tree = read_tree(clone(tmp_path / name / "stack", tmp_path / "places" / name), None)
        assert (tree.commit, tree.changed) == (head, False)


def test_submodules_come_from_their_checkouts(repository: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    write(inner, theme="blue\n")
    commit_all(inner)
    git(repository, "submodule", "--quiet", "add", str(inner), "stack/vendor")
    commit_all(repository)

    cloned = clone(repository / "stack", tmp_path / "place")

    assert (cloned / "vendor/theme").read_text() == "blue\n"
    assert not read_tree(cloned, None).changed
    write(repository, stack__vendor__theme="red\n")
    assert changes_of(repository / "stack") == ("vendor/theme",)
    shutil.rmtree(repository / "stack/vendor")
    with pytest.raises(TreeError, match="vendor: the submodule is not checked out"):
        read_tree(clone(repository / "stack", tmp_path / "second"), None)


def test_large_files_come_from_their_store(repository: Path, tmp_path: Path) -> None:
    content = b"large\n" * 1000
    digest = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"
    write(repository, stack__photo=pointer, stack__other=pointer.replace(digest, "0" * 64))
    (repository / ".gitattributes").write_text("stack/photo filter=lfs\n")
    commit_all(repository)
    store = repository / ".git/lfs/objects" / digest[:2] / digest[2:4] / digest
    store.parent.mkdir(parents=True)
    store.write_bytes(content)

    cloned = clone(repository / "stack", tmp_path / "place")

    assert (cloned / "photo").read_bytes() == content
    with pytest.raises(TreeError, match=r"^other: it is a Git LFS pointer") as caught:
        read_tree(cloned, None)
    assert "photo" not in str(caught.value)
    assert changes_of(cloned) == ()


def test_missing_objects_are_reported(repository: Path, tmp_path: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:stack/main")
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()

    with pytest.raises(EngineError, match=r"the commit could not be cloned: .*Repair the repository"):
        clone(repository / "stack", tmp_path / "place")


def test_every_kind_of_change_is_named(repository: Path) -> None:
    write(repository, stack__gone="x\n", stack__kept="x\n", **{"stack__with space": "x\n"})
    commit_all(repository)
    write(repository, stack__main="changed\n", stack__new="x\n", elsewhere="changed, but no part of the stack\n")
    write(repository, stack__ignored="x\n", stack__deep__new="x\n", **{"stack__.predeploy__report": "x\n"})
    git(repository, "add", "stack/new")
    (repository / "stack/gone").unlink()
    (repository / "stack/with space").chmod(0o755)

    assert changes_of(repository / "stack") == ("deep/new", "gone", "main", "new", "with space")


@pytest.mark.parametrize("name", ["a\nb", "a\n", 'a"b', "#a", "a\\b", "ö\x7f"])
def test_a_repository_at_an_unusual_path_is_cloned(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    write(root, stack__main="one\n")
    commit = commit_all(root)

    cloned = clone(root / "stack", tmp_path / "place")

    assert (cloned / "main").read_text() == "one\n"
    assert read_tree(cloned, None).commit == commit
    assert read_tree(root / "stack", None).commit == commit
