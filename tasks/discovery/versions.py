"""Finds the Python and Node versions that a stack requires, and the files that name them."""

import posixpath
import re
from collections.abc import Iterator

from tasks.discovery.documents import string, table, tables
from tasks.discovery.file_view import FileView
from tasks.discovery.image.dockerfile import Dockerfile
from tasks.node_range import ANY, admits, is_range
from tasks.stack import Version

_LTS = {"gallium": 16, "hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}
NEWEST = 999
"""A minor or patch number above every existing one."""

Image = tuple[str, Dockerfile] | None


def python_version(tree: FileView, image: Image, *, component: str, manifest: str | None) -> Version:
    """Returns the Python version of the Dockerfile, else of `.python-version`, else of `requires-python`."""
    accepts = string(tree.table(manifest), "project", "requires-python")
    if image:
        for name in image[1].images:
            if wanted := _python_of_image(name):
                return Version(wanted=wanted, source=image[0], accepts=accepts)
    for path in (tree.nearest(component, ".python-version"), tree.nearest(component, "runtime.txt")):
        if path and (wanted := _exact(re.sub(r"^(cpython|python)[-@]", "", _first_line(tree.text(path))))):
            return Version(wanted=wanted, source=path, accepts=accepts)
    return Version(wanted=accepts, source=manifest or "", accepts=accepts) if accepts else Version()


def _python_of_image(name: str) -> str:
    repository, _, tag = name.partition("@")[0].rpartition(":")
    if posixpath.basename(repository) in {"python", "circleci-python"}:
        return _exact(tag)
    found = re.search(r"python-?(\d+\.\d+(\.\d+)?)", name)  # uv's images: 0.9-python3.13-bookworm
    return _exact(found.group(1)) if found else ""


def _exact(text: str) -> str:
    """Returns a specifier: `==3.13.*` for `3.13-slim`, and `==3.13.2` for `3.13.2`."""
    version = _number(text)
    if not version:
        return ""
    return f"=={version}" if version.count(".") == 2 else f"=={version}.*"


def _number(text: str) -> str:
    """Returns the version at the beginning of a text, such as `22` in `v22-slim`, or an empty text."""
    match = re.match(r"v?(\d{1,9}(?:\.\d{1,9}){0,2})(?![\w.])", text)
    return match.group(1) if match else ""


def _first_line(text: str) -> str:
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return next((line for line in lines if line), "")


def node_version(tree: FileView, image: Image, *, component: str, manifests: tuple[str, ...]) -> Version:
    """Returns the Node version of the Dockerfile, else of a version file, `volta`, netlify.toml, CI or `engines`.

    It is a range as npm writes it. `manifests` are package.json files, the component's own first.
    """
    engines = ((path, _npm_range(string(tree.table(path), "engines", "node"))) for path in manifests)
    source, accepts = next((found for found in engines if found[1]), ("", ""))
    if image:
        for name in image[1].images:
            repository, _, tag = name.partition("@")[0].rpartition(":")
            wanted = _node_of_tag(tag) if posixpath.basename(repository) == "node" else ""
            # If the package does not accept the image's Node, the image has another use.
            if wanted and _overlap(wanted, accepts):
                return Version(wanted=wanted, source=image[0], accepts=accepts)
    for path, text in (*_version_files(tree, component), *_manifests(tree, manifests), *_hosts(tree, component)):
        # only `devEngines` has a range
        if wanted := _node_of_tag(text) or (_npm_range(text) if path in manifests else ""):
            return Version(wanted=wanted, source=path, accepts=accepts)
    for path, text in _workflows(tree):
        wanted = _node_of_tag(text)
        if wanted and _overlap(wanted, accepts):
            return Version(wanted=wanted, source=path, accepts=accepts)
    return Version(wanted=accepts, source=source, accepts=accepts)


def _version_files(tree: FileView, component: str) -> Iterator[tuple[str, str]]:
    """Yields the versions in the files of version managers, with their paths."""
    for name in (".nvmrc", ".node-version"):
        if path := tree.nearest(component, name):
            yield path, _first_line(tree.text(path))
    if path := tree.nearest(component, ".tool-versions"):
        found = re.search(r"^(?:nodejs|node)[ \t]+(\S+)", tree.text(path), re.MULTILINE)
        yield path, found[1] if found else ""
    if path := tree.nearest(component, "mise.toml", ".mise.toml"):
        tools = table(tree.table(path), "tools")
        yield path, next((text for name in ("node", "nodejs") if (text := str(tools.get(name, "")))), "")


def _manifests(tree: FileView, manifests: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for path in manifests:
        yield path, string(tree.table(path), "volta", "node")
        engines = table(tree.table(path), "devEngines")
        runtimes = tables(engines, "runtime") or [table(engines, "runtime")]
        yield path, next((string(each, "version") for each in runtimes if string(each, "name") == "node"), "")


def _hosts(tree: FileView, component: str) -> Iterator[tuple[str, str]]:
    if path := tree.nearest(component, "netlify.toml"):
        yield path, str(table(tree.table(path), "build", "environment").get("NODE_VERSION", ""))


def _workflows(tree: FileView) -> Iterator[tuple[str, str]]:
    """Yields the versions of setup-node in workflows. Those that deploy come first."""
    paths = [path for path in tree.under(".github/workflows") if path.endswith((".yml", ".yaml"))]
    for path in sorted(paths, key=lambda path: "deploy" not in tree.text(path)):
        for _, job in sorted(table(tree.table(path), "jobs").items()):
            for step in tables(job, "steps"):
                if "setup-node" in string(step, "uses"):
                    yield path, str(table(step, "with").get("node-version", ""))


def _npm_range(text: str) -> str:
    """Returns the range as written, or an empty text if it admits everything or is no range."""
    return text.strip() if is_range(text) and text.strip() not in ANY else ""


def _overlap(wanted: str, accepts: str) -> bool:
    """Whether the range `accepts` admits the newest release of a version such as `22.3`."""
    major, minor, patch = [*map(int, wanted.split(".")), NEWEST, NEWEST][:3]
    return not accepts or admits(accepts, (major, minor, patch))


def _node_of_tag(tag: str) -> str:
    """Returns `22` for `22-slim`, `v22` and `lts/jod`. Other names, such as `lts`, give an empty text."""
    name = tag.strip().removeprefix("lts/").split("-")[0].lower()
    return str(_LTS[name]) if name in _LTS else _number(re.sub(r"\.[xX*](?=$|\.)", "", tag.strip()))
