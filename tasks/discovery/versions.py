"""Which Python and which Node a stack asks for, and where it says so."""

import posixpath
import re

from packaging.specifiers import SpecifierSet

from tasks.discovery.dockerfile import Dockerfile
from tasks.discovery.documents import string
from tasks.discovery.file_view import FileView
from tasks.stack import Version

_LTS = {"gallium": 16, "hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}
_COMPARATOR = re.compile(r"(>=|<=|>|<|=|\^|~)?\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:[-+][\w.\-]+)?")

Image = tuple[str, Dockerfile] | None


def python_version(tree: FileView, image: Image, *, component: str, manifest: str | None) -> Version:
    """Python as the Dockerfile has it, else `.python-version`, else `requires-python`."""
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
    """`3.13-slim` as `==3.13.*`, `v22` as `==22.*`, `3.13.2` as `==3.13.2`."""
    match = re.match(r"v?(\d+(?:\.\d+){0,2})(?![\w.])", text)
    if not match:
        return ""
    version = match.group(1)
    return f"=={version}" if version.count(".") == 2 else f"=={version}.*"


def _first_line(text: str) -> str:
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return next((line for line in lines if line), "")


def node_version(tree: FileView, image: Image, *, component: str, manifests: tuple[str, ...]) -> Version:
    """Node as the Dockerfile has it, else a version file, else `volta`, else `engines`.

    `manifests` are package.json files, the component's own first.
    """
    engines = ((path, npm_range(string(tree.table(path), "engines", "node"))) for path in manifests)
    source, accepts = next((found for found in engines if found[1]), ("", ""))
    if image:
        for name in image[1].images:
            repository, _, tag = name.partition("@")[0].rpartition(":")
            wanted = _node_of_tag(tag) if posixpath.basename(repository) == "node" else ""
            # An image that its own package refuses is for something else: Workers are not deployed as images.
            if wanted and _overlap(wanted, accepts):
                return Version(wanted=wanted, source=image[0], accepts=accepts)
    path = tree.nearest(component, ".nvmrc", ".node-version")
    if path and (wanted := _node_of_tag(_first_line(tree.text(path)))):
        return Version(wanted=wanted, source=path, accepts=accepts)
    for manifest in manifests:
        if wanted := _exact(string(tree.table(manifest), "volta", "node")):
            return Version(wanted=wanted, source=manifest, accepts=accepts)
    return Version(wanted=accepts, source=source, accepts=accepts)


def _overlap(wanted: str, accepts: str) -> bool:
    version = wanted.removeprefix("==").removesuffix(".*")
    newest = version if version.count(".") == 2 else f"{version}.999"
    return SpecifierSet(accepts).contains(newest)


def _node_of_tag(tag: str) -> str:
    name = tag.strip().removeprefix("lts/").split("-")[0].lower()
    return f"=={_LTS[name]}.*" if name in _LTS else _exact(tag.strip())


def npm_range(text: str) -> str:
    """A range of npm as a specifier: `^22.12 || >=24` is `>=22.12`.

    Of alternatives, the lowest lower bound and the highest upper bound are kept: specifiers know no "or".
    """
    alternatives = [_bounds(alternative) for alternative in text.split("||")]
    if not text.strip() or any(bounds is None for bounds in alternatives):
        return ""
    known = [bounds for bounds in alternatives if bounds]
    if len(known) == 1 and known[0][0].startswith("=="):
        return known[0][0]
    lows = [_lowest(low) for low, _ in known]
    highs = [high for _, high in known]
    low = min(lows, key=_order) if all(lows) else ""
    high = max(highs, key=_order) if all(highs) else ""
    return ",".join(part for part in (low, high) if part)


def _lowest(low: str) -> str:
    return ">=" + low.removeprefix("==").removesuffix(".*") if low.startswith("==") else low


def _order(bound: str) -> tuple[tuple[int, ...], str]:
    return tuple(int(part) for part in re.findall(r"\d+", bound)), bound


def _bounds(text: str) -> tuple[str, str] | None:
    """Lower and upper bound of one alternative; None where it is not understood."""
    low, high = "", ""
    hyphen = re.fullmatch(r"\s*v?([\d.]+)\s+-\s+v?([\d.]+)\s*", text)
    if hyphen:
        return f">={hyphen.group(1)}", f"<={hyphen.group(2)}"
    for match in _COMPARATOR.finditer(text):
        operator, parts = match.group(1) or "", [part for part in match.groups()[1:] if part and part.isdigit()]
        version = ".".join(parts)
        if not parts:
            continue
        if operator in {">=", ">"}:
            low = f"{operator}{version}"
        elif operator in {"<", "<="}:
            high = f"{operator}{version}"
        elif operator in {"^", "~"}:
            low, high = f">={version}", _next(parts, 1 if operator == "^" else min(2, len(parts)))
        else:
            low, high = (f"=={version}" if len(parts) == 3 else f"=={version}.*"), _next(parts, len(parts))
    return (low, high) if low or high or text.strip() in {"*", "x", "X"} else None


def _next(parts: list[str], length: int) -> str:
    return "<" + ".".join([*parts[: length - 1], str(int(parts[length - 1]) + 1)])
