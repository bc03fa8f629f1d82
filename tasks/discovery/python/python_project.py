"""Finds how a Python component declares and locks its dependencies."""

from dataclasses import replace

from tasks.discovery.documents import Table, string, table
from tasks.discovery.file_view import FileView, join, lineage, parent
from tasks.discovery.python.install_commands import Installation
from tasks.discovery.python.installations import ImageBuild, by_commands, system_packages
from tasks.discovery.python.other_locks import (
    DEVELOPMENT,
    MANAGERS,
    PRODUCTION,
    Selection,
    find_other_lock,
    local_directories,
    manifest_of,
    pipfile_names,
    read_other_lock,
    selected_text,
)
from tasks.discovery.python.poetry_lock import poetry_python
from tasks.discovery.python.requirement_files import choose_requirements, has_requirements, named_files
from tasks.discovery.python.requirements import read_requirements
from tasks.discovery.python.uv_lock import declared, find_uv_lock, read_uv_lock, source_directories, workspace_members
from tasks.discovery.quality_tools import configurations, used_tools
from tasks.discovery.versions import python_version
from tasks.stack import PythonProject, Version

_MANAGED = (*MANAGERS, "Pipfile")


def describe_python(
    tree: FileView,
    directory: str,
    image: ImageBuild | None,
    installations: tuple[Installation, ...],
    *,
    modules: tuple[str, ...],
) -> PythonProject:
    """Returns the Python project of the component in `directory`: the nearest one that declares dependencies.

    `modules` are the directories from which production imports, that of the settings first. `installations` are
    production's commands.
    """
    root = next((above for above in lineage(directory) if _declares(tree, above)), directory)
    manifest = tree.first(root, "pyproject.toml")
    configured = configurations(tree, directory)
    parsed = (image.path, image.dockerfile) if image else None
    base = PythonProject(
        root=root,
        kind="none",
        manifest=manifest,
        python=python_version(tree, parsed, component=directory, manifest=manifest),
        configurations=configured,
    )
    install = replace(by_commands(installations), system_packages=system_packages(image))
    project, direct, local = _described(tree, replace(base, install=install), installations)
    tools = used_tools(tree, directory, configured=configured, direct=direct, held=project.packages)
    paths = (directory, *modules, _module_root(tree, root), *(_module_root(tree, path) for path in local))
    return replace(project, tools=tools, paths=tuple(dict.fromkeys(paths)))


def _described(tree: FileView, base: PythonProject, installations: tuple[Installation, ...]) -> "_Found":
    """Returns the project as production's commands install it, or else by the locks and files that it has."""
    lock, other = find_uv_lock(tree, base.root), find_other_lock(tree, base.root)
    by_pip = [each for each in installations if each.tool == "pip"]
    named = named_files(tree, base.root, tuple(file for each in by_pip for file in each.files))
    by_uv = next((each for each in reversed(installations) if each.tool == "uv"), None)
    by_other = [each for each in installations if other and each.tool == MANAGERS[other.rsplit("/", 1)[-1]]]
    if lock and (by_uv or not (named or by_other)):
        return _from_lock(tree, base, lock)
    if other and by_other:
        return _from_other_lock(tree, base, other, by_other[-1].selection)
    if named or has_requirements(tree, base.root):
        return _from_requirements(tree, base, named)
    if other:
        return _from_other_lock(tree, base, other, PRODUCTION)
    if pylock := tree.first(base.root, "pylock.toml"):
        return _from_requirements(tree, base, (pylock,))
    return _without_lock(tree, base)


def _declares(tree: FileView, directory: str) -> bool:
    names = ("uv.lock", "setup.py", *_MANAGED)
    if tree.first(directory, *names) or has_requirements(tree, directory):
        return True
    path = join(directory, "pyproject.toml")
    manifest = tree.table(path)
    is_broken = tree.has(path) and not manifest and "[project]" in tree.text(path)
    return is_broken or bool(table(manifest, "project") or table(manifest, "tool", "poetry"))


_Found = tuple[PythonProject, frozenset[str], tuple[str, ...]]
"""A project, the names of its direct dependencies, and the directories of its path dependencies."""


def _from_lock(tree: FileView, base: PythonProject, lock: str) -> _Found:
    locked, direct = read_uv_lock(tree, lock, base.root), declared(tree.table(base.manifest))
    # With a broken lock the declared tools keep their checks, and the installation reports what is wrong.
    packages = locked.packages if tree.table(lock) else direct
    root = join(parent(lock), "pyproject.toml")
    members = workspace_members(tree, root)
    manifests = [root, base.manifest or "", *(join(member, "pyproject.toml") for member in members)]
    # Members of the workspace are on the module path. Path dependencies outside of it are built and installed.
    built = tuple(directory for directory in locked.directories if directory not in members)
    inputs = [*manifests, lock, *_settings_of_uv(tree, base.root), *_files_of(tree, built)]
    project = replace(
        base,
        kind="uv",
        lock=lock,
        pinned=True,
        hashed=True,
        packages=packages,
        versions=locked.versions,
        inputs=_existing(tree, (*inputs, *_readme(tree, base.manifest))),
    )
    return project, direct, locked.directories


