"""Are there pages, and does every link between them lead somewhere? Standard library only; prints one JSON document.

Exit codes: 0 all is well, 1 a broken link, 4 no page at all.
"""

import argparse
import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINKS = {"a": "href", "area": "href", "link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}
ASIDE = {"preconnect", "dns-prefetch", "canonical", "alternate"}
PAGES = ("index.html", "index.htm")


class Page(HTMLParser):
    """Collects the links of a page, with their lines, and the names that a fragment may point to."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[tuple[str, int]] = []
        self.names: set[str] = {"", "top"}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.names |= {values[key] for key in ("id", "name") if key in values}
        wanted = LINKS.get(tag)
        aside = tag == "link" and set(values.get("rel", "").lower().split()) & ASIDE
        if wanted in values and not aside:
            self.links.append((values[wanted].strip(), self.getpos()[0]))


def read_page(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8", errors="replace"))
    return page


def target(folder: Path, base: str, page: Path, path: str) -> Path | None:
    """The file or folder that a path of a link means; None where it leaves the site's own base."""
    if not path.startswith("/"):
        return page.parent / path
    if path.rstrip("/") == base.rstrip("/"):
        return folder
    return folder / path[len(base) :] if path.startswith(base) else None


def found(place: Path) -> Path | None:
    """The file that a server would answer with: itself, its index page, or the page without its ending."""
    if place.is_file():
        return place
    candidates = [place / name for name in PAGES] + [place.with_name(place.name + ".html")]
    return next((each for each in candidates if each.is_file()), None)


def problem(folder: Path, base: str, page: Path, link: str, pages: "dict[Path, Page]") -> str:
    """What is wrong with a link, or nothing."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or link.startswith(("#", "?")) or not link:
        fragment = unquote(link[1:]) if link.startswith("#") else ""
        return f"no element has the id {fragment}" if fragment not in pages[page].names else ""
    place = target(folder, base, page, unquote(parts.path))
    if place is None:
        return f"leads out of the site's base {base}"
    file = found(place)
    if file is None:
        return "leads to no page or file"
    other = pages.get(file.resolve())
    fragment = unquote(parts.fragment)
    known = other is None or fragment in other.names or fragment.startswith(":~:")
    return "" if known else f"no element of that page has the id {fragment}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", default="/")
    parser.add_argument("--within", default=".", help="the folder's parent in the tree, for file names")
    parser.add_argument("--pageless", action="store_true", help="pages may all be rendered on request: none is fine")
    options = parser.parse_args()
    folder = options.folder.resolve()
    base = "/" + options.base.strip("/") + "/" if options.base.strip("/") else "/"
    files = sorted(path for path in folder.rglob("*.htm*") if path.is_file()) if folder.is_dir() else []
    if not files and options.pageless and folder.is_dir() and any(folder.iterdir()):
        print(json.dumps({"diagnostics": [], "summary": "pages are rendered on request"}))
        return 0
    if not files:
        text = f"the build left no HTML page in {options.folder}"
        print(json.dumps({"diagnostics": [{"tool": "links", "rule": "no_pages", "message": text}]}))
        return 4
    pages = {path.resolve(): read_page(path) for path in files}
    diagnostics = []
    for path, page in pages.items():
        for link, line in page.links:
            if text := problem(folder, base, path, link, pages):
                shown = (Path(options.within) / options.folder / path.relative_to(folder)).as_posix()
                message = f"broken link {link}: {text}"
                diagnostics.append({"tool": "links", "file": shown, "line": line, "rule": "link", "message": message})
    summary = f"{len(pages)} page{'s' * (len(pages) != 1)}"
    print(json.dumps({"diagnostics": diagnostics, "summary": summary}))
    return 1 if diagnostics else 0


if __name__ == "__main__":
    sys.exit(main())
