"""Clones one commit of a repository on this machine: its files as git writes them, and nothing else that lies there.

No hook, filter or setting of the source has a say. Objects stay where they are: they are named by their content.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from tasks.errors import EngineError, UsageError
from tasks.source.git import OWN_CONFIG, read_config, run_git, start_git
from tasks.source.ls_files import GITLINK
from tasks.source.tree import POINTER, POINTER_LIMIT
from tasks.user_dirs import REPORTS

COPIED_REFS = ("refs/heads", "refs/remotes", "refs/tags")
"""The refs of a clone: by these names people call what is deployed, and the default branch is among them."""
LARGE_FILES = ":(attr:filter=lfs)"


def find_commit(stack: Path, name: str) -> str:
    """The commit of a name of git's, HEAD where it is empty. Raises UsageError where there is none."""
    asked = run_git(
        stack, OWN_CONFIG, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name or 'HEAD'}^{{commit}}"
    )
    if asked.returncode == 0:
        return os.fsdecode(asked.stdout).strip()
    if name:
        raise UsageError(f"--commit {name}: git knows no such commit here. Fetch it, or name another one.")
    raise UsageError(f"--gate speaks of a commit, and git has none of {stack}. Commit the stack first.")


def changes_of(stack: Path, below: str = "") -> tuple[str, ...]:
    """The files in which a stack is not its commit: changed, deleted, or untracked; those of submodules, too."""
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


def clone_stack(stack: Path, commit: str, place: Path) -> Path:
    """A clone below `place` of the repository that the stack lies in, at that commit; returns the stack in it.

    Raises UsageError where the commit does not have the stack, EngineError where git does not have all of the commit.
    """
    top = Path(_ask(stack, "rev-parse", "--show-toplevel"))
    prefix = _ask(stack, "rev-parse", "--show-prefix").removesuffix("/")
    if run_git(stack, OWN_CONFIG, "cat-file", "-e", f"{commit}:{prefix}").returncode:
        raise UsageError(f"the commit {commit[:10]} does not have {prefix}. Name one that has it: --commit REF.")
    target = place / top.name
    _clone(top, commit, target, prefix or ".")
    return target / prefix


def _clone(source: Path, commit: str, target: Path, below: str) -> None:
    """A clone at that commit. Submodules below that directory come from their checkouts in the source."""
    target.mkdir(parents=True)
    digests = _ask(source, "rev-parse", "--show-object-format")
    _ask(target, "init", "--quiet", "--template=", f"--object-format={digests}")
    objects, shallow = (source / _ask(source, "rev-parse", "--git-path", name) for name in ("objects", "shallow"))
    alternates = target / ".git/objects/info/alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_text(f"{objects}\n", encoding="utf-8", errors="surrogateescape")
    with suppress(FileNotFoundError):  # the source may have been cut off itself
        shutil.copyfile(shallow, target / ".git/shallow")
    _copy_refs(source, target)
    _ask(target, "checkout", "--quiet", "--force", "--detach", commit)
    _copy_large_files(target, source / _ask(source, "rev-parse", "--git-common-dir") / "lfs/objects")
    for path, its_commit in _gitlinks(_ask(target, "ls-files", "--stage", "-z", "--", below)).items():
        # where it is not checked out, whoever reads the tree says so
        if (source / path / ".git").exists():
            (target / path).rmdir()
            _clone(source / path, its_commit, target / path, ".")


def _copy_refs(source: Path, target: Path) -> None:
    listed = _ask(source, "for-each-ref", "--format=create %(refname) %(objectname)", *COPIED_REFS)
    with start_git(target, OWN_CONFIG, ("update-ref", "--stdin"), with_stdin=True) as process:
        _, stderr = process.communicate(f"{listed}\n".encode(errors="surrogateescape") if listed else b"")
    if process.returncode:
        raise _missing_objects(os.fsdecode(stderr).strip())


def _copy_large_files(target: Path, store: Path) -> None:
    """Puts content where Git LFS has pointers. What is not in its store stays one, and no tree is made of that."""
    filled = []
    for path in filter(None, _ask(target, "ls-files", "-z", "--", LARGE_FILES).split("\0")):
        place = target / path
        if place.is_symlink() or place.stat().st_size >= POINTER_LIMIT:
            continue
        text = place.read_bytes()
        if not POINTER.fullmatch(text):
            continue
        digest = os.fsdecode(text.partition(b"sha256:")[2][:64])
        with suppress(FileNotFoundError):
            shutil.copyfile(store / digest[:2] / digest[2:4] / digest, place)
            filled.append(path)
    if filled:  # they are what the commit says, in other words
        _ask(target, "update-index", "--assume-unchanged", "--", *filled)


def _gitlinks(listed: str) -> dict[str, str]:
    """Path and commit of each submodule."""
    entries = (item.partition("\t") for item in listed.split("\0"))
    return {path: facts.split(" ")[1] for facts, _, path in entries if facts.startswith(f"{GITLINK:o} ")}


def _ask(root: Path, *arguments: str) -> str:
    """What git answers. Raises EngineError where it cannot."""
    answer = run_git(root, OWN_CONFIG, *arguments)
    if answer.returncode:
        raise _missing_objects(os.fsdecode(answer.stderr).strip())
    return os.fsdecode(answer.stdout).removesuffix("\n")


def _missing_objects(said: str) -> EngineError:
    what = " ".join(said.split()) or "git gave no reason"
    return EngineError(f"the commit could not be cloned: {what}. Mend the repository.", "clone")
