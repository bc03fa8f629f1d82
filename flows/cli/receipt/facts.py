"""What a receipt depends on: the command with its environment, the files, git, predeploy and the machine.

It needs neither Prefect nor Dagger nor pydantic: what the answer imports counts in its time.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tasks.engines.dagger.reach import containers_of
from tasks.errors import PredeployError
from tasks.execution.reuse.machine import machine_digest, own_code
from tasks.source.git import ask_git
from tasks.source.tree import Tree, read_tree

OF_THE_SHELL = frozenset(
    {"_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "WINDOWID", "TERM_SESSION_ID", "PREDEPLOY_CALLED_AS"}
)
"""Variables that change from command to command, and that no check gets."""
BRANCHES = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master")
LOCAL_BRANCHES = ("refs/heads/main", "refs/heads/master")
CONFIGURATION = "predeploy.toml"
RECEIPTS = "receipts"


def command_of(arguments: Sequence[str], environ: Mapping[str, str]) -> bytes:
    """Returns a command as bytes: arguments, directory, variables, and whether people see its output."""
    variables = sorted((name, value) for name, value in environ.items() if name not in OF_THE_SHELL)
    program = environ.get("PREDEPLOY_CALLED_AS", "")
    content = json.dumps([list(arguments), os.getcwd(), variables, program, is_terminal()])  # noqa: PTH109
    return content.encode("utf-8", "surrogateescape")


def request_of(command: bytes, secret: bytes) -> str:
    """Returns the keyed digest of a command: its variables may have secrets."""
    return hashlib.blake2b(command, key=secret, digest_size=24).hexdigest()


def is_terminal() -> list[bool]:
    """Whether stdout and stderr are terminals: that decides how a report looks."""
    return [os.isatty(number) for number in (1, 2)]


def facts_of(tree: Tree, environ: Mapping[str, str], secret: bytes) -> dict[str, str]:
    """Returns what must be the same for a receipt to count, each as a text."""
    return {
        "tree": tree.digest,
        "git": git_facts(tree),
        "configuration": str((tree.root / CONFIGURATION).exists()),
        "machine": machine_digest(environ, secret),
        "containers": containers_of(environ),
        "predeploy": own_code(),
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def git_facts(tree: Tree) -> str:
    """Returns the commit, whether the files differ from it, and the branches that may be the deployed commit."""
    listed = ask_git(tree.root, "for-each-ref", "--format=%(refname) %(objectname)", *BRANCHES, *LOCAL_BRANCHES)
    shallow = ask_git(tree.root, "rev-parse", "--is-shallow-repository")
    return json.dumps([tree.commit, tree.changed, list(tree.untracked), listed, shallow])


def current_facts(root: Path, cache: Path, environ: Mapping[str, str], secret: bytes) -> dict[str, str]:
    """Returns the facts now; empty if the files cannot be validated."""
    try:
        return facts_of(read_tree(root, cache / "digests"), environ, secret)
    except (PredeployError, OSError):
        return {}


def usable(receipt: Any, facts: Mapping[str, str], now: float) -> bool:
    """Whether a receipt counts: all facts are the same, and it is neither too old nor of the future."""
    return bool(facts) and receipt["facts"] == facts and receipt["at"] - 60 <= now <= receipt["until"]


def request_file(cache: Path, request: str) -> Path:
    """Returns the file of the receipt for a command."""
    return cache / RECEIPTS / f"{request}.json"


def stack_file(cache: Path, root: Path) -> Path:
    """Returns the file of the newest receipt for all checks of a stack."""
    return cache / RECEIPTS / f"stack-{hashlib.sha256(os.fsencode(root)).hexdigest()[:24]}.json"
