"""Finds where production builds the frontend, whose files are not in the tree."""

import re
from collections.abc import Iterator

from tasks.discovery.documents import string, table
from tasks.discovery.file_view import FileView, join, parent
from tasks.discovery.image.instructions import read_instructions
from tasks.production import NOWHERE, Sourced

_BUILDS = re.compile(
    r"(?:\b(?:npm|pnpm|yarn|bun)\b[^\n&|;]*?\b(?:build|compile|prod|production|webpack|gulp|grunt)\b"
    r"|(?:^|[\s/])(?:webpack|vite|esbuild|rollup|parcel|gulp|tailwindcss|npx)\s)[^\n&|;]*",
    re.MULTILINE,
)
_SCRIPTS = ("heroku-postbuild", "build", "build:prod", "build:production", "production", "prod")
_NAMES = re.compile(r"(?:^|/)(?:\w+[_-])?(?:build|post_compile|pre_compile|deploy|release)(?:[_-]\w+)?(?:\.sh)?$")


def frontend_build(tree: FileView, directory: str, dockerfile: str | None) -> Sourced:
    """Returns the command that builds the frontend: in the Dockerfile, a build script or a package.json nearby."""
    return next(_builds(tree, directory, dockerfile), NOWHERE)


def _builds(tree: FileView, directory: str, dockerfile: str | None) -> Iterator[Sourced]:
    if dockerfile:
        for each in read_instructions(tree.text(dockerfile)):
            match = _BUILDS.search(f"{each.bare}\n{each.body}") if each.word == "RUN" else None
            if match:
                yield Sourced(value=match[0].strip(), file=dockerfile, line=each.line, why="RUN of the Dockerfile")
    near = tree.around(directory)
    for path in near:
        match = _BUILDS.search(tree.text(path)) if _NAMES.search(path) else None
        if match:
            line = tree.text(path).count("\n", 0, match.start()) + 1
            yield Sourced(value=match[0].strip(), file=path, line=line, why="a build script")
    for path in (path for path in near if path.rpartition("/")[2] == "package.json" and not _is_workspace(tree, path)):
        scripts = table(tree.table(path), "scripts")
        name = next((name for name in _SCRIPTS if string(scripts, name)), "")
        if name:
            yield Sourced(value=f"the script {name}", file=path, why="a script of the package")


def _is_workspace(tree: FileView, path: str) -> bool:
    """Whether a package.json is the root of a workspace, whose packages may have nothing to do with Django."""
    return tree.has(join(parent(path), "pnpm-workspace.yaml")) or "workspaces" in tree.table(path)
