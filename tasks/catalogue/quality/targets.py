"""Finds the paths that a quality tool looks at, if the stack's own call names none."""

import posixpath
import re

from tasks.catalogue.paths import matching
from tasks.catalogue.quality.usage import project_of
from tasks.catalogue.row import CatalogueContext
from tasks.discovery.file_view import is_within, relative
from tasks.stack import CallSource, Component, ToolCall

_MANIFEST = re.compile(
    r"(?:^|/)(?:pyproject\.toml|setup\.py|uv\.lock|poetry\.lock|Pipfile|Pulumi\.ya?ml|[\w.-]*requirements[\w.-]*\.(?:txt|in)"
    r"|[\w.-]+\.tf)$"
)
_PROJECT = re.compile(r"^\[(?:project|tool\.poetry|build-system)\]", re.MULTILINE)


def foreign_projects(component: Component, context: CatalogueContext) -> tuple[str, ...]:
    """Returns inner folders with a manifest of their own, whose packages this project does not install."""
    project = project_of(component)
    own = {component.path, project.root, *project.paths, *map(posixpath.dirname, project.inputs)}
    own |= {posixpath.dirname(path) for path in (*project.production, *project.development)}
    folders = {posixpath.dirname(path) for path in matching(_MANIFEST, context.paths) if _declares(path, context)}
    inner = {folder for folder in folders if folder and folder != project.root and is_within(folder, project.root)}
    strangers = {folder for folder in inner if not any(is_within(path, folder) for path in own if path)}
    return tuple(sorted(each for each in strangers if not any(is_within(each, other) for other in strangers - {each})))


def _declares(path: str, context: CatalogueContext) -> bool:
    """Whether a manifest declares a project. A pyproject.toml may only configure tools for a folder."""
    return not path.endswith("pyproject.toml") or bool(_PROJECT.search(context.read(path)))


def neighbours(component: Component, context: CatalogueContext, call: ToolCall | None) -> tuple[str, ...]:
    """Returns what a tool must not look at, relative to its working directory.

    Without a call, or if documents alone name the whole project, these are the neighbours with a manifest of their own.
    A hook leaves out what its patterns say.
    """
    if call is None or (call.source is CallSource.DOCS and call.paths in {(), (".",)}):
        root = project_of(component).root
        return tuple(relative(folder, root) for folder in foreign_projects(component, context))
    inner = (path for path in call.excluded if is_within(path, call.directory))
    return tuple(relative(path, call.directory) for path in inner)
