"""The base: the commit that counts as deployed, from which a deploy of the tree upgrades.

The user may name it. Otherwise it is the merge base with the default branch. If that is the validated commit itself, it
is the commit before: an upgrade of a commit to itself proves nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from tasks.errors import EngineError, UsageError
from tasks.models import SkipReason
from tasks.source.commit_tree import read_commit_tree
from tasks.source.git import OWN_CONFIG, ask_git, run_git
from tasks.source.tree import Tree

DEFAULT_BRANCHES = (
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
)
"""The refs that may be the default branch, the best first."""
NAME_IT = "name the deployed commit: --base REF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The commit that counts as deployed, with its files. `what` is the reason, or the name that the user gave."""

    tree: Tree
    commit: str
    what: str

    @property
    def title(self) -> str:
        """The commit and the reason, for people."""
        return title_of(self.commit, self.what)


def title_of(commit: str, what: str) -> str:
    """A commit, and the reason why it counts as deployed."""
    return f"{commit[:10]} ({what})"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The history of a checkout: its commit with the first parent, and the default branch with the merge base.

    A field is empty if git does not know it.
    """

    head: str
    is_changed: bool
    is_shallow: bool
    parent: str = ""
    branch: str = ""
    merge_base: str = ""


def choose_base(history: History) -> tuple[str, str] | SkipReason:
    """A commit and the reason for it, if the user named none; or the reason why there is no base."""
    branch = history.branch.removeprefix("refs/remotes/").removeprefix("refs/heads/")
    if not history.branch:
        return no_base(f"git knows no default branch here (origin/HEAD, main or master): {NAME_IT}")
    if not history.merge_base:
        return no_base(f"{branch} and this commit have no common history here", is_shallow=history.is_shallow)
    if history.merge_base != history.head or history.is_changed:
        return history.merge_base, f"merge base with {branch}"
    if not history.parent:
        return no_base("there is no commit before this one", is_shallow=history.is_shallow)
    return history.parent, f"the commit before this one of {branch}"


def no_base(why: str, *, is_shallow: bool = False) -> SkipReason:
    """Why there is no base. For a shallow clone, with advice."""
    cut = f", because the clone is shallow: git fetch --unshallow, or {NAME_IT}" if is_shallow else ""
    return SkipReason(reason_code="no_base", reason=f"no upgrade was tried: {why}{cut}")


def read_base(tree: Tree, named: str, cache: Path, chosen: tuple[str, str] | None = None) -> Base | SkipReason:
    """The base of a tree, or why there is none. Raises UsageError if the commit that the user named does not exist.

    `chosen` is a commit and the reason for it, if the choice was made before.
    """
    found = base_commit(tree, named, chosen)
    if isinstance(found, SkipReason):
        return found
    commit, what = found
    title = title_of(commit, what)
    tree_id = ask_git(tree.root, "rev-parse", "--verify", "--quiet", f"{commit}:{_prefix(tree.root)}")
    if not tree_id:
        return SkipReason(reason_code="not_in_base", reason=f"no upgrade was tried: {title} does not have this stack")
    try:
        return Base(tree=read_commit_tree(tree.root, commit, tree_id, cache), commit=commit, what=what)
    except (EngineError, OSError) as error:
        return no_base(f"{title} cannot be read: {error}")


def base_commit(tree: Tree, named: str, chosen: tuple[str, str] | None = None) -> tuple[str, str] | SkipReason:
    """The commit of the base and the reason for it, or why there is none. Its arguments are those of `read_base`."""
    if tree.commit is None:
        if named:
            raise UsageError(f"--base {named}: the stack has no commit in git. Leave it out, or commit the stack.")
        return no_base("git has no commit of this stack: make one")
    return chosen or ((_named(tree, named), named) if named else choose_base(_read_history(tree)))


def _named(tree: Tree, name: str) -> str:
    commit = ask_git(tree.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit:
        return commit
    shallow = " The clone is shallow: git fetch --unshallow brings the rest." if _is_shallow(tree.root) else ""
    raise UsageError(f"--base {name}: git does not have this commit here. Fetch it, or name another one.{shallow}")


def _read_history(tree: Tree) -> History:
    assert tree.commit is not None
    listed = ask_git(tree.root, "for-each-ref", "--format=%(refname) %(objectname)", *DEFAULT_BRANCHES)
    heads = dict(line.split(" ") for line in listed.splitlines())
    branch = next((name for name in DEFAULT_BRANCHES if name in heads), "")
    return History(
        head=tree.commit,
        is_changed=tree.changed,
        is_shallow=_is_shallow(tree.root),
        parent=ask_git(tree.root, "rev-parse", "--verify", "--quiet", f"{tree.commit}^1"),
        branch=branch,
        merge_base=ask_git(tree.root, "merge-base", tree.commit, heads[branch]) if branch else "",
    )


def _is_shallow(root: Path) -> bool:
    return ask_git(root, "rev-parse", "--is-shallow-repository") == "true"


def _prefix(root: Path) -> str:
    """The stack's directory relative to the top of its repository; empty if it is the top."""
    return ask_git(root, "rev-parse", "--show-prefix").removesuffix("/")


def is_ancestor(tree: Tree, commit: str) -> bool:
    """Whether a commit is in the history of the tree's commit, or that commit itself."""
    arguments = ("merge-base", "--is-ancestor", commit, tree.commit or "HEAD")
    return run_git(tree.root, OWN_CONFIG, *arguments).returncode == 0 if commit else False
