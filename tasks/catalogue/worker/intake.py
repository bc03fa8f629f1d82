"""Makes the commands that send a form to a Worker, and read the stored row with the Django project."""

import json
import re
from collections.abc import Iterable

from tasks.catalogue.django.environment import django_env
from tasks.catalogue.django.server import web_of
from tasks.catalogue.row import CatalogueContext
from tasks.catalogue.worker.bindings import remote_options
from tasks.catalogue.worker.bundling import worker_of
from tasks.catalogue.worker.refusals import refusals, refuses_key, uses
from tasks.catalogue.worker.service import (
    OUTBOUND,
    WORKER,
    asks_database,
    migrating,
    services,
    worker_texts,
)
from tasks.settings import FormSettings
from tasks.stack import Component, Kind
from tasks.steps import DB_HOST, DB_NAME, DB_PORT, DB_URL, LIMIT, NONCE, PROBES, WORK, Command, address_of

ROUTE = "/intake/"
PAYLOAD = {
    "name": "Ada Predeploy",
    "email": "{token}@example.com",
    "message": "A form that a validation sent: {token}",
}
PAGE = "https://{site}.example/contact/"
# Names of keys that senders of a form need. Keys for the Worker's own requests have other names.
KEYS = re.compile(
    r"(?:.*_)?(?:INTAKE|FORM|FORMS|CONTACT|INBOX|CLIENT|SITE)_(?:.*_)?(?:KEY|TOKEN|SECRET)|API_(?:KEY|TOKEN)"
)
KEY_HEADERS = ("X-API-Key", "Authorization")
HEADER_READ = re.compile(
    r"""(?:headers\.get|\.header)\(\s*["'](?P<name>[\w-]*(?:key|token|auth|secret)[\w-]*)["']""", re.IGNORECASE
)
DEFAULTS = FormSettings()
# The probe's exit codes for broken code, then those without a verdict.
VERDICTS = (
    (1, "unexpected_answer"),
    (4, "not_ready"),
    (10, "no_row"),
    (11, "duplicate_row"),
    (12, "wrong_row"),
    (13, "database_error"),
    (14, "unknown_host"),
    (15, "invalid_accepted"),
    (16, "key_ignored"),
)
UNFIT = (
    (6, "port_taken"),
    (7, "unspoken"),
    (8, "service_lost"),
    (20, "no_table"),
    (21, "no_key"),
    (22, "rate_limited"),
    (23, "remote_binding"),
)


def form_absent(component: Component, context: CatalogueContext) -> str:
    """Returns why no form is sent to a Worker: it accepts none, or it has no database."""
    if context.form(component) is None and not any(
        ROUTE in context.read(path) for path in worker_of(component).sources
    ):
        return (
            f"{component.label} has no route {ROUTE}… in its code; name another route in [worker.{component.name}.e2e]"
        )
    if migrating(component, context) is None:
        return "the stack has no Django project with a database for the form"
    if not asks_database(component, context):
        return f"{component.label} expects no database: none of its variables has the name of a database URL"
    return ""


def code_of(component: Component, context: CatalogueContext) -> str:
    """Returns the text of all files of the Worker, including its variables."""
    worker = worker_of(component)
    return "\n".join([json.dumps(worker.vars), *(context.read(path) for path in worker.sources)])


def site_of(component: Component, context: CatalogueContext) -> str:
    """Returns the site of the form: one that the Worker's code names, else the first one of the stack."""
    names = [site.name for site in context.stack.of(Kind.SITE)]
    code = code_of(component, context)
    tables = [value for value in worker_of(component).vars.values() if isinstance(value, dict)]
    keys = [str(key) for value in tables for key in value]
    return next((name for name in names if name in code), next(iter([*names, *keys]), "site"))


def page_of(component: Component, site: str) -> str:
    """Returns the address of the page with the form, on the first origin that the Worker's variables have for it."""
    variables = json.dumps(worker_of(component).vars)
    _, _, after_site = variables.partition(json.dumps(site))
    found = re.search(r'"(https://[^"\s*]+)"', after_site or variables)
    return f"{found[1].rstrip('/')}/contact/" if found else PAGE


def key_of(component: Component, context: CatalogueContext, form: FormSettings) -> str:
    """Returns the variable with the key that senders need, or an empty text. It must be configured or in use."""
    if form.key is not None:
        return form.key
    code = code_of(component, context)
    return next((name for name in key_names(component, context) if uses(code, name)), "")


