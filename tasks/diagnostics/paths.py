"""Maps paths that a tool printed to paths in the stack."""

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

ROOT = "/@stack"
"""Replaces the root in a text before it is parsed: it has no space, and is the same for each workspace."""

# Folders below the root with files that are not the stack's own: dependencies, and temporary files of builders.
_FOREIGN = frozenset(
    ("node_modules", "site-packages", "dist-packages", ".venv", "venv", ".prerender", ".next", ".astro", ".vite-temp")
)
# Modules of a runtime or a bundler, which are no files.
_VIRTUAL = ("node:", "cloudflare:", "cloudflare-internal:", "virtual:", "\0", "\\0")
_QUERY = re.compile(r"\?[^/]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMapper:
    """The names of the workspace's root (a symlinked one has two), and the tool's directory relative to it."""

    roots: tuple[str, ...]
    cwd: str

    def relative(self, path: str) -> str | None:
        """Returns the path relative to the stack's root, or None if it is outside or no path."""
        text = _cleaned(path)
        if not text:
            return None
        if text.startswith("/"):
            return self._below(posixpath.normpath(text))
        joined = posixpath.normpath(posixpath.join(self.cwd, text))
        if joined != ".." and not joined.startswith("../"):
            return joined
        # The relative path leaves the root. As an absolute path it may still be below another name of the root.
        tried = (self._below(posixpath.normpath(posixpath.join(root, joined))) for root in self.roots)
        return next((found for found in tried if found), None)

    def own(self, path: str) -> str | None:
        """Returns the same as `relative`, but None for dependencies and build output."""
        found = self.relative(path)
        return None if found is None or _FOREIGN.intersection(found.split("/")) else found

    def _below(self, path: str) -> str | None:
        for root in self.roots:
            if path == root:
                return "."
            if path.startswith(root.rstrip("/") + "/"):
                return path[len(root.rstrip("/")) + 1 :]
        return None


def roots_of(root: str, resolved: str) -> tuple[str, ...]:
    """Returns every name of the root that a tool may print: as given, resolved, and with macOS's `/private`."""
    names = [posixpath.normpath(name) for name in (root, resolved) if name]
    names += [f"/private{name}" for name in names if name.startswith(("/tmp/", "/var/"))]  # noqa: S108 - a prefix
    names += [name.removeprefix("/private") for name in names if name.startswith("/private/")]
    return tuple(dict.fromkeys(names)) or ("/",)


def moved(text: str, copies: tuple[tuple[str, str], ...]) -> str:
    """Returns the text with the image's places replaced by the stack's paths. The longest place matches first."""
    named = {place.rstrip("/"): f"{ROOT}/{path}".removesuffix("/.") for place, path in copies if place != "/"}
    if not named:
        return text
    either = "|".join(re.escape(place) for place in sorted(named, key=len, reverse=True))
    return re.sub(rf"(?<![\w./~@-])(?:{either})(?![\w.~@-])", lambda match: named[match[0]], text)


def rooted(text: str, roots: tuple[str, ...]) -> str:
    """Returns the text with every name of the root, also in URLs, replaced by ROOT."""
    names = {spelled for root in roots if root != "/" for spelled in (root, quote(root))}
    if not any(name in text for name in names):  # an expression takes a millisecond to compile, for each workspace
        return text
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?:(?<=file://)|(?<![\w./~-]))(?:{either})(?![\w.~@-])", ROOT, text)


def _cleaned(path: str) -> str:
    """Returns a path without quotes, `file://` and query, or an empty text if it is no path."""
    text = path.strip().strip("'\"`")
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://"))
    text = _QUERY.sub("", text)
    is_path = text and not text.startswith("<") and "://" not in text and not text.startswith(_VIRTUAL)
    return text if is_path else ""
