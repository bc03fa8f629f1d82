"""Discovery of whole stacks on disk: the four of the tests, and the sample."""

from pathlib import Path

import pytest

from tasks.stack import Kind, Stack
from tasks.steps import SERVER_HOST, SERVER_PORT
from tests.discovery.trees import look_at

ROOT = Path(__file__).parents[2]
STACKS = ROOT / "tests" / "stacks"
BIND = ("--bind", f"{SERVER_HOST}:{SERVER_PORT}")


def places(stack: Stack) -> list[tuple[str, str, str]]:
    return [(component.kind.value, component.path, component.name) for component in stack.components]


def test_django_requirements() -> None:
    stack = look_at(STACKS / "django-requirements")

    (component,) = stack.components
    assert places(stack) == [("web", ".", "library")]
    assert component.web
    assert component.python
    assert component.web.server == ("gunicorn", *BIND, "library.wsgi", "--workers", "2")
    assert component.web.settings == "library.settings"
    assert component.web.apps == ("books",)
    assert component.web.env_example == ".env.example"
    assert component.python.production == ("requirements.txt",)
    assert component.python.development == ()
    assert component.python.inputs == ("requirements.txt", "requirements/base.txt", "requirements/server.txt")
    assert component.python.pinned
    assert not component.python.hashed
    assert component.python.tools == frozenset()
    assert stack.warnings == ()


def test_two_django() -> None:
    stack = look_at(STACKS / "two-django")

    catalog, orders = stack.components
    assert places(stack) == [("web", "services/catalog", "catalog"), ("web", "services/orders", "orders")]
    assert catalog.python
    assert orders.python
    assert catalog.web
    assert orders.web
    assert catalog.python.paths == ("services/catalog", "libs/money/src")
    assert orders.python.paths == ("services/orders", "libs/money/src")
    assert (catalog.web.server, catalog.python.tools) == ((), frozenset())
    assert orders.web.server == ("gunicorn", *BIND, "--workers", "2", "config.wsgi:application")
    assert orders.web.dockerfile == "services/orders/Dockerfile"
    assert orders.python.python.wanted == "==3.11.*"
    assert orders.python.tools == {"pytest", "ruff"}
    assert orders.python.development == ("services/orders/requirements-dev.txt",)
    assert stack.warnings == ()


def test_three_sites() -> None:
    stack = look_at(STACKS / "three-sites")

    assert places(stack) == [
        ("site", "sites/blog", "blog"),
        ("site", "sites/docs", "docs"),
        ("site", "sites/shop", "shop"),
    ]
    sites = [component.site for component in stack.components if component.site]
    assert [(site.generator, site.output, site.base, site.script) for site in sites] == [
        ("eleventy", "_site", "/", "build"),
        ("astro", "dist", "/docs", "build"),
        ("vite", "dist/web", "/", "build"),
    ]
    for component in stack.components:
        assert component.node
        assert (component.node.manager, component.node.manager_version) == ("pnpm", "10.34.9")
        assert (component.node.root, component.node.lock) == (".", "pnpm-lock.yaml")
        assert component.node.paths == ("packages/brand",)
    assert stack.warnings == ()


def test_npm_workers() -> None:
    stack = look_at(STACKS / "npm-workers")

    greeter, redirects = stack.components
    assert places(stack) == [("worker", "greeter", "greeter"), ("worker", "redirects", "redirects")]
    assert greeter.worker
    assert redirects.worker
    assert (greeter.worker.tsconfig, redirects.worker.tsconfig) == ("greeter/tsconfig.json", None)
    assert greeter.worker.environments == ("preview",)
    for component in stack.components:
        assert component.node
        assert component.node.manager == "npm"
        assert component.node.lock == f"{component.path}/package-lock.json"
        assert "wrangler" in component.node.locked
    assert stack.warnings == ()


def test_the_sample() -> None:
    stack = look_at(ROOT / "examples" / "cafe")

    web, worker, site = stack.components
    assert [kind for kind, _, _ in places(stack)] == [Kind.WEB, Kind.WORKER, Kind.SITE]
    assert (web.path, worker.path, site.path) == ("apps/web", "workers/intake", "sites/coffee-shop")
    assert web.python
    assert web.python.tools == {"mypy", "pytest", "ruff"}
    assert web.python.hashed
    assert stack.warnings == ()


@pytest.mark.parametrize("stack", sorted(path.name for path in STACKS.iterdir() if path.is_dir()))
def test_locks_name_no_host(stack: str) -> None:
    locks = [path for path in (STACKS / stack).rglob("*") if path.name.endswith(("-lock.yaml", "-lock.json", ".txt"))]

    found = [path for path in locks if "node_modules" not in path.parts and '"resolved": "http' in path.read_text()]

    assert locks
    assert found == []
