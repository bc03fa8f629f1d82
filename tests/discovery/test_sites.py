"""Static sites, and packages that are none."""

import pytest

from tasks.stack import Kind, Site
from tests.discovery.trees import astro, look, package, site, worker


def built(generator: str, script: str = "", **files: str) -> dict[str, str]:
    scripts = {"build": script} if script else {}
    return {"s/package.json": package(name="s", dependencies={generator: "1"}, scripts=scripts)} | {
        f"s/{name.replace('__', '/').replace('_', '.')}": text for name, text in files.items()
    }


PREFIXED = {"s/gatsby-config.js": "module.exports = {pathPrefix: '/g'}"}
CASES = [
    ("astro", built("astro", "astro build"), "dist", "/"),
    ("astro", built("astro", "astro build", astro_config_mjs='{outDir: "./out", base: "/docs/"}'), "out", "/docs"),
    ("astro", built("astro", "astro build", astro_config_ts="{// outDir: 'x',\n /* base: 'y' */}"), "dist", "/"),
    ("astro", built("astro", "tsc && astro build --outDir public"), "public", "/"),
    ("astro", built("astro", "astro build", astro_config_mjs="{outDir: `${x}`, base: process.env.B}"), "dist", "?"),
    ("vite", built("vite", "vite build", index_html=""), "dist", "/"),
    ("vite", built("vite", "vite build --base=/x/ --outDir o", index_html=""), "o", "/x"),
    (
        "vite",
        built("vite", "vite build", vite_config_ts="{root: 'src', build: {outDir: '../web'}}", src__index_html=""),
        "web",
        "/",
    ),
    ("vite", built("vite", "vite build app", app__index_html=""), "app/dist", "/"),
    ("vite", built("vite", "vite build", index_html="", vite_config_js="{base: './'}"), "dist", "/"),
    ("eleventy", built("@11ty/eleventy", "eleventy"), "_site", "/"),
    ("eleventy", built("@11ty/eleventy", "npx @11ty/eleventy --output=public"), "public", "/"),
    (
        "eleventy",
        built("@11ty/eleventy", "eleventy", eleventy_config_js="{dir: {input: 'src', output: 'dist'}}"),
        "dist",
        "/",
    ),
    ("next", built("next", "next build", next_config_js="{output: 'export', basePath: '/app'}"), "out", "/app"),
    ("next", built("next", "next build && next export"), "out", "/"),
    ("next", built("next", "next build", next_config_mjs='{output: "export", distDir: "build"}'), "build", "/"),
    ("nuxt", built("nuxt", "nuxt generate"), ".output/public", "/"),
    (
        "sveltekit",
        built("@sveltejs/kit", "vite build", svelte_config_js="import a from '@sveltejs/adapter-static'"),
        "build",
        "/",
    ),
    ("gatsby", built("gatsby", "gatsby build") | PREFIXED, "public", "/"),
    ("gatsby", built("gatsby", "gatsby build --prefix-paths") | PREFIXED, "public", "/g"),
    (
        "docusaurus",
        built("@docusaurus/core", "docusaurus build", docusaurus_config_ts="{baseUrl: '/p/'}"),
        "build",
        "/p",
    ),
    (
        "docusaurus",
        built("@docusaurus/core", "docusaurus build site", site__docusaurus_config_js=""),
        "site/build",
        "/",
    ),
    ("create-react-app", built("react-scripts", "react-scripts build"), "build", "/"),
]


@pytest.mark.parametrize(("generator", "files", "output", "base"), CASES)
def test_sites(generator: str, files: dict[str, str], output: str, base: str) -> None:
    found = site(files)

    assert found == Site(generator=generator, output=output, base=base, script="build")


def test_vitepress_in_a_folder() -> None:
    scripts = {"build": "tsc", "docs:build": "vitepress build docs"}
    files = {
        "package.json": package(name="lib", devDependencies={"vitepress": "1", "vite": "7"}, scripts=scripts),
        "docs/.vitepress/config.mts": 'export default {base: "/lib/"}',
        "docs/index.md": "",
    }

    assert site(files) == Site(generator="vitepress", output="docs/.vitepress/dist", base="/lib", script="docs:build")


def test_a_site_without_a_script_is_built_by_its_generator() -> None:
    assert site(built("astro", astro_config_mjs="")) == Site(
        generator="astro", output="dist", script="", command=("astro", "build")
    )


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(
            built("vite", "vite build", index_html="", vite_config_ts="{build: {lib: {entry: 'x'}}}"), id="library"
        ),
        pytest.param(built("astro"), id="only a dependency"),
        pytest.param(
            {"s/package.json": package(workspaces=["a"], devDependencies={"turbo": "2"})}, id="workspace root"
        ),
        pytest.param(
            {"s/package.json": package(peerDependencies={"astro": "5"}, scripts={"build": "x"})}, id="integration"
        ),
    ],
)
def test_libraries_servers_and_roots_are_no_sites(files: dict[str, str]) -> None:
    stack = look(files)

    assert stack.components == ()
    assert stack.warnings == ()


