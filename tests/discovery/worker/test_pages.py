"""Discovery of Cloudflare Pages projects: their functions, and directories without a generator."""

import pytest

from tasks.catalogue.worker.own_wrangler import lacks_wrangler
from tasks.stack import Kind
from tests.discovery.trees import look, package, site

VITE = {
    "s/package.json": package(name="s", dependencies={"vite": "8"}, scripts={"build": "vite build"}),
    "s/index.html": "",
    "s/wrangler.toml": 'name = "s"\npages_build_output_dir = "dist"\n',
}
HANDLER = "export const onRequestGet = () => new Response();"


@pytest.mark.parametrize(
    ("files", "functions"),
    [
        ({"s/functions/api/[id].js": HANDLER}, True),
        ({"s/functions/_middleware.ts": "export async function onRequest(context) {}"}, True),
        ({"s/functions/index.js": "exports.hello = onCall(() => {});"}, False),
        ({"s/functions/readme.md": HANDLER}, False),
        ({"functions/api.js": HANDLER}, False),
        ({}, False),
    ],
)
def test_functions_of_a_site(files: dict[str, str], functions: bool) -> None:
    found = site(VITE | files)

    assert found
    assert found.functions is functions


def test_functions_need_no_wrangler_file() -> None:
    files = {path: text for path, text in VITE.items() if "wrangler" not in path}

    found = site(files | {"s/functions/api.js": HANDLER})

    assert found
    assert found.functions


def test_a_directory_that_no_generator_builds_is_a_site() -> None:
    files = {"wrangler.toml": 'name = "garden"\npages_build_output_dir = "./public"\n', "public/index.html": ""}
    (component,) = look(files | {"functions/api.js": HANDLER}).components

    assert (component.kind, component.site and component.site.output) == (Kind.SITE, "public")
    assert component.site
    assert (component.site.generator, component.site.script, component.site.functions) == ("pages", "", True)


CONFIG = """name = "garden"
pages_build_output_dir = "dist"
compatibility_date = "2026-01-01"
compatibility_flags = ["nodejs_compat"]
[vars]
MODE = "preview"
[[kv_namespaces]]
binding = "MENU"
id = "0123456789abcdef0123456789abcdef"
[env.production.vars]
MODE = "live"
"""


def test_code_of_pages_has_the_values_of_production() -> None:
    found = site(VITE | {"s/wrangler.toml": CONFIG, "s/functions/api.js": "export const onRequest = (c) => c.env.KEY;"})

    assert found
    assert found.pages
    pages = found.pages
    assert (pages.config, pages.date, pages.flags) == ("s/wrangler.toml", "2026-01-01", ("nodejs_compat",))
    assert (pages.vars, pages.bindings, pages.reads) == ({"MODE": "live"}, {}, ("KEY",))
    assert pages.sources == ("s/functions/api.js",)


@pytest.mark.parametrize(
    ("files", "has_code"),
    [
        ({"s/public/_worker.js": "export default {};"}, True),
        ({"s/public/_worker.js/index.js": "export default {};"}, True),
        ({"s/src/worker.js": "export default {};"}, False),
    ],
)
def test_a_worker_in_the_output_is_code_of_pages(files: dict[str, str], has_code: bool) -> None:
    found = site(VITE | files)

    assert found
    assert (found.pages is not None) is has_code


def test_an_adapter_of_cloudflare_makes_code_of_pages() -> None:
    files = {
        "s/package.json": package(
            name="s", dependencies={"astro": "5", "@astrojs/cloudflare": "12"}, scripts={"build": "astro build"}
        ),
        "s/astro.config.mjs": "export default { output: 'server' };",
        "s/wrangler.toml": VITE["s/wrangler.toml"],
    }
    found = site(files)

    assert found
    assert found.server
    assert found.pages
    assert found.pages.config == "s/wrangler.toml"


def test_functions_without_a_package_get_predeploy_s_wrangler() -> None:
    files = {"wrangler.toml": 'name = "garden"\npages_build_output_dir = "./public"\n', "public/index.html": ""}
    (component,) = look(files | {"functions/api.js": HANDLER}).components

    assert component.node
    assert lacks_wrangler(component)


UPLOAD = {"deploy": "npm run build:cf && wrangler pages deploy dist", "build:cf": "node make.mjs", "build": "tsc"}
ADAPTED = {"build": "next build", "pages": "next-on-pages", "deploy": "bun pages && wrangler pages deploy"}


@pytest.mark.parametrize(
    ("dependencies", "scripts", "script", "command", "has_code"),
    [
        ({}, UPLOAD, "build:cf", (), False),
        ({}, {"build": "make", "deploy": "pnpm gone && wrangler pages deploy"}, "build", (), False),
        ({"@cloudflare/next-on-pages": "1", "next": "15"}, ADAPTED, "pages", (), True),
        ({"@cloudflare/next-on-pages": "1", "next": "15"}, {"build": "next build"}, "", ("next-on-pages",), True),
    ],
)
def test_the_script_before_the_upload_makes_the_pages(
    dependencies: dict[str, str], scripts: dict[str, str], script: str, command: tuple[str, ...], has_code: bool
) -> None:
    manifest = package(name="s", dependencies=dependencies, scripts=scripts)
    found = site({"s/package.json": manifest, "s/wrangler.toml": 'name = "s"\npages_build_output_dir = "dist"\n'})

    assert found
    assert (found.script, found.command, found.pages is not None) == (script, command, has_code)
