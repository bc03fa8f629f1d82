"""Angular, React Router and Remix, and generators that predeploy does not run."""

import json

import pytest

from tasks.stack import Kind
from tests.discovery.trees import astro, look, package, site


def angular(builder: str, **options: object) -> dict[str, str]:
    target = {"builder": f"@angular/build:{builder}", "options": options}
    library = {"projectType": "library", "architect": {"build": {"builder": "@angular/build:ng-packagr"}}}
    projects = {"kit": library, "shop": {"projectType": "application", "architect": {"build": target}}}
    manifest = package(name="s", dependencies={"@angular/core": "21"}, scripts={"build": "ng build"})
    return {"s/package.json": manifest, "s/angular.json": json.dumps({"projects": projects})}


@pytest.mark.parametrize(
    ("files", "output", "base", "server"),
    [
        (angular("application"), "dist/shop/browser", "/", False),
        (angular("browser", outputPath="out"), "out", "/", False),
        (angular("application", outputPath={"base": "o", "browser": ""}, baseHref="/x/"), "o/browser", "/x", False),
        (angular("application", ssr={"entry": "s.ts"}), "dist/shop/browser", "/", True),
        (angular("application", ssr={"entry": "s.ts"}, outputMode="static"), "dist/shop/browser", "/", False),
    ],
)
def test_angular(files: dict[str, str], output: str, base: str, server: bool) -> None:
    found = site(files)

    assert found
    assert (found.generator, found.output, found.base, found.server) == ("angular", output, base, server)
    assert found.routed


def test_the_build_script_of_angular_names_the_base() -> None:
    files = angular("application", baseHref="/x/")
    files["s/package.json"] = files["s/package.json"].replace("ng build", "ng build --base-href=/y/")
    found = site(files)

    assert found
    assert found.base == "/y"


@pytest.mark.parametrize(
    ("dependency", "config", "script"),
    [
        ("@react-router/dev", "react-router.config.ts", "react-router build"),
        ("@remix-run/dev", "vite.config.ts", "remix vite:build"),
    ],
)
def test_an_app_without_a_server_is_a_site_and_its_router_answers_paths(
    dependency: str, config: str, script: str
) -> None:
    dependencies = {dependency: "7", "vite": "8", "@react-router/node": "7"}
    manifest = package(name="s", dependencies=dependencies, scripts={"build": script})
    spa = {"s/package.json": manifest, f"s/{config}": "export default {ssr: false, prerender: ['/']}"}
    found = site(spa)

    assert found
    assert (found.output, found.script, found.routed) == ("build/client", "build", True)
    server = look(spa | {f"s/{config}": "export default {ssr: true}"})
    assert [component.kind for component in server.components] == [Kind.PACKAGE]


HUGO = "baseURL = 'https://a.example/docs/'"
OLD = {"docs/config.toml": HUGO, "docs/content/a.md": ""}
ZOLA = {"docs/config.toml": "base_url = '/'", "docs/content/a.md": "", "docs/templates/a.html": ""}


@pytest.mark.parametrize(
    ("files", "program", "output", "base", "command"),
    [
        ({"docs/hugo.toml": HUGO}, "hugo", "public", "/docs", ("hugo",)),
        ({"docs/hugo.yaml": "publishDir: out"}, "hugo", "out", "/", ("hugo",)),
        ({"docs/config/_default/hugo.toml": HUGO}, "hugo", "public", "/docs", ("hugo",)),
        (OLD, "hugo", "public", "/docs", ("hugo",)),
        (ZOLA, "zola", "public", "/", ("zola", "build")),
        (
            {"docs/_config.yml": "baseurl: /b", "docs/Gemfile": "gem 'jekyll'"},
            *("jekyll", "_site", "/b", ("bundle", "exec", "jekyll", "build")),
        ),
    ],
)
def test_a_site_that_a_program_of_the_machine_builds(
    files: dict[str, str], program: str, output: str, base: str, command: tuple[str, ...]
) -> None:
    (component,) = look(files).components

    assert component.site
    assert (component.kind, component.path, component.node) == (Kind.SITE, "docs", None)
    found = component.site
    assert (found.program, found.output, found.base, found.command) == (program, output, base, command)


def test_a_configuration_of_another_program_is_no_site() -> None:
    others = {"docs/config.toml": "base_url = 'x'", "docs/_config.yml": "", "more/config.toml": "title = 'x'"}

    assert [each.path for each in look(astro("s") | others).components] == ["s"]


def test_a_script_that_calls_hugo_builds_the_site_with_the_packages_next_to_it() -> None:
    manifest = package(name="s", devDependencies={"postcss": "8"}, scripts={"build": "hugo --minify"})
    (component,) = look({"package.json": manifest, "hugo.toml": HUGO}).components

    assert component.site
    assert component.node
    assert (component.site.script, component.site.command) == ("build", ())


def test_hugo_from_a_package_is_a_site() -> None:
    manifest = package(name="s", devDependencies={"hugo-bin": "1"}, scripts={"build": "hugo --minify"})
    stack = look({"s/package.json": manifest, "s/hugo.toml": "title = 'x'"})

    (component,) = stack.components
    assert component.site
    assert (component.kind, component.site.generator, component.site.output) == (Kind.SITE, "hugo", "public")
    assert stack.gaps == ()
