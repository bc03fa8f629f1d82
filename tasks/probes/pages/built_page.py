"""Reads the links of a built page, and the names in it that a fragment may refer to. Standard library only."""

import re
from html.parser import HTMLParser

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


class Page(HTMLParser):
    """Collects the links of a page with their lines, and the names that a fragment may refer to.

    `anchors` are the links that a visitor follows, `icons` those of the browser's tab.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[tuple[str, int]] = []
        self.names: set[str] = {"", "top"}
        self.icons: set[str] = set()
        self.anchors: set[str] = set()
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
        self.anchors |= {link.strip() for link in found if tag in {"a", "area"}}
        self.icons |= {link.strip() for link in found if relations & ICONS}


def candidates(srcset: str) -> list[str]:
    """Returns the URLs of a srcset. A URL may hold commas, but not at its end."""
    return [match[1] for match in re.finditer(r"([^\s,]\S*[^\s,])(?:\s+[^,]*)?(?:,|$)", srcset)]
