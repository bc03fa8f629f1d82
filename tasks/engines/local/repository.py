"""A repository of git for the workspaces of a run: builds ask it for the commit, the branch and the dates of files.

Its commits are those of the stack, whose objects it reads in place. Nothing that a build does in it changes the stack.
"""

import os
import re
import shutil
from pathlib import Path
from threading import Lock

from tasks.source.git import OWN_CONFIG, ask_git, run_git
from tasks.source.tree import Tree

GIT = ".git"
_SECRET = re.compile(r"(?<=://)[^/@]+@")
_REFS = ("refs/heads", "refs/tags", "refs/remotes")


class WorkspaceRepository:
    """The repository of one run, made below `base` when a workspace first needs it."""

    def __init__(self, tree: Tree, base: Path) -> None:
        self._tree, self._made = tree, base / "repository"
        self._lock = Lock()
        self._is_ready: bool | None = None

    def place(self, workspace: Path) -> None:
        """Copies the repository into a workspace that has none. It blocks: call it in a thread."""
        target = workspace / GIT
        if os.path.lexists(target):
            return
        with self._lock:
            if self._is_ready is None:
                self._is_ready = make_repository(self._tree, self._made)
        if self._is_ready:
            shutil.copytree(self._made / GIT, target)


def make_repository(tree: Tree, folder: Path) -> bool:
    """Makes `.git` in a new folder. False without a commit, or if the tree is only a part of a repository."""
    root = tree.root
    top = ask_git(root, "rev-parse", "--show-toplevel")
    if tree.commit is None or not top or Path(top).resolve() != root:
        return False
    git = folder / GIT
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
        (git / name).mkdir(parents=True, exist_ok=True)
    branch = ask_git(root, "symbolic-ref", "-q", "HEAD")
    (git / "HEAD").write_text(f"ref: {branch}\n" if branch else f"{tree.commit}\n")
    objects, shallow = (root / ask_git(root, "rev-parse", "--git-path", name) for name in ("objects", "shallow"))
    (git / "objects/info/alternates").write_text(f"{objects}\n")
    if shallow.is_file():
        shutil.copyfile(shallow, git / "shallow")
    refs = ask_git(root, "for-each-ref", "--format=%(objectname) %(refname)", *_REFS)
    (git / "packed-refs").write_text(f"{refs}\n")
    (git / "config").write_text(_config(root))
    # the index makes the files those of the commit: without it, all count as deleted
    return run_git(folder, OWN_CONFIG, "read-tree", "HEAD").returncode == 0


def _config(root: Path) -> str:
    """Returns the repository's own settings, and the address of the stack's origin without credentials."""
    form = ask_git(root, "rev-parse", "--show-object-format") or "sha1"
    version = "0" if form == "sha1" else f"1\n[extensions]\n\tobjectFormat = {form}"
    url = _SECRET.sub("", ask_git(root, "config", "--get", "remote.origin.url"))
    origin = "" if not url or re.search(r'["\\\n]', url) else f'[remote "origin"]\n\turl = "{url}"\n'
    return f"[core]\n\tbare = false\n\trepositoryformatversion = {version}\n{origin}"
