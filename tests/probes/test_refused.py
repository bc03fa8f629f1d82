"""refused.py: what Cloudflare refuses of a wrangler file, a bundle and its assets, at the line that is wrong."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from wrangler_assets import is_ignored, pattern_of
from wrangler_bundle import exports_of
from wrangler_cron import cron_problem
from wrangler_triggers import route_problem

from tests.probes.conftest import ProbeResult, run_probe

TODAY = "2026-11-30"
KV, UUID = "0123456789abcdef0123456789abcdef", "d4dfb2e9-2fd3-4d04-9c83-57b4336a5958"
ROOM = {"bindings": [{"name": "ROOM", "class_name": "Room"}]}
MADE = [{"tag": "v1", "new_sqlite_classes": ["Room"]}]


def ask(folder: Path, *arguments: str, name: str = "wrangler.json") -> ProbeResult:
    return run_probe("wrangler/refused", "--config", name, "--within", "w", "--today", TODAY, *arguments, cwd=folder)


def ask_of(folder: Path, document: dict[str, Any], *arguments: str) -> ProbeResult:
    whole = {"name": "parcel", "main": "src/index.ts", "compatibility_date": "2026-09-01", **document}
    (folder / "wrangler.json").write_text(json.dumps(whole, indent=1))
    return ask(folder, *arguments)


def line_of(folder: Path, text: str) -> int:
    return next(n for n, line in enumerate((folder / "wrangler.json").read_text().splitlines(), 1) if text in line)


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("later than today", {"compatibility_date": "2026-12-01"}, "compatibility_date", "2026-12-01"),
    ("no date", {"compatibility_date": "2026-9-1"}, "compatibility_date", "2026-9-1"),
    ("no such day", {"compatibility_date": "2026-02-31"}, "compatibility_date", "2026-02-31"),
    ("KV placeholder", {"kv_namespaces": [{"binding": "A", "id": "my-kv-id"}]}, "wrong_id", "my-kv-id"),
    ("KV of zeros", {"kv_namespaces": [{"binding": "A", "id": "0" * 32}]}, "wrong_id", "0" * 32),
    ("KV with a UUID", {"kv_namespaces": [{"binding": "A", "id": UUID}]}, "wrong_id", UUID),
    ("D1 placeholder", {"d1_databases": [{"binding": "D", "database_id": "<id>"}]}, "wrong_id", "<id>"),
    ("D1 with digits", {"d1_databases": [{"binding": "D", "database_id": KV}]}, "wrong_id", KV),
    ("Hyperdrive", {"hyperdrive": [{"binding": "H", "id": "YOUR_HYPERDRIVE_ID"}]}, "wrong_id", "YOUR_HYPERDRIVE_ID"),
    ("certificate", {"mtls_certificates": [{"binding": "M", "certificate_id": "x"}]}, "wrong_id", '"x"'),
    ("zone", {"routes": [{"pattern": "a.example/*", "zone_id": "zone"}]}, "wrong_id", '"zone"'),
    ("account", {"account_id": "your-account-id"}, "wrong_id", "your-account-id"),
    ("producer", {"queues": {"producers": [{"binding": "Q", "queue": "my queue"}]}}, "wrong_id", "my queue"),
    ("consumer", {"queues": {"consumers": [{"queue": "<queue>"}]}}, "wrong_id", "<queue>"),
    ("cron", {"triggers": {"crons": ["0 * * * *", "0 0 * * 0"]}}, "cron", "0 0 * * 0"),
    ("route", {"routes": ["example.com/a/*/b"]}, "route", "example.com/a"),
    ("route as a table", {"routes": [{"pattern": "a.example/?x", "zone_name": "a.example"}]}, "route", "a.example/?x"),
    ("one route", {"route": "shop*.example.com/x"}, "route", "shop"),
    ("custom domain", {"routes": [{"pattern": "shop", "custom_domain": True}]}, "route", '"shop"'),
    ("path of a domain", {"routes": [{"pattern": "a.example/*", "custom_domain": True}]}, "route", "a.example/*"),
    ("long name", {"name": "a" * 64}, "name", "aaaa"),
    ("secret and variable", {"vars": {"K": "1"}, "secrets": {"required": ["K"]}}, "secret_is_variable", '"K": "1"'),
    ("large variable", {"vars": {"K": "x" * 5121}}, "variable_size", '"K"'),
    ("many variables", {"vars": {f"K{n}": "" for n in range(129)}}, "variable_count", '"vars"'),
    ("no migration", {"durable_objects": ROOM}, "no_migration", '"Room"'),
    (
        "a migration that deletes",
        {"durable_objects": ROOM, "migrations": [*MADE, {"tag": "v2", "deleted_classes": ["Room"]}]},
        "no_migration",
        '"class_name": "Room"',
    ),
    (
        "a migration that renames",
        {
            "durable_objects": ROOM,
            "migrations": [*MADE, {"tag": "v2", "renamed_classes": [{"from": "Room", "to": "B"}]}],
        },
        "no_migration",
        '"class_name": "Room"',
    ),
    (
        "an export that is deleted",
        {"durable_objects": ROOM, "exports": {"Room": {"type": "durable-object", "state": "deleted"}}},
        "no_migration",
        '"class_name": "Room"',
    ),
]


@pytest.mark.parametrize(
    ("document", "rule", "line"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED]
)
def test_refused_file_is_red_at_its_line(document: dict[str, Any], rule: str, line: str, tmp_path: Path) -> None:
    result = ask_of(tmp_path, document)

    (finding,) = result.document["diagnostics"]
    assert (result.code, finding["rule"], finding["file"]) == (1, rule, "w/wrangler.json")
    assert finding["line"] == line_of(tmp_path, line)


ACCEPTED: dict[str, dict[str, Any]] = {
    "today": {"compatibility_date": TODAY},
    "ids": {"kv_namespaces": [{"binding": "A", "id": KV}], "d1_databases": [{"binding": "D", "database_id": UUID}]},
    "resources that wrangler makes": {"kv_namespaces": [{"binding": "A"}], "d1_databases": [{"binding": "D"}]},
    "an empty account": {"account_id": ""},
    "an unused preview": {"kv_namespaces": [{"binding": "A", "id": KV, "preview_id": "local"}]},
    "unknown keys": {"type": "webpack", "usage_model": "unbound", "hello": 1},
    "a class of another Worker": {"durable_objects": {"bindings": [{"class_name": "R", "script_name": "other"}]}},
    "a migration": {"durable_objects": ROOM, "migrations": MADE},
    "an older migration": {"durable_objects": ROOM, "migrations": [{"tag": "v1", "new_classes": ["Room"]}]},
    "a class with a new name": {
        "durable_objects": ROOM,
        "migrations": [
            {"tag": "a", "new_classes": ["A"]},
            {"tag": "b", "renamed_classes": [{"from": "A", "to": "Room"}]},
        ],
    },
    "an export": {"durable_objects": ROOM, "exports": {"Room": {"type": "durable-object", "storage": "sqlite"}}},
    "a long name with a route": {"name": "a" * 64, "routes": ["example.com/*"]},
    "a secret": {"vars": {"A": "1"}, "secrets": {"required": ["B"]}},
    "another environment": {"env": {"old": {"kv_namespaces": [{"binding": "A", "id": "placeholder"}]}}},
}


@pytest.mark.parametrize("document", ACCEPTED.values(), ids=ACCEPTED)
def test_file_that_deploys_has_no_finding(document: dict[str, Any], tmp_path: Path) -> None:
    result = ask_of(tmp_path, document)

    assert (result.code, result.messages) == (0, [])


def test_placeholder_of_one_digit_is_named_as_such(tmp_path: Path) -> None:
    zeros = "00000000-0000-0000-0000-000000000000"

    result = ask_of(tmp_path, {"d1_databases": [{"binding": "D", "database_id": zeros}]})

    (message,) = result.messages
    assert message.startswith(f"database_id of D is '{zeros}', a placeholder that Cloudflare refuses: it is a UUID")


def test_environment_has_its_own_bindings_and_inherits_the_rest(tmp_path: Path) -> None:
    document = {
        "kv_namespaces": [{"binding": "A", "id": "top"}],
        "triggers": {"crons": ["bad"]},
        "env": {"live": {"kv_namespaces": [{"binding": "A", "id": "own"}], "durable_objects": ROOM}},
    }

    result = ask_of(tmp_path, document, "--environment", "live")

    assert sorted(result.rules) == ["cron", "no_migration", "wrong_id"]
    assert [each["line"] for each in result.document["diagnostics"] if each["rule"] == "wrong_id"] == [
        line_of(tmp_path, '"own"')
    ]


def test_options_of_the_deploy_count(tmp_path: Path) -> None:
    document = {"compatibility_date": "2026-12-01", "env": {"live": {"vars": {"A": "1"}}}}
    given = json.dumps({"compatibility_date": "2026-01-01", "vars": {"B": "x" * 5121}})

    result = ask_of(tmp_path, document, "--environment", "live", "--given", given)

    assert (result.code, result.rules) == (1, ["variable_size"])


def test_id_that_a_script_fills_is_no_verdict(tmp_path: Path) -> None:
    result = ask_of(tmp_path, {"kv_namespaces": [{"binding": "A", "id": "${KV_ID}"}]})

    assert (result.code, result.rules) == (5, ["unfilled_id"])


def test_excess_of_the_free_plan_is_a_warning_with_the_paid_one(tmp_path: Path) -> None:
    document = {"triggers": {"crons": [f"{n} * * * *" for n in range(6)]}}

    paid, free = ask_of(tmp_path, document), ask_of(tmp_path, document, "--plan", "free")

    assert (paid.code, paid.document["diagnostics"][0]["severity"]) == (0, "warning")
    assert (free.code, free.rules) == (1, ["cron_count"])


TOML = """name = "parcel"
compatibility_date = "2026-09-01"
kv_namespaces = [
  { binding = "A", id = "first" }, # a comment
]

