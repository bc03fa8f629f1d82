"""The files that differ from a commit, as git and the disk have them."""

from pathlib import Path

from tasks.source.base import is_ancestor
from tasks.source.tree import read_tree
from tasks.validation.comparison.changes import LONGEST, FileChange, read_changes
from tests.source.test_tree import git


def test_changed_new_and_deleted_files_are_read_and_others_are_not(tmp_path: Path) -> None:
    stack = tmp_path / "repository" / "stack"
    stack.mkdir(parents=True)
    for name in ("same.py", "changed.py", "gone.py", "notes.txt", "long.py"):
        (stack / name).write_text("x = 1\n")
    (tmp_path / "repository" / "outside.py").write_text("x = 1\n")
    git(tmp_path / "repository", "init", "-q", "-b", "main")
    git(tmp_path / "repository", "add", ".")
    git(tmp_path / "repository", "commit", "-qm", "first")
    commit = git(stack, "rev-parse", "HEAD")
    (stack / "changed.py").write_text("x = 2\n")
    (stack / "notes.txt").write_text("x = 2\n")
    (stack / "new.py").write_text("y = 1\n")
    (stack / "link.py").symlink_to("new.py")
    (stack / "long.py").write_text("x" * (LONGEST + 1))
    (stack / "gone.py").unlink()
    (tmp_path / "repository" / "outside.py").write_text("x = 2\n")

    tree = read_tree(stack, None)

    assert read_changes(tree, commit) == (
        FileChange(path="changed.py", before="x = 1\n", after="x = 2\n"),
        FileChange(path="gone.py", before="x = 1\n", after=None),
        FileChange(path="new.py", before=None, after="y = 1\n"),
    )
    assert is_ancestor(tree, commit)
    assert not is_ancestor(tree, "1" * 40)
    assert not is_ancestor(tree, "")
