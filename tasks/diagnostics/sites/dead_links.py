"""Reads the broken links that VitePress, Docusaurus and SvelteKit report in a build."""

import re
from collections.abc import Iterator

from tasks.models import Diagnostic

_VITEPRESS = re.compile(r"^\(!\) Found dead link (?P<link>\S+) in file (?P<page>.+)$", re.MULTILINE)
_PAGE = re.compile(
    r"Broken (?:link|anchor) on source page path = (?P<page>\S+?):?\n(?P<links>(?:[ \t]+-> linking to .+\n?)+)"
)
_LINK = re.compile(r"-> linking to (?P<link>\S+)")
_SVELTEKIT = re.compile(r"^(?:Error: )?404 (?P<link>/\S*) \(linked from (?P<page>\S+)\)$", re.MULTILINE)


def dead_links(text: str) -> Iterator[Diagnostic]:
    """Yields a finding for each link. The pages have the names of the generator, which are no paths of the stack."""
    pairs = [(match["page"], match["link"]) for match in (*_VITEPRESS.finditer(text), *_SVELTEKIT.finditer(text))]
    pairs += [(page["page"], link["link"]) for page in _PAGE.finditer(text) for link in _LINK.finditer(page["links"])]
    for page, link in dict.fromkeys(pairs):
        yield Diagnostic(tool="build", message=f"broken link {link} on the page {page}", rule="link")
