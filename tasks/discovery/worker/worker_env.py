"""Finds the variables that a Worker's code expects, in its types, example files and code."""

import posixpath
import re
from collections.abc import Callable, Collection, Iterator

from tasks.discovery.documents import Table, parse_dotenv, string, strings, table, tables
from tasks.discovery.file_view import FileView, relative

EXAMPLES = (".dev.vars.example", ".dev.vars.sample", ".env.example", ".env.sample")
SOURCES = (".ts", ".mts", ".tsx", ".js", ".mjs", ".jsx")
FOREIGN = re.compile(
    r"(?:^|/)(?:node_modules|dist|build|coverage|\.wrangler|tests?|__tests__|e2e|scripts)/|\.(?:test|spec|config)\.\w+$"
)
TYPES = re.compile(
    r"\b(?:interface|type)\s+(?:Env|Bindings|CloudflareBindings|CloudflareEnv|WorkerEnv|Environment)\b[^{};=]*(?:=[^{};]*)?\{"
)
COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL)
MEMBER = re.compile(
    r"""(?:^|[;,\n{])\s*(?:readonly\s+)?["']?(?P<name>[A-Za-z_]\w*)["']?\??\s*:\s*(?P<type>[^;,\n}]+)"""
)
TEXT = re.compile(
    r"(?:string|undefined|null|\"[^\"]*\"|'[^']*')(?:\s*\|\s*(?:string|undefined|null|\"[^\"]*\"|'[^']*'))*"
)
PROPERTY = re.compile(r"\b(?:\w*[eE]nv|Bindings)\??\.(?P<name>[A-Z][A-Z0-9_]*)\b(?!\s*\()")
DESTRUCTURED = re.compile(r"\{(?P<names>[^{}]*)\}\s*=\s*(?:\w+\.)?env\b")
NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# Sections of a wrangler file whose bindings are objects, not texts.
BINDINGS = (
    *("ai", "analytics_engine_datasets", "assets", "browser", "d1_databases", "dispatch_namespaces"),
    *("durable_objects", "hyperdrive", "images", "kv_namespaces", "mtls_certificates", "pipelines", "queues"),
    *("r2_buckets", "ratelimits", "secrets_store_secrets", "send_email", "services", "site", "vectorize"),
    *("version_metadata", "workflows"),
)

# The sections with a folder of files to serve: Workers Sites have `site`.
FOLDERS = (("assets", "directory"), ("site", "bucket"))


def bindings_of(document: Table) -> dict[str, object]:
    """Returns the sections with bindings, as written. Files count without a binding, too: they answer requests."""
    found = {key: document[key] for key in BINDINGS if document.get(key)}
    folders = {key for key, name in FOLDERS if string(document, key, name)}
    return {key: each for key, each in found.items() if any(bound_names(each)) or key in folders}


def bound_names(value: object) -> Iterator[str]:
    """Yields the names that a section binds, at any depth."""
    for each in (value, *tables({"items": value}, "items")) if isinstance(value, list) else (value,):
        name = string(each, "binding") or string(each, "name")
        if name:
            yield name
        for inner in ("bindings", "producers"):
            for row in tables(each, inner):
                yield from bound_names(row)


def read_names(tree: FileView, directory: str, document: Table, objects: Collection[str] = ()) -> tuple[str, ...]:
    """Returns the text variables that the code expects and the wrangler file does not set. Most are secrets.

    `objects` are names that other targets bind to objects: they are no texts.
    """
    texts = [COMMENT.sub(" ", tree.text(path)) for path in sources(tree, directory)]
    typed = {name for text in texts for name in typed_names(text)}
    used = set() if typed else {name for text in texts for name in used_names(text)}
    shown = {name for path in worker_examples(directory, tree.has) for name in parse_dotenv(tree.text(path))}
    known = {*table(document, "vars")}.union(*(bound_names(section) for section in bindings_of(document).values()))
    return tuple(sorted((typed | used | shown | {*strings(document, "secrets", "required")}) - known.union(objects)))


def worker_examples(directory: str, has: Callable[[str], bool]) -> tuple[str, ...]:
    """Returns the dotenv examples in a Worker's directory, by precedence: the first value of a name counts."""
    paths = (posixpath.normpath(posixpath.join(directory, name)) for name in EXAMPLES)
    return tuple(path for path in paths if has(path))


def sources(tree: FileView, directory: str) -> tuple[str, ...]:
    """Returns the Worker's code files, including wrangler's generated types, without tests and built files."""
    found = (path for path in tree.under(directory) if path.endswith(SOURCES))
    return tuple(path for path in found if not FOREIGN.search(relative(path, directory)))


def typed_names(text: str) -> Iterator[str]:
    """Yields the text members of the environment's type."""
    for match in TYPES.finditer(text):
        for member in MEMBER.finditer(body_of(text, match.end())):
            if TEXT.fullmatch(member["type"].strip()):
                yield member["name"]


def body_of(text: str, start: int) -> str:
    """Returns the text from `start` to the closing brace, without the content of inner braces."""
    depth, shown = 1, []
    for letter in text[start:]:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth == 0:
            break
        if depth == 1:
            shown.append(letter)
    return "".join(shown)


def used_names(text: str) -> Iterator[str]:
    """Yields the names that JavaScript code reads from its environment."""
    yield from (match["name"] for match in PROPERTY.finditer(text))
    for match in DESTRUCTURED.finditer(text):
        yield from NAME.findall(match["names"])
