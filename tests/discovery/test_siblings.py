"""Packages outside of a workspace that a build or a deploy needs: they are installed with the component's own."""

import json

import pytest

from tasks.planning.node_environments import node_environment
from tests.discovery.trees import Files, node, package, worker

LOCK = "lockfileVersion: '9.0'\n"
WEB = {
    "web/package.json": package(name="web", scripts={"build": "vite build"}, devDependencies={"vite": "7"}),
    "web/package-lock.json": "{}",
    "web/index.html": "",
}
LIB = {
    "lib/package.json": package(name="lib", scripts={"build": "tsc"}, dependencies={"zod": "4"}),
    "lib/package-lock.json": "{}",
    "lib/src/a.ts": "",
}


def garden(deploy: str = "wrangler deploy", *, assets: str = "", **manifest: object) -> dict[str, str]:
    document = {"name": "w", "main": "src/index.ts"} | ({"assets": {"directory": assets}} if assets else {})
    return {
        "worker/wrangler.jsonc": json.dumps(document),
        "worker/src/index.ts": "",
        "worker/package.json": package(
            name="w", **{"scripts": {"deploy": deploy}, "devDependencies": {"wrangler": "4"}} | manifest
        ),
        "worker/package-lock.json": "{}",
    }


def siblings(files: Files) -> list[str]:
    return [each.package for each in node(files, "worker").siblings]


@pytest.mark.parametrize(
    "deploy",
    [
        "npm --prefix ../web ci && npm --prefix ../web run build && wrangler deploy",
        "cd ../web && npm ci && npm run build && cd ../worker && wrangler deploy",
        "(cd ../web && npx vite build) && wrangler deploy",
        "yarn --cwd ../web build && wrangler deploy",
    ],
)
def test_a_package_in_which_the_deploy_runs_commands_is_installed(deploy: str) -> None:
    files = garden(deploy, assets="../web/dist") | WEB

    assert siblings(files) == ["web"]
    assert [step.directory for step in worker(files).deploy.steps if step.argv[0] != "sh"] in ([], ["web"])
    assert worker(files).deploy.left_out == ()
    assert "web" in node(files, "worker").paths


def test_a_package_with_assets_that_no_file_builds_is_built() -> None:
    files = garden(assets="../web/dist") | WEB

    assert [(each.argv, each.directory) for each in worker(files).deploy.steps] == [(("npm", "run", "build"), "web")]
    assert siblings(files) == ["web"]
    assert worker(files | {"web/dist/index.html": ""}).deploy.steps == ()


def test_the_packages_of_bound_workers_are_installed() -> None:
    files = garden() | {
        "worker/wrangler.jsonc": '{"name": "w", "main": "src/index.ts", "services": [{"binding": "A", "service": "a"}]}'
    }
    for name, bound in (("a", "b"), ("b", "w"), ("c", "w")):
        services = [{"binding": "X", "service": bound}]
        files |= {
            f"{name}/wrangler.jsonc": json.dumps({"name": name, "main": "src/index.ts", "services": services}),
            f"{name}/src/index.ts": "",
            f"{name}/package.json": package(name=name, devDependencies={"wrangler": "4"}),
            f"{name}/package-lock.json": "{}",
        }

    assert sorted(siblings(files)) == ["a", "b"]


def test_the_script_of_another_package_is_run_by_its_own_manager() -> None:
    other = {name: text for name, text in WEB.items() if "lock" not in name} | {"web/pnpm-lock.yaml": LOCK}

    (step,) = worker(garden("npm --prefix ../web run build && wrangler deploy") | other).deploy.steps

    assert (step.argv, step.directory) == (("pnpm", "run", "build"), "web")


def test_a_package_of_a_manager_that_cannot_be_there_as_well_is_left_out() -> None:
    files = {
        name: text for name, text in garden("pnpm -C ../web build && wrangler deploy").items() if "lock" not in name
    }
    files |= WEB | {"worker/pnpm-lock.yaml": LOCK, "web/yarn.lock": "# yarn lockfile v1\n"}
    del files["web/package-lock.json"]

    assert siblings(files) == []
    assert [step.text for step in worker(files).deploy.left_out] == ["pnpm -C ../web build"]


