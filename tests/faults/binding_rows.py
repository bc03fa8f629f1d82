"""Rows of the fault matrix for what a Worker has besides requests: cron triggers and bindings."""

from tests.faults.fault import SITE, WORKER, Edit, Fault, open_, red, replace, write

INDEX = f"{WORKER}/src/index.ts"
HANDLER = "fetch: (request, env) => handle(request, env, neonInbox),"


def configured(section: str) -> Edit:
    """Adds a section to the wrangler file of the Worker."""
    return replace(f"{WORKER}/wrangler.jsonc", '"observability"', f'{section},\n  "observability"')


def scheduled(statement: str) -> Edit:
    """Gives the Worker a handler for cron triggers."""
    body = f"""{HANDLER}
  scheduled: async (controller) => {{
    {statement}
  }},"""
    return replace(INDEX, HANDLER, body)


TRIGGERS = configured('"triggers": { "crons": ["0 4 * * *", "*/15 * * * *"] }')
AT_FOUR = 'await Promise.resolve();\n    if (controller.cron === "0 4 * * *")'

CRON = (
    Fault(
        name="a cron trigger's handler throws",
        edits=(TRIGGERS, scheduled(f'{AT_FOUR} throw new TypeError("no beans left");')),
        red=(red("worker_cron", "scheduled_failed", f"{INDEX}:10", "no beans left"),),
    ),
    Fault(
        name="a cron trigger without a handler",
        edits=(TRIGGERS,),
        red=(red("worker_cron", "scheduled_failed", "", "0 4 * * *"),),
    ),
    Fault(
        name="a cron trigger's handler fails without a host of production",
        edits=(
            TRIGGERS,
            scheduled(
                f'{AT_FOUR} return;\n    const answer = await fetch("https://roaster.example/stock");\n'
                '    if (!answer.ok) throw new Error("no stock");'
            ),
        ),
        red=(open_("worker_cron", "unknown_host", f"{INDEX}:12", "no stock"),),
        exit=3,
    ),
)

D1 = configured(
    '"d1_databases": [{ "binding": "DB", "database_name": "menu", '
    '"database_id": "5f0c7d2e-8a41-4b6f-9d3c-2e1a7b9c0d4f" }]'
)
STORES = (
    Fault(
        name="a migration of D1 that does not apply",
        edits=(D1, write(f"{WORKER}/migrations/0001_menu.sql", "SELECT 1;\n\nINSERT INTO menu VALUES ('tea');\n")),
        red=(
            red("worker_health", "not_ready", f"{WORKER}/migrations/0001_menu.sql:3", "no such table: menu"),
            red("intake_e2e", "not_ready", f"{WORKER}/migrations/0001_menu.sql:3", "no such table: menu"),
        ),
    ),
)

FUNCTION = f"{SITE}/functions/api/stock.js"
RENDERER = f"{SITE}/public/_worker.js"
HANDLER = "export const onRequest = () => new Response(beans);\n"
WRANGLER = """      wrangler:
        specifier: ^4.156.0
        version: 4.156.0(@cloudflare/workers-types@5.20261117.1)
"""
# The package of the site also deploys it: wrangler is in its manifest and in the lock.
DEPLOYS = (
    replace(
        f"{SITE}/package.json", '"typescript": "catalog:"', '"typescript": "catalog:",\n    "wrangler": "^4.156.0"'
    ),
    replace("pnpm-lock.yaml", "\n\n  workers/intake:\n", f"\n{WRANGLER}\n  workers/intake:\n"),
)
PAGES = (
    Fault(
        name="a function of Pages does not compile",
        edits=(*DEPLOYS, write(FUNCTION, f'import {{ beans }} from "../beans.js";\n\n{HANDLER}')),
        red=(red("site_coffee_shop", "functions_failed", f"{FUNCTION}:1", "../beans.js"),),
    ),
    Fault(
        name="a function of Pages throws",
        edits=(*DEPLOYS, write(FUNCTION, f"const beans = null;\n\n{HANDLER}".replace("beans)", "beans.name)"))),
        red=(red("pages_health", "unhealthy", f"{FUNCTION}:3", "Cannot read properties of null"),),
    ),
    Fault(
        name="a page that the Worker of Pages renders throws",
        edits=(*DEPLOYS, write(RENDERER, 'export default {\n  fetch() {\n    throw new Error("no page");\n  },\n};\n')),
        red=(red("pages_health", "unhealthy", f"{SITE}/dist/_worker.js:3", "no page"),),
    ),
    Fault(
        name="routes that Pages refuses",
        edits=(
            *DEPLOYS,
            write(FUNCTION, f'const beans = "arabica";\n{HANDLER}'),
            write(f"{SITE}/public/_routes.json", '{\n  "version": 1,\n  "include": [],\n  "exclude": []\n}\n'),
        ),
        red=(red("site_coffee_shop", "deploy_refused", f"{SITE}/public/_routes.json:3", "at least one"),),
    ),
    Fault(
        name="functions of Pages",
        edits=(*DEPLOYS, write(FUNCTION, f'const beans = "arabica";\n{HANDLER}')),
        exit=0,
    ),
)

BINDING_FAULTS = CRON + STORES + PAGES
