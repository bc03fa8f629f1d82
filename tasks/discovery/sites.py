"""Finds static sites: packages whose pages a known generator builds."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from tasks.discovery.answered_paths import host_paths
from tasks.discovery.documents import text_table
from tasks.discovery.file_view import FileView, join, relative
from tasks.discovery.generators import ENDINGS, GENERATORS, Generator, flag, is_computed, literal, without_comments
from tasks.discovery.node.node_workspace import dependencies
from tasks.discovery.other_sites import angular_site
from tasks.discovery.worker.deploys import CONFIGS
from tasks.stack import Site

# Names of build scripts, the preferred ones first.
_SCRIPTS = (
    "build",
    "generate",
    "build:prod",
    "build:production",
    "docs:build",
    "build:docs",
    "site:build",
    "build:site",
)
_RENDERED = re.compile(r"""\boutput\s*:\s*["'](?:server|hybrid)["']""")
_LIBRARY = re.compile(r"\blib\s*:\s*\{")
# Libraries that show pages for paths in the browser. The output has no file for these pages.
_ROUTER = re.compile(
    r"(?:^|[/-])router(?:$|[-/])|^(?:wouter|navigo|page|universal-router|svelte-spa-router|@reach/router)$"
)
_APPS = frozenset({"vite", "create-react-app", "react-router", "remix"})
_ADAPTERS = re.compile(r"^(@astrojs/(cloudflare|node|vercel|netlify|deno)|@sveltejs/adapter-(?!static))")


def find_site(tree: FileView, package: str) -> Site | None:
    """Returns the site of a package; None for libraries, servers, workspace roots and other packages."""
    manifest = tree.table(join(package, "package.json"))
    asked, scripts = dependencies(tree, package), text_table(manifest, "scripts")
    candidates = [generator for generator in GENERATORS if generator.package in asked]
    # A package may have several generators, such as VitePress and Vite. The one in the build script wins.
    preferred = sorted(candidates, key=lambda item: not _runs(scripts.get("build", ""), item))
    sites = (_site(tree, package, generator, asked, scripts) for generator in preferred)
    return next((site for site in sites if site), None)


def _site(
    tree: FileView, package: str, generator: Generator, asked: Mapping[str, str], scripts: Mapping[str, str]
) -> Site | None:
    script = _script(scripts, generator)
    if generator.name == "angular":
        return angular_site(tree, package, script, scripts.get(script, ""))
    line = scripts.get(script, "")
    folder = _folder(tree, package, generator, line)
    config = _config(tree, folder, generator) or _config(tree, package, generator)
    source = without_comments(tree.text(config)) if config else ""
    if not (script or config) or not _is_static(tree, package, generator, source, scripts):
        return None
    root = _vite_root(tree, folder, source) if generator.name == "vite" else folder
    if root is None:
        return None
    output = flag(line, generator.output_flag) or literal(source, generator.output) or generator.default
    directory = join(root, output)
    key = generator.base if generator.base_with in line else ""
    base = flag(line, generator.base_flag) or literal(source, key)
    base = base or ("?" if is_computed(source, key) else "/")
    return Site(
        generator=generator.name,
        output=relative(directory, package),
        base="/" + base.strip("/") if base.startswith("/") else "?" if base == "?" else "/",
        script=script,
        command=generator.command if not script else (),
        server=bool(_RENDERED.search(source)) or any(_ADAPTERS.match(name) and name in source for name in asked),
        host=urlsplit(literal(source, generator.host)).hostname or "",
        answered=host_paths(tree, package),
        routed=generator.name in _APPS and any(_ROUTER.search(name) or "remix" in name for name in asked),
        lenient=bool(generator.lenient and re.search(generator.lenient, source)),
    )


def _runs(script: str, generator: Generator) -> bool:
    return (generator.word or " ".join(generator.command)) in script


def _script(scripts: Mapping[str, str], generator: Generator) -> str:
    """Returns the name of the build script: one that runs the generator, else `build`."""
    named = [name for name in (*_SCRIPTS, *scripts) if _runs(scripts.get(name, ""), generator)]
    if named and (named[0] in _SCRIPTS or "build" in named[0]):
        return _caller(scripts, named[0])
    return "build" if "build" in scripts and generator.name != "vitepress" else ""


def _caller(scripts: Mapping[str, str], name: str) -> str:
    """Returns `build` if it calls the script `name`, as in `run-s types build:site`, else `name`."""
    return "build" if re.search(rf"(?<![\w:-]){re.escape(name)}(?![\w:-])", scripts.get("build", "")) else name


def _config(tree: FileView, package: str, generator: Generator) -> str | None:
    return tree.first(package, *(name + ending for name in generator.configs for ending in ENDINGS))


def _is_static(tree: FileView, package: str, generator: Generator, source: str, scripts: Mapping[str, str]) -> bool:
    """Whether the generator makes static files. Warns about a package that builds a server."""
    if not generator.static:
        return True
    by_script = generator.static_script and any(re.search(generator.static_script, line) for line in scripts.values())
    if by_script or re.search(generator.static, source):
        return True
    # A library may depend on the generator without a script for it, so it gets no warning.
    # Nor does one that is deployed as a Worker.
    if not tree.first(package, *CONFIGS) and any(_runs(line, generator) for line in scripts.values()):
        tree.warn(
            f"{join(package, 'package.json')}: {generator.name} without a static export is a server; "
            "predeploy does not check Node servers"
        )
    return False


def _folder(tree: FileView, package: str, generator: Generator, line: str) -> str:
    """Returns the folder that the generator works in: the one in the script, else the package's."""
    words = re.escape(" ".join(generator.command))
    match = re.search(rf"{words}\s+(?!-)([\w./-]+)", line) if generator.takes_folder else None
    if match and tree.has_directory(join(package, match.group(1))):
        return join(package, match.group(1))
    return package


def _vite_root(tree: FileView, folder: str, source: str) -> str | None:
    """Returns the directory with Vite's index.html; None for libraries and for the assets of a server."""
    if _LIBRARY.search(source):
        return None
    roots = (join(folder, root) for root in (literal(source, "root"), ".") if root)
    return next((root for root in roots if tree.has(join(root, "index.html"))), None)