@pytest.mark.parametrize(
    ("generator", "files"),
    [
        ("next", built("next", "next build", next_config_js="{}")),
        ("next", built("next", "next build", next_config_js="{// output: 'export'\n}")),
        ("sveltekit", built("@sveltejs/kit", "vite build", svelte_config_js="adapter-auto")),
    ],
)
def test_a_server_is_no_site_and_gets_a_warning(generator: str, files: dict[str, str]) -> None:
    stack = look(files)

    assert [component.kind for component in stack.components] == [Kind.PACKAGE]
    assert stack.warnings[:1] == (
        (f"s/package.json: {generator} without a static export is a server; predeploy does not check Node servers"),
    )


def test_an_astro_site_with_an_adapter_is_rendered_by_a_server() -> None:
    manifest = package(dependencies={"astro": "7", "@astrojs/cloudflare": "13"}, scripts={"build": "astro build"})
    wrangler = '{"name": "s", "main": "dist/_worker.js/index.js", "assets": {"directory": "./dist"}}'

    found = site({"s/package.json": manifest, "s/wrangler.jsonc": wrangler, "s/astro.config.mjs": "{output: 'server'}"})

    assert found
    assert found.server


@pytest.mark.parametrize(("config", "server"), [("", False), ("import cf from '@astrojs/cloudflare'", True)])
def test_an_adapter_counts_only_if_the_configuration_uses_it(config: str, server: bool) -> None:
    manifest = package(dependencies={"astro": "7", "@astrojs/cloudflare": "13"}, scripts={"build": "astro build"})

    found = site({"s/package.json": manifest, "s/astro.config.mjs": config})

    assert found
    assert found.server is server


@pytest.mark.parametrize(
    ("main", "kinds"),
    [
        ("dist/_worker.js/index.js", (Kind.WORKER, Kind.SITE)),
        ("./dist/server/entry.mjs", (Kind.WORKER, Kind.SITE)),
        ("@astrojs/cloudflare/entrypoints/server", (Kind.WORKER, Kind.SITE)),
        ("", (Kind.SITE,)),
    ],
)
def test_a_site_that_is_uploaded_with_wrangler_is_also_the_worker_that_its_build_makes(
    main: str, kinds: tuple[Kind, ...]
) -> None:
    wrangler = f'{{"name": "s", "main": "{main}", "assets": {{"directory": "./dist"}}}}'

    stack = look(astro("s") | {"s/wrangler.jsonc": wrangler})

    assert [component.kinds for component in stack.components] == [kinds]
    assert stack.warnings == (
        "s/package.json: no lock, so each run resolves the dependencies again; commit the lock of npm",
    )


@pytest.mark.parametrize("main", ["dist/worker.js", "src/worker.ts", "../shared/worker.ts"])
def test_a_site_whose_worker_is_in_the_tree_is_a_worker(main: str) -> None:
    files = astro("s") | {"s/wrangler.json": f'{{"name": "s", "main": "{main}"}}'}
    files |= {"s/dist/worker.js": "", "s/src/worker.ts": "", "shared/worker.ts": ""}

    assert [component.kind for component in look(files).components] == [Kind.WORKER]


@pytest.mark.parametrize("main", ["src/gone.ts", "../gone.ts"])
def test_an_entry_point_that_is_missing_is_not_taken_for_a_built_one(main: str) -> None:
    stack = look(astro("s") | {"s/wrangler.json": f'{{"name": "s", "main": "{main}"}}'})

    assert [component.kind for component in stack.components] == [Kind.WORKER]


def test_a_pages_project_with_a_generator_is_a_site() -> None:
    assert site(astro("s") | {"s/wrangler.toml": 'pages_build_output_dir = "dist"'})


def test_a_worker_whose_assets_vite_builds_is_a_worker() -> None:
    files = built("vite", "vite build", index_html="") | {
        "s/wrangler.jsonc": '{"name": "s", "main": "worker/index.ts", "assets": {"directory": "dist/client"}}',
        "s/worker/index.ts": "",
    }

    assert worker(files).assets == "dist/client"
    assert site(files) is None


def test_a_site_and_the_worker_that_serves_it_may_be_two_packages() -> None:
    files = astro("web") | {
        "api/wrangler.jsonc": '{"main": "i.ts", "assets": {"directory": "../web/dist"}}',
        "api/i.ts": "",
    }

    assert [(component.kind, component.path) for component in look(files).components] == [
        (Kind.WORKER, "api"),
        (Kind.SITE, "web"),
    ]


def test_the_build_script_decides_between_generators() -> None:
    files = {
        "package.json": package(
            devDependencies={"vitepress": "1", "vite": "7"},
            scripts={"build": "vite build", "docs:build": "vitepress build docs"},
        ),
        "index.html": "",
        "docs/.vitepress/config.ts": "",
    }

    found = site(files)

    assert found
    assert (found.generator, found.script) == ("vite", "build")


def test_a_build_script_that_calls_the_generator_s_script_is_preferred() -> None:
    scripts = {"build": "run-s types build:site", "types": "tsc", "build:site": "astro build"}

    found = site({"s/package.json": package(dependencies={"astro": "7"}, scripts=scripts)})

    assert found
    assert found.script == "build"
