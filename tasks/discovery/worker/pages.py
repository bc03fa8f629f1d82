"""Finds projects of Cloudflare Pages: their functions, and directories that are uploaded without a generator."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace

from tasks.discovery.documents import Table, string, strings, table, text_table
from tasks.discovery.file_view import FileView, join, relative
from tasks.discovery.node.node_workspace import dependencies
from tasks.discovery.worker.targets import target_of
from tasks.discovery.worker.worker_env import bindings_of, read_names, sources
from tasks.discovery.worker.workers import Wrangler
from tasks.stack import Site
from tasks.worker import Worker

GENERATOR = "pages"
"""The generator of a Pages project that no known generator builds."""
_FUNCTIONS = "functions"
_WORKER = "_worker.js"
# The environment of Pages that a deploy of the production branch uses.
_ENVIRONMENT = "production"
_NEXT = "@cloudflare/next-on-pages"
_ADAPTERS = frozenset({"@astrojs/cloudflare", "@sveltejs/adapter-cloudflare", _NEXT})
# A script that another one runs before it uploads the pages.
_BEFORE_UPLOAD = re.compile(
    r"\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+|run-script\s+)?(?P<name>[\w:.-]+)\s*&&.*\bwrangler pages (?:deploy|publish)\b"
)
_SOURCES = (".js", ".mjs", ".ts", ".jsx", ".tsx")
# Other platforms use the same folder. Only Pages calls handlers with these names.
_HANDLER = re.compile(r"\bonRequest(?:Get|Post|Put|Patch|Delete|Head|Options)?\b")


def has_functions(tree: FileView, directory: str) -> bool:
    """Whether a project has functions of Cloudflare Pages."""
    found = (path for path in tree.under(join(directory, _FUNCTIONS)) if path.endswith(_SOURCES))
    return any(_HANDLER.search(tree.text(path)) for path in found)


def with_pages(tree: FileView, directory: str, wrangler: Wrangler | None, site: Site | None) -> Site | None:
    """Returns the site of a directory as Pages deploys it. Without a site it may be one that no generator builds."""
    pages = wrangler.pages if wrangler and not wrangler.main else ""
    if site is None and not pages:
        return None
    functions = has_functions(tree, directory)
    if site is not None:
        site = replace(site, functions=functions, on_pages=bool(pages) or functions)
        return replace(site, pages=_code(tree, directory, wrangler, site))
    manifest = join(directory, "package.json")
    is_next = tree.has(manifest) and _NEXT in dependencies(tree, directory)
    script = _build_script(text_table(tree.table(manifest), "scripts"), is_next=is_next)
    is_there = posixpath.normpath(pages) != "." and tree.has_directory(join(directory, pages))
    if not (script or functions or is_there or is_next):
        return None  # a program that predeploy does not know makes the pages
    output = posixpath.normpath(pages)
    site = Site(
        generator=GENERATOR,
        output=output,
        script=script,
        command=("next-on-pages",) if is_next and not script else (),
        server=is_next,
        on_pages=True,
        functions=functions,
    )
    return replace(site, pages=_code(tree, directory, wrangler, site))


def _build_script(scripts: Mapping[str, str], *, is_next: bool) -> str:
    """Returns the script that makes the pages: for Next the one that runs its adapter, which builds Next itself."""
    if is_next:
        adapting = (name for name, line in scripts.items() if "next-on-pages" in line and "wrangler" not in line)
        return next(adapting, "")
    before = (match["name"] for line in scripts.values() if (match := _BEFORE_UPLOAD.search(line)))
    return next((name for name in (*before, "build") if name in scripts), "")


def _code(tree: FileView, directory: str, wrangler: Wrangler | None, site: Site) -> Worker | None:
    """Returns the code that Pages deploys with a site. A build may still make none; None if it certainly makes none."""
    asked = dependencies(tree, directory) if tree.has(join(directory, "package.json")) else {}
    is_rendered = site.server and not _ADAPTERS.isdisjoint(asked)
    if not (site.functions or is_rendered or has_worker_file(tree, directory)):
        return None
    document: Table = target_of(wrangler.document, _ENVIRONMENT) if wrangler and wrangler.pages else {}
    return Worker(
        config=wrangler.config if wrangler and wrangler.pages else "",
        name=string(document, "name") or "pages",
        main=_WORKER,
        date=string(document, "compatibility_date"),
        flags=strings(document, "compatibility_flags"),
        vars=dict(table(document, "vars")),
        bindings=bindings_of(document),
        reads=read_names(tree, directory, document),
        sources=sources(tree, directory),
    )


def has_worker_file(tree: FileView, directory: str) -> bool:
    """Whether a file of the project, or one that a build copies, is the Worker of Pages."""
    return any(_WORKER in relative(path, directory).split("/") for path in tree.under(directory))
