"""What runs before a package of Node: install scripts, and builds of the packages that it depends on."""

import pytest

from tests.discovery.trees import node, package

WORKER = {"w/wrangler.jsonc": '{"name": "w", "main": "src/index.ts"}', "w/src/index.ts": ""}


def stack(**lib: object) -> dict[str, str]:
    """A Worker that depends on `lib`, which depends on `base`. Both are built."""
    build = {"scripts": {"build": "tsc"}}
    return WORKER | {
        "package.json": package(name="root", workspaces=["w", "lib", "base"]),
        "w/package.json": package(name="w", dependencies={"lib": "*"}),
        "lib/package.json": package(
            **({"name": "lib", "main": "dist/a.js", "dependencies": {"base": "*"}} | build | lib)
        ),
        "base/package.json": package(name="base", exports={".": {"import": "./dist/b.js"}}, **build),
        "lib/src/a.ts": "",
    }


def test_packages_are_built_after_those_that_they_depend_on() -> None:
    project = node(stack(), "w")

    assert [(each.directory, each.name) for each in project.preparation] == [("base", "build"), ("lib", "build")]


@pytest.mark.parametrize("main", ["src/a.ts", "./src/a.ts", "src/a"])
def test_a_package_whose_files_are_in_the_tree_is_not_built(main: str) -> None:
    project = node(stack(main=main), "w")

    assert [each.directory for each in project.preparation] == ["base"]


def test_a_package_without_a_build_script_is_not_built() -> None:
    assert [each.directory for each in node(stack(scripts={}), "w").preparation] == ["base"]


def test_install_scripts_run_first_and_without_what_a_checkout_needs() -> None:
    files = stack(scripts={"prepare": "husky", "build": "tsc"}, devDependencies={"husky": "9"}) | {
        "package.json": package(
            name="root", workspaces=["w", "lib", "base"], scripts={"postinstall": "node setup.mjs"}
        ),
        "w/package.json": package(
            name="w", dependencies={"lib": "*"}, scripts={"postinstall": "patch-package && prisma generate"}
        ),
    }

    found = node(files, "w").preparation

    assert [(each.directory, each.name, each.text) for each in found] == [
        ("w", "postinstall", "prisma generate"),
        (".", "postinstall", "node setup.mjs"),
        ("base", "build", "tsc"),
        ("lib", "build", "tsc"),
    ]


def test_a_hook_that_no_package_brings_runs_and_fails_as_in_the_installation() -> None:
    files = {**WORKER, "w/package.json": package(name="w", scripts={"prepare": "husky && node a.mjs"})}

    (script,) = node(files, "w").preparation

    assert (script.name, script.text) == ("prepare", "husky && node a.mjs")
