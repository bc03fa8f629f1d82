"""Where workers find the commit that a stack is: the repository that it was pushed to, else this very directory."""

import re
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import UsageError
from tasks.report.facts import counted, named
from tasks.source.clone import changes_of
from tasks.source.fetch import SCP_LIKE
from tasks.source.git import ask_git

SHOWN = 20
"""Changed files that are named."""
CREDENTIALS = re.compile(r"(?<=^http://)[^/@\s]+@|(?<=^https://)[^/@\s]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A commit as somebody elsewhere gets it; `directory` is the stack's, seen from the top of the repository."""

    repository: str
    commit: str
    directory: str


def find_origin(stack: Path, name: str = "") -> Origin:
    """Of the commit of a name of git's, or of exactly what lies in the directory.

    Raises UsageError where that is no commit, or one that was not pushed.
    """
    commit = ask_git(stack, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name or 'HEAD'}^{{commit}}")
    if not commit:
        what = f"--commit {name}: git knows no such commit here" if name else f"git has no commit of {stack}"
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
        what = f"workers would not find {commit[:10]} in {url}: as far as git knows here, it was not pushed"
        raise UsageError(f"{what}. Push it; if it was, git fetch tells git here.")
    is_elsewhere = "://" in url or SCP_LIKE.fullmatch(url)
    return Origin(repository=url if is_elsewhere else str((top / url).resolve()), commit=commit, directory=directory)
