"""Does every internal link of a built site lead somewhere? Standard library only; prints one JSON document.

Exit codes: 0 all is well, 1 a broken link, 4 no page at all. Links are resolved as a browser does, against the files as
a Linux server has them: the case of names counts, whatever this machine thinks of it.
"""

import argparse
import json
import os
import posixpath
import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

LINKS = {
    "a": ("href",),
    "area": ("href",),
    "link": ("href",),
    "img": ("src",),
    "video": ("src", "poster"),
    "object": ("data",),
    **dict.fromkeys(("script", "iframe", "source", "audio", "embed", "track", "input"), ("src",)),
}
CANDIDATES = {"img": "srcset", "source": "srcset", "link": "imagesrcset"}
ASIDE = {"preconnect", "dns-prefetch", "canonical", "alternate"}
ICONS = {"icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon"}
INDEXES = ("index.html", "index.htm")
SHOWN = 100  # a broken link in a footer stands on every page; output has its limits
SITE = "http://site.invalid"
# What people write links in.
SOURCES = {
    *(".astro", ".html", ".htm", ".md", ".mdx", ".vue", ".svelte", ".njk", ".liquid", ".ejs", ".hbs", ".pug"),
    *(".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx", ".json", ".yaml", ".yml", ".toml"),
}
LARGE = 1 << 20


class Page(HTMLParser):
    """Collects the links of a page, with their lines, and the names that a fragment may point to."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[tuple[str, int]] = []
        self.names: set[str] = {"", "top"}
        self.icons: set[str] = set()
        self.base = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.names |= {values[key] for key in ("id", "name") if key in values}
        if tag == "base":
            self.base = self.base or values.get("href", "").strip()
        relations = set(values.get("rel", "").lower().split()) if tag == "link" else set()
        if relations & ASIDE:
            return
        found = [values[name] for name in LINKS.get(tag, ()) if name in values]
        found += candidates(values.get(CANDIDATES.get(tag, ""), ""))
        self.links += [(link.strip(), self.getpos()[0]) for link in found]
        self.icons |= {link.strip() for link in found if relations & ICONS}


def candidates(srcset: str) -> list[str]:
    """The addresses of a srcset. One may hold commas itself, but none at its end."""
    return [match[1] for match in re.finditer(r"([^\s,]\S*[^\s,])(?:\s+[^,]*)?(?:,|$)", srcset)]


@dataclass(frozen=True)
class BuiltSite:
    """A built site. `files` are the paths in it, `base` what addresses have in front of them.

    `rendered`: a server makes more pages on request. `rules` match addresses that the host redirects or rewrites.
    """

    base: str
    files: frozenset[str]
    rendered: bool = False
    rules: tuple[re.Pattern[str], ...] = ()
    pages: dict[str, Page] = field(default_factory=dict)

    def find(self, path: str) -> str | None:
        """The file that a server answers a path (below the base) with: itself, its index, or the page of that name."""
        bare = path.strip("/")
        if bare in self.files and not path.endswith("/"):
            return bare
        choices = [posixpath.join(bare, name) for name in INDEXES] + [bare + ".html", bare + ".htm"]
        return next((each for each in choices if each in self.files), None)

    def is_answered(self, path: str) -> bool:
        """Does something else than a file answer?"""
        return any(rule.fullmatch(path) for rule in self.rules) or (self.rendered and not posixpath.splitext(path)[1])

    def problem(self, page: str, link: str) -> tuple[str, str]:
        """What is wrong with a link of a page, and how bad that is."""
        try:
            here = urljoin(f"{SITE}{self.base}{quote(page)}", self.pages[page].base)
            parts = urlsplit(urljoin(here, link) if link else here)
        except ValueError as error:
            return f"is no address ({error})", "error"
        if f"{parts.scheme}://{parts.netloc}" != SITE:
            return "", ""
        path = unquote(parts.path)
        if path + "/" == self.base:
            path += "/"
        if not path.startswith(self.base):
            return (f"leads out of the site's base {self.base}", "error") if not self.is_answered(path) else ("", "")
        file = self.find(path[len(self.base) :])
        if file is None and not self.is_answered(path):
            # without its icon a page is whole: browsers show another one
            return "leads to no page or file", "warning" if link in self.pages[page].icons else "error"
        if file is None:
            return "", ""
        return self.fragment_problem(file, unquote(parts.fragment))

    def fragment_problem(self, file: str, fragment: str) -> tuple[str, str]:
        """A script may make the element, so this is a warning. Routers and text fragments are no names at all."""
        known = file not in self.pages or fragment in self.pages[file].names
        if known or fragment.startswith(("/", "!", ":~:")):
            return "", ""
        return f"no element of that page has the id {fragment}", "warning"


def read_rules(folder: Path) -> tuple[re.Pattern[str], ...]:
    """What a `_redirects` file answers, in the form that Cloudflare Pages and Netlify share."""
    rules = []
    file = folder / "_redirects"
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else ():
        words = line.split("#")[0].split()
        if len(words) >= 2 and words[0].startswith("/"):
            parts = re.split(r"(\*|/:\w+)", words[0])
            pattern = "".join(
                ".*" if part == "*" else "/[^/]+" if part[:2] == "/:" else re.escape(part) for part in parts
            )
            rules.append(re.compile(pattern.removesuffix("/") + "/?"))
    return tuple(rules)


def read_site(folder: Path, base: str, *, rendered: bool) -> BuiltSite:
    """The files of a folder, and its pages."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    files = {path.relative_to(folder).as_posix(): path for path in paths}
    pages = {}
    for name, path in files.items():
        if path.suffix.lower() in {".html", ".htm"}:
            pages[name] = Page()
            pages[name].feed(path.read_text(encoding="utf-8-sig", errors="replace"))
    rendered = rendered or any(name.split("/")[0] == "_worker.js" for name in files)
    return BuiltSite(base=base, files=frozenset(files), rendered=rendered, rules=read_rules(folder), pages=pages)