[[d1_databases]]
binding = "D"
database_id = "second"

[triggers]
crons = ["hello"]

[env.live.vars]
A = "1"
"""


def test_toml_has_lines(tmp_path: Path) -> None:
    (tmp_path / "wrangler.toml").write_text(TOML)

    result = ask(tmp_path, name="wrangler.toml")

    assert {each["rule"]: each["line"] for each in result.document["diagnostics"]} == {"cron": 12, "wrong_id": 9}
    assert {each["line"] for each in result.document["diagnostics"]} == {4, 9, 12}


def test_comments_and_trailing_commas_keep_lines(tmp_path: Path) -> None:
    text = (
        '// "id": "bad"\n{\n  /* a\n  b */ "kv_namespaces": [\n    { "binding": "A",\n      "id": "bad", },\n  ],\n}\n'
    )
    (tmp_path / "wrangler.json").write_text(text)

    assert [each["line"] for each in ask(tmp_path).document["diagnostics"]] == [6]


def test_file_of_a_build_counts_with_the_lines_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / ".wrangler/deploy").mkdir(parents=True)
    (tmp_path / ".wrangler/deploy/config.json").write_text('{"configPath": "../../dist/parcel/wrangler.json"}')
    (tmp_path / "dist/parcel").mkdir(parents=True)
    built = {"name": "parcel", "kv_namespaces": [{"binding": "A", "id": "bad"}], "compatibility_date": "2026-09-01"}
    (tmp_path / "dist/parcel/wrangler.json").write_text(json.dumps(built))
    text = '{\n "env": {\n  "live": { "kv_namespaces": [\n   { "binding": "A", "id": "bad" }\n ] } }\n}\n'
    (tmp_path / "wrangler.json").write_text(text)

    (finding,) = ask(tmp_path, "--environment", "live").document["diagnostics"]

    assert (finding["file"], finding["line"]) == ("w/wrangler.json", 4)


@pytest.mark.parametrize("text", ["{", "[]", "", '{"kv_namespaces": 7, "routes": {}, "vars": []}'])
def test_broken_file_is_left_to_wrangler(text: str, tmp_path: Path) -> None:
    (tmp_path / "wrangler.json").write_text(text)

    assert ask(tmp_path).code == 0


def bundled(folder: Path, code: str, document: dict[str, Any] | None = None) -> ProbeResult:
    (folder / "out").mkdir()
    (folder / "out/index.js").write_text(code)
    return ask_of(folder, document or {}, "--bundle", "out")


def test_migrated_class_that_is_not_exported_is_red(tmp_path: Path) -> None:
    code = "var Room = class {};\nvar x = {};\nexport {\n  x as default\n};\n"

    result = bundled(tmp_path, code, {"migrations": MADE})

    (finding,) = result.document["diagnostics"]
    assert (result.code, finding["rule"], finding["line"]) == (1, "no_export", line_of(tmp_path, '"Room"'))


@pytest.mark.parametrize(
    "code",
    [
        "export {\n  Room,\n  x as default\n};\n",
        "class a{};export{a as Room,b as default};",
        "export class Room {}\nexport default {};\n",
        'export * from "./other.js";\n',
        "addEventListener('fetch', () => {});\n",
    ],
)
def test_exported_class_and_unknown_exports_have_no_finding(code: str, tmp_path: Path) -> None:
    assert bundled(tmp_path, code, {"migrations": MADE}).code == 0


@pytest.mark.parametrize(
    "code",
    [
        "var Pool = class {};\nfunction fetch2() {}\nexport {\n  fetch2 as fetch\n};\n",
        "var worker = {\n  fetch() {}\n};\nexport {\n  worker\n};\n",
        "(() => {\n  var a = { fetch() {} };\n  module.exports = a;\n})();\n",
    ],
)
def test_bundle_without_a_handler_is_red(code: str, tmp_path: Path) -> None:
    result = bundled(tmp_path, code)

    (finding,) = result.document["diagnostics"]
    assert (result.code, finding["rule"], finding["line"]) == (1, "no_handler", line_of(tmp_path, '"main"'))


CONSUMER = {"queues": {"consumers": [{"queue": "orders"}]}}


def test_consumer_without_a_queue_handler_is_red(tmp_path: Path) -> None:
    code = "// src/queue.ts\nvar x = { fetch: (r, env) => env.queue.send(r) };\nexport {\n  x as default\n};\n"

    result = bundled(tmp_path, code, CONSUMER)

    (finding,) = result.document["diagnostics"]
    assert (result.code, finding["rule"], finding["line"]) == (1, "no_queue_handler", line_of(tmp_path, '"orders"'))


@pytest.mark.parametrize(
    ("code", "consumer"),
    [
        ("export default {\n  async queue(batch) {}\n};\n", {}),
        ("export default{fetch(){},queue:a};\n", {}),
        ("var Sink = class extends WorkerEntrypoint {\n  queue(batch) {}\n};\nexport { Sink as default };\n", {}),
        ("addEventListener('queue', () => {});\n", {}),
        ("export default { fetch() {} };\n", {"type": "http_pull"}),
    ],
)
def test_consumer_with_a_handler_or_one_that_pulls_has_no_finding(
    code: str, consumer: dict[str, Any], tmp_path: Path
) -> None:
    document = {"queues": {"consumers": [{"queue": "orders", **consumer}]}}

    assert bundled(tmp_path, code, document).code == 0


def test_entrypoint_class_needs_no_default_export(tmp_path: Path) -> None:
    code = "var Api = class extends WorkerEntrypoint {\n};\nexport {\n  Api\n};\n"

    assert bundled(tmp_path, code).code == 0


def test_exports_are_read_from_code_but_not_from_comments() -> None:
    code = "// export { Old }\n/* export class Older {} */\nexport { a as A, b as default };\nexport const c = 1;\n"
    code += 'var all = "/api/*";\nexport { d };\nvar any = "*/*";\n'

    assert exports_of(code) == frozenset({"A", "default", "c", "d"})


NODE = 'import fs from "node:fs";\nimport{a}from"node:path";\nexport default { fs, a };\n'


@pytest.mark.parametrize(
    ("date", "flags", "code"),
    [
        ("2026-08-03", [], 1),
        ("2026-08-03", ["nodejs_als"], 1),
        ("2026-09-01", ["no_nodejs_compat"], 1),
        ("2026-08-04", [], 0),
        ("2024-01-01", ["nodejs_compat"], 0),
        ("2024-01-01", ["nodejs_compat_v2"], 0),
    ],
)
def test_modules_of_node_need_a_flag_or_a_late_date(date: str, flags: list[str], code: int, tmp_path: Path) -> None:
    result = bundled(tmp_path, NODE, {"compatibility_date": date, "compatibility_flags": flags})

    assert result.code == code
    assert all("node:fs, node:path" in message for message in result.messages)


def test_bundle_has_one_limit_and_source_maps_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("data.bin", "index.js.map"):
        with (tmp_path / "out" / name).open("wb") as file:
            file.truncate(63 * 1024 * 1024)
    (tmp_path / "out/index.js").write_text("export default {};\n")
    fits = ask_of(tmp_path, {}, "--bundle", "out")
    with (tmp_path / "out/data.bin").open("wb") as file:
        file.truncate(65 * 1024 * 1024)

    assert fits.code == 0
    assert ask_of(tmp_path, {}, "--bundle", "out").rules == ["bundle_size"]


def test_large_assets_and_worker_code_are_red_unless_ignored(tmp_path: Path) -> None:
    (tmp_path / "public/video").mkdir(parents=True)
    (tmp_path / "public/_worker.js").write_text("export default {};\n")
    with (tmp_path / "public/video/a.mp4").open("wb") as file:
        file.truncate(26 * 1024 * 1024)
    document = {"assets": {"directory": "./public/"}}

    red = ask_of(tmp_path, document, "--bundle", "out")
    (tmp_path / "public/.assetsignore").write_text("_worker.js\n*.mp4\n")

    assert [(each["rule"], each["file"]) for each in red.document["diagnostics"]] == [
        ("worker_as_asset", "w/public/_worker.js"),
        ("asset_size", "w/public/video/a.mp4"),
    ]
    assert "26.0 MiB" in red.messages[1]
    assert ask_of(tmp_path, document, "--bundle", "out").code == 0


@pytest.mark.parametrize(
    ("line", "name", "matches"),
    [
        ("*.map", "a/b.js.map", True),
        ("/a", "b/a", False),
        ("a/", "x/a/b", True),
        ("a/*.txt", "a/b.txt", True),
        ("a/*.txt", "c/a/b.txt", False),
        ("**/b", "a/c/b", True),
        ("a/**", "a/b/c", True),
        ("fil?", "file", True),
    ],
)
def test_lines_of_assetsignore_match_as_in_gitignore(line: str, name: str, matches: bool) -> None:
    assert is_ignored(name, [(pattern_of(line), True)]) is matches


@pytest.mark.parametrize(
    "expression",
    [
        *("* * * * *", "*/30 * * * *", "0 17 * * sun", "0 17 * * 1", "10 7 * * mon-fri", "10 7 * * 2-6", "0 15 1 * *"),
        *(
            "0 18 * * 6L",
            "0 18 * * friL",
            "59 23 LW * *",
            "0 0 L-3 * *",
            "0 0 15W * *",
            "0 0 * JAN,aug *",
            "0 0 * * MON#2",
        ),
        *("0,5-10,10-30/3,30/3 22-2 * * *", "*/5,*/3 * * * *", "0 0 * * L", "0  0\t* * 7"),
    ],
)
def test_cron_expressions_of_cloudflare_are_accepted(expression: str) -> None:
    assert cron_problem(expression) == ""


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("* * * *", "4 fields"),
        ("0 * * * * *", "6 fields"),
        ("", "1 fields"),
        ("@daily", "1 fields"),
        ("60 * * * *", "'60' is no minute from 0 to 59"),
        ("* 24 * * *", "'24' is no hour"),
        ("* * 0 * *", "'0' is no day of month"),
        ("* * * 13 *", "'13' is no month"),
        ("* * * * 0", "'0' is no weekday from 1 to 7; Sunday is 1"),
        ("* * * * 8", "'8' is no weekday"),
        ("*/60 * * * *", "the step of the minute is 60, and 59 is the most"),
        ("0/0 * * * *", "the step of the minute is 0"),
        ("*,* * * * *", "'*' is no minute"),
        ("*-30/5 * * * *", "'*-30/5' is no minute"),
        ("0 0 * * MON#6", "'MON#6' is no weekday"),
        ("0 0 ? * *", "'?' is no day of month"),
        ("0, * * * *", "is no minute"),
    ],
)
def test_other_cron_expressions_are_refused_with_the_reason(expression: str, problem: str) -> None:
    assert problem in cron_problem(expression)


@pytest.mark.parametrize(
    "pattern",
    [
        *("example.com/*", "*.example.com/*", "*example.com/images/*", "https://example.com/", "example.com", "*/*"),
        *("http://*.example.com/a/b*", "example.com*", "example.com:8080/*"),
    ],
)
def test_routes_of_cloudflare_are_accepted(pattern: str) -> None:
    assert route_problem(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("example.com/*.jpg", "a wildcard in the path stands at its end"),
        ("example.com/a/*/b", "a wildcard in the path stands at its end"),
        ("example.com/?foo=*", "no query"),
        ("shop.*.example.com/*", "a wildcard in the host name stands at its beginning"),
        ("ftp://example.com/*", "its scheme is ftp"),
        ("<your-domain>/*", "it names no zone"),
        ("localhost/*", "it names no zone"),
    ],
)
def test_other_routes_are_refused_with_the_reason(pattern: str, problem: str) -> None:
    assert problem in route_problem(pattern)


def test_clock_is_read_only_without_a_date(tmp_path: Path) -> None:
    tomorrow = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)).isoformat()
    (tmp_path / "wrangler.json").write_text(json.dumps({"compatibility_date": tomorrow}))

    result = run_probe("wrangler/refused", "--config", "wrangler.json", cwd=tmp_path)

    assert result.rules == ["compatibility_date"]


TILL = "export class Till {}\nexport default {};\n"


@pytest.mark.parametrize(
    ("entrypoint", "code", "rules"),
    [("Till", TILL, []), ("Shop", TILL, ["no_entrypoint"]), ("Shop", "export * from './x'", [])],
)
def test_entrypoint_of_another_worker(entrypoint: str, code: str, rules: list[str], tmp_path: Path) -> None:
    """A bundle with unknown exports gives no finding."""
    (tmp_path / "till").mkdir()
    (tmp_path / "till/index.js").write_text(code)
    services = [{"binding": "A", "service": "other"}, {"binding": "B", "service": "till", "entrypoint": entrypoint}]

    result = ask_of(tmp_path, {"services": services}, "--bound", "till", "till")

    assert (result.code, result.rules) == (len(rules), rules)
    if rules:
        assert result.document["diagnostics"][0]["line"] == line_of(tmp_path, '"Shop"')
        assert "Its named exports: Till" in result.messages[0]
