"""The faults of Workers that run: what is done to a copy of the sample, and what must then be said. Data only."""

from pathlib import Path

from tests.faults import WEB, WORKER, Edit, Fault, cut, open_, red, replace, write

INDEX, APP, INBOX = f"{WORKER}/src/index.ts", f"{WORKER}/src/app.ts", f"{WORKER}/src/inbox.ts"
HANDLER = "fetch: (request, env) => handle(request, env, neonInbox),"
COLUMNS = "(client, name, email, message, source_url)"


def opening(body: str) -> Edit:
    """Has the Worker open its database by code of the fault's own; `inbox` is the real one."""
    wrapped = f"""
const opened: typeof neonInbox = (url) => {{
  const inbox = neonInbox(url);
  return {{
    async add(client, submission) {{
      {body}
    }},
  }};
}};

export default {{"""

    def edit(stack: Path) -> None:
        replace(INDEX, "\nexport default {", wrapped)(stack)
        replace(INDEX, "env, neonInbox)", "env, opened)")(stack)

    return edit


def on_health(statement: str) -> Edit:
    """Has the Worker do something before it tells of its health."""
    body = f"""fetch: async (request, env) => {{
    if (new URL(request.url).pathname === "/health") {{
      {statement}
    }}
    return handle(request, env, neonInbox);
  }},"""
    return replace(INDEX, HANDLER, body)


def altered(statement: str) -> Edit:
    """A migration that Django's models know nothing of."""
    text = f'''from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inbox", "0002_submission_handled")]

    operations = [migrations.RunSQL("{statement}")]
'''
    return write(f"{WEB}/inbox/migrations/0003_by_hand.py", text)


HEALTH = (
    Fault(
        name="the Worker's health answers 500",
        edits=(on_health('throw new Error("no beans left");'),),
        red=(red("worker_health", "unhealthy", f"{INDEX}:9", "no beans left"),),
        fast=True,
    ),
    Fault(
        name="the Worker's health never answers",
        edits=(on_health("await new Promise(() => undefined);"),),
        red=(red("worker_health", "unhealthy", "", "hung"),),
    ),
    Fault(
        name="the Worker throws as it is loaded",
        edits=(
            replace(INDEX, "\nexport default {", '\nconst MENU: unknown = JSON.parse("{");\n\nexport default {'),
            replace(
                INDEX, HANDLER, "fetch: (request, env) => (MENU ? handle(request, env, neonInbox) : new Response()),"
            ),
        ),
        red=(
            red("worker_health", "not_ready", f"{INDEX}:6", "JSON"),
            red("intake_e2e", "not_ready", f"{INDEX}:6", "JSON"),
        ),
    ),
    Fault(
        name="a variable of the Worker has another name in production",
        edits=(replace(f"{WORKER}/wrangler.jsonc", '"CLIENTS"', '"SENDERS"'),),
        red=(red("intake_e2e", "unexpected_answer", f"{APP}:22", "Cannot convert undefined or null to object"),),
    ),
    Fault(
        name="a Worker with a cache",
        edits=(
            replace(
                f"{WORKER}/wrangler.jsonc",
                '"observability"',
                '"kv_namespaces": [{ "binding": "MENU", "id": "0123456789abcdef0123456789abcdef" }],\n  "observability"',
            ),
            replace(APP, "  INTAKE_API_KEY: string;\n", "  INTAKE_API_KEY: string;\n  MENU: KVNamespace;\n"),
            replace(
                f"{WORKER}/test/app.test.ts",
                'INTAKE_API_KEY: "right",\n',
                'INTAKE_API_KEY: "right",\n  MENU: undefined as never,\n',
            ),
            on_health('await env.MENU.put("tea", "no"); await env.MENU.get("tea");'),
        ),
        exit=0,
        says=("worker_health", "Miniflare (KV)"),
    ),
)

