"""Verifies that every internal link of a built site leads to a page or file. Prints one JSON document.

Exit codes: 0 no broken link, 1 a broken link, 4 no page. Links are resolved as a browser does. File names are
case-sensitive, as on a Linux server, even if this machine's file system is not. Standard library only.
"""

import argparse
import difflib
import json
import os
import posixpath
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

from built_page import Page
from host_rules import UNKNOWN, base_of, inferred_base, read_rules
from link_sources import find_source, read_sources

INDEXES = ("index.html", "index.htm")
SHOWN = 100  # the most findings: a broken link in a footer is on every page
SITE = "http://site.invalid"
NOWHERE = "leads to no page or file"
NAMED = 20  # the most broken links for which a similar address is searched
SIMILAR = 0.75
ERRORS = {"404", "404/", "500"}


@dataclass(frozen=True)
class BuiltSite:
    """A built site. `files` are the paths in it, `base` is the prefix of its URL paths.

    `rendered`: a server renders more pages on request, or a router in the browser shows them. `rules` match paths that
    the host redirects or rewrites, or another server answers. `lenient`: the generator's own setting accepts broken
    links between pages, so they are warnings.
    """

    base: str
    files: frozenset[str]
    rendered: bool = False
    rules: tuple[re.Pattern[str], ...] = ()
    lenient: bool = False
    pages: dict[str, Page] = field(default_factory=dict)

    def find(self, path: str) -> str | None:
        """Returns the file for a path below the base: the file itself, its index, or the page of that name."""
        bare = path.strip("/")
        if bare in self.files and not path.endswith("/"):
            return bare
        choices = [posixpath.join(bare, name) for name in INDEXES] + [bare + ".html", bare + ".htm"]
        return next((each for each in choices if each in self.files), None)

    def is_answered(self, path: str) -> bool:
        """Whether a rule of the host, a rendering server or a router answers the path."""
        return any(rule.fullmatch(path) for rule in self.rules) or (self.rendered and not posixpath.splitext(path)[1])

    def address(self, page: str, link: str) -> str:
        """Returns the URL to which a link leads. Raises ValueError for one that is not valid."""
        here = urljoin(f"{SITE}{self.base}{quote(page)}", self.pages[page].base)
        return urljoin(here, link) if link else here

    def nearest(self, page: str, link: str) -> str:
        """Returns the path of the page or file with a name like that of a broken link; empty if there is none."""
        path = unquote(urlsplit(self.address(page, link)).path).removeprefix(self.base).strip("/").lower()
        known = {shown.strip("/").lower(): shown for shown in map(path_of, sorted(self.files)) if shown not in ERRORS}
        for close in difflib.get_close_matches(path.removesuffix(".html"), known, cutoff=SIMILAR):
            if difflib.get_close_matches(stem_of(path), [stem_of(close)], cutoff=SIMILAR):
                return self.base + known[close]
        return ""

    def problem(self, page: str, link: str) -> tuple[str, str]:
        """Returns the problem of a link and its severity, or two empty texts."""
        try:
            parts = urlsplit(self.address(page, link))
        except ValueError as error:
            return f"is not a valid URL ({error})", "error"
        if f"{parts.scheme}://{parts.netloc}" != SITE:
            return "", ""
        path = unquote(parts.path)
        if path + "/" == self.base:
            path += "/"
        if not path.startswith(self.base):
            text = f"leads out of the site's base {self.base}"
            return ("", "") if self.is_answered(path) else (text, self.severity(page, link))
        file = self.find(path[len(self.base) :])
        if file is None and not self.is_answered(path):
            return NOWHERE, self.severity(page, link)
        if file is None:
            return "", ""
        return self.fragment_problem(file, unquote(parts.fragment))

    def severity(self, page: str, link: str) -> str:
        """Returns the severity of a broken link. A page works without its icon: browsers show a default one."""
        accepted = self.lenient and link in self.pages[page].anchors
        return "warning" if accepted or link in self.pages[page].icons else "error"

    def fragment_problem(self, file: str, fragment: str) -> tuple[str, str]:
        """Returns a warning for a fragment without an element, or two empty texts.

        A script may create the element. Fragments of routers and text fragments refer to no element.
        """
        known = file not in self.pages or fragment in self.pages[file].names
        if known or fragment.startswith(("/", "!", ":~:")):
            return "", ""
        return f"no element of that page has the id {fragment}", "warning"


