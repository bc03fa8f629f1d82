"""Reads what generators outside of package.json configure: Angular's workspace, and sites of Hugo, Zola and Jekyll."""

import posixpath
from collections.abc import Iterator

from tasks.discovery.documents import string, table
from tasks.discovery.file_view import FileView, join, parent
from tasks.discovery.node.node_workspace import dependencies
from tasks.discovery.rank import Rank, rank
from tasks.stack import Site

_LOCKED_HUGO = frozenset({"hugo-bin", "hugo-extended"})
_HUGO = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json")


def angular_site(tree: FileView, package: str, script: str) -> Site | None:
    """Returns the site of an Angular application; None for a workspace with libraries only."""
    projects = table(tree.table(join(package, "angular.json")), "projects")
    for name in projects:
        project = table(projects, name)
        target = table(project, "architect", "build") or table(project, "targets", "build")
        if string(project, "projectType") == "library" or not target:
            continue
        options = table(target, "options")
        path = options.get("outputPath")
        output = string(options, "outputPath", "base") or (path if isinstance(path, str) else f"dist/{name}")
        inner = string(options, "outputPath", "browser") or "browser"
        # the builder `application` writes the pages into a folder of its own, the older ones do not
        has_inner = string(target, "builder").rpartition(":")[2] == "application"
        has_server = bool(options.get("ssr")) and string(options, "outputMode") != "static"
        base = string(options, "baseHref")
        return Site(
            generator="angular",
            output=posixpath.normpath(posixpath.join(output, inner if has_inner else "")),
            base="/" + base.strip("/") if base.startswith("/") else "/",
            script=script,
            command=() if script else ("ng", "build"),
            server=has_server,
            routed=True,
        )
    return None


def name_other_sites(tree: FileView) -> None:
    """Adds a gap for each site of a generator that predeploy does not run."""
    for directory, generator, config in _other_sites(tree):
        if rank(directory) is Rank.DEPLOYED:
            tree.leave_out(f"{config} configures a site of {generator}, which predeploy does not build")


def _other_sites(tree: FileView) -> Iterator[tuple[str, str, str]]:
    for path in tree.named(*_HUGO):
        if _LOCKED_HUGO.isdisjoint(dependencies(tree, parent(path))):
            yield parent(path), "Hugo", path
    for path in tree.named("config.toml"):
        folders = (join(parent(path), name) for name in ("content", "templates"))
        if string(tree.table(path), "base_url") and all(tree.has_directory(each) for each in folders):
            yield parent(path), "Zola", path
    for path in tree.named("_config.yml", "_config.yaml"):
        gems = tree.first(parent(path), "Gemfile")
        if gems and ("jekyll" in tree.text(gems) or "github-pages" in tree.text(gems)):
            yield parent(path), "Jekyll", path
