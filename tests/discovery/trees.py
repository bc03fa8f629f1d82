"""Trees of files for the tests of discovery: in memory, and on disk."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.discovery import discover
from tasks.stack import Kind, NodeProject, PythonProject, Site, Stack
from tasks.web import Web
from tasks.worker import Worker

MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
execute_from_command_line(sys.argv)
"""
WSGI = """
import os
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
"""
PINNED = "django==5.2.1\nasgiref==3.8.1\nsqlparse==0.5.3\n"
BARE = {"api/manage.py": MANAGE, "api/config/wsgi.py": WSGI, "api/config/settings.py": ""}
"""A Django project without dependencies."""
PROJECT = """
[project]
name = "api"
version = "1"
requires-python = ">=3.11"
dependencies = ["Django>=5.2", "shared_lib"]
[dependency-groups]
dev = ["pytest-django", {include-group = "lint"}]
lint = ["ruff>=0.9"]
[tool.uv.sources]
shared-lib = { path = "../libs/shared", editable = true }
"""
SHARED = {"libs/shared/pyproject.toml": '[project]\nname = "shared-lib"', "libs/shared/src/shared/__init__.py": ""}
_LEFT_OUT = {"node_modules", "__pycache__", ".predeploy", ".venv", ".git"}

Files = Mapping[str, str]


def look(
    files: Files,
    *,
    exclude: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    installs: Mapping[str, Sequence[str]] | None = None,
    environment: str = "",
) -> Stack:
    """Discover a tree in memory."""
    return discover(
        files.keys(),
        lambda path: files[path],
        exclude=exclude,
        settings=settings or {},
        installs=installs or {},
        environment=environment,
    )


def look_at(directory: Path) -> Stack:
    """Discover a tree on disk."""
    below = (path for path in directory.rglob("*") if path.is_file())
    paths = [path.relative_to(directory) for path in below]
    kept = [path.as_posix() for path in paths if not _LEFT_OUT & set(path.parts)]
    return discover(kept, lambda path: (directory / path).read_text())


def web(files: Files, *, settings: Mapping[str, str] | None = None) -> Web:
    """The one Django project of a tree."""
    found = look(files, settings=settings).of(Kind.WEB)
    assert len(found) == 1, found
    assert found[0].web
    return found[0].web


def python(files: Files) -> PythonProject:
    """How the one Django project of a tree is locked."""
    project = look(files).of(Kind.WEB)[0].python
    assert project
    return project


def worker(files: Files) -> Worker:
    """The one Worker of a tree."""
    found = look(files).of(Kind.WORKER)
    assert len(found) == 1, found
    assert found[0].worker
    return found[0].worker


def site(files: Files) -> Site | None:
    """The one site of a tree, if it has any."""
    found = look(files).of(Kind.SITE)
    assert len(found) < 2, found
    return found[0].site if found else None


def node(files: Files, path: str) -> NodeProject:
    """How the packages of the component in `path` are locked."""
    project = next(component for component in look(files).components if component.path == path).node
    assert project
    return project


def package(**fields: object) -> str:
    """A package.json."""
    return json.dumps(fields)


def django(directory: str = ".") -> dict[str, str]:
    """A Django project that is complete enough to be found."""
    files = {
        "manage.py": MANAGE,
        "config/__init__.py": "",
        "config/settings.py": "",
        "config/wsgi.py": WSGI,
        "requirements.txt": PINNED,
    }
    return files if directory == "." else {f"{directory}/{path}": text for path, text in files.items()}


def astro(directory: str) -> dict[str, str]:
    """An Astro site."""
    manifest = package(name="site", scripts={"build": "astro build"}, dependencies={"astro": "^7.0.0"})
    return {f"{directory}/package.json": manifest, f"{directory}/astro.config.mjs": "export default {}"}
