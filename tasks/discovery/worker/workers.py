"""Finds Cloudflare Workers by their wrangler files."""

import posixpath
import re
from dataclasses import dataclass

from tasks.discovery.documents import Table, string, strings, table, tables
from tasks.discovery.file_view import FileView, join, lineage, parent
from tasks.discovery.worker.worker_env import bindings_of, read_names, sources
from tasks.stack import Worker

# The order in which wrangler searches.
CONFIGS = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrangler:
    """A wrangler file. `pages` is the output directory of a Pages project, `assets` the directory of a Worker."""

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
    return Wrangler(
        config=config,
        name=string(document, "name") or _line(text, "name"),
        main=string(document, "main") or _environments_main(document) or _line(text, "main"),
        assets=string(document, "assets", "directory") or string(document, "site", "bucket"),
        pages=string(document, "pages_build_output_dir"),
        environments=tuple(sorted(table(document, "env"))),
        document=document,
    )


def _environments_main(document: Table) -> str:
    """Returns the first entry point that an environment names."""
    found = (string(document, "env", name, "main") for name in table(document, "env"))
    return next((main for main in found if main), "")


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


def describe_worker(tree: FileView, wrangler: Wrangler) -> Worker | None:
    """Returns the Worker of a wrangler file; None, with a warning, if the file deploys no Worker."""
    if not (wrangler.main or wrangler.assets):
        kind = "a Pages project without a static generator" if wrangler.pages else "neither `main` nor `assets`"
        tree.warn(f"{wrangler.config}: {kind}, so it is no Worker and is not checked")
        return None
    document, directory = wrangler.document, parent(wrangler.config)
    return Worker(
        config=wrangler.config,
        name=wrangler.name,
        main=wrangler.main,
        assets=wrangler.assets,
        environments=wrangler.environments,
        tsconfig=_tsconfig(tree, wrangler),
        date=string(document, "compatibility_date"),
        flags=strings(document, "compatibility_flags"),
        vars=dict(table(document, "vars")),
        bindings=bindings_of(document),
        rules=tuple(dict(each) for each in tables(document, "rules")),
        reads=read_names(tree, directory, document),
        sources=sources(tree, directory),
    )


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
