"""Checks of Cloudflare Pages projects."""

from typing import Any

import pytest

from tasks.catalogue import make_catalogue
from tasks.stack import Component
from tasks.steps import Check
from tests.support.factories import make_node_project, make_scene, make_site, make_stack

PATH = "sites/garden"


def garden(*packages: str, **over: Any) -> Component:
    node = make_node_project(PATH, dependencies=dict.fromkeys(packages, "4"))
    return make_site(PATH, node, **{"generator": "vite", "functions": True, **over})


def check_of(component: Component, *files: str) -> Check:
    catalogue = make_catalogue(make_scene(make_stack(component), dict.fromkeys(files, "")))
    return next(check for check in catalogue.checks if check.name == "site_garden")


def labels(check: Check) -> list[str]:
    return [command.label for command in check.commands]


def test_functions_are_compiled_after_the_build() -> None:
    check = check_of(garden("vite", "wrangler"))

    assert labels(check) == ["vite build", "wrangler pages functions build", "pages and links"]
    assert check.commands[1].verdicts == ((1, "functions_failed"),)
    assert not check.requires


@pytest.mark.parametrize(("component", "gaps"), [(garden("vite"), 1), (garden("vite", functions=False), 0)])
def test_functions_without_wrangler_are_a_gap(component: Component, gaps: int) -> None:
    check = check_of(component)

    assert labels(check) == ["vite build", "pages and links"]
    assert len(check.requires) == gaps


def test_a_directory_without_a_build_is_checked_as_it_is() -> None:
    site = garden("wrangler", generator="pages", output="public", script="")

    assert labels(check_of(site, f"{PATH}/public/index.html")) == ["wrangler pages functions build", "pages and links"]
    assert labels(check_of(site)) == ["wrangler pages functions build"]


def test_links_of_the_root_are_not_checked() -> None:
    """The root of a package also has its sources and packages."""
    check = check_of(garden("wrangler", generator="pages", output=".", script=""))

    assert labels(check) == ["wrangler pages functions build"]
