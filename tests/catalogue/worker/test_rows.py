"""Rows for running Workers: their variables, their needs, and the form."""

import json
from typing import Any

import pytest

from tasks.catalogue import CatalogueContext, make_catalogue
from tasks.catalogue.worker.intake import form_document
from tasks.catalogue.worker.rows import UNKNOWN
from tasks.catalogue.worker.service import NEON_URL, asks_database, worker_texts
from tasks.errors import UsageError
from tasks.settings import Settings
from tasks.stack import Component
from tasks.steps import DB_URL, NONCE, Check
from tests.support.factories import make_scene, make_site, make_stack, make_web, make_worker

APP = "workers/intake/src/app.ts"
READ = 'request.headers.get("X-Form-Key") === env.INTAKE_API_KEY'
ROUTE = {APP: f'const FORM = /^\\/intake\\/x/; "/intake/"; {READ}; // coffee-shop'}


def intake(*reads: str, **over: Any) -> Component:
    return make_worker(**{"reads": reads or ("INTAKE_API_KEY", "NEON_DATABASE_URL"), "sources": (APP,), **over})


def context_of(
    worker: Component, *others: Component, files: dict[str, str] | None = None, settings: dict[str, Any] | None = None
) -> CatalogueContext:
    stack = make_stack(worker, *(others or (make_web(), make_site())))
    return make_scene(stack, ROUTE | (files or {}), Settings.model_validate({"jobs": 1, **(settings or {})}))


def check_of(name: str, context: CatalogueContext) -> Check:
    return next(check for check in make_catalogue(context).checks if check.name == name)


def why_not(context: CatalogueContext, name: str = "intake_e2e") -> str:
    return next((each.reason for each in make_catalogue(context).absent if each.name == name), "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NEON_DATABASE_URL", NEON_URL),
        ("DATABASE_URL", NEON_URL),
        ("POSTGRES_URL_NON_POOLING", NEON_URL),
        ("PG_CONNECTION_STRING", NEON_URL),
        ("INTAKE_API_KEY", f"predeploy-{NONCE}"),
        ("SESSION_SECRET", f"predeploy-{NONCE}"),
        ("PUBLIC_URL", "https://public-url.predeploy.invalid"),
        ("MODE", f"predeploy-{NONCE}"),
    ],
)
def test_variables_without_a_value_get_a_throwaway_value(name: str, value: str) -> None:
    worker = intake(name)

    assert worker_texts(worker, context_of(worker)) == {name: value}


def test_examples_fill_all_but_credentials_and_settings_win() -> None:
    worker = intake("MODE", "API_KEY", "DATABASE_URL", "LIMIT")
    files = {"workers/intake/.dev.vars.example": "MODE=strict\nAPI_KEY=change-me\nLIMIT=3\n"}
    own = {"workers/intake": {"env": {"LIMIT": "5", "REPORTS": "{db.url}"}, "secrets": ["API_KEY"]}}

    texts = worker_texts(worker, context_of(worker, files=files, settings={"component": own}))

    assert texts == {"MODE": "strict", "DATABASE_URL": NEON_URL, "LIMIT": "5", "REPORTS": NEON_URL}


def test_only_the_outbound_service_gets_the_real_database() -> None:
    health = check_of("worker_health", context_of(intake()))
    outbound, worker = health.commands[0].services

    assert DB_URL in dict(outbound.env).values()
    assert DB_URL not in json.dumps([worker.env, worker.argv])
    assert (outbound.verdicts, worker.environment) == ((), "node")