def key_names(component: Component, context: CatalogueContext) -> list[str]:
    """Returns the variables with the name of a sender's key, in use or only declared."""
    names = sorted({*worker_texts(component, context), *context.secrets(component)})
    return [name for name in names if KEYS.fullmatch(name)]


def unproven(
    component: Component, context: CatalogueContext, form: FormSettings, fields: Iterable[str], section: str
) -> list[str]:
    """Returns the gaps in the proof: what is not tried, because the code does not show that it is refused."""
    code, gaps = code_of(component, context), list[str]()
    shown = refusals(code, fields)
    if form.invalid is None and not (shown.needed and shown.mail):
        what = " or ".join(["an invalid email"] * (not shown.mail) + ["a missing field"] * (not shown.needed))
        gaps.append(
            f"the code of {component.path} does not show that it refuses {what}, so no such form was sent. List the "
            f"wrong forms: invalid in {section} ([] for none)"
        )
    key = key_of(component, context, form)
    declared = next(iter(key_names(component, context)), "") if form.key is None else ""
    if (key or declared) and form.key is None and not (key and refuses_key(code)):
        gaps.append(
            f"the code of {component.path} does not show that it refuses a wrong {key or declared}, so none was sent. "
            f'Name the key of senders: key in {section} ("" for none)'
        )
    return gaps


def form_document(component: Component, context: CatalogueContext) -> dict[str, object]:
    """Returns the description of the form for the probe, as plain data."""
    form = context.form(component) or DEFAULTS
    site = form.site or site_of(component, context)
    page = page_of(component, site)
    code = code_of(component, context)
    headers = list(dict.fromkeys(match["name"] for match in HEADER_READ.finditer(code)))
    payload = form.payload or PAYLOAD | {"source_url": page}
    section, shown = f"[worker.{component.name}.e2e]", refusals(code, payload)
    document: dict[str, object] = {
        "path": form.path,
        "payload": payload,
        "encoding": form.encoding,
        "headers": form.headers,
        "origin": page.partition("/contact/")[0],
        "status": form.status,
        "table": form.table,
        "columns": form.columns,
        "invalid": form.invalid,
        "key": key_of(component, context, form),
        "key_headers": [form.key_header] if form.key_header else headers or KEY_HEADERS,
        "sources": worker_of(component).sources,
        "section": section,
        "needed": shown.needed,
        "mail": shown.mail,
        "locked": form.key is not None or refuses_key(code),
        "gaps": unproven(component, context, form, payload, section),
    }
    filled: dict[str, object] = json.loads(json.dumps(document).replace("{site}", json.dumps(site)[1:-1]))
    return filled


def intake_commands(component: Component, context: CatalogueContext) -> tuple[Command, ...]:
    """Returns the commands that send the form to the Worker, and read the stored row with Django."""
    web = migrating(component, context)
    assert web is not None
    form = form_document(component, context)
    key = str(form["key"])
    value = worker_texts(component, context).get(key)
    worker, outbound = address_of(WORKER), ":".join(address_of(OUTBOUND))
    send = Command(
        argv=(
            "python",
            f"{PROBES}/e2e/intake.py",
            *worker,
            "--outbound",
            outbound,
            "--proof",
            NONCE,
            "--within",
            LIMIT,
            *remote_options(component, context),
        ),
        label=f"POST {form['path']}",
        environment="ours",
        env=(
            ("DATABASE_URL", DB_URL),
            ("PREDEPLOY_FORM", json.dumps(form, sort_keys=True)),
            *([(key, value)] if value else []),
        ),
        secrets=(key,) if key and value is None else (),
        verdicts=VERDICTS,
        unfit=UNFIT,
        explained=("unspoken", "no_table", "no_key", "rate_limited", "remote_binding"),
        evidence="summary",
        parser="probe",
        limit=120,
        services=services(component, context),
    )
    return (send, reading(web, context, str(form["table"])))


def reading(web: Component, context: CatalogueContext, table: str) -> Command:
    """Returns the command that reads the stored row with Django's model of the table."""
    return Command(
        argv=("python", f"{PROBES}/django/stored_row.py", DB_HOST, DB_PORT, DB_NAME, table, WORK),
        label="Django reads the row",
        cwd=web_of(web).directory,
        environment="production",
        component=web.path,
        env=django_env(web, context),
        secrets=context.secrets(web),
        verdicts=((1, "unreadable_row"),),
        unfit=((75, "other_database"), (77, "service_lost"), (5, "no_model")),
        explained=("other_database", "no_model"),
        evidence="summary",
        parser="probe",
        limit=120,
    )
