"""The faults of Workers that run: what is done to a copy of the sample, and what must then be said. Data only."""

from pathlib import Path

from tests.faults.fault import WEB, WORKER, Edit, Fault, cut, delete, open_, red, replace, write

INDEX, APP, INBOX = f"{WORKER}/src/index.ts", f"{WORKER}/src/app.ts", f"{WORKER}/src/inbox.ts"
HANDLER = "fetch: (request, env) => handle(request, env, neonInbox),"
# What the project's own tests say of the table: here it is the form alone that has to notice.
UNTESTED = delete(f"{WEB}/tests/test_*.py")
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

    operations = [
        migrations.RunSQL("{statement}"),
    ]
'''
    return write(f"{WEB}/inbox/migrations/0003_by_hand.py", text)


# After these edits the code no longer shows what the Worker has to refuse, so the configuration says it.
KEYED = write("predeploy.toml", '[worker.intake.e2e]\nkey = "INTAKE_API_KEY"\n')
NAMED = write("predeploy.toml", '[worker.intake.e2e]\ninvalid = [{ name = "" }]\n')
KV = '"kv_namespaces": [{ "binding": "MENU", "id": "0123456789abcdef0123456789abcdef" }],'
SWALLOWS = """try {
        return await inbox.add(client, submission);
      } catch {
        return "0";
      }"""
TWICE = "await inbox.add(client, submission);\n      return inbox.add(client, submission);"
TELLS = 'await fetch("https://hooks.chat.example/new");\n      return inbox.add(client, submission);'
POOLED = """      const pool = new Pool({ connectionString: databaseUrl });
      const { rows } = await pool.query<{ id: string }>(
        "INSERT INTO inbox_submission (client, name, email, message, source_url) VALUES ($1, $2, $3, $4, $5)",
        [client, name, email, message, sourceUrl],
      );
      const [row] = rows;
"""

HEALTH = (
    Fault(
        name="the Worker's health answers 500",
        edits=(on_health('throw new Error("no beans left");'),),
        red=(red("worker_health", "unhealthy", f"{INDEX}:9", "no beans left"),),
        fast="servers and rows",
    ),
    Fault(
        name="the Worker's health never answers",
        edits=(on_health("await new Promise(() => undefined);"),),
        red=(red("worker_health", "unhealthy", "", "had hung"),),
    ),
    Fault(
        name="the Worker throws as it is loaded",
        edits=(
            replace(INDEX, "\nexport default {", '\nconst MENU: unknown = JSON.parse("{");\n\nexport default {'),
            replace(INDEX, "handle(request, env, neonInbox)", "handle(MENU ? request : request, env, neonInbox)"),
        ),
        red=(
            red("worker_health", "not_ready", f"{INDEX}:6", "SyntaxError: Expected property name"),
            red("intake_e2e", "not_ready", f"{INDEX}:6", "SyntaxError: Expected property name"),
        ),
    ),
    Fault(
        name="a secret of the Worker has another shape in production",
        edits=(on_health("JSON.parse(env.INTAKE_API_KEY);"),),
        red=(open_("worker_health", "variable_absent", f"{INDEX}:9", "is not valid JSON"),),
        exit=3,
    ),
    Fault(
        name="a variable of the Worker has another name in production",
        edits=(replace(f"{WORKER}/wrangler.jsonc", '"CLIENTS"', '"SENDERS"'),),
        red=(red("intake_e2e", "unexpected_answer", f"{APP}:24", "Cannot convert undefined or null to object"),),
    ),
    Fault(
        name="a Worker with a cache",
        edits=(
            replace(f"{WORKER}/wrangler.jsonc", '"observability"', f'{KV}\n  "observability"'),
            replace(APP, "  INTAKE_API_KEY: string;\n", "  INTAKE_API_KEY: string;\n  MENU?: KVNamespace;\n"),
            on_health('await env.MENU?.put("tea", "no");\n      if (!(await env.MENU?.get("tea"))) throw new Error();'),
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
            red("intake_e2e", "database_error", f"{INBOX}:20", "SQLSTATE 42703"),
            red("vitest", "tests_failed", f"{WORKER}/test/inbox.test.ts", "expected 'INSERT INTO"),
        ),
        fast="servers and rows",
    ),
    Fault(
        name="the Worker swallows what the database says",
        edits=(altered("ALTER TABLE inbox_submission RENAME COLUMN client TO sender"), UNTESTED, opening(SWALLOWS)),
        red=(red("intake_e2e", "no_row", f"{INBOX}:20", 'column "client" of relation "inbox_submission"'),),
    ),
    Fault(
        name="the Worker says that it stored what it did not store",
        edits=(opening('void [inbox, client, submission];\n      return Promise.resolve("7");'),),
        red=(red("intake_e2e", "no_row", f"{INBOX}:20", "has no new row"),),
    ),
    Fault(
        name="the Worker stores each form twice",
        edits=(opening(TWICE),),
        red=(red("intake_e2e", "duplicate_row", f"{INBOX}:20", "2 rows for one form"),),
    ),
    Fault(
        name="the Worker asks a host that nobody knows",
        edits=(opening(TELLS),),
        red=(red("intake_e2e", "unknown_host", f"{INDEX}:10", "hooks.chat.example"),),
    ),
    Fault(
        name="the Worker takes any key",
        edits=(cut(APP, r"^  if \(!\(await keysMatch\((.|\n)*?^  \}\n"), cut(APP, r"^import .*keysMatch.*\n"), KEYED),
        red=(
            red("intake_e2e", "key_ignored", f"{APP}:12", "a wrong key instead of INTAKE_API_KEY was answered 201"),
            red("vitest", "tests_failed", f"{WORKER}/test/app.test.ts", "expected 201 to be 401"),
        ),
    ),
    Fault(
        name="the Worker takes forms that are wrong",
        edits=(replace(f"{WORKER}/src/submission.ts", "120, required: true", "120, required: false"), NAMED),
        red=(
            red("intake_e2e", "invalid_accepted", "", 'a form with {"name": ""} was answered 201'),
            red("vitest", "tests_failed", f"{WORKER}/test/submission.test.ts", "name: 'Is required.'"),
        ),
    ),
    Fault(
        name="a migration drops a column that the Worker needs",
        edits=(altered("ALTER TABLE inbox_submission DROP COLUMN source_url"), UNTESTED),
        red=(red("intake_e2e", "database_error", f"{INBOX}:20", 'column "source_url" of relation'),),
    ),
    Fault(
        name="Django takes for a time what is a text by now",
        edits=(altered("ALTER TABLE inbox_submission ALTER COLUMN created_at TYPE text"), UNTESTED),
        red=(
            red("intake_e2e", "unreadable_row", f"{WEB}/inbox/models.py:28", "created_at: datetime as DateTimeField"),
        ),
    ),
    Fault(
        name="the Worker talks to its database in a way that is not answered here",
        edits=(
            replace(INBOX, "import { neon } from", "import { Pool } from"),
            cut(INBOX, r"^  const sql = neon\(databaseUrl\);\n"),
            cut(INBOX, r"^      const \[row\] = await sql`(.|\n)*?`;\n", POOLED),
            delete(f"{WORKER}/test/inbox.test.ts"),
        ),
        red=(open_("intake_e2e", "unspoken", "", "Pool"),),
        exit=3,
    ),
)

WORKER_FAULTS = HEALTH + FORMS