def path_of(file: str) -> str:
    """Returns the path under which browsers ask for a file: `coffees/` for `coffees/index.html`."""
    folder, _, name = file.rpartition("/")
    if name in INDEXES:
        return folder and folder + "/"
    return file.removesuffix(".html")


def stem_of(path: str) -> str:
    """Returns the last part of a path without its ending."""
    return posixpath.splitext(posixpath.basename(path))[0]


def read_site(folder: Path, base: str, *, rendered: bool, answered: tuple[str, ...], lenient: bool) -> BuiltSite:
    """Reads the files and pages of a folder. `answered` are patterns of paths that the host answers."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    files = {path.relative_to(folder).as_posix(): path for path in paths}
    pages = {}
    for name, path in files.items():
        if path.suffix.lower() in {".html", ".htm"}:
            pages[name] = Page()
            pages[name].feed(path.read_text(encoding="utf-8-sig", errors="replace"))
    rules = (*read_rules(folder), *(re.compile(pattern) for pattern in answered))
    return BuiltSite(
        base=inferred_base(pages, files) if base == UNKNOWN else base_of(base),
        files=frozenset(files),
        rendered=rendered or has_code(files),
        rules=rules,
        lenient=lenient,
        pages=pages,
    )


def deployed_assets() -> Path | None:
    """Returns the directory of assets that wrangler uploads, if a build made the configuration of the deploy."""
    pointer = Path(".wrangler/deploy/config.json")
    try:
        config = pointer.parent / json.loads(pointer.read_text(encoding="utf-8"))["configPath"]
        assets = json.loads(config.read_text(encoding="utf-8"))["assets"]["directory"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(os.path.relpath(config.parent / assets))


def say(diagnostics: list[dict[str, object]], summary: str = "") -> None:
    print(json.dumps({"diagnostics": [{"tool": "links", **each} for each in diagnostics], "summary": summary}))


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
    nowhere = {link: name for link, name, _, text, _ in found if text == NOWHERE}
    nearest = {link: site.nearest(name, link) for link, name in [*nowhere.items()][:NAMED]}
    sources = read_sources(folder) if found else {}
    places = {link: find_source(link, sources) for link in {link for link, *_ in found}}
    diagnostics: dict[tuple[str, int, str], dict[str, object]] = {}
    for link, name, line, text, severity in found:
        page = (folder / name).as_posix()
        file, number = places[link] or (page, line)
        # the link of a footer is one mistake, on however many pages it is shown
        meant = f"; did you mean {nearest[link]}?" if text == NOWHERE and nearest.get(link) else ""
        shown = f"broken link {link}: {text}{meant}" + (f" (seen on {page})" if places[link] else "")
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
    parser.add_argument("--routed", action="store_true", help="a router in the browser, or a server, answers paths")
    parser.add_argument("--answered", action="append", default=[], help="a pattern of paths that the host answers")
    parser.add_argument("--lenient", action="store_true", help="broken links between pages are warnings")
    parser.add_argument("--deployed", action="store_true", help="prefer the assets of the configuration to deploy")
    options = parser.parse_args()
    folder = (deployed_assets() if options.deployed else None) or options.folder
    site = read_site(
        folder,
        options.base,
        rendered=options.pageless or options.routed,
        answered=tuple(options.answered),
        lenient=options.lenient,
    )
    if not site.pages and not (options.pageless and (site.files or options.deployed)) and not has_code(site.files):
        say([{"rule": "no_pages", "message": f"the build left no HTML page in {folder}"}])
        return 4
    return judge(site, folder, Path(options.within))


def has_code(files: Iterable[str]) -> bool:
    """Whether the output has the code of a server for its pages, as in the advanced mode of Cloudflare Pages."""
    return any(name.split("/")[0] == "_worker.js" for name in files)


if __name__ == "__main__":
    sys.exit(main())
