"""Reads what a host does with the paths of a built site: redirects, and their prefix. Standard library only."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from built_page import Page

UNKNOWN = "?"
"""The base of a site whose configuration computes it."""
STATUS = re.compile(r"(?P<code>\d{3})!?")
GONE = {"404", "410"}
OWN_PATHS = re.compile(r"/(?:cdn-cgi|\.netlify|_vercel)/.+")
"""Paths that Cloudflare, Netlify and Vercel answer themselves on every site: resized images, functions, scripts."""


def read_rules(folder: Path) -> tuple[re.Pattern[str], ...]:
    """Returns patterns of the paths that the host answers: its own, and those of `_redirects` (Cloudflare, Netlify)."""
    file = folder / "_redirects"
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    return (OWN_PATHS, *(rule for line in lines if (rule := _rule(line.partition(" #")[0].split()))))


def _rule(words: list[str]) -> re.Pattern[str] | None:
    """Returns the pattern of a line: a source, conditions, a target and a status. An answer of 404 is none."""
    codes = [match["code"] for word in words[2:] if (match := STATUS.fullmatch(word))]
    if len(words) < 2 or words[0].startswith("#") or GONE & {*codes}:
        return None
    path = urlsplit(words[0]).path if "://" in words[0] else words[0]
    if not path.startswith("/"):
        return None
    parts = re.split(r"(\*|/:\w+)", path)
    pattern = "".join(".*" if part == "*" else "/[^/]+" if part[:2] == "/:" else re.escape(part) for part in parts)
    # on Netlify `/blog/*` matches `/blog`, too
    if pattern.endswith("/.*") and pattern != "/.*":
        return re.compile(pattern.removesuffix("/.*") + "(?:/.*)?")
    return re.compile(pattern.removesuffix("/") + "/?")


def base_of(text: str) -> str:
    """Returns the base as `/docs/`. A relative base (`./`) or one on another host does not change the site's paths."""
    words = "" if text.startswith(".") or "//" in text else text.strip("/")
    return f"/{words}/" if words else "/"


def inferred_base(pages: Mapping[str, Page], files: Collection[str]) -> str:
    """Returns the prefix with which most absolute links lead to a file; `/` without such links."""
    found: Counter[str] = Counter()
    for page in pages.values():
        for link, _ in page.links:
            path = unquote(urlsplit(link).path) if link.startswith("/") and not link.startswith("//") else ""
            parts = path.strip("/").split("/")
            starts = (n for n in range(len(parts)) if "/".join(parts[n:]) in files)
            start = next(starts, None)
            if start is not None:
                found["/".join(parts[:start])] += 1
    return base_of(found.most_common(1)[0][0]) if found else "/"
