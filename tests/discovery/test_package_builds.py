"""Packages with a build script that no generator or Worker explains."""

import json

import pytest

from tasks.stack import Kind
from tests.discovery.trees import astro, django, look, package, worker

BUILD = {"build": "node make.js"}
OUTPUT = '[build]\nbase = "s"\npublish = "public"'


def kinds(files: dict[str, str]) -> list[tuple[Kind, str]]:
    return [(component.kind, component.path) for component in look(files).components]


@pytest.mark.parametrize(
    "manifest",
    [
        package(name="s", dependencies={"react": "1"}, scripts={"build": "tsc"}),
        package(name="s", devDependencies={"vite": "1"}, scripts={"build": "vite build"}),
        package(name="s", devDependencies={"vitest": "4"}, scripts=BUILD),
        package(name="s", private=True, main="index.js", scripts=BUILD),
    ],
    ids=["no generator", "assets of a server", "a tool for tests", "main of npm init"],
)
def test_a_package_with_an_unknown_build_is_built(manifest: str) -> None:
    assert kinds({"s/package.json": manifest}) == [(Kind.PACKAGE, "s")]
    assert kinds(astro("site") | {"s/package.json": manifest}) == [(Kind.SITE, "site"), (Kind.PACKAGE, "s")]


@pytest.mark.parametrize(
    "files",
    [
        {"lib/package.json": package(name="lib", scripts=BUILD, exports={".": "./dist/i.js"})},
        {"lib/package.json": package(name="lib", scripts=BUILD, main="index.js")},
        {"lib/package.json": package(name="lib", scripts=BUILD), "b/package.json": package(dependencies={"lib": "*"})},
        {"package.json": package(private=True, workspaces=["site"], scripts={"build": "turbo run build"})},
        {"package.json": package(private=True, scripts={"build": "cd site && npm run build"})},
        {"app/package.json": package(name="a", scripts=BUILD, devDependencies={"electron": "1"})},
        {"examples/a/package.json": package(name="a", scripts=BUILD)},
        {"a/package.json": package(name="a", scripts={"test": "x"})},
    ],
    ids=["exports", "published", "dependency", "turbo", "cd", "electron", "example", "no build"],
)
def test_libraries_and_roots_are_not_deployed_themselves(files: dict[str, str]) -> None:
    assert kinds(astro("site") | files) == [(Kind.SITE, "site")]


def test_the_package_above_a_worker_belongs_to_the_worker() -> None:
    wrangler = json.dumps({"name": "w", "main": "i.js"})
    files = {"w/src/wrangler.json": wrangler, "w/src/i.js": "", "w/package.json": package(name="w", scripts=BUILD)}

    assert kinds(files) == [(Kind.WORKER, "w/src")]
    assert worker(files).name == "w"


@pytest.mark.parametrize(
    "files",
    [{"s/vercel.json": json.dumps({"outputDirectory": "public"})}, {"netlify.toml": OUTPUT}],
    ids=["vercel", "netlify"],
)
def test_a_package_whose_host_names_the_output_is_a_site(files: dict[str, str]) -> None:
    (found,) = look({"s/package.json": package(name="s", scripts=BUILD), **files}).components

    assert found.kind is Kind.SITE
    assert found.site
    assert (found.site.output, found.site.script, found.site.generator) == ("public", "build", "")


@pytest.mark.parametrize("directory", [".", "web/frontend", "web"])
def test_a_build_near_a_django_project_is_named_as_not_looked_at(directory: str) -> None:
    manifest = f"{directory}/package.json".removeprefix("./")
    files = django("web") | {manifest: package(name="f", scripts=BUILD)}

    stack = look(files)

    assert [component.kind for component in stack.components] == [Kind.WEB]
    assert stack.gaps == (f"{manifest} has a build script of an unknown kind, and it does not run here",)


def test_a_build_in_the_image_of_a_django_project_is_no_gap() -> None:
    files = django("web") | {"web/package.json": package(name="f", scripts=BUILD)}
    files |= {"web/Dockerfile": "FROM python:3.12\nRUN npm ci && npm run build\nCMD gunicorn config.wsgi"}

    assert look(files).gaps == ()


def test_a_member_of_a_workspace_without_a_sign_of_a_deploy_is_a_gap() -> None:
    root = {"package.json": package(private=True, workspaces=["site", "tools/*"])}
    icons = {"tools/icons/package.json": package(name="icons", private=True, scripts=BUILD)}
    api = {"tools/api/package.json": package(name="api", private=True, scripts=BUILD | {"start": "node dist"})}

    stack = look(astro("site") | root | icons | api)

    assert [(each.kind, each.path) for each in stack.components] == [(Kind.SITE, "site"), (Kind.PACKAGE, "tools/api")]
    assert stack.gaps == (
        "tools/icons/package.json has a build script that did not run: no file says that its result is deployed",
    )