@pytest.mark.parametrize(
    ("worker", "others", "expected"),
    [
        (intake(), (make_web(), make_site()), ("migrated", "apps/web", ("worker_container", "migrate"))),
        (intake(), (make_site(),), ("empty", "", ("worker_container",))),
        (intake("API_KEY"), (make_web(),), ("", "", ("worker_container",))),
    ],
)
def test_health_has_a_database_if_the_worker_expects_one(
    worker: Component, others: tuple[Component, ...], expected: tuple[str, str, tuple[str, ...]]
) -> None:
    health = check_of("worker_health", context_of(worker, *others))

    assert (health.database, health.migrated_by) == expected[:2]
    assert tuple(need.partition("[")[0] for need in health.needs) == expected[2]
    assert health.workspace_of == "worker_container[workers/intake]"


def test_a_worker_with_a_database_secret_gets_no_database() -> None:
    settings = {"component": {"workers/intake": {"secrets": ["NEON_DATABASE_URL"]}}}
    worker = intake()

    assert not asks_database(worker, context_of(worker, settings=settings))


def test_the_runtime_gets_the_content_of_the_wrangler_file() -> None:
    worker = intake(vars={"CLIENTS": {"a": 1}, "MODE": "x"}, date="2026-09-01", flags=("nodejs_compat",))
    settings = {"component": {"workers/intake": {"env": {"MODE": "y"}, "health": "/up"}}}

    (request,) = check_of("worker_health", context_of(worker, settings=settings)).commands
    facts = json.loads(dict(request.services[1].env)["PREDEPLOY_WORKER"])

    assert facts["vars"] == {"CLIENTS": {"a": 1}}
    assert facts["texts"] == ["INTAKE_API_KEY", "MODE", "NEON_DATABASE_URL"]
    assert (facts["date"], facts["flags"], facts["main"]) == ("2026-09-01", ["nodejs_compat"], "src/index.ts")
    assert request.label == "GET /up"
    assert "--else" not in request.argv


@pytest.mark.parametrize(
    ("context", "words"),
    [
        (context_of(intake(), files={APP: "nothing"}), "has no route /intake/"),
        (context_of(intake(), make_site()), "no Django project"),
        (context_of(intake("API_KEY")), "expects no database"),
        (context_of(intake(main="")), "deploys assets alone"),
        (context_of(intake(), settings={"component": {"apps/web": {"skip": ["migrate"]}}}), "no Django project"),
    ],
)
def test_why_no_form_is_sent(context: CatalogueContext, words: str) -> None:
    assert words in why_not(context)


def test_a_worker_with_assets_alone_is_asked_for_its_first_page() -> None:
    worker = intake(main="", bindings={"assets": {"directory": "dist"}})

    (request,) = check_of("worker_health", context_of(worker)).commands

    assert request.argv[request.argv.index("--path") :][:4] == ("--path", "/", "--else", "/index.html")
    assert UNKNOWN in request.argv


def test_a_configured_route_need_not_be_in_the_code() -> None:
    context = context_of(intake(), files={APP: "nothing"}, settings={"worker": {"intake": {"e2e": {"path": "/forms"}}}})

    assert check_of("intake_e2e", context).commands[0].label == "POST /forms"


def test_the_form_goes_to_a_site_that_the_worker_names() -> None:
    worker = intake(vars={"CLIENTS": {"coffee-shop": ["https://coffee.example"]}})
    context = context_of(worker, make_web(), make_site("sites/atelier"), make_site())

    form = form_document(worker, context)

    assert form["path"] == "/intake/coffee-shop/form"
    assert form["origin"] == "https://coffee.example"
    assert (form["key"], form["key_headers"]) == ("INTAKE_API_KEY", ["X-Form-Key"])
    assert form["payload"] == {
        "name": "Ada Predeploy",
        "email": "{token}@example.com",
        "message": "A form that a validation sent: {token}",
        "source_url": "https://coffee.example/contact/",
    }


