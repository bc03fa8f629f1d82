"""Says what a tree without any component has, and why that is nothing to validate. Pure."""

import posixpath
from collections.abc import Collection, Iterator

from tasks.catalogue.row import CatalogueContext
from tasks.discovery.documents import BrokenDocumentError, parse_json, text_table

SHOWN = 5
# Manifests by name, and why each one alone is no component.
MANIFESTS = {
    "pyproject.toml": "is a Python project without manage.py",
    "requirements.txt": "has Python packages, and there is no manage.py",
    "go.mod": "is a Go module, which predeploy does not validate",
    "Cargo.toml": "is a Rust package, which predeploy does not validate",
    "Gemfile": "is a Ruby project, which predeploy does not validate",
    "composer.json": "is a PHP project, which predeploy does not validate",
    "index.html": "is a page that no generator builds",
    "Dockerfile": "builds an image without a Django project",
}


def seen_instead(context: CatalogueContext) -> str:
    """Returns the manifests of a tree, a line each, with the reason why none is a component, and all warnings."""
    paths = [path for path in sorted(context.paths, key=lambda path: (path.count("/"), path)) if is_own(path)]
    if not paths:
        return "The tree has no files that git does not ignore."
    found = list(seen(context, paths))
    more = [f"{len(found) - SHOWN} more files like these"] if len(found) > SHOWN else []
    lines = [*found[:SHOWN], *more, *context.stack.warnings]
    if not lines:
        some = ", ".join(paths[:SHOWN]) + (", …" if len(paths) > SHOWN else "")
        return f"Seen: {some}, and no manifest among them."
    return "\n".join(f"Seen: {line}" for line in lines)


def is_own(path: str) -> bool:
    """Whether a file is one of the stack's own, and not of an installed package."""
    return "node_modules" not in path.split("/")


def seen(context: CatalogueContext, paths: Collection[str]) -> Iterator[str]:
    """Yields a sentence for each manifest."""
    for path in paths:
        name = posixpath.basename(path)
        if name == "package.json":
            yield f"{path} {package_reason(context.read(path))}"
        elif name in MANIFESTS:
            yield f"{path} {MANIFESTS[name]}"


def package_reason(text: str) -> str:
    """Returns why a package.json is no component."""
    try:
        scripts = text_table(parse_json(text), "scripts")
    except BrokenDocumentError as error:
        return f"cannot be read ({error})"
    if "build" in scripts:
        return f"builds with `{scripts['build']}`, which is no site generator that predeploy knows"
    return "has no `build` script and no site generator, and no wrangler file is next to it"