def _from_requirements(tree: FileView, base: PythonProject, named: tuple[str, ...]) -> _Found:
    chosen = choose_requirements(tree, base.root, named)
    production = read_requirements(tree, chosen.production, base.root)
    combined = read_requirements(tree, tuple(dict.fromkeys((*chosen.production, *chosen.development))), base.root)
    sources = read_requirements(tree, chosen.sources)
    if combined.loose:
        some = ", ".join(sorted(combined.loose)[:3]) + (", …" if len(combined.loose) > 3 else "")
        tree.warn(
            f"{chosen.production[0]}: not every requirement has an exact version ({some}), so each run resolves "
            "their versions again; compile a lock with `uv pip compile`"
        )
    own = (base.manifest or "", *_readme(tree, base.manifest)) if base.install.project else ()
    project = replace(
        base,
        kind="requirements",
        production=chosen.production,
        development=chosen.development,
        hashed=production.hashed,
        pinned=not combined.loose,
        packages=_with_hosts(combined.names),
        versions=combined.versions,
        inputs=_existing(tree, (*combined.files, *combined.archives, *own, *_files_of(tree, combined.directories))),
    )
    direct = declared(tree.table(base.manifest)) | sources.direct | combined.direct
    return project, direct or combined.names, combined.directories


def _from_other_lock(tree: FileView, base: PythonProject, lock: str, selection: Selection) -> _Found:
    """Returns the packages of a lock of Poetry, PDM or Pipenv. `selection` is what production installs."""
    locked, manifest = read_other_lock(tree, lock), manifest_of(tree, lock)
    direct = declared(tree.table(base.manifest)) | pipfile_names(tree, manifest)
    local = local_directories(tree, lock, locked)
    files = (join(parent(lock), path) for path in locked.directories)
    versions = {package.name: package.version for package in reversed(locked.packages) if package.version}
    project = replace(
        base,
        kind="locked",
        manifest=manifest,
        lock=lock,
        manager=MANAGERS[lock.rsplit("/", 1)[-1]],
        install=replace(base.install, exported=(selected_text(locked, selection), selected_text(locked, DEVELOPMENT))),
        python=_python_of(base.python, tree.table(manifest), manifest),
        pinned=True,
        hashed=all(package.hashes for package in locked.packages),
        # With a broken lock the declared tools keep their checks, and the check of the lock reports what is wrong.
        packages=frozenset(package.name for package in locked.packages) or direct,
        versions=versions,
        inputs=_existing(tree, (lock, manifest or "", *files, *_files_of(tree, local))),
    )
    return project, direct, local


def _python_of(found: Version, manifest: Table, source: str | None) -> Version:
    """Adds the Pythons that a manifest of Poetry or Pipenv accepts."""
    exact = string(manifest, "requires", "python_full_version") or string(manifest, "requires", "python_version")
    pipenv = f"=={exact}" + (".*" if exact.count(".") < 2 else "") if exact else ""
    accepts = found.accepts or poetry_python(manifest) or pipenv
    return Version(wanted=found.wanted or accepts, source=found.source or source or "", accepts=accepts)


def _without_lock(tree: FileView, base: PythonProject) -> _Found:
    """Returns what the manifest alone declares. A warning says how to add a lock that predeploy reads."""
    found = tree.first(base.root, "Pipfile")
    direct = declared(tree.table(base.manifest))
    is_standard = bool(table(tree.table(base.manifest), "project"))
    if found or (table(tree.table(base.manifest), "tool", "poetry") and not is_standard):
        how = "pipenv lock" if found else "poetry lock"
        tree.warn(f"{found or base.manifest}: no lock, so nothing can be installed; make one with `{how}`")
    elif is_standard:
        tree.warn(f"{base.manifest}: no lock, so each run resolves the dependencies again; make one with `uv lock`")
    else:
        where = base.manifest or f"{base.root}/"
        tree.warn(
            f"{where}: no dependencies that predeploy can install; add a pyproject.toml with a uv.lock, "
            "or a requirements.txt"
        )
    if not is_standard:
        return replace(base, inputs=_existing(tree, (base.manifest or "", found or ""))), direct, ()
    local = source_directories(tree, base.manifest or "")
    inputs = (base.manifest or "", *_settings_of_uv(tree, base.root), *_files_of(tree, local))
    inputs = (*inputs, *_readme(tree, base.manifest))
    return replace(base, kind="uv", packages=_with_hosts(direct), inputs=_existing(tree, inputs)), direct, local


def _with_hosts(names: frozenset[str]) -> frozenset[str]:
    """Adds the tools whose plugins a file lists: an installation without a lock takes them along."""
    return names | {tool for tool in ("pytest", "flake8") if any(name.startswith(f"{tool}-") for name in names)}


def _settings_of_uv(tree: FileView, directory: str) -> tuple[str, ...]:
    path = tree.nearest(directory, "uv.toml")
    return (path,) if path else ()


def _readme(tree: FileView, manifest: str | None) -> tuple[str, ...]:
    """Returns the readme and licence files, which a build of the project's metadata reads."""
    if manifest is None:
        return ()
    project = table(tree.table(manifest), "project")
    readme = string(project, "readme") or string(project, "readme", "file")
    licence = string(project, "license", "file")
    return tuple(join(parent(manifest), name) for name in (readme, licence) if name)


def _files_of(tree: FileView, directories: tuple[str, ...]) -> tuple[str, ...]:
    """Returns all files of path dependencies, which are built from source."""
    return tuple(path for directory in directories for path in tree.under(directory))


def _existing(tree: FileView, paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({path for path in paths if tree.has(path)}))


def _module_root(tree: FileView, directory: str) -> str:
    """Returns the directory of a project's modules: `src` if it has Python files, else the project's own."""
    source = join(directory, "src")
    return source if any(path.endswith(".py") for path in tree.under(source)) else directory
