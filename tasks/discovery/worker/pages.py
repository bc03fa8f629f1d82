"""Finds projects of Cloudflare Pages: their functions, and directories that are uploaded without a generator."""

import posixpath
import re
from dataclasses import replace

from tasks.discovery.documents import text_table
from tasks.discovery.file_view import FileView, join
from tasks.discovery.worker.workers import Wrangler
from tasks.stack import Site

GENERATOR = "pages"
"""The generator of a Pages project that no known generator builds."""
_FUNCTIONS = "functions"
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
        return replace(site, functions=functions)
    scripts = text_table(tree.table(join(directory, "package.json")), "scripts")
    script = "build" if "build" in scripts else ""
    is_there = posixpath.normpath(pages) != "." and tree.has_directory(join(directory, pages))
    if not (script or functions or is_there):
        return None  # a program that predeploy does not know makes the pages
    return Site(generator=GENERATOR, output=posixpath.normpath(pages), script=script, functions=functions)
