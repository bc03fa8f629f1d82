"""Finds the repository from which workers fetch the commit of a stack: its remote, or this directory."""

import re
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import UsageError
from tasks.report.facts import counted, named
from tasks.source.clone import changes_of
from tasks.source.fetch import SCP_LIKE
from tasks.source.git import ask_git

SHOWN = 20
"""The maximum of changed files in a message."""
CREDENTIALS = re.compile(r"(?<=^http://)[^/@\s]+@|(?<=^https://)[^/@\s]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A commit for workers. `directory` is the stack's directory, relative to the top of the repository."""

    repository: str
    commit: str
    directory: str


def find_origin(stack: Path, name: str = "") -> Origin:
    """The origin of the commit with this name in git. Without a name, the stack must have no changes to HEAD.

    Raises UsageError if there is no such commit, if the stack has changes, or if the commit was not pushed.
    """
    commit = ask_git(stack, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name or 'HEAD'}^{{commit}}")
    if not commit:
        what = f"--commit {name}: git does not have this commit here" if name else f"git has no commit of {stack}"
        raise UsageError(f"{what}, and --distribute sends a commit to workers. Commit the stack first.")
    if not name and (changes := changes_of(stack)):
        differ = f"{counted(len(changes), 'file')} here {'differs' if len(changes) == 1 else 'differ'}"
        what = f"{differ} from the commit that --distribute would send to workers"
        raise UsageError(f"{what}: {named(changes, SHOWN)}. Commit them, or put them aside: git stash -u.")
    top = Path(ask_git(stack, "rev-parse", "--show-toplevel"))
    directory = ask_git(stack, "rev-parse", "--show-prefix").rstrip("/") or "."
    url = CREDENTIALS.sub("", ask_git(stack, "config", "--get", "remote.origin.url"))
    if not url:
        return Origin(repository=str(top), commit=commit, directory=directory)
    if not ask_git(stack, "for-each-ref", "--count=1", f"--contains={commit}", "--format=%(refname)", "refs/remotes"):
        what = f"workers do not find {commit[:10]} in {url}: git here does not know that it was pushed"
        raise UsageError(f"{what}. Push it. If it was pushed, run git fetch.")
    is_elsewhere = "://" in url or SCP_LIKE.fullmatch(url)
    return Origin(repository=url if is_elsewhere else str((top / url).resolve()), commit=commit, directory=directory)
