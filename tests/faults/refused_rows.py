"""Rows of the fault matrix for what Cloudflare refuses of a Worker, and for the component that an error names."""

from tests.faults.fault import SITE, WORKER, Edit, Fault, cut, open_, red, replace, write

CONFIG = f"{WORKER}/wrangler.jsonc"
ROOM = '"durable_objects": { "bindings": [{ "name": "ROOM", "class_name": "Room" }] },'
MADE = '"migrations": [{ "tag": "v1", "new_sqlite_classes": ["Room"] }],'


def adding(*lines: str) -> Edit:
    """Adds lines to the wrangler file of the sample, from line 5 on."""
    return replace(CONFIG, '"observability"', "\n  ".join((*lines, '"observability"')))


KV = '"kv_namespaces": [{ "binding": "MENU", "id": "%s" }],'
CRON = '"triggers": { "crons": ["0 0 * * 0"] },'
REFUSED_FAULTS = (
    Fault(
        name="a Worker that Cloudflare refuses for many reasons",
        edits=(
            adding(ROOM, KV % "<your-kv-id>", CRON),
            cut(CONFIG, r'"compatibility_date": "[^"]*"', '"compatibility_date": "2199-01-01"'),
        ),
        red=(red("worker_container", "deploy_refused", f"{CONFIG}:4", "2199-01-01 is in the future"),),
        fast="refused",
    ),
    Fault(
        name="a Durable Object without a migration",
        edits=(adding(ROOM),),
        red=(red("worker_container", "deploy_refused", f"{CONFIG}:5", "Room has no migration"),),
    ),
    Fault(
        name="a migrated class that the Worker does not export",
        edits=(adding(MADE),),
        red=(red("worker_container", "deploy_refused", f"{CONFIG}:5", "src/index.ts exports no such class"),),
    ),
    Fault(
        name="a placeholder as the id of a namespace",
        edits=(adding(KV % "<your-kv-id>"),),
        red=(red("worker_container", "deploy_refused", f"{CONFIG}:5", "it is 32 hexadecimal digits"),),
    ),
    Fault(
        name="a cron trigger of another dialect",
        edits=(adding(CRON),),
        red=(red("worker_container", "deploy_refused", f"{CONFIG}:5", "Sunday is 1"),),
    ),
    Fault(
        name="a loop in the redirects of a Worker's assets",
        edits=(
            adding('"assets": { "directory": "public" },'),
            write(f"{WORKER}/public/index.html", "<h1>menu</h1>\n"),
            write(f"{WORKER}/public/_redirects", "/old /new\n/* /index.html 200\n"),
        ),
        red=(red("worker_container", "deploy_refused", f"{WORKER}/public/_redirects:2", "infinite loop"),),
    ),
    Fault(
        name="a Worker without a default export",
        edits=(replace(f"{WORKER}/src/index.ts", "export default {", "export const worker = {"),),
        red=(red("worker_container", "deploy_refused", f"{CONFIG}:3", "refuses a Worker without a handler"),),
    ),
    Fault(
        name="a build command of the wrangler file that fails",
        edits=(
            adding('"build": { "command": "node build.mjs" },'),
            write(f"{WORKER}/build.mjs", 'throw new Error("no beans");\n'),
        ),
        red=(red("worker_container", "bundle_failed", f"{WORKER}/build.mjs:1", "no beans"),),
    ),
    Fault(
        name="a build command of the wrangler file that this machine lacks",
        edits=(adding('"build": { "command": "worker-build --release" },'),),
        red=(open_("worker_container", "tool_missing", "", "worker-build: not found"),),
        exit=3,
    ),
    Fault(
        name="an id that a script fills before the deploy",
        edits=(adding(KV % "${MENU_ID}"),),
        red=(open_("worker_container", "unfilled_id", f"{CONFIG}:5", "${MENU_ID}"),),
        exit=3,
    ),
    Fault(
        name="the lock of the workspace lacks a package of the site alone",
        edits=(replace(f"{SITE}/package.json", '"astro": "^7.3.4"', '"astro": "^7.3.4",\n    "zod": "^4"'),),
        red=(red("site_coffee_shop", "lock_stale", "pnpm-lock.yaml", "zod"),),
    ),
)