FORMS = (
    Fault(
        name="the Worker misspells a column",
        edits=(replace(INBOX, COLUMNS, "(client, name, email, message, source_ulr)"),),
        red=(
            red("intake_e2e", "database_error", f"{INBOX}:23", "SQLSTATE 42703"),
            red("vitest", "tests_failed", f"{WORKER}/test/inbox.test.ts:41", "source_ulr"),
        ),
        fast=True,
    ),
    Fault(
        name="the Worker swallows what the database says",
        edits=(
            altered("ALTER TABLE inbox_submission RENAME COLUMN client TO sender"),
            opening(
                'try {\n        return await inbox.add(client, submission);\n      } catch {\n        return "0";\n      }'
            ),
        ),
        red=(red("intake_e2e", "no_row", f"{INBOX}:23", 'column "client"'),),
    ),
    Fault(
        name="the Worker says that it stored what it did not store",
        edits=(opening('void [inbox, client, submission];\n      return Promise.resolve("7");'),),
        red=(red("intake_e2e", "no_row", f"{INBOX}:23", "has no new row"),),
    ),
    Fault(
        name="the Worker stores each form twice",
        edits=(opening("await inbox.add(client, submission);\n      return inbox.add(client, submission);"),),
        red=(red("intake_e2e", "duplicate_row", f"{INBOX}:23", "2 rows for one form"),),
    ),
    Fault(
        name="the Worker asks a host that nobody knows",
        edits=(
            opening(
                'await fetch("https://hooks.chat.example/new", { method: "POST" });\n      return inbox.add(client, submission);'
            ),
        ),
        red=(red("intake_e2e", "unknown_host", f"{INDEX}:11", "hooks.chat.example"),),
    ),
    Fault(
        name="the Worker takes any key",
        edits=(
            cut(APP, r"^  if \(!\(await keysMatch\((.|\n)*?^  \}\n"),
            cut(APP, r"^import .*keysMatch.*\n"),
        ),
        red=(
            red("intake_e2e", "key_ignored", f"{APP}:13", "a wrong key instead of INTAKE_API_KEY was answered 201"),
            red("vitest", "tests_failed", f"{WORKER}/test/app.test.ts", "expected 201 to be 401"),
        ),
    ),
    Fault(
        name="the Worker takes forms that are wrong",
        edits=(
            replace(
                f"{WORKER}/src/submission.ts",
                "name: { maxLength: 120, required: true }",
                "name: { maxLength: 120, required: false }",
            ),
        ),
        red=(red("intake_e2e", "invalid_accepted", "", "a form without name was answered 201"),),
    ),
    Fault(
        name="a migration drops a column that the Worker needs",
        edits=(altered("ALTER TABLE inbox_submission DROP COLUMN source_url"),),
        red=(
            red(
                "intake_e2e",
                "database_error",
                f"{INBOX}:23",
                'column "source_url" of relation "inbox_submission" does not exist',
            ),
        ),
    ),
    Fault(
        name="Django takes for a time what is a text by now",
        edits=(altered("ALTER TABLE inbox_submission ALTER COLUMN created_at TYPE text"),),
        red=(
            red("intake_e2e", "unreadable_row", f"{WEB}/inbox/models.py:33", "Submission.created_at: a DateTimeField"),
        ),
    ),
    Fault(
        name="the Worker talks to its database in a way that this validation does not speak",
        edits=(
            replace(
                INBOX,
                'import { neon } from "@neondatabase/serverless";',
                'import { Pool } from "@neondatabase/serverless";',
            ),
            cut(INBOX, r"  const sql = neon\(databaseUrl\);\n", ""),
            cut(
                INBOX,
                r"      const \[row\] = await sql`(.|\n)*?`;\n",
                '      const pool = new Pool({ connectionString: databaseUrl });\n      const { rows } = await pool.query<{ id: string }>("INSERT INTO inbox_submission (client, name, email, message, source_url) VALUES ($1, $2, $3, $4, $5) RETURNING id", [client, name, email, message, sourceUrl]);\n      const [row] = rows;\n',
            ),
        ),
        red=(open_("intake_e2e", "unspoken", "", ""),),
        exit=3,
    ),
)

WORKER_FAULTS = HEALTH + FORMS
