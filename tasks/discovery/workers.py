"""Cloudflare Workers: what a wrangler file says is deployed."""

import posixpath
import re
from dataclasses import dataclass

from tasks.discovery.documents import Table, string, strings, table, tables
from tasks.discovery.file_view import FileView, join, lineage, parent
from tasks.discovery.worker_env import bindings_of, read_names, sources
from tasks.stack import Worker

# In wrangler's own order.
CONFIGS = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrangler:
    """A wrangler file as read; `pages` is the output directory of a Pages project, `assets` that of a Worker."""

    config: str
    name: str
    main: str
    assets: str
    pages: str
    environments: tuple[str, ...]
    document: Table


def read_wrangler(tree: FileView, directory: str) -> Wrangler | None:
    """The wrangler file of a directory, the one that wrangler itself would take."""
    found = [join(directory, name) for name in CONFIGS if tree.has(join(directory, name))]
    if not found:
        return None
    config = found[0]
    if found[1:]:
        tree.warn(f"{config} is used and {', '.join(found[1:])} is not: wrangler reads one of them; delete the other")
    document = tree.table(config)
    text = "" if document else tree.text(config)  # broken: what its lines say by themselves
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
    """The entry point where only the environments have one."""
    found = (string(document, "env", name, "main") for name in table(document, "env"))
    return next((main for main in found if main), "")


def _line(text: str, key: str) -> str:
    match = re.search(rf"""^\s*["']?{key}["']?\s*[:=]\s*["']([^"'\n]+)["']""", text, re.MULTILINE)
    return match.group(1) if match else ""


def is_generated(tree: FileView, wrangler: Wrangler, output: str) -> bool:
    """Whether its entry point is made by a site's build: in its output, in a hidden folder, or in a package."""
    directory = parent(wrangler.config)
    main = join(directory, wrangler.main)
    if tree.has(main):
        return False
    folders = posixpath.normpath(wrangler.main).split("/")
    in_output = folders[0] in {posixpath.normpath(output).split("/")[0], "dist", "build", "out"}
    return in_output or (folders[0].startswith((".", "@")) and folders[0] != "..") or "_worker.js" in folders


def describe_worker(tree: FileView, wrangler: Wrangler) -> Worker | None:
    """The Worker of a wrangler file; None, with a warning, where it deploys none."""
    if not (wrangler.main or wrangler.assets):
        kind = "a Pages project without a static generator" if wrangler.pages else "neither `main` nor `assets`"
        tree.warn(f"{wrangler.config}: {kind}, so it is no Worker and is not looked at")
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
    """The tsconfig.json beside it; for an entry point in TypeScript, the nearest one up to its package."""
    directory = parent(wrangler.config)
    for above in lineage(directory):
        path = join(above, "tsconfig.json")
        if tree.has(path):
            return path
        if not wrangler.main.endswith((".ts", ".tsx", ".mts")) or tree.has(join(above, "package.json")):
            break
    return None
