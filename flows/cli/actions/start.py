"""`predeploy init`: writes the first files for predeploy into a repository, and never overwrites one."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from tasks.errors import EngineError, UsageError
from tasks.planning.inspection import inspect_stack
from tasks.planning.starter import ACTION, agents_text, hook_text, settings_text, workflow_text
from tasks.settings import FILE
from tasks.source.git import ask_git, run_git
from tasks.source.places import existing
from tasks.source.tree import read_tree
from tasks.user_dirs import UserDirs
from tasks.validation.stack_settings import make_context, read_settings

WANTED = ("workflow", "hook", "agents")
"""The flags that ask for further files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A file to write. `shown` is its path for people. Its text is printed if the file exists and `is_printed`."""

    path: Path
    shown: str
    text: str
    mode: int = 0o644
    is_printed: bool = False


def start(
    stack: Path, wanted: Mapping[str, object], environ: Mapping[str, str], user_dirs: UserDirs
) -> tuple[str, int]:
    """Writes predeploy.toml and the files that the flags ask for. Returns a line for each, and the exit code.

    Raises UsageError if all of them exist already, or if there is nothing to validate.
    """
    root = existing(stack)
    drafts = [*_drafts(root, wanted, environ, user_dirs)]
    lines = [line for draft in drafts for line in _written(draft)]
    if all(line.startswith("kept") for line in lines if not line.startswith("  ")):
        raise UsageError("\n".join([*lines, "No file was written: predeploy init never overwrites one."]))
    return "\n".join([*lines, "Next: predeploy --list prints the checks, predeploy runs them."]), 0


def _drafts(
    root: Path, wanted: Mapping[str, object], environ: Mapping[str, str], user_dirs: UserDirs
) -> Iterator[Draft]:
    components = inspect_stack(
        make_context(read_tree(root, user_dirs.cache / "digests"), read_settings(root, {}, environ))
    )
    if not components:
        raise UsageError(f"{root} has no component that predeploy knows. Name the stack's directory.")
    yield Draft(path=root / FILE, shown=FILE, text=settings_text(components))
    top = Path(ask_git(root, "rev-parse", "--show-toplevel") or root)
    directory = ask_git(root, "rev-parse", "--show-prefix").removesuffix("/") or "."
    if "workflow" in wanted:
        name = ".github/workflows/predeploy.yml"
        yield Draft(path=top / name, shown=name, text=workflow_text(directory, own_action()))
    if "hook" in wanted:
        hook = hooks_of(root, top) / "pre-push"
        yield Draft(path=hook, shown="pre-push hook", text=hook_text(directory), mode=0o755)
    if "agents" in wanted:
        yield Draft(path=top / "AGENTS.md", shown="AGENTS.md", text=agents_text(directory), is_printed=True)


def hooks_of(root: Path, top: Path) -> Path:
    """Returns the directory of the repository's hooks. Raises UsageError if other repositories share it."""
    # with the user's own configuration, which may name another directory
    answer = run_git(root, (), "rev-parse", "--path-format=absolute", "--git-path", "hooks", use_global=True)
    found = os.fsdecode(answer.stdout).strip()
    own = ask_git(root, "rev-parse", "--path-format=absolute", "--git-common-dir")
    if not found or not own:
        raise UsageError(f"--hook: {root} is in no repository of git. Run git init first.")
    if not any(Path(found).is_relative_to(place) for place in (own, top)):
        shared = f"git takes hooks from {found} (core.hooksPath), which other repositories share"
        raise UsageError(f"--hook: {shared}. Set one for this repository: git config core.hooksPath .githooks")
    return Path(found)


def _written(draft: Draft) -> Iterator[str]:
    """Writes a draft if there is no such file. A link that leads nowhere counts as a file."""
    try:
        draft.path.parent.mkdir(parents=True, exist_ok=True)
        with draft.path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(draft.text)
        draft.path.chmod(draft.mode)
    except FileExistsError:
        yield f"kept     {draft.shown}: it exists" + (". Add these lines to it:" if draft.is_printed else "")
        yield from (f"  {line}" for line in draft.text.splitlines() if draft.is_printed)
    except OSError as error:
        text = f"{draft.shown} could not be written: {error.strerror or error}. Make its directory writable."
        raise EngineError(text, "report_directory") from error
    else:
        yield f"written  {draft.shown}"


def own_action() -> str:
    """Returns predeploy as an action of GitHub, if it was installed from a commit there; else a placeholder."""
    with suppress(PackageNotFoundError, ValueError, KeyError, TypeError):
        source = json.loads(distribution("predeploy").read_text("direct_url.json") or "{}")
        place = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", source["url"])
        if place:
            return f"{place[1]}@{source['vcs_info']['commit_id']}"
    return ACTION
