"""Verifies that every internal link of a built site leads to a page or file. Prints one JSON document.

Exit codes: 0 no broken link, 1 a broken link, 4 no page. Links are resolved as a browser does. File names are
case-sensitive, as on a Linux server, even if this machine's file system is not. Standard library only.
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
SHOWN = 100  # the most findings: a broken link in a footer is on every page
SITE = "http://site.invalid"
# The types of source files that hold links.
SOURCES = {
    *(".astro", ".html", ".htm", ".md", ".mdx", ".vue", ".svelte", ".njk", ".liquid", ".ejs", ".hbs", ".pug"),
    *(".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx", ".json", ".yaml", ".yml", ".toml"),
}
LARGE = 1 << 20


class Page(HTMLParser):
    """Collects the links of a page with their lines, and the names that a fragment may refer to."""

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
    """Returns the URLs of a srcset. A URL may hold commas, but not at its end."""
    return [match[1] for match in re.finditer(r"([^\s,]\S*[^\s,])(?:\s+[^,]*)?(?:,|$)", srcset)]


@dataclass(frozen=True)
class BuiltSite:
    """A built site. `files` are the paths in it, `base` is the prefix of its URL paths.

    `rendered`: a server renders more pages on request. `rules` match paths that the host redirects or rewrites.
    """

    base: str
    files: frozenset[str]
    rendered: bool = False
    rules: tuple[re.Pattern[str], ...] = ()
    pages: dict[str, Page] = field(default_factory=dict)

    def find(self, path: str) -> str | None:
        """Returns the file for a path below the base: the file itself, its index, or the page of that name."""
        bare = path.strip("/")
        if bare in self.files and not path.endswith("/"):
            return bare
        choices = [posixpath.join(bare, name) for name in INDEXES] + [bare + ".html", bare + ".htm"]
        return next((each for each in choices if each in self.files), None)

    def is_answered(self, path: str) -> bool:
        """Whether a redirect rule or a rendering server answers the path."""
        return any(rule.fullmatch(path) for rule in self.rules) or (self.rendered and not posixpath.splitext(path)[1])

    def problem(self, page: str, link: str) -> tuple[str, str]:
        """Returns the problem of a link and its severity, or two empty texts."""
        try:
            here = urljoin(f"{SITE}{self.base}{quote(page)}", self.pages[page].base)
            parts = urlsplit(urljoin(here, link) if link else here)
        except ValueError as error:
            return f"is not a valid URL ({error})", "error"
        if f"{parts.scheme}://{parts.netloc}" != SITE:
            return "", ""
        path = unquote(parts.path)
        if path + "/" == self.base:
            path += "/"
        if not path.startswith(self.base):
            return (f"leads out of the site's base {self.base}", "error") if not self.is_answered(path) else ("", "")
        file = self.find(path[len(self.base) :])
        if file is None and not self.is_answered(path):
            # a page works without its icon: browsers show a default one
            return "leads to no page or file", "warning" if link in self.pages[page].icons else "error"
        if file is None:
            return "", ""
        return self.fragment_problem(file, unquote(parts.fragment))

    def fragment_problem(self, file: str, fragment: str) -> tuple[str, str]:
        """Returns a warning for a fragment without an element, or two empty texts.

        A script may create the element. Fragments of routers and text fragments refer to no element.
        """
        known = file not in self.pages or fragment in self.pages[file].names
        if known or fragment.startswith(("/", "!", ":~:")):
            return "", ""
        return f"no element of that page has the id {fragment}", "warning"


def read_rules(folder: Path) -> tuple[re.Pattern[str], ...]:
    """Returns patterns of the paths that a `_redirects` file answers, in the syntax of Cloudflare Pages and Netlify."""
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
    """Reads the files and pages of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    files = {path.relative_to(folder).as_posix(): path for path in paths}
    pages = {}
    for name, path in files.items():
        if path.suffix.lower() in {".html", ".htm"}:
            pages[name] = Page()
            pages[name].feed(path.read_text(encoding="utf-8-sig", errors="replace"))
    rendered = rendered or any(name.split("/")[0] == "_worker.js" for name in files)
    return BuiltSite(base=base, files=frozenset(files), rendered=rendered, rules=read_rules(folder), pages=pages)


