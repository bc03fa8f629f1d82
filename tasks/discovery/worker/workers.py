"""Finds Cloudflare Workers by their wrangler files."""

import posixpath
import re
import shlex
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tasks.discovery.documents import Table, string, strings, table, tables, text_table
from tasks.discovery.file_view import FileView, join, lineage, parent
from tasks.discovery.node.node_project import manager_and_version
from tasks.discovery.node.node_workspace import dependencies
from tasks.discovery.worker.deploy_words import upload_of
from tasks.discovery.worker.deploys import CONFIGS, DeployContext, find_deploy
from tasks.discovery.worker.lost_bindings import bound_anywhere, lost_bindings
from tasks.discovery.worker.lost_variables import lost_variables
from tasks.discovery.worker.targets import PRODUCTION, section_with_main, target_of, with_options
from tasks.discovery.worker.worker_env import bindings_of, read_names, sources
from tasks.stack import Site
from tasks.worker import Deploy, Worker

_PLUGINS = frozenset({"@cloudflare/vite-plugin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrangler:
    """A wrangler file. `pages` is the output directory of a Pages project, `assets` the directory of a Worker.

    `document` is the whole file. The other values are those of the top level, or of the only sections that have them.
    """

    config: str
    name: str
    main: str
    assets: str
    pages: str
    environments: tuple[str, ...]
    document: Table


def read_wrangler(tree: FileView, directory: str) -> Wrangler | None:
    """Returns the wrangler file of a directory: the first one in wrangler's order."""
    found = [join(directory, name) for name in CONFIGS if tree.has(join(directory, name))]
    if not found:
        return None
    config = found[0]
    if found[1:]:
        tree.warn(f"{config} is used and {', '.join(found[1:])} is not: wrangler reads only one file; delete the other")
    document = tree.table(config)
    text = "" if document else tree.text(config)  # a broken file is read line by line
    main = string(target_of(document, section_with_main(document)), "main") or _line(text, "main")
    assets = string(document, "assets", "directory") or string(document, "site", "bucket")
    pages = string(document, "pages_build_output_dir")
    if not (main or assets or pages):
        main = _main_of_script(tree, directory)
    return Wrangler(
        config=config,
        name=string(document, "name") or _line(text, "name"),
        main=main,
        assets=assets,
        pages=pages,
        environments=tuple(sorted(table(document, "env"))),
        document=document,
    )


def _main_of_script(tree: FileView, directory: str) -> str:
    """Returns the entry point that a script names instead of the file: `wrangler deploy src/index.ts`."""
    for script in text_table(tree.table(join(directory, "package.json")), "scripts").values():
        for part in re.split(r"&&|\|\||;", script):
            with suppress(ValueError):
                upload = upload_of(shlex.split(part))
                if upload is not None and not (upload.config or upload.directory):
                    return string(with_options({}, upload.options), "main")
    return ""


def _line(text: str, key: str) -> str:
    match = re.search(rf"""^\s*["']?{key}["']?\s*[:=]\s*["']([^"'\n]+)["']""", text, re.MULTILINE)
    return match.group(1) if match else ""


def is_generated(tree: FileView, wrangler: Wrangler, output: str) -> bool:
    """Whether a site's build makes the entry point: in its output, in a hidden folder, or in a package."""
    directory = parent(wrangler.config)
    main = join(directory, wrangler.main)
    if tree.has(main):
        return False
    folders = posixpath.normpath(wrangler.main).split("/")
    in_output = folders[0] in {posixpath.normpath(output).split("/")[0], "dist", "build", "out"}
    return in_output or (folders[0].startswith((".", "@")) and folders[0] != "..") or "_worker.js" in folders


def makes_worker(tree: FileView, wrangler: Wrangler, site: Site) -> bool:
    """Whether a site's build makes all that wrangler uploads: pages, and the Worker if there is one."""
    return not wrangler.main or is_generated(tree, wrangler, site.output)


def has_worker(tree: FileView, wrangler: Wrangler) -> bool:
    """Whether the package of a site also deploys a Worker: its build makes one, or its own wrangler uploads pages."""
    return bool(wrangler.main or (wrangler.assets and "wrangler" in _dependencies(tree, parent(wrangler.config))))


def describe_worker(tree: FileView, wrangler: Wrangler, site: Site | None = None, wanted: str = "") -> Worker | None:
    """Returns the Worker of a wrangler file; None, with a warning, if the file deploys no Worker.

    `site` is the site of the same package, `wanted` the configured deploy target.
    """
    if not (wrangler.main or wrangler.assets):
        kind = "a Pages project without a static generator" if wrangler.pages else "neither `main` nor `assets`"
        tree.warn(f"{wrangler.config}: {kind}, so it is no Worker and is not checked")
        return None
    directory = parent(wrangler.config)
    has_source = not is_generated(tree, wrangler, site.output if site else "dist")
    is_built = not has_source or _has_plugin(tree, directory)
    deploy = _deploy(tree, wrangler, wanted, is_built=is_built)
    found = sources(tree, directory)
    environment = _environment(tree, wrangler, deploy, found, wanted)
    document = with_options(target_of(wrangler.document, environment), deploy.options)
    reads = read_names(tree, directory, document, bound_anywhere(wrangler.document))
    lost = lost_bindings(tree, found, wrangler.document, environment)
    lost += lost_variables(tree, wrangler.config, found, wrangler.document, environment, deploy)
    _warn_of_variables(tree, wrangler, environment, {*reads} - {each.name for each in lost})
    return Worker(
        config=wrangler.config,
        name=string(document, "name") or wrangler.name,
        main=string(document, "main") or wrangler.main,
        assets=string(document, "assets", "directory") or string(document, "site", "bucket"),
        environments=wrangler.environments,
        environment=environment,
        deploy=deploy,
        is_built=is_built,
        tsconfig=_tsconfig(tree, wrangler) if has_source else None,
        date=string(document, "compatibility_date"),
        flags=strings(document, "compatibility_flags"),
        vars=dict(table(document, "vars")),
        bindings=bindings_of(document),
        rules=tuple(dict(each) for each in tables(document, "rules")),
        containers=tuple(string(each, "class_name") for each in tables(document, "containers")),
        crons=tuple(dict.fromkeys(strings(document, "triggers", "crons"))),
        reads=reads,
        lost=lost,
        unmigrated=_unmigrated(tree, directory, document),
        sources=found,
    )


def _warn_of_variables(tree: FileView, wrangler: Wrangler, environment: str, reads: Collection[str]) -> None:
    """Warns of variables that the code may read, and that only the top level of the wrangler file sets."""
    lost = [name for name in sorted(reads) if environment and name in table(wrangler.document, "vars")]
    if lost:
        tree.warn(
            f"{wrangler.config}: env.{environment} lacks {', '.join(lost)}, which only the top level has in `vars`. "
            "Sections do not inherit variables: add them there, unless they are secrets of this target"
        )


def _unmigrated(tree: FileView, directory: str, document: Table) -> tuple[str, ...]:
    """Returns the bindings of D1 databases without migrations in the tree."""
    return tuple(
        string(each, "binding")
        for each in tables(document, "d1_databases")
        if not tree.has_directory(join(directory, string(each, "migrations_dir") or "migrations"))
    )


def _environment(tree: FileView, wrangler: Wrangler, deploy: Deploy, paths: tuple[str, ...], wanted: str) -> str:
    """Returns the deploy's environment. If no file states it, it is one that has the bindings that the code reads."""
    known = wrangler.environments
    if wanted and known and wanted not in known:
        tree.warn(f"{wrangler.config} has no section env.{wanted}, so predeploy takes the target of the stack's files")
    if deploy.environment or deploy.is_named:
        return deploy.environment
    document = wrangler.document
    section = section_with_main(document)
    if section or deploy.found.file or not lost_bindings(tree, paths, document, ""):
        return section
    likely = (*(name for name in PRODUCTION if name in known), *known)
    complete = next((name for name in likely if not lost_bindings(tree, paths, document, name)), "")
    if complete:
        tree.warn(
            f"{wrangler.config}: no file says which environment is deployed. predeploy takes {complete}, as the top "
            "level lacks bindings that the code reads; --environment names another one"
        )
    return complete


def _deploy(tree: FileView, wrangler: Wrangler, wanted: str, *, is_built: bool) -> Deploy:
    """Returns how the stack deploys the Worker. Its build also makes assets that are not in the tree."""
    directory = parent(wrangler.config)
    assets = join(directory, wrangler.assets) if wrangler.assets else ""
    manifest = tree.nearest(directory, "package.json")
    package = parent(manifest) if manifest else None
    has_own_build = bool(string(wrangler.document, "build", "command")) and not is_built
    return find_deploy(
        tree,
        DeployContext(
            config=wrangler.config,
            package=package,
            manager=manager_and_version(tree, package)[0] if package else "npm",
            environments=wrangler.environments,
            wanted=wanted,
            needs_build=is_built or (bool(assets) and not tree.has_directory(assets) and not has_own_build),
            main=wrangler.main,
            assets="" if tree.has_directory(assets) else assets,
        ),
    )


def _has_plugin(tree: FileView, directory: str) -> bool:
    """Whether a plugin of Vite bundles the Worker: then wrangler uploads what the build made."""
    return not _PLUGINS.isdisjoint(_dependencies(tree, directory))


def _dependencies(tree: FileView, directory: str) -> Mapping[str, str]:
    manifest = tree.nearest(directory, "package.json")
    return dependencies(tree, parent(manifest)) if manifest else {}


def _tsconfig(tree: FileView, wrangler: Wrangler) -> str | None:
    """Returns the tsconfig.json next to the wrangler file.

    For an entry point in TypeScript it is the nearest one, up to the directory with the package.json.
    """
    directory = parent(wrangler.config)
    for above in lineage(directory):
        path = join(above, "tsconfig.json")
        if tree.has(path):
            return path
        if not wrangler.main.endswith((".ts", ".tsx", ".mts")) or tree.has(join(above, "package.json")):
            break
    return None
