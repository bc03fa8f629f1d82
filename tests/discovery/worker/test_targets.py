"""The target of a deploy: wrangler's sections with their inheritance, and bindings that a target lacks."""

import json
from typing import Any

import pytest

from tasks.discovery.worker.targets import target_of
from tests.discovery.trees import look, package, worker

D1 = [{"binding": "DB", "database_name": "parcel", "database_id": "7c0e3a52-8f0a-4e0c-9f7e-2a6f0a9b4c11"}]
READS = 'export default {\n  fetch: (request: Request, env: any) => env.DB.prepare("select 1"),\n};\n'
DEPLOYED = package(scripts={"deploy": "wrangler deploy --env production"})


def files(source: str = READS, manifest: str = DEPLOYED, **config: Any) -> dict[str, str]:
    document = {"name": "parcel", "main": "src/index.ts", **config}
    return {"wrangler.jsonc": json.dumps(document), "src/index.ts": source, "package.json": manifest}


def test_a_section_inherits_all_but_bindings_and_variables() -> None:
    top = {
        "name": "parcel",
        "main": "src/index.ts",
        "compatibility_date": "2026-09-01",
        "assets": {"directory": "dist"},
        "vars": {"REGION": "local"},
        "d1_databases": D1,
        "define": {"X": "1"},
        "env": {"production": {"vars": {"MODE": "live"}, "compatibility_date": "2026-10-01"}, "named": {"name": "x"}},
    }

    assert target_of(top, "production") == {
        "name": "parcel-production",
        "main": "src/index.ts",
        "compatibility_date": "2026-10-01",
        "assets": {"directory": "dist"},
        "vars": {"MODE": "live"},
    }
    assert target_of(top, "named")["name"] == "x"
    assert target_of(top, "")["d1_databases"] == D1
    assert "env" not in target_of(top, "")


def test_the_worker_has_the_values_of_the_target() -> None:
    found = worker(files(env={"production": {"vars": {"REGION": "eu"}, "d1_databases": D1}}, vars={"REGION": "local"}))

    assert (found.name, found.environment, found.vars) == ("parcel-production", "production", {"REGION": "eu"})
    assert (found.bindings, found.lost) == ({"d1_databases": D1}, ())


def test_a_target_without_a_binding_that_the_code_reads() -> None:
    found = worker(files(d1_databases=D1, env={"production": {}}))

    assert [(lost.name, lost.section, lost.file, lost.line) for lost in found.lost] == [
        ("DB", "d1_databases", "src/index.ts", 2)
    ]
    assert found.reads == ()  # an object of another target is no secret


@pytest.mark.parametrize(
    "source",
    [
        "env.DB?.prepare('')",
        "if (env.DB) { await env.DB.prepare('') }",
        "const rows = env.DB && env.DB.prepare('')",
        "env.DB ? env.DB.prepare('') : 0",
        "if ('DB' in env) env.DB.prepare('')",
        "// env.DB.prepare('')",
        "interface Env { DB?: D1Database }\nenv.DB.prepare('')",
        "env.DBX.prepare('')",
    ],
)
def test_a_binding_that_the_code_does_not_need(source: str) -> None:
    assert worker(files(source, d1_databases=D1, env={"production": {}})).lost == ()


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("\nc.env.DB.prepare('')", 2),
        ("/* a\n b */\nconst db = drizzle(this.env.DB)", 3),
        ("\n\nconst { DB, KV } = env;\nDB.prepare('')", 3),
    ],
)
def test_the_line_that_reads_a_binding(source: str, line: int) -> None:
    assert [lost.line for lost in worker(files(source, d1_databases=D1, env={"production": {}})).lost] == [line]


def test_the_top_level_may_be_the_target_that_lacks_a_binding() -> None:
    manifest = package(scripts={"deploy": "wrangler deploy"})
    found = worker(files(manifest=manifest, env={"production": {"d1_databases": D1}}))

    assert [lost.name for lost in found.lost] == ["DB"]


def test_without_a_deploy_the_target_is_one_that_has_the_bindings() -> None:
    stack = look(files(manifest=package(), env={"eu": {}, "production": {"d1_databases": D1}}))

    assert stack.components[0].worker
    assert (stack.components[0].worker.environment, stack.components[0].worker.lost) == ("production", ())
    assert any("no file says which environment is deployed" in line for line in stack.warnings)


def test_a_variable_that_only_the_top_level_sets_is_named() -> None:
    source = "interface Env { API: string; MODE: string }"
    named = {"production": {"vars": {"MODE": "live"}}}
    found = look(files(source, vars={"API": "https://a.example", "MODE": "dev", "OTHER": "x"}, env=named))

    assert [each for each in found.warnings if "env.production lacks API, which" in each]
    assert found.components[0].worker
    assert found.components[0].worker.reads == ("API",)