@pytest.mark.parametrize(
    ("names", "key"),
    [
        (("RESEND_API_KEY", "DATABASE_URL"), ""),
        (("TURNSTILE_SECRET_KEY", "DATABASE_URL"), ""),
        (("API_KEY", "DATABASE_URL"), "API_KEY"),
        (("FORM_TOKEN", "DATABASE_URL"), "FORM_TOKEN"),
    ],
)
def test_only_keys_of_senders_are_tried(names: tuple[str, ...], key: str) -> None:
    worker = intake(*names)
    context = context_of(worker, files={APP: f"{ROUTE[APP]}\nif (given !== env.{names[0]}) return refuse(401);"})

    assert form_document(worker, context)["key"] == key


@pytest.mark.parametrize(
    ("code", "said", "key", "locked", "gap"),
    [
        ("interface Env { FORM_KEY: string }", {}, "", False, "does not show that it refuses a wrong FORM_KEY"),
        ("if (key !== env.FORM_KEY) log()", {}, "FORM_KEY", False, "does not show that it refuses a wrong FORM_KEY"),
        ("if (key !== env.FORM_KEY) return new Response('', { status: 401 })", {}, "FORM_KEY", True, ""),
        ("interface Env { FORM_KEY: string }", {"key": "FORM_KEY"}, "FORM_KEY", True, ""),
        ("if (key !== env.FORM_KEY) return new Response('', { status: 401 })", {"key": ""}, "", True, ""),
    ],
    ids=["declared", "used", "refused", "configured", "no key"],
)
def test_wrong_key_is_sent_only_where_code_or_configuration_show_a_refusal(
    code: str, said: dict[str, Any], key: str, locked: bool, gap: str
) -> None:
    worker = intake("FORM_KEY")
    settings = {"worker": {"intake": {"e2e": {"invalid": [], **said}}}}
    form = form_document(worker, context_of(worker, files={APP: code}, settings=settings))

    assert (form["key"], form["locked"]) == (key, locked)
    assert isinstance(form["gaps"], list)
    assert [gap in each for each in form["gaps"]] == [True] * bool(gap)


@pytest.mark.parametrize(
    ("code", "said", "needed", "gap"),
    [
        ("await store(body)", {}, (), "refuses an invalid email or a missing field, so no such form was sent"),
        ("if (!name) return new Response('', { status: 422 })", {}, ("name",), "refuses an invalid email, so"),
        ("await store(body)", {"invalid": []}, (), ""),
        ("await store(body)", {"invalid": [{"name": ""}]}, (), ""),
    ],
    ids=["nothing", "a field", "no wrong form", "configured"],
)
def test_wrong_form_is_sent_only_where_code_or_configuration_show_a_refusal(
    code: str, said: dict[str, Any], needed: tuple[str, ...], gap: str
) -> None:
    worker = intake("DATABASE_URL")
    settings = {"worker": {"intake": {"e2e": said}}}
    form = form_document(worker, context_of(worker, files={APP: code}, settings=settings))

    assert form["needed"] in (needed, [*needed])
    assert isinstance(form["gaps"], list)
    assert [gap in each for each in form["gaps"]] == [True] * bool(gap)


def test_configured_form_is_sent() -> None:
    said = {
        "path": "/{site}/send",
        "site": "bakery",
        "payload": {"who": "{token}", "count": 3},
        "headers": {"X-Site": "{site}"},
        "status": [303],
        "table": "forms_entry",
        "columns": {"sender": "{token}"},
        "invalid": [{"who": ""}],
        "key": "NEON_DATABASE_URL",
        "key_header": "X-Key",
        "encoding": "form",
    }
    worker = intake()
    form = form_document(worker, context_of(worker, settings={"worker": {"workers/intake": {"e2e": said}}}))

    assert (form["path"], form["headers"]) == ("/bakery/send", {"X-Site": "bakery"})
    assert (form["payload"], form["invalid"], form["status"]) == (said["payload"], said["invalid"], [303])
    assert (form["table"], form["columns"], form["encoding"]) == ("forms_entry", {"sender": "{token}"}, "form")
    assert (form["key"], form["key_headers"]) == ("NEON_DATABASE_URL", ["X-Key"])