def base_of(text: str) -> str:
    """A base as `/docs/`. A relative one (`./`) and one on another host say nothing of this site's own addresses."""
    words = "" if text.startswith(".") or "//" in text else text.strip("/")
    return f"/{words}/" if words else "/"


def say(diagnostics: list[dict[str, object]], summary: str = "") -> None:
    print(json.dumps({"diagnostics": [{"tool": "links", **each} for each in diagnostics], "summary": summary}))


def read_sources(output: Path) -> dict[str, list[str]]:
    """The lines of what the site is made from, by file, without what the build and the package manager made."""
    found = {}
    for folder, folders, names in os.walk("."):
        kept = (name for name in folders if name != "node_modules" and not name.startswith("."))
        folders[:] = sorted(name for name in kept if Path(folder, name) != output)
        for path in (Path(folder, name) for name in sorted(names)):
            if path.suffix in SOURCES and path.is_file() and path.stat().st_size < LARGE:
                found[path.as_posix()] = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return found


def find_source(link: str, sources: dict[str, list[str]]) -> tuple[str, int] | None:
    """Where a link is written; None where that is more than one place, or it is put together."""
    written = re.compile(rf"""["'`(=]{re.escape(link)}(?:["'`)\s>]|$)""")
    lines = ((file, number, line) for file, listed in sources.items() for number, line in enumerate(listed, 1))
    places = [(file, number) for file, number, line in lines if link and written.search(line)]
    return places[0] if len(places) == 1 else None


def judge(site: BuiltSite, folder: Path, within: Path) -> int:
    """Looks at every link of every page. `within` is the component's place in the stack, `folder` the site's in it."""
    found = [
        (link, name, line, *problem)
        for name, page in site.pages.items()
        for link, line in page.links
        if (problem := site.problem(name, link))[0]
    ]
    sources = read_sources(folder) if found else {}
    places = {link: find_source(link, sources) for link in {link for link, *_ in found}}
    diagnostics: dict[tuple[str, int, str], dict[str, object]] = {}
    for link, name, line, text, severity in found:
        page = (folder / name).as_posix()
        file, number = places[link] or (page, line)
        # a footer's link is one mistake, whatever number of pages shows it
        shown = f"broken link {link}: {text}" + (f" (seen on {page})" if places[link] else "")
        place = {"file": (within / file).as_posix(), "line": number}
        diagnostics.setdefault((file, number, link), {**place, "severity": severity, "rule": "link", "message": shown})
    errors = sum(severity == "error" for *_, severity in found)
    count = f"{len(site.pages)} page{'s' * (len(site.pages) != 1)}"
    ordered = sorted(diagnostics.values(), key=lambda each: each["severity"] != "error")
    say(ordered[:SHOWN], f"{count}, {errors} broken links" if errors else count)
    return 1 if errors else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", default="/")
    parser.add_argument("--within", default=".", help="the folder's parent in the tree, for file names")
    parser.add_argument("--pageless", action="store_true", help="a server renders pages on request")
    options = parser.parse_args()
    site = read_site(options.folder, base_of(options.base), rendered=options.pageless)
    if not site.pages and not (site.rendered and site.files):
        say([{"rule": "no_pages", "message": f"the build left no HTML page in {options.folder}"}])
        return 4
    return judge(site, options.folder, Path(options.within))


if __name__ == "__main__":
    sys.exit(main())
