"""Bindings of a Worker with the real wrangler: a value is stored and read through a Worker in Miniflare."""

import json
import re
import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tasks.discovery.worker.worker_env import BINDINGS as SECTIONS
from tests.probes.test_serve_worker import MAP, Stage, ended, free_port, served

pytestmark = [pytest.mark.real, pytest.mark.network]

CHECKS = Path(__file__).parents[2] / "docs/checks.md"
IDS = "0123456789abcdef0123456789abcdef"
CODE = """import {{ DurableObject, WorkflowEntrypoint }} from "cloudflare:workers";
const seen = [];
export class Counter extends DurableObject {{
  async hit() {{
    const hits = ((await this.ctx.storage.get("hits")) ?? 0) + 1;
    await this.ctx.storage.put("hits", hits);
    return hits;
  }}
}}
export class Flow extends WorkflowEntrypoint {{
  run(event, step) {{ return step.do("double", () => event.payload * 2); }}
}}
const until = async (condition) => {{
  for (let tried = 0; tried < 100 && !(await condition()); tried++) await scheduler.wait(100);
}};
export default {{
  async fetch(request, env) {{ {body} }},
  scheduled(controller) {{ throw new TypeError("no beans left"); }},
  queue(batch) {{ seen.push(...batch.messages.map((message) => message.body)); }},
}};
"""
BINDINGS: dict[str, tuple[dict[str, Any], str, str]] = {
    "KV": (
        {"kv_namespaces": [{"binding": "MENU", "id": IDS}]},
        'await env.MENU.put("tea", "2"); return new Response(await env.MENU.get("tea"));',
        "2",
    ),
    "R2": (
        {"r2_buckets": [{"binding": "BEANS", "bucket_name": "beans"}]},
        'await env.BEANS.put("tea", "2"); return new Response((await env.BEANS.get("tea")).body);',
        "2",
    ),
    "D1": (
        {
            "d1_databases": [
                {"binding": "DB", "database_name": "db", "database_id": f"{IDS[:8]}-0000-0000-0000-{IDS[:12]}"}
            ]
        },
        (
            "await env.DB.prepare('INSERT INTO menu VALUES (?)').bind('milk').run();"
            "const { results } = await env.DB.prepare('SELECT name FROM menu').all();"
            "return Response.json(results.map((row) => row.name));"
        ),
        '["tea; green","milk"]',
    ),
    "queues": (
        {
            "queues": {
                "producers": [{"binding": "ORDERS", "queue": "orders"}],
                "consumers": [{"queue": "orders", "max_batch_timeout": 0}],
            }
        },
        'await env.ORDERS.send("tea"); await until(() => seen.length); return Response.json(seen);',
        '["tea"]',
    ),
    "Durable Objects": (
        {
            "durable_objects": {"bindings": [{"name": "HITS", "class_name": "Counter"}]},
            "migrations": [{"tag": "v1", "new_sqlite_classes": ["Counter"]}],
        },
        'const hits = env.HITS.getByName("shop"); await hits.hit(); return Response.json(await hits.hit());',
        "2",
    ),
    "workflows": (
        {"workflows": [{"binding": "FLOW", "name": "flow", "class_name": "Flow"}]},
        (
            "const flow = await env.FLOW.create({ params: 21 });"
            'await until(async () => (await flow.status()).status === "complete");'
            "return Response.json((await flow.status()).output);"
        ),
        "42",
    ),
    "assets": (
        {"assets": {"directory": "public", "binding": "ASSETS", "run_worker_first": True}},
        'return env.ASSETS.fetch(new URL("/menu.txt", request.url));',
        "tea",
    ),
    "Workers Sites": (
        {"site": {"bucket": "public"}},
        (
            'const { default: text } = await import("__STATIC_CONTENT_MANIFEST");'
            'return new Response(await env.__STATIC_CONTENT.get(JSON.parse(text)["menu.txt"]));'
        ),
        "tea",
    ),
    "ratelimits": (
        {"ratelimits": [{"name": "LIMIT", "namespace_id": "7", "simple": {"limit": 1, "period": 60}}]},
        (
            'const first = await env.LIMIT.limit({ key: "tea" }); const next = await env.LIMIT.limit({ key: "tea" });'
            "return Response.json([first.success, next.success]);"
        ),
        "[true,false]",
    ),
    "analytics": (
        {"analytics_engine_datasets": [{"binding": "STATS", "dataset": "stats"}]},
        'env.STATS.writeDataPoint({ blobs: ["tea"] }); return new Response("written");',
        "written",
    ),
    "version": (
        {"version_metadata": {"binding": "VERSION"}},
        "return new Response(typeof env.VERSION.id);",
        "string",
    ),
    "images": ({"images": {"binding": "IMAGES"}}, "return new Response(typeof env.IMAGES.input);", "function"),
    "mail": ({"send_email": [{"name": "MAIL"}]}, "return new Response(typeof env.MAIL.send);", "function"),
    "pipelines": (
        {"pipelines": [{"binding": "PIPE", "pipeline": IDS}]},
        'await env.PIPE.send([{ tea: 1 }]); return new Response("sent");',
        "sent",
    ),
    "secrets store": (
        {"secrets_store_secrets": [{"binding": "KEY", "store_id": IDS, "secret_name": "key"}]},
        "return new Response(await env.KEY.get());",
        "predeploy-n0nce",
    ),
}