def test_the_configured_target_wins() -> None:
    tree = files(env={"production": {"d1_databases": D1}, "staging": {}}, d1_databases=D1)

    found = look(tree, environment="staging").components[0].worker

    assert found
    assert (found.environment, found.deploy.is_named, found.deploy.env) == (
        "staging",
        True,
        (("CLOUDFLARE_ENV", "staging"),),
    )
    assert [lost.name for lost in found.lost] == ["DB"]


def test_a_configured_target_without_a_section_is_reported() -> None:
    stack = look(files(env={"production": {"d1_databases": D1}}), environment="prod")

    assert "wrangler.jsonc has no section env.prod" in stack.warnings[0]
    assert stack.components[0].worker
    assert stack.components[0].worker.environment == "production"


def test_options_of_the_deploy_replace_values_of_the_file() -> None:
    call = "wrangler deploy --minify --var STAGE:live AT:a:b --compatibility-flags nodejs_compat --compatibility-date"
    manifest = package(scripts={"deploy": f"{call} 2026-10-01 --name other"})
    source = "export default { fetch: (r: Request, env: any) => new Response(env.STAGE + env.AT + env.KEY) };"

    found = worker(files(source, manifest, vars={"STAGE": "dev", "B": "1"}))

    assert found.vars == {"STAGE": "live", "AT": "a:b", "B": "1"}
    assert (found.name, found.date, found.flags, found.reads) == (
        "other",
        "2026-10-01",
        ("nodejs_compat",),
        ("KEY",),
    )


NAMED: dict[str, Any] = {"vars": {"API": "https://a.example", "API_KEY": "dev"}, "env": {"production": {}}}


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("\nfetch(env.API)", 2),
        ("const url = `${c.env.API}/users`", 1),
        ("new URL('/users', '').href\n\nnew URL(this.env.API, '')", 3),
        ("new URL('/users', env.API)", 1),
        ("env.API.split(',')", 1),
        ("env.API + '/users'", 1),
        ("const { MODE, API } = env;\nreturn `${API}/users`", 1),
    ],
)
def test_a_section_without_a_variable_that_the_code_needs(source: str, line: int) -> None:
    found = worker(files(source, **NAMED))

    assert [(each.name, each.section, each.file, each.line) for each in found.lost] == [
        ("API", "vars", "src/index.ts", line)
    ]


@pytest.mark.parametrize(
    "source",
    [
        "fetch(env.API ?? 'https://b.example')",
        "if (env.API) fetch(env.API)",
        "Response.json({ api: env.API })",
        "console.log(env.API)",
        "console.log('api', env.API)",
        "Boolean(env.API)",
        "env.API === 'x'",
        "fetch(import.meta.env.API)",
        "fetch(process.env.API)",
        "type Env = { API?: string }\nfetch(env.API)",
        "const { API = 'b' } = env;\nAPI.split()",
        "fetch(env.API_KEY)",
        "fetch(env.OTHER)",
    ],
)
def test_a_variable_that_the_code_does_not_need_or_that_may_be_a_secret(source: str) -> None:
    assert worker(files(source, **NAMED)).lost == ()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".dev.vars.example", "API=\n"),
        (".github/workflows/set.yml", "jobs:\n  a:\n    steps:\n      - run: wrangler secret put API\n"),
        ("scripts/set.sh", "wrangler secret put API --env production\n"),
    ],
)
def test_a_variable_that_a_script_or_example_names_may_be_a_secret(path: str, text: str) -> None:
    assert worker({**files("fetch(env.API)", **NAMED), path: text}).lost == ()


@pytest.mark.parametrize(
    ("call", "more"),
    [
        ("wrangler deploy --env production --keep-vars", {}),
        ("wrangler deploy --env production --var API:x", {}),
        ("wrangler deploy --env production", {"keep_vars": True}),
        ("wrangler deploy --env production", {"env": {"production": {"secrets": {"required": ["API"]}}}}),
        ("wrangler deploy --env production", {"env": {"production": {"vars": {"API": ""}}}}),
        ("wrangler deploy", {}),
    ],
)
def test_a_variable_that_the_target_may_have(call: str, more: dict[str, Any]) -> None:
    assert worker(files("fetch(env.API)", package(scripts={"deploy": call}), **{**NAMED, **more})).lost == ()


def test_types_that_wrangler_generates_test_no_name() -> None:
    tree = files("fetch(env.API)", **NAMED)

    assert worker({**tree, "src/worker-configuration.d.ts": "interface Env { API?: string }"}).lost
