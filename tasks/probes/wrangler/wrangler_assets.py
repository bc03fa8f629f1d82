"""The static assets of a Worker: how many, how large, and what they must not hold. Standard library only."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from host_files import host_refusals
from wrangler_findings import Refusal, Target, table, text
from wrangler_limits import ASSET_BYTES, MIB, excess

IGNORE = ".assetsignore"
# The page that answers unknown paths.
FALLBACKS = {"404-page": "404.html", "single-page-application": "index.html"}
# Files that wrangler itself leaves out or reads as rules.
SPECIAL = frozenset({IGNORE, "_redirects", "_headers"})


def asset_refusals(target: Target, base: Path, within: str, plan: str) -> Iterator[Refusal]:
    """Yields assets that are too large or too many. `base` is the folder of the wrangler file, `within` its path."""
    value, path = target.get("assets")
    directory = text(table(value).get("directory"))
    folder = base / directory
    if not directory or not folder.is_dir():
        return
    yield from host_refusals(folder, base, within, text(table(value).get("html_handling")), is_worker=True)
    yield from fallback_refusals(target, folder)
    ignored = read_ignore(folder)
    count = 0
    for name, size in assets_of(folder, ignored):
        count += 1
        file = os.path.normpath(f"{within}/{directory}/{name}")
        if size > ASSET_BYTES:
            message = f"the asset {name} has {size / MIB:.1f} MiB, and Cloudflare allows {ASSET_BYTES // MIB} MiB"
            yield Refusal(rule="asset_size", message=message, file=file)
        if name.split("/")[0] == "_worker.js" and not (folder / IGNORE).is_file():
            message = f"Wrangler does not upload _worker.js, which is code, as an asset: name it in {IGNORE}"
            yield Refusal(rule="worker_as_asset", message=message, file=file)
    severity, message = excess(plan, "assets", count, "assets")
    if severity:
        yield Refusal(rule="asset_count", message=message, path=(*path, "directory"), severity=severity)
    if count == 0:
        message = f"there is no file in {directory}, which `assets.directory` names"
        severity = "warning" if target.text("main")[0] else "error"
        yield Refusal(rule="no_assets", message=message, path=(*path, "directory"), value=directory, severity=severity)


def fallback_refusals(target: Target, folder: Path) -> Iterator[Refusal]:
    """Yields a fallback for unknown paths without its page (docs of static assets, "not_found_handling")."""
    value, path = target.get("assets")
    page = FALLBACKS.get(text(table(value).get("not_found_handling")), "")
    if page and not any(folder.rglob("404.html") if page == "404.html" else [*folder.glob(page)]):
        message = (
            f"`not_found_handling` needs the page {page}, and the assets have none: unknown paths get an empty 404"
        )
        yield Refusal(rule="no_fallback", message=message, path=(*path, "not_found_handling"), severity="warning")


def assets_of(folder: Path, ignored: list[tuple[re.Pattern[str], bool]]) -> Iterator[tuple[str, int]]:
    """Yields the assets below a folder with their sizes, without ignored files."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and name not in SPECIAL and not is_ignored(name, ignored):
            yield name, path.stat().st_size


def read_ignore(folder: Path) -> list[tuple[re.Pattern[str], bool]]:
    """Returns the patterns of `.assetsignore`, in the syntax of gitignore, and whether each one ignores."""
    file = folder / IGNORE
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    kept = (line.strip() for line in lines if line.strip() and not line.startswith("#"))
    return [(pattern_of(line.removeprefix("!")), not line.startswith("!")) for line in kept]


def pattern_of(line: str) -> re.Pattern[str]:
    """Returns the pattern of the paths that a line of gitignore matches, with all that is below them."""
    bare = line.strip("/")
    parts = re.split(r"(\*\*/|/\*\*|\*|\?)", bare)
    known = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}
    inner = "".join(known.get(part, re.escape(part)) for part in parts)
    anywhere = "" if "/" in line.rstrip("/") else "(?:.*/)?"
    return re.compile(f"{anywhere}{inner}(?:/.*)?")


def is_ignored(name: str, patterns: list[tuple[re.Pattern[str], bool]]) -> bool:
    """Whether the last pattern that matches a path ignores it."""
    return next((ignores for pattern, ignores in reversed(patterns) if pattern.fullmatch(name)), False)
