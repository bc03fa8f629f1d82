"""Discovery of Cloudflare Pages projects: their functions, and directories without a generator."""

import pytest

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
