"""build_pages.mjs and serve_worker.mjs on a project of Cloudflare Pages, with the real wrangler."""

import json
import os
import subprocess

import pytest

from tests.probes.conftest import PROBES
from tests.probes.test_bindings import shop
from tests.probes.test_serve_worker import Stage, served

__all__ = ["shop"]
pytestmark = [pytest.mark.real, pytest.mark.network]

FUNCTION = """import { join } from "node:path";
export const onRequest = async ({ env, request }) => {
  if (new URL(request.url).searchParams.has("throw")) throw new TypeError("no beans left");
  await env.MENU.put("tea", join("a", env.MODE));
  return new Response(await env.MENU.get("tea"));
};
"""
WORKER = """import { tea } from "./parts/tea.mjs";
const answer = (request, env) => request.url.endsWith("/tea") ? new Response(tea) : env.ASSETS.fetch(request);
export default { fetch: answer };
"""


def project(shop: Stage, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Writes a project, and compiles it."""
    for name, text in {"public/index.html": "<h1>menu</h1>", **files}.items():
        (shop.root / name).parent.mkdir(parents=True, exist_ok=True)
        (shop.root / name).write_text(text)
    bindings = {"kv_namespaces": [{"binding": "MENU", "id": "0123456789abcdef0123456789abcdef"}]}
    routes = str(shop.root / "out/routes.json")
    pages = {"output": "public", "routes": routes}
    shop.facts.update(name="shop", config="", date="2026-01-01", flags=["nodejs_compat"], bindings=bindings)
    shop.facts.update(vars={"MODE": "live"}, pages=pages)
    program = str(PROBES / "workerd/build_pages.mjs")
    outputs = ["--bundle", str(shop.root / "out/bundle"), "--routes", routes]
    env = {**shop.environment(), "WRANGLER_SEND_METRICS": "false", "HOME": os.environ["HOME"]}
    return subprocess.run(
        [shop.node, program, "--output", "public", *outputs],
        cwd=shop.root,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_functions_are_started_with_the_static_pages_and_their_rules(shop: Stage) -> None:
    rules = {"public/_redirects": "/old /new 301\n", "public/_headers": "/*\n  X-Shop: open\n"}
    done = project(shop, {"functions/api/[[tea]].js": FUNCTION, **rules})
    assert done.returncode == 0, done
    with served(shop) as lines:
        api, page, old, thrown = (shop.ask(path) for path in ("/api/x", "/nowhere", "/old", "/api/x?throw"))

    assert (api[0], api[2]) == (200, "a/live"), lines
    assert api[1]["X-Predeploy"] == "n0nce Miniflare (KV, assets)"
    assert (page[0], page[1]["x-shop"], page[2]) == (200, "open", "<h1>menu</h1>")
    assert (old[0], old[1]["Location"]) == (301, "/new")
    assert thrown[0] == 500
    assert any(f"({shop.root}/functions/api/[[tea]].js:3:" in line for line in lines), lines


def test_a_worker_of_several_files_answers_the_routes_of_the_project(shop: Stage) -> None:
    routes = json.dumps({"version": 1, "include": ["/*"], "exclude": ["/static/*"]})
    files = {"public/_worker.js/index.js": WORKER, "public/_worker.js/parts/tea.mjs": "export const tea = 'green';"}
    done = project(shop, {**files, "public/_routes.json": routes, "public/404.html": "gone"})
    assert done.returncode == 0, done
    with served(shop):
        tea, page, excluded = (shop.ask(path) for path in ("/tea", "/", "/static/tea"))

    assert (tea[0], tea[2]) == (200, "green")
    assert page[2] == "<h1>menu</h1>"
    assert (excluded[0], excluded[2]) == (404, "gone")


def test_a_project_without_code_is_served_as_static_pages(shop: Stage) -> None:
    done = project(shop, {})
    assert done.returncode == 0
    assert done.stdout.endswith("Pages deploys static files alone\n")
    with served(shop):
        assert shop.ask()[2] == "<h1>menu</h1>"


def test_a_function_that_does_not_compile_ends_with_wrangler_s_code(shop: Stage) -> None:
    done = project(shop, {"functions/api.js": 'import "./nowhere.js";\nexport const onRequest = () => {};\n'})

    assert done.returncode == 1
    assert 'Could not resolve "./nowhere.js"' in done.stderr
