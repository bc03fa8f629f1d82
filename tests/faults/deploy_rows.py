"""The faults of a Worker's deploy: builds, configurations that a build makes, and targets. Data only."""

import json

from tests.faults.fault import WORKER, Fault, cut, red, replace, write
from tests.faults.worker_rows import APP, INDEX, on_health

MANIFEST, CONFIG, BUILD = f"{WORKER}/package.json", f"{WORKER}/wrangler.jsonc", f"{WORKER}/build.mjs"
BUILT = replace(MANIFEST, '"deploy": "wrangler deploy"', '"deploy": "node build.mjs && wrangler deploy"')
TO_PRODUCTION = replace(MANIFEST, '"deploy": "wrangler deploy"', '"deploy": "wrangler deploy --env production"')
HEAD = 'import { mkdirSync, writeFileSync } from "node:fs";\n\n'
# The Worker as a framework's adapter makes it: the routes of the stack, and one that the server renders.
ENTRY = """import worker from "../../src/index.ts";

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/health") throw new Error("no page today");
    return worker.fetch(request, env, context);
  },
};
"""
SERVER = f"""{HEAD}mkdirSync("dist/server", {{ recursive: true }});
writeFileSync("dist/server/entry.mjs", {json.dumps(ENTRY)});
"""
MADE = {"name": "intake", "main": "../src/index.ts", "compatibility_date": "2026-09-01"}
CONFIGURES = f"""{HEAD}mkdirSync("dist", {{ recursive: true }});
mkdirSync(".wrangler/deploy", {{ recursive: true }});
writeFileSync("dist/wrangler.json", {json.dumps(json.dumps(MADE))});
writeFileSync(".wrangler/deploy/config.json", {json.dumps(json.dumps({"configPath": "../../dist/wrangler.json"}))});
"""
MENU = '"kv_namespaces": [{ "binding": "MENU", "id": "0123456789abcdef0123456789abcdef" }]'
READS = on_health("""const { MENU } = env as unknown as { MENU: KVNamespace };
      await MENU.put("tea", "2");
      if ((await MENU.get("tea")) !== "2") throw new Error();""")
CLIENTS = r'^  "vars": \{\n(?P<vars>(?:.*\n)*?)^  \}\n'


def section(top: str, production: str, secret: str = "") -> str:
    """The end of a wrangler file: variables at both places, and more at the top level or in production."""
    clients = '"CLIENTS": { "coffee-shop": ["https://coffee-shop.example", "http://localhost:4321"] }'
    here = f'{production}"vars": {{ {clients} }}'
    return f'  {top}"vars": {{ {secret}{clients} }},\n  "env": {{ "production": {{ {here} }} }}\n'


DEPLOY_FAULTS = (
    Fault(
        name="the build before the Worker's deploy breaks",
        edits=(BUILT, write(BUILD, 'throw new Error("no beans to bundle");\n')),
        red=(red("worker_container", "build_failed", f"{BUILD}:1", "no beans to bundle"),),
    ),
    Fault(
        name="a page of a Worker that a build makes throws",
        edits=(BUILT, write(BUILD, SERVER), replace(CONFIG, "src/index.ts", "dist/server/entry.mjs")),
        red=(red("worker_health", "unhealthy", f"{WORKER}/dist/server/entry.mjs:5", "no page today"),),
    ),
    Fault(
        name="the configuration that a build makes lacks a variable",
        edits=(BUILT, write(BUILD, CONFIGURES)),
        red=(red("intake_e2e", "unexpected_answer", f"{APP}:24", "Cannot convert undefined or null to object"),),
    ),
    Fault(
        name="the named environment lacks a binding that the code reads",
        edits=(TO_PRODUCTION, cut(CONFIG, CLIENTS, section(f"{MENU},\n  ", "")), READS),
        red=(red("worker_container", "missing_binding", f"{CONFIG}:8", f"{INDEX}:9 reads the binding MENU"),),
    ),
    Fault(
        name="the named environment lacks a variable that the code reads",
        edits=(TO_PRODUCTION, replace(CONFIG, '  "vars": {', '  "env": { "production": {} },\n  "vars": {')),
        red=(red("worker_container", "missing_binding", f"{CONFIG}:6", f"{APP}:24 reads the variable CLIENTS"),),
    ),
    Fault(
        name="the named environment lacks a variable that is a secret there",
        edits=(TO_PRODUCTION, cut(CONFIG, CLIENTS, section("", "", '"INTAKE_API_KEY": "dev", '))),
        exit=0,
    ),
    Fault(
        name="the named environment alone has the bindings",
        edits=(TO_PRODUCTION, cut(CONFIG, CLIENTS, section("", f"{MENU}, ")), READS),
        exit=0,
        says=("worker_health", "Miniflare (KV)"),
    ),
)
