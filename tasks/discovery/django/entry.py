"""Finds Django projects: the directories with a manage.py, else those that the WSGI or ASGI modules start from."""

import re
from collections.abc import Iterator

from tasks.discovery.django.settings_choice import as_path, default_settings
from tasks.discovery.file_view import FileView, join, lineage, parent
from tasks.discovery.rank import Rank, rank

_MANAGE = re.compile(r"\bdjango\b|execute_from_command_line")
_GATEWAY = re.compile(r"\bget_[aw]sgi_application\b")


def project_directories(tree: FileView) -> frozenset[str]:
    """Returns the directories of projects. The WSGI modules count only if the tree has no manage.py of Django."""
    manages = (parent(path) for path in tree.named("manage.py"))
    found = frozenset(directory for directory in manages if _MANAGE.search(tree.text(join(directory, "manage.py"))))
    return found or frozenset(filter(None, (_base(tree, path) for path in _gateways(tree))))


def entry_text(tree: FileView, directory: str) -> str:
    """Returns the text of the manage.py in a project's directory, otherwise that of its WSGI or ASGI module."""
    if path := tree.first(directory, "manage.py"):
        return tree.text(path)
    paths = (path for path in _gateways(tree) if _base(tree, path) == directory)
    return tree.text(min(paths, key=lambda path: (path.count("/"), path.endswith("asgi.py")), default=""))


def _gateways(tree: FileView) -> Iterator[str]:
    """Yields the WSGI and ASGI modules, without those of examples and tests."""
    yield from (path for path in tree.named("wsgi.py", "asgi.py") if rank(parent(path)) is Rank.DEPLOYED)


def _base(tree: FileView, path: str) -> str:
    """Returns the directory from which a gateway imports its default settings; empty if they are not in the tree."""
    text = tree.text(path)
    module = default_settings(text) if _GATEWAY.search(text) else ""
    file = as_path(module)
    found = (
        above
        for above in lineage(parent(path))
        if module and (tree.has(join(above, f"{file}.py")) or tree.has(join(above, f"{file}/__init__.py")))
    )
    return next(found, "")
