"""Clones one commit of a repository on this machine: the files of the commit, without other files of the checkout.

Hooks, filters and settings of the source have no effect. The clone shares the source's object store.
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from tasks.errors import EngineError, UsageError
from tasks.source.git import OWN_CONFIG, read_config, run_git, start_git
from tasks.source.ls_files import GITLINK
from tasks.source.tree import POINTER, POINTER_LIMIT
from tasks.user_dirs import REPORTS

COPIED_REFS = ("refs/heads", "refs/remotes", "refs/tags")
"""The refs that a clone gets: the default branch, and names that --base may use."""
LARGE_FILES = ":(attr:filter=lfs)"


def find_commit(stack: Path, name: str) -> str:
    """The commit for a name in git; HEAD if it is empty. Raises UsageError if there is none."""
    asked = run_git(
        stack, OWN_CONFIG, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name or 'HEAD'}^{{commit}}"
    )
    if asked.returncode == 0:
        return os.fsdecode(asked.stdout).strip()
    if name:
        raise UsageError(f"--commit {name}: git does not have this commit here. Fetch it, or name another one.")
    raise UsageError(f"{stack} has no commit; --gate validates commits. Commit the stack first.")


def changes_of(stack: Path, below: str = "") -> tuple[str, ...]:
    """The changed, deleted and untracked files of a stack, with those of its submodules."""
    options = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty")
    pathspec = ("--", ".", f":(exclude,top,glob)**/{REPORTS}/**")
    config = read_config(stack)
    asked = run_git(stack, config, "status", *options, *pathspec)
    if asked.returncode:
        raise UsageError(f"git cannot say what has changed in {stack}: {os.fsdecode(asked.stderr).strip()}")
    prefix = _ask(stack, "rev-parse", "--show-prefix")
    paths = (item[3:] for item in os.fsdecode(asked.stdout).split("\0"))
    changed = [path.removeprefix(prefix) for path in paths if path]
    for path in _gitlinks(_ask(stack, "ls-files", "--stage", "-z")):
        if (stack / path / ".git").exists():
            changed += changes_of(stack / path, f"{path}/")
    return tuple(sorted(below + path for path in changed))


def clone_stack(stack: Path, commit: str, directory: Path) -> Path:
    """Clones the stack's repository at a commit below `directory`; returns the stack's directory in the clone.

    Raises UsageError if the commit does not have the stack, EngineError if git lacks objects of the commit.
    """
    top = Path(_ask(stack, "rev-parse", "--show-toplevel"))
    prefix = _ask(stack, "rev-parse", "--show-prefix").removesuffix("/")
    if run_git(stack, OWN_CONFIG, "cat-file", "-e", f"{commit}:{prefix}").returncode:
        raise UsageError(f"the commit {commit[:10]} does not have {prefix}. Name one that has it: --commit REF.")
    target = directory / top.name
    _clone(top, commit, target, prefix or ".")
    return target / prefix


def _clone(source: Path, commit: str, target: Path, below: str) -> None:
    """Clones a repository. Submodules below the path `below` are cloned from their checkouts in the source."""
    target.mkdir(parents=True)
    digests = _ask(source, "rev-parse", "--show-object-format")
    _ask(target, "init", "--quiet", "--template=", f"--object-format={digests}")
    objects, shallow = (source / _ask(source, "rev-parse", "--git-path", name) for name in ("objects", "shallow"))
    alternates = target / ".git/objects/info/alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_bytes(quoted(os.fsencode(objects)) + b"\n")
    with suppress(FileNotFoundError):  # the source may be a shallow clone
        shutil.copyfile(shallow, target / ".git/shallow")
    _copy_refs(source, target)
    _ask(target, "checkout", "--quiet", "--force", "--detach", commit)
    _copy_large_files(target, source / _ask(source, "rev-parse", "--git-common-dir") / "lfs/objects")
    for path, its_commit in _gitlinks(_ask(target, "ls-files", "--stage", "-z", "--", below)).items():
        # if it is not checked out, reading the tree reports that
        if (source / path / ".git").exists():
            (target / path).rmdir()
            _clone(source / path, its_commit, target / path, ".")


def quoted(path: bytes) -> bytes:
    """A path for a file of git with a path on each line: quoted if it has a newline or begins as a comment does."""
    if not re.search(rb'[\x00-\x1f"\\]', path) and not path.startswith(b"#"):
        return path
    escaped = re.sub(rb'[\x00-\x1f"\\\x7f]', lambda found: b"\\%03o" % found[0][0], path)
    return b'"' + escaped + b'"'


def _copy_refs(source: Path, target: Path) -> None:
    listed = _ask(source, "for-each-ref", "--format=create %(refname) %(objectname)", *COPIED_REFS)
    with start_git(target, OWN_CONFIG, ("update-ref", "--stdin"), with_stdin=True) as process:
        _, stderr = process.communicate(f"{listed}\n".encode(errors="surrogateescape") if listed else b"")
    if process.returncode:
        raise _missing_objects(os.fsdecode(stderr).strip())


def _copy_large_files(target: Path, store: Path) -> None:
    """Replaces pointers of Git LFS with their content. A pointer without content stays: reading the tree refuses it."""
    filled = []
    for path in filter(None, _ask(target, "ls-files", "-z", "--", LARGE_FILES).split("\0")):
        file = target / path
        if file.is_symlink() or file.stat().st_size >= POINTER_LIMIT:
            continue
        text = file.read_bytes()
        if not POINTER.fullmatch(text):
            continue
        digest = os.fsdecode(text.partition(b"sha256:")[2][:64])
        with suppress(FileNotFoundError):
            shutil.copyfile(store / digest[:2] / digest[2:4] / digest, file)
            filled.append(path)
    if filled:  # git must not report them as changed
        _ask(target, "update-index", "--assume-unchanged", "--", *filled)


def _gitlinks(listed: str) -> dict[str, str]:
    """The path and the commit of each submodule."""
    entries = (item.partition("\t") for item in listed.split("\0"))
    return {path: facts.split(" ")[1] for facts, _, path in entries if facts.startswith(f"{GITLINK:o} ")}


def _ask(root: Path, *arguments: str) -> str:
    """The output of a git command. Raises EngineError if it fails."""
    answer = run_git(root, OWN_CONFIG, *arguments)
    if answer.returncode:
        raise _missing_objects(os.fsdecode(answer.stderr).strip())
    return os.fsdecode(answer.stdout).removesuffix("\n")


def _missing_objects(said: str) -> EngineError:
    what = " ".join(said.split()) or "git gave no reason"
    return EngineError(f"the commit could not be cloned: {what}. Repair the repository.", "clone")