REMOTE: dict[str, Any] = {
    "ai": {"binding": "AI"},
    "browser": {"binding": "BROWSER"},
    "dispatch_namespaces": [{"binding": "DISPATCH", "namespace": "tenants"}],
    "mtls_certificates": [{"binding": "CERT", "certificate_id": f"{IDS[:8]}-0000-0000-0000-{IDS[:12]}"}],
    "vectorize": [{"binding": "BEANS", "index_name": "beans"}],
}
"""Bindings that exist only at Cloudflare."""
ELSEWHERE = {"services", "hyperdrive"}
"""Bindings with tests of their own."""


def make_shop(root: Path, wrangler: tuple[str, str]) -> Stage:
    """Makes the directory of a Worker, for a wrangler file, migrations and assets."""
    node, package = wrangler
    (root / "node_modules").mkdir()
    (root / "node_modules/wrangler").symlink_to(package)
    return Stage(root=root, node=node, port=free_port())


@pytest.fixture
def shop(tmp_path: Path, wrangler: tuple[str, str]) -> Stage:
    return make_shop(tmp_path, wrangler)


def configure(shop: Stage, sections: dict[str, Any], body: str) -> None:
    """Writes the bundle and the wrangler file with these sections."""
    shop.write(CODE.format(body=body))
    config = {"name": "shop", "main": "out/bundle/index.js", "compatibility_date": "2026-01-01", **sections}
    for name, text in {
        "wrangler.json": json.dumps(config),
        "public/menu.txt": "tea",
        "migrations/0001_menu.sql": "CREATE TABLE menu (name text);\n",
        "migrations/0002_tea.sql": "-- one; two\nINSERT INTO menu\nVALUES ('tea; green');\n",
    }.items():
        (shop.root / name).parent.mkdir(exist_ok=True)
        (shop.root / name).write_text(text)
    bindings = {key: each for key, each in sections.items() if key != "migrations"}
    shop.facts.update(name="shop", config=str(shop.root / "wrangler.json"), date="2026-01-01", bindings=bindings)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, wrangler: tuple[str, str]) -> dict[str, tuple[int, str, str]]:
    """The status, runtime and text with which one Worker answers that has all bindings, by the name of the binding."""
    shop = make_shop(tmp_path_factory.mktemp("bindings"), wrangler)
    sections = dict(chain(*(sections.items() for sections, _, _ in BINDINGS.values())))
    paths = {name: f"/{number}" for number, name in enumerate(BINDINGS)}
    bodies = (f'if (path === "{paths[name]}") {{ {body} }}' for name, (_, body, _) in BINDINGS.items())
    configure(shop, sections, "\n".join(["const path = new URL(request.url).pathname;", *bodies]))
    with served(shop):
        found = {name: shop.ask(path) for name, path in paths.items()}
    return {name: (status, headers["X-Predeploy"], text) for name, (status, headers, text) in found.items()}


@pytest.mark.parametrize("name", BINDINGS)
def test_a_value_is_stored_and_read(name: str, answers: dict[str, tuple[int, str, str]]) -> None:
    status, runtime, text = answers[name]

    assert (status, text) == (200, BINDINGS[name][2])
    assert runtime.startswith("n0nce Miniflare (")


def test_bindings_that_exist_only_at_cloudflare_do_not_stop_a_worker(shop: Stage) -> None:
    configure(shop, REMOTE, "return Response.json(Object.keys(env).length);")
    with served(shop) as lines:
        assert shop.ask()[0] == 200, lines


def test_a_worker_with_assets_alone_answers_with_their_rules(shop: Stage) -> None:
    assets = {"directory": "public", "not_found_handling": "404-page"}
    configure(shop, {"assets": assets}, "")
    config = shop.root / "wrangler.json"
    config.write_text(config.read_text().replace('"main": "out/bundle/index.js", ', ""))
    shutil.rmtree(shop.root / "out/bundle")
    shop.facts["main"] = ""
    for name, text in {"index.html": "menu", "404.html": "sold out", "_redirects": "/old /menu.txt 301\n"}.items():
        (shop.root / "public" / name).write_text(text)

    with served(shop):
        found = [shop.ask(path) for path in ("/", "/none", "/old")]

    assert [(status, text.strip()) for status, _, text in found] == [(200, "menu"), (404, "sold out"), (301, "")]
    assert {headers["X-Predeploy"] for _, headers, _ in found} == {"n0nce Miniflare (assets)"}


