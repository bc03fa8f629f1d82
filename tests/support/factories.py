"""Checks, commands, stacks and scenes for tests, built from few words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tasks.catalogue import Catalogue, CatalogueContext, make_catalogue
from tasks.files import PROBE_LOCK
from tasks.models import SkipReason, Stage
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan, make_plan
from tasks.settings import Settings
from tasks.stack import CallSource, Component, Kind, NodeProject, PythonProject, Site, Stack, ToolCall, Version
from tasks.steps import Check, Command
from tasks.web import Web
from tasks.worker import Worker


def make_command(*argv: str, **over: Any) -> Command:
    """A command that is known by its argv."""
    words = argv or ("tool",)
    return Command(**{"argv": words, "label": " ".join(words), **over})


def make_check(name: str = "lint", **over: Any) -> Check:
    """A check whose one command has its name as argv. `path` is the component that it is for."""
    path = over.pop("path", "apps/web")
    facts = {
        "id": f"{name}[{path}]",
        "name": name,
        "title": name,
        "stage": Stage.QUALITY,
        "component": path,
        "commands": (make_command(name),),
    }
    return Check(**{**facts, **over})


def make_some_plan(*checks: Check, whole: bool = True) -> Plan:
    """A plan of just these checks, in this order."""
    return Plan(checks=checks, whole=whole)


def make_lowering(stack: Stack | None = None) -> Lowering:
    """Lowering for a stack whose files have their names as digests, and for the base, which is the same."""
    lock = PROBE_LOCK.read_text(encoding="utf-8")
    base = Lowering(stack=stack or make_stack(), digest=lambda path: f"digest of {path}", probe_lock=lock)
    return replace(base, base=base)


def make_call(tool: str, **over: Any) -> ToolCall:
    """A call of a quality tool in CI."""
    return ToolCall(**{"tool": tool, "source": CallSource.CI, "file": ".github/workflows/ci.yml", "line": 7, **over})


def make_uv_project(**over: Any) -> PythonProject:
    """A project with a uv.lock that holds ruff, mypy, pytest and gunicorn."""
    facts: dict[str, Any] = {
        "root": "apps/web",
        "kind": "uv",
        "manifest": "apps/web/pyproject.toml",
        "lock": "apps/web/uv.lock",
        "python": Version(wanted="==3.13.*", source="apps/web/Dockerfile", accepts=">=3.12"),
        "packages": frozenset({"django", "gunicorn", "ruff", "mypy", "pytest"}),
        "tools": frozenset({"ruff", "mypy", "pytest"}),
        "configurations": dict.fromkeys(("ruff", "mypy", "pytest"), "apps/web/pyproject.toml"),
        "calls": (make_call("ruff format", directory=over.get("root", "apps/web")),),
        "paths": ("apps/web",),
        "inputs": ("apps/web/pyproject.toml", "apps/web/uv.lock"),
    }
    return PythonProject(**{**facts, **over})


def make_requirements_project(**over: Any) -> PythonProject:
    """A project with hashed requirements, and others for development on top."""
    facts: dict[str, Any] = {
        "root": "apps/shop",
        "kind": "requirements",
        "manifest": "apps/shop/pyproject.toml",
        "production": ("apps/shop/requirements.txt",),
        "development": ("apps/shop/requirements.txt", "apps/shop/requirements-dev.txt"),
        "hashed": True,
        "pinned": True,
        "python": Version(wanted=">=3.12", source="apps/shop/pyproject.toml", accepts=">=3.12"),
        "packages": frozenset({"django", "uvicorn", "ruff", "black", "isort", "flake8", "pyright"}),
        "versions": {"ruff": "0.9.1", "black": "25.1.0", "click": "8.1.7", "isort": "6.0.1", "flake8": "7.1.1"},
        "tools": frozenset({"ruff", "mypy"}),
        "configurations": dict.fromkeys(("ruff", "mypy", "black", "isort", "flake8", "pyright"), "apps/shop/setup.cfg"),
        "calls": (make_call("manage.py test", directory="apps/shop", script="manage.py", options=("--parallel",)),),
        "paths": ("apps/shop",),
        "inputs": ("apps/shop/pyproject.toml", "apps/shop/requirements.txt", "apps/shop/requirements-dev.txt"),
    }
    return PythonProject(**{**facts, **over})


def make_node_project(package: str = "workers/intake", **over: Any) -> NodeProject:
    """A package of a pnpm workspace, with every quality tool of a Worker."""
    facts: dict[str, Any] = {
        "root": ".",
        "package": package,
        "manager": "pnpm",
        "manager_version": "10.34.9",
        "lock": "pnpm-lock.yaml",
        "node": Version(wanted=">=22", source="package.json", accepts=">=22"),
        "scripts": {"build": "build", "lint": "eslint ."},
        "dependencies": {"typescript": "^5", "wrangler": "^4", "vitest": "^3", "eslint": "^9"},
        "inputs": ("package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", f"{package}/package.json"),
    }
    return NodeProject(**{**facts, **over})


def make_web(path: str = "apps/web", project: PythonProject | None = None, **over: Any) -> Component:
    """A Django project."""
    facts: dict[str, Any] = {
        "directory": path,
        "settings": "config.settings",
        "manage_settings": "config.settings",
        "wsgi": "config.wsgi:application",
        "asgi": "config.asgi:application",
        "apps": (f"{path}/menu",),
    }
    return Component(
        kind=Kind.WEB,
        path=path,
        name=path.rpartition("/")[2],
        python=project or make_uv_project(root=path),
        web=Web(**{**facts, **over}),
    )


def make_worker(path: str = "workers/intake", node: NodeProject | None = None, **over: Any) -> Component:
    """A Worker in TypeScript."""
    facts: dict[str, Any] = {
        "config": f"{path}/wrangler.toml",
        "name": "intake",
        "main": "src/index.ts",
        "tsconfig": f"{path}/tsconfig.json",
    }
    return Component(
        kind=Kind.WORKER,
        path=path,
        name=path.rpartition("/")[2],
        node=node or make_node_project(path),
        worker=Worker(**{**facts, **over}),
    )


def make_site(path: str = "sites/coffee-shop", node: NodeProject | None = None, **over: Any) -> Component:
    """An Astro site."""
    packages = {"astro": "^5", "@astrojs/check": "^0.9"}
    facts: dict[str, Any] = {"generator": "astro", "output": "dist", "script": "build"}
    return Component(
        kind=Kind.SITE,
        path=path,
        name=path.rpartition("/")[2],
        node=node or make_node_project(path, dependencies=packages),
        site=Site(**{**facts, **over}),
    )


def make_stack(*components: Component) -> Stack:
    """A stack of these components: by default one of each kind, and a second Django project with requirements."""
    shop = make_web("apps/shop", make_requirements_project(), wsgi="")
    return Stack(components=components or (shop, make_web(), make_worker(), make_site()))


def make_scene(
    stack: Stack | None = None,
    files: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    base: Stack | SkipReason | None = None,
) -> CatalogueContext:
    """What rows are expanded from, with these files in the tree. The base has the same stack, or another one."""
    texts = dict(files or {})
    context = CatalogueContext(
        stack=stack or make_stack(),
        paths=frozenset(texts),
        read=lambda path: texts[path],
        settings=settings or Settings(jobs=2),
    )
    if isinstance(base, SkipReason):
        return replace(context, base=base)
    return replace(
        context, base=replace(context, stack=base or context.stack, title="0123456789 (merge base with main)")
    )


def make_whole_plan(context: CatalogueContext | None = None) -> Plan:
    """The plan of everything that a scene's catalogue holds."""
    return make_plan(make_catalogue(context or make_scene()))


def make_some_catalogue(*checks: Check) -> Catalogue:
    """A catalogue of just these checks."""
    return Catalogue(checks=checks, absent=())