def deployed_assets() -> Path | None:
    """Returns the directory of assets that wrangler uploads, if a build made the configuration of the deploy."""
    pointer = Path(".wrangler/deploy/config.json")
    try:
        config = pointer.parent / json.loads(pointer.read_text(encoding="utf-8"))["configPath"]
        assets = json.loads(config.read_text(encoding="utf-8"))["assets"]["directory"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(os.path.relpath(config.parent / assets))


def base_of(text: str) -> str:
    """Returns the base as `/docs/`. A relative base (`./`) or one on another host does not change the site's paths."""
    words = "" if text.startswith(".") or "//" in text else text.strip("/")
    return f"/{words}/" if words else "/"


def say(diagnostics: list[dict[str, object]], summary: str = "") -> None:
    print(json.dumps({"diagnostics": [{"tool": "links", **each} for each in diagnostics], "summary": summary}))


def read_sources(output: Path) -> dict[str, list[str]]:
    """Returns the lines of the site's sources by file, without `output`, node_modules and hidden folders."""
    found = {}
    for folder, folders, names in os.walk("."):
        kept = (name for name in folders if name != "node_modules" and not name.startswith("."))
        folders[:] = sorted(name for name in kept if Path(folder, name) != output)
        for path in (Path(folder, name) for name in sorted(names)):
            if path.suffix in SOURCES and path.is_file() and path.stat().st_size < LARGE:
                found[path.as_posix()] = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return found


def find_source(link: str, sources: dict[str, list[str]]) -> tuple[str, int] | None:
    """Returns the file and line where a link is written, or None if there is no such place or more than one."""
    written = re.compile(rf"""["'`(=]{re.escape(link)}(?:["'`)\s>]|$)""")
    lines = ((file, number, line) for file, listed in sources.items() for number, line in enumerate(listed, 1))
    places = [(file, number) for file, number, line in lines if link and written.search(line)]
    return places[0] if len(places) == 1 else None


def judge(site: BuiltSite, folder: Path, within: Path) -> int:
    """Verifies every link of every page, prints the document, and returns the exit code.

    `within` is the path of the component in the stack, `folder` the path of the built site in the component.
    """
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
        # the link of a footer is one mistake, on however many pages it is shown
        shown = f"broken link {link}: {text}" + (f" (seen on {page})" if places[link] else "")
        place = {"file": (within / file).as_posix(), "line": number}
        diagnostics.setdefault((file, number, link), {**place, "severity": severity, "rule": "link", "message": shown})
    errors = sum(severity == "error" for *_, severity in found)
    count = f"{len(site.pages)} page{'s' * (len(site.pages) != 1)}" if site.pages else "no static page"
    ordered = sorted(diagnostics.values(), key=lambda each: each["severity"] != "error")
    say(ordered[:SHOWN], f"{count}, {errors} broken links" if errors else count)
    return 1 if errors else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", default="/")
    parser.add_argument("--within", default=".", help="the folder's parent in the tree, for file names")
    parser.add_argument("--pageless", action="store_true", help="a server renders pages on request")
    parser.add_argument("--deployed", action="store_true", help="prefer the assets of the configuration to deploy")
    options = parser.parse_args()
    folder = (deployed_assets() if options.deployed else None) or options.folder
    site = read_site(folder, base_of(options.base), rendered=options.pageless)
    if not site.pages and not (site.rendered and (site.files or options.deployed)):
        say([{"rule": "no_pages", "message": f"the build left no HTML page in {folder}"}])
        return 4
    return judge(site, folder, Path(options.within))


if __name__ == "__main__":
    sys.exit(main())