def test_the_row_is_read_with_the_django_project_s_packages() -> None:
    send, read = check_of("intake_e2e", context_of(intake())).commands

    assert (send.environment, send.component, [each.label for each in send.services]) == (
        *("ours", ""),
        ["outbound", "worker"],
    )
    assert (read.environment, read.component, read.services) == ("production", "apps/web", ())


def test_the_intake_has_the_files_of_both_components() -> None:
    context = context_of(intake(), make_web(), make_site())

    assert check_of("intake_e2e", context).inputs.exclude == ("sites/coffee-shop",)
    assert check_of("worker_container", context).inputs.exclude == ("apps/web", "sites/coffee-shop")


def test_an_unknown_worker_is_a_usage_error() -> None:
    context = context_of(intake(), settings={"worker": {"intak": {}}})

    with pytest.raises(UsageError, match=r"worker\.intak: no Worker has this name or path; did you mean intake\?"):
        make_catalogue(context)


def test_each_cron_trigger_is_called() -> None:
    context = context_of(intake(crons=("0 4 * * *", "*/15 * * * *")))
    (command,) = check_of("worker_cron", context).commands

    assert command.argv[-4:] == ("--cron", "0 4 * * *", "--cron", "*/15 * * * *")
    assert json.loads(dict(command.services[1].env)["PREDEPLOY_WORKER"])["crons"] == ["0 4 * * *", "*/15 * * * *"]
    assert why_not(context_of(intake()), "worker_cron") == "workers/intake/wrangler.toml has no cron triggers"


@pytest.mark.parametrize(
    ("code", "may_be_silent"),
    [
        ("export default { async queue(batch) {} };", True),
        ("export default { email: onEmail };", True),
        ("export class Api extends WorkerEntrypoint {}", True),
        ("export default { fetch };", False),
    ],
)
def test_a_worker_for_other_events_need_not_answer_requests(code: str, may_be_silent: bool) -> None:
    worker = intake("MODE", main="src/app.ts")
    health = check_of("worker_health", context_of(worker, files={APP: code}))

    assert ("--silent" in health.commands[0].argv) is may_be_silent


def test_a_binding_of_cloudflare_alone_is_a_gap_and_its_errors_are_no_verdict() -> None:
    bindings = {"ai": {"binding": "MODEL"}, "kv_namespaces": [{"binding": "MENU"}]}
    context = context_of(intake(bindings=bindings, crons=("0 4 * * *",)))
    health, cron, form = (check_of(name, context) for name in ("worker_health", "worker_cron", "intake_e2e"))

    for check in (health, cron, form):
        assert "MODEL (Workers AI)" in check.commands[0].argv
        assert "remote_binding" in dict(check.commands[0].unfit).values()
    assert [gap for _, gap in health.requires] == [
        "workers/intake has bindings that exist only at Cloudflare: MODEL (Workers AI)"
    ]
    assert not check_of("worker_health", context_of(intake())).requires


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({APP: "export default {}"}, "/"),
        ({APP: 'app.get("/health", ok)'}, "/health"),
        ({APP: "export default {}", "workers/intake/src/pages/health.ts": ""}, "/health"),
    ],
)
def test_the_root_is_asked_first_if_no_file_names_a_path_for_health(files: dict[str, str], path: str) -> None:
    context = context_of(intake(), files=files)

    (command,) = check_of("worker_health", context).commands

    assert command.argv[command.argv.index("--path") + 1] == path


def test_the_build_of_assets_in_another_component_has_its_files() -> None:
    worker = make_worker(".", assets="./sites/coffee-shop/dist", bindings={"assets": {"directory": "dist"}})
    context = context_of(worker, make_site(), files={"sites/coffee-shop/src/index.astro": "", "src/index.ts": ""})

    excluded = check_of("worker_container", context).inputs.exclude

    assert "sites/coffee-shop" not in excluded
