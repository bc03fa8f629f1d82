"""Finds the files of the stack that an error says are absent, as paths where they may lie. Pure."""

import posixpath
import re
from collections.abc import Iterator

from tasks.models import Diagnostic

_MODULE = re.compile(r"(?:Error: )?No module named '(?P<name>[\w.]+)'")
_IMPORTED = re.compile(
    r"(?:[Cc]ould not resolve|[Ff]ailed to resolve import|Cannot find module|Can't resolve) "
    r"(?P<quote>[\"']?)(?P<name>[./@~$][^\s\"']*)(?P=quote)"
)
_FILE = re.compile(r"No such file or directory: '(?P<name>[^']+)'")
_LANGUAGES = ("js", "ts", "jsx", "tsx", "mjs", "cjs", "vue", "svelte", "astro", "json", "css", "scss")
_ENDINGS = ("", *(f".{end}" for end in _LANGUAGES))
_INDEXES = tuple(f"/index{ending}" for ending in _ENDINGS[1:5])
_ALIASES = {"@/": "src/", "~/": "src/", "$lib/": "src/lib/"}


def absent_paths(finding: Diagnostic, component: str) -> tuple[str, ...]:
    """Returns paths relative to the stack of which one is the absent file; empty for other errors."""
    folder = posixpath.dirname(finding.file or "")
    bases = tuple(dict.fromkeys((component, posixpath.join(component, "src"), *_lineage(folder))))
    if module := _MODULE.search(finding.message):
        path = module["name"].replace(".", "/")
        found = [f"{base}/{path}{end}" for base in bases for end in ("", ".py", "/__init__.py")]
    elif imported := _IMPORTED.search(finding.message):
        found = [f"{place}{end}" for place in _targets(imported["name"], folder) for end in (*_ENDINGS, *_INDEXES)]
    elif absent := _FILE.search(finding.message):
        found = [f"{base}/{absent['name']}" for base in (component, ".")]
    elif finding.rule == "entry_point" and finding.file:
        found = [finding.file]
    elif finding.rule == "no_migrations":
        found = [f"{folder}/migrations/*.py"]
    elif finding.rule == "TemplateDoesNotExist":
        name = finding.message.split()[0]
        found = [f"{base}/{place}/{name}" for base in bases for place in ("templates", "*/templates")]
    else:
        return ()
    normal = (posixpath.normpath(path) for path in found)
    return tuple(dict.fromkeys(path for path in normal if not path.startswith(("../", "/")) and path != ".."))


def _lineage(folder: str) -> Iterator[str]:
    """Yields a folder and each folder above it, up to the root."""
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield "."


def _targets(name: str, folder: str) -> Iterator[str]:
    """Yields the places of an imported file: relative to the importing one, at the site's root, or by an alias."""
    if name.startswith("."):
        yield posixpath.join(folder, name)
        return
    for alias, place in _ALIASES.items():
        if name.startswith(alias):
            yield from (posixpath.join(base, place, name.removeprefix(alias)) for base in _lineage(folder))
    if name.startswith("/"):
        yield from (posixpath.join(base, name[1:]) for base in _lineage(folder))
