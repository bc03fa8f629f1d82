"""Finds the variables that the build of a Node package reads, and that only production may have."""

import re
from collections.abc import Iterator

from tasks.discovery.documents import parse_dotenv
from tasks.discovery.file_view import FileView, join, relative
from tasks.discovery.generators import without_comments
from tasks.variable import Variable

_SOURCES = (".astro", ".svelte", ".vue", ".ts", ".mts", ".tsx", ".js", ".mjs", ".cjs", ".jsx")
_FOREIGN = re.compile(
    r"(?:^|/)(?:node_modules|dist|build|coverage|\.wrangler|tests?|__tests__|e2e|scripts|functions)/|\.(?:test|spec)\.\w+$"
)
_PREFIX = r"(?:PUBLIC|VITE|NEXT_PUBLIC|GATSBY|REACT_APP|NUXT_PUBLIC|VUE_APP|NG_APP)_"
_READ = re.compile(
    rf"""\b(?:import\.meta\.env|process\.env)(?:\??\.|\[["'])(?P<name>{_PREFIX}\w+)["'\]]*"""
    r"(?P<after>!?\s*(?:\|\||\?\?|&&|\?(?!\.)|[!=]==?|\)\s*[{?&|]))?"
)
_GUARDED = re.compile(r"(?:!|\bif\s*\(|typeof |\bin )\s*$")
_STATIC = re.compile(r"import\s*\{(?P<names>[^}]*)\}\s*from\s*[\"']\$env/static/(?:public|private)[\"']")
_FIELD = re.compile(
    r"""["']?(?P<name>[A-Z][A-Z0-9_]*)["']?\s*:\s*envField\.(?P<type>\w+)\s*\(\s*\{(?P<body>[^{}]*)\}"""
)
_OPTIONAL = re.compile(r"\boptional\s*:\s*true|\bdefault\s*:")
_VALUES = re.compile(r"""\bvalues\s*:\s*\[\s*["'](?P<first>[^"']+)["']""")
_NOT_BUILT = re.compile(r"(?:^|/)(?:node_modules|dist|coverage|\.wrangler|tests?|__tests__|e2e)/|\.(?:test|spec)\.\w+$")
_PRIVATE = re.compile(
    r"""\b(?:process|import\.meta)\.env(?:\??\.|\[["'])(?P<name>[A-Z][A-Z0-9_]*)\b"""
    r"|\{(?P<names>[^{}]*)\}\s*=\s*(?:process|import\.meta)\.env\b"
)
# Variables that a host or a tool sets, and public ones, which get a value.
_GIVEN = re.compile(
    rf"{_PREFIX}|(?:VERCEL|NETLIFY|CF_PAGES|WORKERS_CI|GITHUB|CLOUDFLARE|RENDER)_?"
    r"|(?:NODE_ENV|NODE_OPTIONS|MODE|DEV|PROD|SSR|BASE_URL|SITE|ASSETS_PREFIX|CI|PORT|HOST|HOME|PATH|PWD|TZ|DEBUG"
    r"|ANALYZE|CONTEXT|URL|DEPLOY_URL)$"
)
_FILES = (".env", ".env.production", ".env.local", ".env.production.local")


def public_variables(tree: FileView, directory: str) -> tuple[Variable, ...]:
    """Returns the variables that a build needs a value for, sorted by name.

    Left out are names that the code works without, because it has a default or tests them, and names in a file of the
    tree that the build reads.
    """
    found: dict[str, Variable] = {}
    safe: set[str] = set()
    for path in (each for each in tree.under(directory) if each.endswith(_SOURCES)):
        if _FOREIGN.search(relative(path, directory)):
            continue
        text = tree.text(path)
        if "env" not in text:
            continue
        for read in _reads(without_comments(text)):
            if read.required:
                found.setdefault(read.name, read)
            else:
                safe.add(read.name)
    known = {name for file in _FILES for name in parse_dotenv(tree.text(join(directory, file)))}
    return tuple(found[name] for name in sorted(found.keys() - safe - known))


def private_variables(tree: FileView, directory: str) -> tuple[Variable, ...]:
    """Returns the reads of other variables, which get no value here: each with its name and place."""
    found: list[Variable] = []
    for path in (each for each in tree.under(directory) if each.endswith(_SOURCES)):
        if _NOT_BUILT.search(relative(path, directory)) or "env" not in tree.text(path):
            continue
        text = tree.text(path)
        for match in _PRIVATE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            names = re.findall(r"[A-Z][A-Z0-9_]*", match["name"] or match["names"])
            found += [Variable(name=name, file=path, line=line) for name in names if not _GIVEN.match(name)]
    return tuple(found)


def _reads(text: str) -> Iterator[Variable]:
    for match in _READ.finditer(text):
        is_safe = match["after"] or _GUARDED.search(text[max(0, match.start() - 40) : match.start()])
        yield Variable(name=match["name"], required=not is_safe)
    for match in _STATIC.finditer(text):
        for word in match["names"].split(","):
            if name := word.strip().partition(" ")[0]:
                yield Variable(name=name, required=True)
    for match in _FIELD.finditer(text):
        yield _declared(match["name"], match["type"], match["body"])


def _declared(name: str, type_: str, body: str) -> Variable:
    """Returns a variable of the schema in an Astro configuration."""
    shape = {"number": "number", "boolean": "boolean"}.get(type_, "text")
    values = _VALUES.search(body) if type_ == "enum" else None
    is_url = re.search(r"\burl\s*:\s*true", body) is not None
    return Variable(
        name=name,
        shape="url" if is_url else shape,
        required=not _OPTIONAL.search(body),
        choices=(values["first"],) if values else (),
    )
