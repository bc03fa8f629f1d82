"""The rows of the benchmark, and the file of a stack that a row edits. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from tasks.stack import Component, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchCase:
    """A row. `edits`: before each run, a file of such a component is edited.

    `is_answered`: the receipt of an earlier run answers the command, so the other ways have no such row. `fresh`: no
    result and no cache of a tool is reused. `cold`: nothing is installed, and no server runs.
    """

    name: str
    edits: Kind | None = None
    is_answered: bool = False
    fresh: bool = False
    cold: bool = False


CASES = {
    "receipt": BenchCase(name="nothing changed (receipt)", is_answered=True),
    "fresh": BenchCase(name="nothing changed, with `--fresh`", fresh=True),
    "django": BenchCase(name="one Django file edited", edits=Kind.WEB),
    "site": BenchCase(name="one site file edited", edits=Kind.SITE),
    "cold": BenchCase(name="everything cold", cold=True),
}
"""The rows by the word of `--case`, in the order of the table."""
_MARKUP, _SCRIPT = "<!-- edited {} -->\n", "\n// edited {}\n"
COMMENTS = {
    ".py": "\n\n# edited {}\n",
    **dict.fromkeys((".astro", ".html", ".vue", ".svelte", ".md"), _MARKUP),
    **dict.fromkeys((".ts", ".tsx", ".js", ".jsx", ".mjs"), _SCRIPT),
}
"""For each suffix, an edit that changes no result: a comment with a number of its own."""
_PAGES = frozenset({"src", "pages", "app", "content"})
_NO_CODE = frozenset({"migrations", "tests", "test", "settings", "node_modules", "public", "static"})


def file_to_edit(component: Component, files: Iterable[str]) -> str:
    """Returns the file of the component that an edit changes; empty if there is none.

    In Django it is a view, or else a module. In a site it is a page, or else a source.
    """
    below = "" if component.path == "." else f"{component.path}/"
    suffixes = {".py"} if component.kind is Kind.WEB else COMMENTS.keys() - {".py"}
    known = (PurePosixPath(path) for path in files if path.startswith(below))
    fitting = [each for each in known if each.suffix in suffixes and not _NO_CODE.intersection(each.parts)]
    sources = fitting if component.kind is Kind.WEB else [each for each in fitting if _PAGES.intersection(each.parts)]
    return str(min(sources, key=_rank, default=""))


def _rank(path: PurePosixPath) -> tuple[bool, bool, int, str]:
    is_wanted = path.name == "views.py" or "pages" in path.parts
    return not is_wanted, path.stem not in {"index", "views"}, len(path.parts), str(path)
