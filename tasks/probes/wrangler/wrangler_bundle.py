"""The bundle of a Worker as `wrangler deploy --dry-run --outdir` wrote it. Standard library only.

It reads the exports and imports of JavaScript by patterns. Code that they do not cover has unknown exports, and
unknown exports lead to no finding.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wrangler_findings import Refusal, Target, texts
from wrangler_limits import BUNDLE_BYTES, MIB

LEFT_OUT = re.compile(r"\.map$|^README\.md$")
LIST = re.compile(r"(?:^|[;}\s])export\s*\{([^{}]*)\}\s*(?:from\s*[\"']([^\"']+)[\"'])?")
DECLARED = re.compile(r"(?:^|[;}\n])\s*export\s+(?:async\s+)?(?:class|function\*?|const|let|var)\s+([\w$]+)")
UNREAD = re.compile(r"(?:^|[;}\s])export\s*(?:\*\s*(?:from|as)\b|(?:const|let|var)\s*[{\[])")
ANY_EXPORT = re.compile(r"(?:^|[;}\s])export\b")
NAMED_DEFAULT = re.compile(r"(?:^|[;}\n])\s*export\s+default\b")
# A name that may be that of a handler for messages, but no member of another value and no part of a path.
QUEUE = re.compile(r"(?<![\w$.\-/])queue(?![\w$\-/])")
NODE_IMPORT = re.compile(r"(?:^|[;}\n])\s*import\s*(?:[\w${},*\s]*?\bfrom\s*)?[\"'](node:[\w/]+)[\"']")
# The definition of a function, or of a value that is no class.
PLAIN = r"\bfunction\*?\s+{name}\s*\(|\b{name}\s*=\s*(?:async\b|function\b|[\[{{\"'`\d]|\([^()]*\)\s*=>)"
# A comment at the beginning of a line. Elsewhere `/*` may be a part of a text, such as a pattern of paths.
COMMENT = re.compile(r"^\s*(?:/\*.*?\*/|//[^\n]*)", re.DOTALL | re.MULTILINE)
# `nodejs_compat` is on by default since this date (Cloudflare's docs, "Compatibility flags", read 2026-11-30).
NODE_BY_DEFAULT = dt.date(2026, 8, 4)
# The modules of Node that a flag of their own gives.
OWN_FLAGS = {"node:async_hooks": "nodejs_als"}


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle. `exports` are the names that its entry module exports; None if they are unknown.

    `is_silent`: it has no handler for any event. `may_consume`: it may have a handler for messages of a queue.
    """

    entry: str
    is_silent: bool
    may_consume: bool
    exports: frozenset[str] | None
    node_imports: tuple[str, ...]
    size: int


def read_bundle(folder: Path, main: str) -> Bundle | None:
    """Returns the bundle in a folder; None if there is no JavaScript in it."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    files = {name: path for name, path in files.items() if not LEFT_OUT.search(name)}
    stem = PurePosixPath(main).stem
    choices = [f"{stem}.js", f"{stem}.mjs", "index.js", *(name for name in files if re.fullmatch(r"[^/]+\.m?js", name))]
    entry = next((name for name in choices if name in files), None)
    if entry is None:
        return None
    scripts = [path for name, path in files.items() if name.endswith((".js", ".mjs", ".cjs"))]
    code = files[entry].read_text(encoding="utf-8", errors="replace")
    size = sum(path.stat().st_size for path in files.values())
    imports = tuple(dict.fromkeys(NODE_IMPORT.findall(COMMENT.sub("\n", code))))
    exports = exports_of(code)
    is_silent = len(scripts) == 1 and has_no_handler(COMMENT.sub("\n", code), exports)
    texts_of = (path.read_text(encoding="utf-8", errors="replace") for path in scripts)
    return Bundle(
        entry=entry,
        exports=exports,
        node_imports=imports,
        size=size,
        is_silent=is_silent,
        may_consume=any(QUEUE.search(COMMENT.sub("\n", each)) for each in texts_of),
    )


def exports_of(code: str) -> frozenset[str] | None:
    """Returns the names that a module exports; None if the patterns do not cover its exports, or it has none."""
    code = COMMENT.sub("\n", code)
    if UNREAD.search(code):
        return None
    names = set(DECLARED.findall(code))
    for listed, _ in LIST.findall(code):
        names |= {part.split()[-1].strip("\"'") for part in listed.split(",") if part.strip()}
    names |= {"default"} if NAMED_DEFAULT.search(code) else set()
    return frozenset(names) or None


def has_no_handler(code: str, exports: frozenset[str] | None) -> bool:
    """Whether a module has no default export, no class that may be an entrypoint, and no listener for events."""
    if exports is None:
        return not ANY_EXPORT.search(code) and "addEventListener" not in code
    listed = [part.split()[0] for names, _ in LIST.findall(code) for part in names.split(",") if part.strip()]
    if "default" in exports or len(listed) != len(exports):
        return False
    return all(re.search(PLAIN.format(name=re.escape(name)), code) for name in listed)


def handler_refusals(bundle: Bundle) -> Iterator[Refusal]:
    """Yields a bundle without a handler for any event (errors 10068 and 10021 of the Workers API)."""
    if bundle.is_silent:
        names = ", ".join(sorted(bundle.exports or ())) or "nothing"
        message = (
            f"the entry module exports {names}, and Cloudflare refuses a Worker without a handler: add "
            "`export default { fetch() { … } }`"
        )
        yield Refusal(rule="no_handler", message=message, path=("main",))


def queue_refusals(target: Target, bundle: Bundle) -> Iterator[Refusal]:
    """Yields the queues that a bundle without a handler consumes (error 11001). Others pull messages over HTTP."""
    consumers = [] if bundle.may_consume else target.tables("queues", "consumers")
    for consumer, path in consumers:
        if consumer.get("type", "worker") == "worker":
            message = (
                f"{target.text('main')[0] or bundle.entry} exports no `queue` handler, so that Cloudflare refuses the "
                "deploy of a consumer (11001): add `async queue(batch) { … }` to its default export"
            )
            yield Refusal(rule="no_queue_handler", message=message, path=(*path, "queue"), value=consumer.get("queue"))


def size_refusals(bundle: Bundle) -> Iterator[Refusal]:
    """Yields a bundle that is too large (error 10027 of the Workers API)."""
    if bundle.size > BUNDLE_BYTES:
        message = f"the bundle has {bundle.size / MIB:.1f} MiB, and Cloudflare allows {BUNDLE_BYTES // MIB} MiB"
        yield Refusal(rule="bundle_size", message=message, path=("main",))


def node_refusals(target: Target, bundle: Bundle) -> Iterator[Refusal]:
    """Yields imports of Node's modules that the compatibility date and flags do not give (error 10021)."""
    flags, path = target.get("compatibility_flags")
    date, dated = target.text("compatibility_date")
    given = set(texts(flags))
    by_default = date >= NODE_BY_DEFAULT.isoformat() and "no_nodejs_compat" not in given
    if by_default or given & {"nodejs_compat", "nodejs_compat_v2"} or not bundle.node_imports:
        return
    missing = [name for name in bundle.node_imports if OWN_FLAGS.get(name) not in given]
    if missing:
        message = (
            f"the bundle imports {', '.join(missing)}, which Cloudflare refuses at the date {date or 'of this file'} "
            "without the flag nodejs_compat: add it to `compatibility_flags`"
        )
        yield Refusal(rule="nodejs_compat", message=message, path=path if given else dated)
