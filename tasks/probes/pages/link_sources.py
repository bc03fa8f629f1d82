"""Finds the place where a link of a built page is written. Standard library only."""

import os
import re
from pathlib import Path

# The types of source files that hold links.
SOURCES = {
    *(".astro", ".html", ".htm", ".md", ".mdx", ".vue", ".svelte", ".njk", ".liquid", ".ejs", ".hbs", ".pug"),
    *(".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx", ".json", ".yaml", ".yml", ".toml"),
}
LARGE = 1 << 20


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
