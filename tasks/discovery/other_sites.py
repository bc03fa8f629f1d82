"""Reads what generators outside of package.json configure: Angular's workspace, and sites of Hugo, Zola and Jekyll."""

import posixpath
import re
from dataclasses import replace
from urllib.parse import SplitResult, urlsplit

from tasks.discovery.documents import string, table, text_table
from tasks.discovery.file_view import FileView, join, parent
from tasks.discovery.generators import flag
from tasks.discovery.node.node_workspace import dependencies
from tasks.stack import Site

_LOCKED_HUGO = frozenset({"hugo-bin", "hugo-extended"})
_HUGO = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json")
_JEKYLL = ("_config.yml", "_config.yaml")


def angular_site(tree: FileView, package: str, script: str, line: str = "") -> Site | None:
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
        base = flag(line, "--base-href") or string(options, "baseHref")
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


def other_site(tree: FileView, directory: str) -> Site | None:
    """Returns the site of a generator that no package locks, so that only a program of the machine builds it."""
    found = _hugo(tree, directory) or _zola(tree, directory) or _jekyll(tree, directory)
    if found is None:
        return None
    scripts = text_table(tree.table(join(directory, "package.json")), "scripts")
    builds = re.search(rf"\b{found.program}\b", scripts.get("build", ""))
    return replace(found, script="build", command=()) if builds else found


def other_directories(tree: FileView) -> set[str]:
    """Returns the directories that may have such a site."""
    return {_site_directory(parent(path)) for path in tree.named(*_HUGO, "config.toml", *_JEKYLL)}


def _site_directory(directory: str) -> str:
    """Returns the directory of a site. Hugo may have its configuration in `config/NAME`, a file per environment."""
    above = parent(directory)
    return parent(above) if posixpath.basename(above) == "config" else directory


def _hugo(tree: FileView, directory: str) -> Site | None:
    if posixpath.basename(parent(directory)) == "config":
        return None
    path = tree.first(directory, *_HUGO) or tree.first(join(directory, "config/_default"), *_HUGO, "config.toml")
    old = join(directory, "config.toml")
    if path is None and "baseURL" in tree.table(old) and tree.has_directory(join(directory, "content")):
        path = old
    if path is None or not _LOCKED_HUGO.isdisjoint(dependencies(tree, directory)):
        return None
    config = {key.lower(): value for key, value in tree.table(path).items()}
    base = urlsplit(string(config, "baseurl"))
    return _built_by("hugo", (), string(config, "publishdir") or "public", base)


def _zola(tree: FileView, directory: str) -> Site | None:
    config = tree.table(join(directory, "config.toml"))
    folders = (join(directory, name) for name in ("content", "templates"))
    if not string(config, "base_url") or not all(tree.has_directory(each) for each in folders):
        return None
    return _built_by("zola", ("build",), string(config, "output_dir") or "public", urlsplit(string(config, "base_url")))


def _jekyll(tree: FileView, directory: str) -> Site | None:
    path, gems = tree.first(directory, *_JEKYLL), tree.first(directory, "Gemfile")
    if path is None or gems is None or not any(name in tree.text(gems) for name in ("jekyll", "github-pages")):
        return None
    config = tree.table(path)
    base = urlsplit(string(config, "url") + string(config, "baseurl"))
    site = _built_by("jekyll", (), string(config, "destination") or "_site", base)
    # the Gemfile names the version and the plugins
    return replace(site, command=("bundle", "exec", "jekyll", "build"))


def _built_by(program: str, words: tuple[str, ...], output: str, base: SplitResult) -> Site:
    return Site(
        generator=program,
        output=posixpath.normpath(output),
        base="/" + base.path.strip("/"),
        command=(program, *words),
        host=base.hostname or "",
        program=program,
    )
