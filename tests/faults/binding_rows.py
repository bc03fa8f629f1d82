"""Rows of the fault matrix for what a Worker has besides requests: cron triggers and bindings."""

from tests.faults.fault import WORKER, Edit, Fault, open_, red, replace

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

BINDING_FAULTS = CRON
