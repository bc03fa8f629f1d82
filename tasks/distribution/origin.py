"""Where workers find the commit that a stack is: the repository that it was pushed to, else this very directory."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tasks.checkout import SCP_LIKE
from tasks.clone import changes_of
from tasks.errors import UsageError
from tasks.git import OWN_CONFIG, run_git
from tasks.report.facts import counted, named

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
    commit = _ask(stack, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name or 'HEAD'}^{{commit}}")
    if not commit:
        what = f"--commit {name}: git knows no such commit here" if name else f"git has no commit of {stack}"
        raise UsageError(f"{what}, and --distribute sends a commit to workers. Commit the stack first.")
    if not name and (changes := changes_of(stack)):
        differ = f"{counted(len(changes), 'file')} here {'differs' if len(changes) == 1 else 'differ'}"
        what = f"{differ} from the commit that --distribute would send to workers"
        raise UsageError(f"{what}: {named(changes, SHOWN)}. Commit them, or put them aside: git stash -u.")
    top = Path(_ask(stack, "rev-parse", "--show-toplevel"))
    directory = _ask(stack, "rev-parse", "--show-prefix").rstrip("/") or "."
    url = CREDENTIALS.sub("", _ask(stack, "config", "--get", "remote.origin.url"))
    if not url:
        return Origin(repository=str(top), commit=commit, directory=directory)
    if not _ask(stack, "for-each-ref", "--count=1", f"--contains={commit}", "--format=%(refname)", "refs/remotes"):
        what = f"workers would not find {commit[:10]} in {url}: as far as git knows here, it was not pushed"
        raise UsageError(f"{what}. Push it; if it was, git fetch tells git here.")
    is_elsewhere = "://" in url or SCP_LIKE.fullmatch(url)
    return Origin(repository=url if is_elsewhere else str((top / url).resolve()), commit=commit, directory=directory)


def _ask(root: Path, *arguments: str) -> str:
    """What git answers, or nothing."""
    answer = run_git(root, OWN_CONFIG, *arguments)
    return os.fsdecode(answer.stdout).removesuffix("\n") if answer.returncode == 0 else ""
