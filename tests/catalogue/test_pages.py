"""Checks of Cloudflare Pages projects."""

from typing import Any

import pytest

from tasks.catalogue import make_catalogue
from tasks.catalogue.worker.page_routes import page_routes
from tasks.settings import Settings
from tasks.stack import Component
from tasks.steps import Check
from tasks.worker import Worker
from tests.support.factories import make_node_project, make_scene, make_site, make_stack

PATH = "sites/garden"


def garden(*packages: str, files: tuple[str, ...] = (), config: str = "wrangler.toml", **over: Any) -> Component:
    node = make_node_project(PATH, dependencies=dict.fromkeys(packages, "4"))
    pages = Worker(config=f"{PATH}/{config}" if config else "", name="garden", sources=files, reads=("STRIPE_KEY",))
    return make_site(PATH, node, **{"generator": "vite", "on_pages": True, "functions": True, "pages": pages, **over})


def check_of(component: Component, *files: str, name: str = "site_garden") -> Check:
    catalogue = make_catalogue(make_scene(make_stack(component), dict.fromkeys(files, "")))
    return next(check for check in catalogue.checks if check.name == name)


def labels(check: Check) -> list[str]:
    return [command.label for command in check.commands]


def test_functions_are_compiled_after_the_build() -> None:
    check = check_of(garden("vite", "wrangler"))

    assert labels(check) == ["vite build", "wrangler pages functions build", "rules for Pages", "pages and links"]
    assert check.commands[1].verdicts == ((1, "functions_failed"),)
    assert not check.requires


def test_a_wrangler_of_predeploy_compiles_functions_without_one() -> None:
    check = check_of(garden("vite"))

    assert labels(check) == ["vite build", "wrangler pages functions build", "rules for Pages", "pages and links"]
    assert ["predeploy's own wrangler" in gap for _, gap in check.requires] == [True]


def test_a_site_without_code_of_pages_is_not_started() -> None:
    catalogue = make_catalogue(make_scene(make_stack(garden("vite", functions=False, pages=None))))

    reasons = {each.name: each.reason for each in catalogue.absent}
    assert reasons["pages_health"] == "sites/garden has no functions of Cloudflare Pages and no _worker.js"


@pytest.mark.parametrize(("config", "gaps"), [("wrangler.toml", 0), ("", 1)])
def test_settings_in_the_dashboard_are_a_gap(config: str, gaps: int) -> None:
    check = check_of(garden("vite", "wrangler", config=config), name="pages_health")

    assert check.needs == (f"site_garden[{PATH}]",)
    assert check.workspace_of == f"site_garden[{PATH}]"
    assert len(check.requires) == gaps


HANDLER = "export const onRequest = () => new Response();\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("api/stock.js", HANDLER, ("/api/stock", 1, 0)),
        ("api/index.ts", "\nexport async function onRequestGet() {}", ("/api", 2, 0)),
        ("index.js", "// export const onRequest\nconst a = 1;\nexport { a, handler as onRequest };", ("/", 3, 0)),
        ("api/[id].js", HANDLER, None),
        ("_middleware.js", HANDLER, None),
        ("api/form.js", "export const onRequestPost = () => new Response();", None),
        ("api/form.js", "export const onRequest = async ({ request }) => save(await request.json());", None),
        ("lib/beans.js", "export const beans = 1;", None),
        ("pay.js", "export const onRequest = ({ env }) => pay(env.STRIPE_KEY);", ("/pay", 1, 1)),
        (
            "find.js",
            "export const onRequest = ({ request }) => new URL(request.url).searchParams.get('q').trim();",
            ("/find", 1, 1),
        ),
    ],
)
def test_routes_of_functions(name: str, text: str, expected: tuple[str, int, int] | None) -> None:
    """A route is a path, the line of its handler, and the number of doubts in an error of it."""
    file = f"{PATH}/functions/{name}"
    component = garden("wrangler", files=(file, f"{PATH}/src/app.ts"))
    found = page_routes(component, make_scene(make_stack(component), {file: text}), ("STRIPE_KEY",))

    shown = [(route.path, int(route.place.removeprefix(f"{file}:")), len(route.doubts)) for route in found]
    assert shown == ([expected] if expected else [])


def test_configured_paths_replace_the_routes() -> None:
    file = f"{PATH}/functions/api.js"
    component = garden("wrangler", files=(file,))
    settings = Settings.model_validate({"component": {PATH: {"health": ["/menu"]}}})
    catalogue = make_catalogue(make_scene(make_stack(component), {file: HANDLER}, settings))
    (command,) = next(check for check in catalogue.checks if check.name == "pages_health").commands

    assert "/menu" in command.argv
    assert "/api" not in command.argv


def test_a_directory_without_a_build_is_checked_as_it_is() -> None:
    site = garden("wrangler", generator="pages", output="public", script="")

    assert labels(check_of(site, f"{PATH}/public/index.html")) == [
        "wrangler pages functions build",
        "rules for Pages",
        "pages and links",
    ]
    assert labels(check_of(site)) == ["wrangler pages functions build", "rules for Pages"]


def test_links_of_the_root_are_not_checked() -> None:
    """The root of a package also has its sources and packages."""
    check = check_of(garden("wrangler", generator="pages", output=".", script=""))

    assert labels(check) == ["wrangler pages functions build", "rules for Pages"]