def test_every_section_of_the_table_in_the_docs_has_a_test() -> None:
    rows = re.findall(r"^\| (.*?) \| (raw workerd|Miniflare|none) \|", CHECKS.read_text(), re.MULTILINE)
    listed = {word for cell, _ in rows for word in re.findall(r"`([a-z0-9_]+)`", cell)}
    tested = {key for own, _, _ in BINDINGS.values() for key in own} - {"migrations"}

    assert listed == tested | ELSEWHERE | {*REMOTE} | {"containers"}
    assert {*SECTIONS} <= listed


def test_a_migration_that_fails_ends_the_runtime_at_its_line(shop: Stage) -> None:
    configure(shop, BINDINGS["D1"][0], "return new Response();")
    (shop.root / "migrations/0003_more.sql").write_text("SELECT 1;\n\nINSERT INTO nowhere VALUES (1);\n")

    status, said = ended(shop)

    assert status == 1
    assert "Uncaught D1Error: no such table: nowhere" in said
    assert f"({shop.root}/migrations/0003_more.sql:3:1)" in said


def test_an_exception_in_miniflare_refers_to_the_sources(shop: Stage) -> None:
    configure(shop, BINDINGS["KV"][0], "return new Response();")
    shop.facts["crons"] = ["0 4 * * *"]
    with served(shop) as lines:
        answer = shop.ask("/?cron=0+4+*+*+*", **{"X-Predeploy-Cron": "n0nce"})[2]

    assert json.loads(answer) == {"outcome": "exception"}
    assert "Uncaught TypeError: no beans left" in lines
    assert any(line.startswith(f"    at Object.scheduled ({shop.root}/out/src/worker.ts:") for line in lines), lines


OTHER = """import {{ WorkerEntrypoint }} from "cloudflare:workers";
export class Till extends WorkerEntrypoint {{
  async sell(name) {{
    await this.env.SALES.put(name, this.env.UNIT);
    return this.env.SALES.get(name);
  }}
}}
export default {{ async fetch() {{ {body} }} }};
"""


def bind(shop: Stage, body: str = "return new Response();") -> None:
    """Binds the Worker to the entrypoint of another one, with a namespace of its own."""
    services = [
        {"binding": "TILL", "service": "till", "entrypoint": "Till"},
        {"binding": "WEB", "service": "till", "entrypoint": "default"},
        {"binding": "GONE", "service": "other"},
    ]
    sold = 'if (request.url.endsWith("/web")) return env.WEB.fetch(request);'
    lost = 'if (request.url.endsWith("/gone")) return new Response(await env.GONE.fetch(request).catch(() => "no"));'
    configure(shop, {"services": services}, f'{sold} {lost} return new Response(await env.TILL.sell("tea"));')
    till = shop.root / "till"
    (till / "out").mkdir(parents=True)
    (till / "out/index.js").write_text(OTHER.format(body=body))
    (till / "out/index.js.map").write_text(json.dumps(MAP))
    namespaces = {"kv_namespaces": [{"binding": "SALES", "id": IDS}]}
    config = {"name": "till-live", "main": "out/index.js", "compatibility_date": "2026-01-01", **namespaces}
    (till / "wrangler.json").write_text(json.dumps(config))
    facts = {"name": "till", "config": str(till / "wrangler.json"), "directory": str(till), "texts": ["UNIT"]}
    empty = {
        "main": "out/index.js",
        "date": "2026-01-01",
        "flags": [],
        "vars": {},
        "rules": [],
        "crons": [],
        "environment": "",
    }
    more = {"bindings": namespaces, "bundle": str(till / "out"), "values": {"UNIT": "cup"}, "named": "", "sections": []}
    shop.facts["bound"] = [{**empty, **facts, **more}]


def test_a_worker_that_is_bound_to_another_one(shop: Stage) -> None:
    """The other Worker stores and reads a value for it, with its own variables."""
    bind(shop)
    with served(shop) as lines:
        sold, gone = shop.ask(), shop.ask("/gone")

    assert (sold[0], sold[2]) == (200, "cup"), lines
    assert sold[1]["X-Predeploy"] == "n0nce Miniflare (services)"
    assert gone[0] == 200


def test_an_exception_in_another_worker_refers_to_its_sources(shop: Stage) -> None:
    bind(shop, 'throw new TypeError("no beans left");')
    with served(shop) as lines:
        assert shop.ask("/web")[0] == 500

    assert any(line.startswith(f"    at Object.fetch ({shop.root}/till/src/worker.ts:") for line in lines), lines
