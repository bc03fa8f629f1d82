"""Finds packages with a build script that no known generator or Worker explains."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tasks.discovery.documents import Table, string, table, text_table
from tasks.discovery.file_view import FileView, is_within, join, lineage, parent
from tasks.discovery.node.node_workspace import dependencies, find_workspace, workspace_members
from tasks.discovery.rank import Rank, is_excluded, rank
from tasks.stack import Site

# Keys of a manifest that only a published library or program needs.
_PUBLISHED = ("bin", "exports", "files", "module", "peerDependencies", "publishConfig", "types", "typings")
# Programs for other places than a web server.
_FOREIGN = frozenset({"electron", "expo", "react-native", "@tauri-apps/cli", "@tauri-apps/api", "@actions/core"})
_DELEGATES = re.compile(
    r"\b(?:turbo|nx|lerna|wireit|rush|moon)\b|\bworkspaces? |\bcd\s"
    r"|\s(?:-r|-F|-w|-ws|-C|--recursive|--filter|--workspaces?|--prefix|--cwd)\b"
)
# Scripts and files of a package that runs, or is deployed, by itself.
_RUNS = re.compile(r"start|serve|preview|deploy|publish|release")
_HOSTED = ("Dockerfile", "Procfile", "fly.toml", "render.yaml", "netlify.toml", "vercel.json", "app.yaml", "index.html")
_LIBRARY = re.compile(r"\blib\s*:\s*\{")
_VITE = tuple(f"vite.config{ending}" for ending in (".mjs", ".js", ".ts", ".mts"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageBuild:
    """The directory of a package, and its build. A file of its host may name the `output` of the site."""

    directory: str
    site: Site


def find_builds(tree: FileView, exclude: Sequence[str], taken: Collection[str]) -> list[PackageBuild]:
    """Returns the packages that are deployed in a way that predeploy does not know.

    `taken` are the directories of components. Their packages, libraries, and roots that only call their members' builds
    are none.
    """
    known = {parent(path) for each in taken if (path := tree.nearest(each, "package.json"))}
    candidates = [parent(path) for path in tree.named("package.json") if parent(path) not in {*known, *taken}]
    deployed = [each for each in candidates if rank(each) is Rank.DEPLOYED and not is_excluded(each, exclude)]
    wanted = {name for path in tree.named("package.json") for name in dependencies(tree, parent(path))}
    return [PackageBuild(directory=each, site=_site(tree, each)) for each in deployed if _is_app(tree, each, wanted)]


def is_tool(tree: FileView, directory: str, others: Collection[str]) -> bool:
    """Whether a member of a workspace with other components shows no sign that it is deployed itself."""
    root = find_workspace(tree, directory).root
    if root == directory or not any(is_within(each, root) for each in others):
        return False
    scripts = text_table(tree.table(join(directory, "package.json")), "scripts")
    return not any(_RUNS.match(name) for name in scripts) and not tree.first(directory, *_HOSTED)


def _is_app(tree: FileView, directory: str, wanted: Collection[str]) -> bool:
    manifest = tree.table(join(directory, "package.json"))
    build = text_table(manifest, "scripts").get("build", "")
    if not build or string(manifest, "name") in wanted or not _FOREIGN.isdisjoint(dependencies(tree, directory)):
        return False
    if _DELEGATES.search(build) and (workspace_members(tree, directory) or " " in build):
        return False
    config = tree.first(directory, *_VITE)
    return not _is_library(manifest) and not (config and _LIBRARY.search(tree.text(config)))


def _is_library(manifest: Table) -> bool:
    """Whether the package is published. `npm init` writes `main` into every manifest, so it counts only with others."""
    return any(manifest.get(key) for key in _PUBLISHED) or bool(manifest.get("main") and not manifest.get("private"))


def _site(tree: FileView, directory: str) -> Site:
    return Site(generator="", output=_declared_output(tree, directory), script="build")


def _declared_output(tree: FileView, directory: str) -> str:
    """Returns the directory of pages that a file of the host names, relative to the package; else an empty text."""
    for above in lineage(directory):
        build = table(tree.table(join(above, "netlify.toml")), "build")
        base = string(build, "base").strip("/")
        if string(build, "publish") and join(above, base or ".") == directory:
            return string(build, "publish").strip("/")
    return string(tree.table(join(directory, "vercel.json")), "outputDirectory").strip("/")


def is_near(directory: str, web: str) -> bool:
    """Whether a package is in the directory of a Django project, directly in it, or above it."""
    return is_within(web, directory) or parent(directory) == web
