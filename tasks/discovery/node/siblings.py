"""Finds the siblings of a package: packages outside of its workspace that its build or its deploy needs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tasks.discovery.calls.shell import read_script, without_directory
from tasks.discovery.file_view import FileView, is_within, join, parent
from tasks.discovery.node.node_preparation import BUILD
from tasks.discovery.node.node_project import describe_node, manager_and_version
from tasks.discovery.node.node_workspace import dependencies, find_workspace, locks
from tasks.discovery.versions import Image
from tasks.node_range import lowest_major
from tasks.packages.package_script import PackageScript
from tasks.stack import NodeProject

# Scripts that neither a build nor a deploy calls.
_ASIDE = re.compile(
    r"(?:^|[:_-])(?:dev|start|serve|preview|watch|test|tests|e2e|lint|format|fmt|check|clean|\w*install|setup|storybook)"
    r"(?:$|[:_-])"
)
# Configurations of tools that resolve modules.
_CONFIG = re.compile(
    r"^(?:(?:vite|vitest|astro|svelte|next|nuxt|webpack|rollup|esbuild|rsbuild|rspack|react-router)\.config\.\w+"
    r"|[tj]sconfig[\w.-]*\.json)$"
)
_ABOVE = re.compile(r"""["'`](?P<path>\.\./[^"'`\n$*]*)""")
# Settings with a directory that the build writes to, or copies.
_NO_MODULE = re.compile(r"outDir|outputDir|publicDir|outFile|tsBuildInfoFile|declarationDir|proxy|extends")


def describe_with_siblings(
    tree: FileView, home: NodeProject | None, image: Image, called: Iterable[str] = ()
) -> NodeProject | None:
    """Returns a project with its siblings, and with the scripts that make them.

    `called` are directories in which the deploy runs commands.
    """
    if home is None:
        return None
    found: dict[str, NodeProject] = {}
    scripts: list[PackageScript] = []
    waiting = [*((each, True) for each in called), *_references(tree, home)]
    while waiting:
        directory, is_called = waiting.pop(0)
        package = _package(tree, directory)
        if package is None or package in found or not _is_sibling(tree, home, package, is_called=is_called):
            continue
        sibling = describe_node(tree, package, image)
        assert sibling is not None
        found[package] = sibling
        text = sibling.scripts.get(BUILD, "")
        if text and not is_called and not _is_there(tree, directory):
            scripts.append(PackageScript(directory=package, name=BUILD, text=text))
        waiting += _references(tree, sibling)
    if not found:
        return home
    siblings = tuple(reversed(found.values()))  # a package that another one needs comes first
    first = [script for each in siblings for script in each.preparation]
    paths = {*home.paths, *found, *(path for each in siblings for path in each.paths)}
    ranges = {*home.node.packages, *(text for each in siblings for text in each.node.packages)}
    return replace(
        home,
        node=replace(home.node, packages=tuple(sorted(ranges))),
        siblings=siblings,
        paths=tuple(sorted(paths)),
        preparation=tuple(dict.fromkeys((*first, *reversed(scripts), *home.preparation))),
    )


def is_installed_with(tree: FileView, package: str | None, directory: str) -> bool:
    """Whether one installation can have the packages of a directory and of `package`: in one workspace, or in two."""
    other = _package(tree, directory)
    if other is None or package is None:
        return other is None or _can_join(("npm", ""), manager_and_version(tree, other))
    if find_workspace(tree, package).root == find_workspace(tree, other).root:
        return True
    return _can_join(manager_and_version(tree, package), manager_and_version(tree, other))


def directories_of(text: str, directory: str) -> Iterator[str]:
    """Yields the directories in which a script runs commands, except its own."""
    for command in read_script(text, directory):
        named = without_directory(command.words)[1]
        place = join(command.directory, named) if named else command.directory
        if place != directory and not place.startswith(".."):
            yield place


def _references(tree: FileView, project: NodeProject) -> list[tuple[str, bool]]:
    """Returns directories and files that a package names, each with whether a script runs commands there."""
    scripts = (text for name, text in project.scripts.items() if not _ASIDE.search(name))
    called = ((each, True) for text in scripts for each in directories_of(text, project.package))
    named = ((each, False) for each in (*project.paths, *_configured(tree, project.package)))
    return [*called, *named]


def _configured(tree: FileView, package: str) -> Iterator[str]:
    """Yields the paths outside of a package that its configurations name."""
    for name in tree.names(package):
        for line in tree.text(join(package, name)).splitlines() if _CONFIG.match(name) else ():
            for match in () if _NO_MODULE.search(line) else _ABOVE.finditer(line):
                path = join(package, match["path"])
                if not path.startswith(".."):
                    yield path


def _package(tree: FileView, directory: str) -> str | None:
    manifest = None if directory.startswith("..") else tree.nearest(directory, "package.json")
    return parent(manifest) if manifest else None


def _is_sibling(tree: FileView, home: NodeProject, package: str, *, is_called: bool) -> bool:
    """Whether a package is installed next to the project. A package around it is so only if a script calls it.

    Without a lock, only a script shows that the package is installed at all.
    """
    root = find_workspace(tree, package).root
    if home.inputs and (root == home.root or package == home.package):
        return False
    if not is_called and (not locks(tree, root) or is_within(home.package, root)):
        return False
    asked = dependencies(tree, package) or dependencies(tree, root)
    mine = (home.manager, home.manager_version)
    return bool(asked) and home.linker != "pnp" and _can_join(mine, manager_and_version(tree, package))


def _can_join(mine: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether both package managers can be there at once: npm comes with Node, and one more is installed.

    A yarn since version 2 needs variables of its own, so it installs no sibling.
    """
    if other[0] == "yarn" and lowest_major(other[1]) > 1:
        return False
    return "npm" in {mine[0], other[0]} or mine == other


def _is_there(tree: FileView, path: str) -> bool:
    """Whether the tree has a file or directory, or a module of this name."""
    endings = ("", ".ts", ".tsx", ".js", ".mjs", ".json")
    return tree.has_directory(path) or any(tree.has(path + ending) for ending in endings)
