"""Changes `requires-python` for an interpreter of another patch release while a command installs or checks."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.engines.versions.python import relaxed
from tasks.steps import Step

NAMES = frozenset({"pyproject.toml", "uv.lock"})


def relax_manifests(root: Path, paths: Iterable[str], version: str) -> dict[Path, str]:
    """Changes manifests and uv's lock so that they admit a version. Returns the earlier texts of changed files.

    A file is replaced, not changed: a workspace may share it with the user's tree.
    """
    before: dict[Path, str] = {}
    for path in (root / each for each in paths if each.rpartition("/")[2] in NAMES):
        text = path.read_text(encoding="utf-8")
        if (changed := relaxed(text, version)) != text:
            before[path] = text
            rewrite(path, changed)
    return before


def rewrite(path: Path, text: str) -> None:
    """Replaces a file."""
    path.unlink()
    path.write_text(text, encoding="utf-8", errors="surrogateescape")


@contextmanager
def relaxed_manifests(step: Step, workspace: Path, version: str) -> Iterator[None]:
    """While a step acquires, its workspace has manifests that admit this version, if it is not empty."""
    if not version or step.phase != "acquire" or step.environment is None:
        yield
        return
    before = relax_manifests(workspace, step.environment.inputs, version)
    try:
        yield
    finally:
        for path, text in before.items():
            rewrite(path, text)
