"""Code that is generated before the tools that need it."""

from typing import Any

import pytest

from tasks.catalogue import make_catalogue
from tasks.packages.package_script import PackageScript
from tasks.stack import NodeProject
from tests.support.factories import make_node_project, make_scene, make_site, make_stack, make_worker

CONFIG = {"workers/intake/tsconfig.json": '{"include": ["src", "worker-configuration.d.ts"]}'}


def labels(row: str, files: dict[str, str], node: NodeProject) -> list[str]:
    """The commands of a Worker's check, by their labels."""
    context = make_scene(make_stack(make_worker(node=node)), files)
    return next(
        [each.label for each in check.commands] for check in make_catalogue(context).checks if check.name == row
    )


def project(**over: Any) -> NodeProject:
    return make_node_project("workers/intake", **over)


def test_ignored_types_of_wrangler_are_generated_before_tsc_alone() -> None:
    assert labels("tsc", CONFIG, project())[0] == "wrangler types"
    assert "wrangler types" not in labels("worker_container", CONFIG, project())
    assert "wrangler types" not in labels("eslint", CONFIG, project())


def test_the_stacks_own_script_generates() -> None:
    scripts = {"check": "npm run typegen && tsc", "typegen": "wrangler types --include-runtime=false"}

    assert labels("tsc", CONFIG, project(scripts=scripts))[0].endswith(" run typegen")


def test_types_in_the_tree_are_not_generated() -> None:
    files = CONFIG | {"workers/intake/worker-configuration.d.ts": ""}

    assert labels("tsc", files, project()) == ["tsc --noEmit"]


def test_types_that_no_file_names_are_not_generated() -> None:
    assert labels("tsc", {"workers/intake/tsconfig.json": "{}"}, project()) == ["tsc --noEmit"]


def test_typed_lint_gets_generated_types() -> None:
    lint = {"workers/intake/eslint.config.js": "export default [{ parserOptions: { projectService: true } }];"}

    assert labels("eslint", CONFIG | lint, project())[0] == "wrangler types"


def test_prisma_generates_before_every_command_unless_an_install_script_does() -> None:
    files = {"workers/intake/prisma/schema.prisma": ""}
    packages = {"prisma": "^6", "wrangler": "^4", "vitest": "^4"}
    installs = (PackageScript(directory="workers/intake", name="postinstall", text="prisma generate"),)

    for row in ("worker_container", "vitest"):
        assert labels(row, files, project(dependencies=packages))[0] == "prisma generate"
        again = labels(row, files, project(dependencies=packages, preparation=installs))
        assert again[0] == "postinstall of workers/intake"
        assert "prisma generate" not in again


def test_references_need_the_build_mode_of_tsc() -> None:
    files = {"workers/intake/tsconfig.json": '{"files": [], "references": [{ "path": "./tsconfig.app.json" }]}'}

    assert labels("tsc", files, project()) == ["tsc --build"]


@pytest.mark.parametrize(
    "scripts",
    [
        {"build": "x", "pretest": "npm run build", "test": "vitest run"},
        {"build": "x", "test": "npm run build && vitest"},
    ],
)
def test_tests_that_call_the_build_get_it(scripts: dict[str, str]) -> None:
    assert labels("vitest", {}, project(scripts=scripts)) == ["build of workers/intake", "vitest"]


def test_types_of_a_site_are_checked_only_if_a_script_calls_tsc() -> None:
    def names(**scripts: str) -> list[str]:
        node = make_node_project("s", dependencies={"vite": "^8", "typescript": "^5"}, scripts=scripts)
        context = make_scene(make_stack(make_site("s", node)), {"s/tsconfig.json": "{}"})
        return [check.name for check in make_catalogue(context).checks]

    assert "tsc" not in names(build="tsc && vite build")
    assert "tsc" in names(build="vite build", typecheck="tsc --noEmit")


@pytest.mark.parametrize(
    ("ignored", "scripts", "is_generated"),
    [
        ("/drizzle\n", {"db:generate": "drizzle-kit generate"}, True),
        ("/drizzle\n", {"db:push": "drizzle-kit push"}, False),
        ("node_modules\n", {"db:generate": "drizzle-kit generate"}, False),
    ],
)
def test_ignored_migrations_of_drizzle_are_generated_if_a_script_does(
    ignored: str, scripts: dict[str, str], is_generated: bool
) -> None:
    node = project(dependencies={"drizzle-kit": "^0.31", "wrangler": "^4"}, scripts=scripts)
    found = labels("worker_container", {"workers/intake/.gitignore": ignored}, node)

    assert (found[0].endswith(" run db:generate")) is is_generated
