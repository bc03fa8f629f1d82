"""The variables that a Worker's code expects."""

import json
from typing import Any

import pytest

from tasks.worker import Worker
from tests.discovery.trees import Files, worker

CONFIG = {"name": "intake", "main": "src/index.ts"}
TYPES = """
export interface Env {
  /** Origins, by name; NOT_A: string */
  CLIENTS: Record<string, string[]>;
  readonly INTAKE_API_KEY: string; // OLD_KEY: string
  NEON_DATABASE_URL?: string | undefined;
  MODE: "live" | "test";
  DEEP: { INNER: string };
  CACHE: KVNamespace;
}
"""
GENERATED = """
declare namespace Cloudflare {
	interface Env {
		CACHE: KVNamespace;
		MODE: "live";
		DATABASE_URL: string;
	}
}
interface Env extends Cloudflare.Env {}
"""


def look(source: str = "", files: Files | None = None, **config: Any) -> Worker:
    tree = {"w/wrangler.json": json.dumps(CONFIG | config), "w/src/index.ts": source}
    return worker(tree | dict(files or {}))


def test_content_of_the_wrangler_file() -> None:
    kv = [{"binding": "CACHE", "id": "1"}]
    found = look(
        compatibility_date="2026-09-01",
        compatibility_flags=["nodejs_compat"],
        vars={"MODE": "live", "CLIENTS": {"shop": ["a"]}},
        kv_namespaces=kv,
        rules=[{"type": "Text", "globs": ["**/*.md"]}],
    )

    assert (found.date, found.flags) == ("2026-09-01", ("nodejs_compat",))
    assert found.vars == {"MODE": "live", "CLIENTS": {"shop": ["a"]}}
    assert found.bindings == {"kv_namespaces": kv}
    assert found.rules == ({"type": "Text", "globs": ["**/*.md"]},)


@pytest.mark.parametrize(
    ("section", "value", "is_one"),
    [
        ("queues", {"producers": [{"binding": "JOBS", "queue": "jobs"}]}, True),
        ("queues", {"consumers": [{"queue": "jobs"}]}, False),
        ("durable_objects", {"bindings": [{"name": "ROOM", "class_name": "Room"}]}, True),
        ("ai", {"binding": "AI"}, True),
        ("assets", {"directory": "./public", "binding": "ASSETS"}, True),
        ("assets", {"directory": "./public"}, True),  # they answer requests, too
        ("assets", {"not_found_handling": "none"}, False),
        ("r2_buckets", [], False),
        ("d1_databases", "nonsense", False),
        ("kv_namespaces", [3, None, {"id": "x"}], False),
    ],
)
def test_only_sections_that_bind_a_name_are_bindings(section: str, value: Any, is_one: bool) -> None:
    found = look("export interface Env { JOBS: string; ROOM: string; AI: string }", **{section: value})

    assert (found.bindings == {section: value}) is is_one
    assert len(found.reads) == 3 - (is_one and section != "assets")


def test_text_members_of_the_type_that_have_no_value() -> None:
    found = look(TYPES, vars={"MODE": "live", "CLIENTS": {}}, kv_namespaces=[{"binding": "CACHE", "id": "1"}])

    assert found.reads == ("INTAKE_API_KEY", "NEON_DATABASE_URL")


@pytest.mark.parametrize(
    "text",
    [
        "type Env = { DATABASE_URL: string, CACHE: KVNamespace }",
        "type Bindings = {\n  DATABASE_URL: string\n  CACHE: KVNamespace\n}",
        "export type Env = Readonly<Base> & {\n  'DATABASE_URL': string;\n};",
        "interface Env extends Base {\n  DATABASE_URL: string;\n}",
        "export default { fetch(request, env) { return open(env.DATABASE_URL); } };",
        "app.get('/', (c) => open(c.env.DATABASE_URL))",
        "const { DATABASE_URL, lower } = env;",
        "const { DATABASE_URL: url } = c.env",
    ],
)
def test_ways_to_read_a_variable(text: str) -> None:
    assert look(text).reads == ("DATABASE_URL",)


def test_types_that_wrangler_generated() -> None:
    found = look("", {"w/worker-configuration.d.ts": GENERATED}, vars={"MODE": "live"})

    assert found.reads == ("DATABASE_URL",)


def test_examples_and_required_secrets() -> None:
    files = {"w/.dev.vars.example": "# no\nAPI_KEY=change-me\nexport MAIL_TOKEN=x\nnot a name=1\n"}
    found = look("", files, secrets={"required": ["DATABASE_URL"]})

    assert found.reads == ("API_KEY", "DATABASE_URL", "MAIL_TOKEN")


@pytest.mark.parametrize(
    "path", ["w/test/env.ts", "w/node_modules/a/index.ts", "w/src/index.test.ts", "w/dist/index.js", "w/vite.config.ts"]
)
def test_files_outside_of_the_worker_s_code(path: str) -> None:
    found = look("", {path: "interface Env { DATABASE_URL: string }"})

    assert (found.reads, found.sources) == ((), ("w/src/index.ts",))


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"vars": ["a"], "compatibility_flags": "x", "rules": {}, "secrets": 3}, "interface Env {"),
        ({"vars": None, "kv_namespaces": {"binding": 3}, "ai": []}, "type Env = { A: string"),
        ({"secrets": {"required": [1, {}]}, "queues": [[]]}, "interface Env { } } }"),
    ],
)
def test_odd_files_raise_no_error(config: dict[str, Any], text: str) -> None:
    found = look(text, **config)

    assert (found.vars, found.flags, found.rules, found.bindings) == ({}, (), (), {})
    assert found.reads in {(), ("A",)}


def test_a_toml_file_is_read_alike() -> None:
    text = 'name = "w"\nmain = "src/index.ts"\n[vars]\nMODE = "live"\n[[kv_namespaces]]\nbinding = "CACHE"\nid = "1"\n'
    found = worker({"w/wrangler.toml": text, "w/src/index.ts": TYPES})

    assert (found.vars, found.bindings) == ({"MODE": "live"}, {"kv_namespaces": [{"binding": "CACHE", "id": "1"}]})
    assert found.reads == ("INTAKE_API_KEY", "NEON_DATABASE_URL")
