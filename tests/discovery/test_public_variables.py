"""The variables that the build of a site needs, and their values for a run."""

import pytest

from tasks.catalogue.build_env import example_env, thrown_names
from tasks.discovery.file_view import FileView
from tasks.discovery.public_variables import private_variables, public_variables
from tasks.settings import ComponentSettings, Settings
from tasks.variable import Variable
from tests.discovery.trees import astro, look
from tests.support.factories import make_node_project, make_scene, make_site, make_stack


def names(code: str, **files: str) -> list[str]:
    tree = {"s/src/pages/index.astro": code, **{path.replace("__", "/"): text for path, text in files.items()}}
    return [each.name for each in public_variables(FileView(tree.keys(), tree.__getitem__), "s")]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("const url = new URL(import.meta.env.PUBLIC_API_URL);", ["PUBLIC_API_URL"]),
        ("fetch(process.env.NEXT_PUBLIC_API_URL + path)", ["NEXT_PUBLIC_API_URL"]),
        ("import { PUBLIC_A, PUBLIC_B as b } from '$env/static/public'", ["PUBLIC_A", "PUBLIC_B"]),
        ("import { CMS_TOKEN } from '$env/static/private'", ["CMS_TOKEN"]),
        ("const id = import.meta.env.PUBLIC_ID || 'none';", []),
        ("const id = import.meta.env.PUBLIC_ID ?? 'none';", []),
        ("{import.meta.env.PUBLIC_ID && <Analytics />}", []),
        ("if (import.meta.env.PUBLIC_ID) { load(import.meta.env.PUBLIC_ID) }", []),
        ("// import.meta.env.PUBLIC_OLD\n", []),
        ("import.meta.env.BASE_URL + import.meta.env.MODE + process.env.NODE_ENV", []),
    ],
)
def test_names_that_the_code_needs(code: str, found: list[str]) -> None:
    assert names(code) == found


def test_names_in_a_file_that_the_build_reads_need_no_value() -> None:
    files = {"s/.env.production": "PUBLIC_A=1", "s/src/a.ts": "f(import.meta.env.PUBLIC_A, import.meta.env.PUBLIC_B)"}
    files |= {"s/tests/a.ts": "f(import.meta.env.PUBLIC_C)"}

    found = public_variables(FileView(files.keys(), files.__getitem__), "s")

    assert [each.name for each in found] == ["PUBLIC_B"]


def test_the_schema_of_astro_gives_shapes() -> None:
    config = """export default { env: { schema: {
      API_URL: envField.string({ context: "client", access: "public", url: true }),
      PORTS: envField.number({ context: "server", access: "public" }),
      TIER: envField.enum({ context: "server", access: "public", values: ["gold", "tin"] }),
      NOTE: envField.string({ context: "client", access: "public", optional: true }),
      SIZE: envField.number({ context: "client", access: "public", default: 3 }),
    } } };"""
    (component,) = look(astro("s") | {"s/astro.config.mjs": config}).components

    assert component.node
    assert component.node.reads == (
        Variable(name="API_URL", shape="url", required=True),
        Variable(name="PORTS", shape="number", required=True),
        Variable(name="TIER", required=True, choices=("gold",)),
    )


def test_values_come_from_settings_then_examples_then_throwaways() -> None:
    reads = tuple(Variable(name=f"PUBLIC_{name}", required=True) for name in ("A", "B", "C", "API_URL"))
    site = make_site("s", make_node_project("s", root=".", reads=reads))
    files = {"s/.env.example": "PUBLIC_A=a\nPUBLIC_B=b", ".env.sample": "PUBLIC_C=c\nOTHER=x"}
    settings = Settings(jobs=1, component={"s": ComponentSettings(env={"PUBLIC_A": "own"})})

    context = make_scene(make_stack(site), files, settings)
    env = dict(example_env(site, context))

    assert thrown_names(site, context) == {"": ("PUBLIC_API_URL",)}
    assert env == {
        "PUBLIC_A": "own",
        "PUBLIC_B": "b",
        "PUBLIC_C": "c",
        "PUBLIC_API_URL": "https://public-api-url.predeploy.invalid",
    }


def test_private_variables_have_the_places_of_their_reads() -> None:
    files = {
        "s/vite.config.js": "if (!process.env.API_BASE)\n  throw 1;\nconst { CMS_TOKEN, PORT } = process.env;\n",
        "s/src/a.ts": 'import.meta.env["CMS_URL"]; process.env.NODE_ENV; process.env.PUBLIC_A; process.env.VERCEL_URL',
        "s/src/a.test.ts": "process.env.TEST_ONLY",
    }

    found = private_variables(FileView(files.keys(), files.__getitem__), "s")

    assert {(each.name, each.file, each.line) for each in found} == {
        ("API_BASE", "s/vite.config.js", 1),
        ("CMS_TOKEN", "s/vite.config.js", 3),
        ("CMS_URL", "s/src/a.ts", 1),
    }


def test_a_worker_that_a_build_makes_reads_variables_too() -> None:
    files = {
        "w/package.json": '{"name": "w", "scripts": {"build": "vite build"}}',
        "w/wrangler.json": '{"name": "w", "main": ".svelte-kit/cloudflare/_worker.js"}',
        "w/src/routes/+page.server.js": "import { CMS_KEY } from '$env/static/private'",
    }

    (component,) = look(files).components

    assert component.node
    assert [each.name for each in component.node.reads] == ["CMS_KEY"]