def test_a_linked_package_with_a_lock_of_its_own_is_installed_and_built() -> None:
    manifest = json.loads(LIB["lib/package.json"]) | {"main": "dist/a.js"}
    files = garden(dependencies={"lib": "file:../lib"}) | LIB | {"lib/package.json": json.dumps(manifest)}
    project = node(files, "worker")

    assert [each.package for each in project.siblings] == ["lib"]
    assert [(each.directory, each.name) for each in project.preparation] == [("lib", "build")]


@pytest.mark.parametrize(
    ("name", "text", "builds"),
    [
        ("vite.config.ts", 'alias: { "@lib": resolve(__dirname, "../lib/src") }', []),
        ("vite.config.ts", 'alias: { "@lib": resolve(__dirname, "../lib/dist/a.js") }', [("lib", "build")]),
        ("tsconfig.json", '{ "compilerOptions": { "paths": { "@lib/*": ["../lib/src/*"] } } }', []),
        ("tsconfig.json", '{ "references": [{ "path": "../lib" }] }', []),
    ],
)
def test_a_package_that_a_configuration_names_is_installed(name: str, text: str, builds: list[tuple[str, str]]) -> None:
    project = node(garden() | LIB | {f"worker/{name}": text}, "worker")

    assert [each.package for each in project.siblings] == ["lib"]
    assert [(each.directory, each.name) for each in project.preparation] == builds


@pytest.mark.parametrize(
    "files",
    [
        LIB | {"worker/vite.config.ts": 'outDir: "../lib/public"'},
        LIB | {"worker/tsconfig.json": '{ "extends": "../lib/tsconfig.json" }'},
        {"package.json": package(name="root", devDependencies={"husky": "9"}), "package-lock.json": "{}"}
        | {"worker/tsconfig.json": '{ "references": [{ "path": "../types" }] }', "types/tsconfig.json": "{}"},
        {name: text for name, text in LIB.items() if "lock" not in name}
        | {"worker/tsconfig.json": '{ "references": [{ "path": "../lib" }] }'},
    ],
    ids=["written to", "settings alone", "package around", "no lock"],
)
def test_a_package_that_the_build_does_not_need_is_not_installed(files: dict[str, str]) -> None:
    assert siblings(garden() | files) == []


def test_install_scripts_and_packages_of_siblings_come_first() -> None:
    lib = json.loads(LIB["lib/package.json"]) | {"scripts": {"postinstall": "node make.mjs"}}
    web = json.loads(WEB["web/package.json"]) | {"dependencies": {"lib": "link:../lib"}}
    files = garden("npm --prefix ../web run build && wrangler deploy") | WEB | LIB
    files |= {"lib/package.json": json.dumps(lib), "web/package.json": json.dumps(web)}
    project = node(files, "worker")

    assert [each.package for each in project.siblings] == ["lib", "web"]
    assert [(each.directory, each.name) for each in project.preparation] == [("lib", "postinstall")]


def test_one_environment_has_the_packages_of_both() -> None:
    other = {name: text for name, text in WEB.items() if "lock" not in name} | {"web/pnpm-lock.yaml": LOCK}
    project = node(garden("npm --prefix ../web run build && wrangler deploy") | other, "worker")

    found = node_environment(project, lambda path: path, "2026-01-01")

    assert [(each.cwd, each.label) for each in found.commands] == [
        ("web", "pnpm install --frozen-lockfile (web)"),
        ("worker", "npm ci"),
    ]
    assert {"web/pnpm-lock.yaml", "worker/package-lock.json"} <= {*found.inputs}
    assert found.manager.startswith("pnpm@")
    assert found.key == node_environment(project, lambda path: path, "2026-01-02").key
