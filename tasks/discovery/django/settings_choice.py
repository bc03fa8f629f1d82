"""Names the settings module of production: the configured one, else the one that the stack's files name."""

import posixpath
import re

from tasks.discovery.django.production import Evidence, settings_candidates
from tasks.discovery.django.settings_module import choose_settings, is_for_development
from tasks.discovery.file_view import FileView, join, lineage
from tasks.discovery.image.compose import line_of
from tasks.production import Sourced

_SETTINGS = re.compile(
    r"""(?:setdefault|getenv|\.get)\(\s*["']DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']"""
    r"""|environ\[\s*["']DJANGO_SETTINGS_MODULE["']\s*\]\s*=\s*["']([\w.]+)["']"""
)
_STRING_OR_COMMENT = re.compile(r'"{3}.*?"{3}|#[^\n]*', re.DOTALL)
_GATEWAYS = ("wsgi", "asgi")


def settings_of(evidence: Evidence, gateways: dict[str, str], configured: str) -> Sourced:
    """Returns the settings module of production: the configured one, else the one that the files name."""
    tree, directory = evidence.tree, evidence.directory
    if configured:
        line = line_of(tree.text("predeploy.toml"), "settings")
        return Sourced(value=configured, file="predeploy.toml", line=line, why="settings in predeploy.toml")
    uses_asgi = evidence.server is not None and any("asgi" in word for word in evidence.server.argv)
    paths = [gateways[kind] for kind in (reversed(_GATEWAYS) if uses_asgi else _GATEWAYS) if gateways[kind]]
    defaults = (_default(tree, path) for path in (*paths, join(directory, "manage.py")))
    candidates = (*settings_candidates(evidence), *defaults)

    def file_of(module: str) -> str:
        return join(module_base(tree, directory, module), as_path(module))

    def has(module: str) -> bool:
        return tree.has(f"{file_of(module)}.py") or tree.has(f"{file_of(module)}/__init__.py")

    def is_open(module: str) -> bool:
        text = _STRING_OR_COMMENT.sub("", tree.text(f"{file_of(module)}/__init__.py"))
        return tree.has(f"{file_of(module)}/__init__.py") and not re.search(r"prod|=|importlib|environ", text)

    return choose_settings(candidates, has, is_open)


def _default(tree: FileView, path: str) -> Sourced:
    text = tree.text(path)
    module = default_settings(text)
    line = text.count("\n", 0, max(text.find(module), 0)) + 1 if module else 0
    # a default is for processes without variables: often those of developers
    is_guess = is_for_development(module)
    why = f"the default in {posixpath.basename(path)}"
    return Sourced(value=module, file=path, line=line, why=why, guess=is_guess)


def default_settings(text: str) -> str:
    """Returns the settings module that a file sets as the default. A module for tests is the last choice."""
    found = [first or second for first, second in _SETTINGS.findall(text)]
    return min(found, key=lambda module: "test" in module, default="")


def as_path(module: str) -> str:
    return module.replace(".", "/") or "."


def module_base(tree: FileView, directory: str, settings: str) -> str:
    """Returns the directory from which the settings module is imported.

    It is the directory of manage.py, its `src`, or a directory above.
    """
    path = as_path(settings)
    for base in (directory, join(directory, "src"), *lineage(directory)):
        if settings and (tree.has(join(base, f"{path}.py")) or tree.has(join(base, f"{path}/__init__.py"))):
            return base
    return directory
