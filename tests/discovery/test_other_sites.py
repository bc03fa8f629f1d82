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


@pytest.mark.parametrize(
    ("files", "generator"),
    [
        ({"docs/hugo.toml": "baseURL = 'x'"}, "Hugo"),
        ({"docs/config.toml": "base_url = 'x'", "docs/content/a.md": "", "docs/templates/a.html": ""}, "Zola"),
        ({"docs/_config.yml": "title: x", "docs/Gemfile": "gem 'jekyll'"}, "Jekyll"),
    ],
)
def test_a_site_of_a_generator_that_does_not_run_is_named(files: dict[str, str], generator: str) -> None:
    (gap,) = look(astro("s") | files).gaps

    assert gap.endswith(f"configures a site of {generator}, which predeploy does not build")
    assert look(astro("s") | {"docs/config.toml": "base_url = 'x'", "docs/_config.yml": ""}).gaps == ()


def test_hugo_from_a_package_is_a_site() -> None:
    manifest = package(name="s", devDependencies={"hugo-bin": "1"}, scripts={"build": "hugo --minify"})
    stack = look({"s/package.json": manifest, "s/hugo.toml": "title = 'x'"})

    (component,) = stack.components
    assert component.site
    assert (component.kind, component.site.generator, component.site.output) == (Kind.SITE, "hugo", "public")
    assert stack.gaps == ()
