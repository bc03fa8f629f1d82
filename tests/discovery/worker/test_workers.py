"""Discovery of Workers."""

import json

import pytest

from tasks.stack import Kind
from tests.discovery.trees import look, package, worker

MAIN = {"w/src/index.ts": "", "w/src/index.js": ""}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wrangler.toml", 'name = "intake"\nmain = "src/index.ts"\n[env.preview]\nname = "x"\n[env.live]\n'),
        ("wrangler.json", '{"name": "intake", "main": "src/index.ts", "env": {"preview": {}, "live": {}}}'),
        ("wrangler.jsonc", '{"name": "intake", // yes\n "main": "src/index.ts", "env": {"live": {}, "preview": {},}}'),
    ],
)
def test_files_of_wrangler(name: str, text: str) -> None:
    found = worker(MAIN | {f"w/{name}": text, "w/tsconfig.json": ""})

    assert (found.config, found.name, found.main) == (f"w/{name}", "intake", "src/index.ts")
    assert (found.tsconfig, found.environments) == ("w/tsconfig.json", ("live", "preview"))


@pytest.mark.parametrize(
    "script",
    [
        "wrangler deploy src/index.ts --minify",
        "npm run build && npx wrangler deploy ./src/index.ts",
        "wrangler deploy --keep-vars --define A:./a.ts --minify src/index.ts",
    ],
)
def test_script_names_the_entry_point_that_the_wrangler_file_lacks(script: str) -> None:
    files = {"w/wrangler.json": '{"name": "w"}', "w/package.json": json.dumps({"scripts": {"deploy": script}})}

    assert worker(MAIN | files).main.removeprefix("./") == "src/index.ts"


def test_of_two_files_wrangler_s_first_choice_is_used() -> None:
    files = MAIN | {"w/wrangler.toml": 'main = "src/index.js"', "w/wrangler.jsonc": '{"main": "src/index.ts"}'}

    assert worker(files).config == "w/wrangler.jsonc"
    assert look(files).warnings == (
        "w/wrangler.jsonc is used and w/wrangler.toml is not: wrangler reads only one file; delete the other",
    )


@pytest.mark.parametrize(
    ("main", "configs", "tsconfig"),
    [
        ("src/index.ts", ["w/tsconfig.json"], "w/tsconfig.json"),
        ("src/index.js", ["w/tsconfig.json"], "w/tsconfig.json"),
        ("src/index.js", ["tsconfig.json"], None),
        ("src/index.ts", ["tsconfig.json"], "tsconfig.json"),
        ("src/index.ts", [], None),
    ],
)
def test_tsconfig_of_a_worker(main: str, configs: list[str], tsconfig: str | None) -> None:
    files = MAIN | {"w/wrangler.json": f'{{"main": "{main}"}}'} | dict.fromkeys(configs, "{}")

    assert worker(files).tsconfig == tsconfig


def test_a_tsconfig_above_the_package_is_another_packages() -> None:
    files = MAIN | {"w/wrangler.json": '{"main": "src/index.ts"}', "w/package.json": "{}", "tsconfig.json": "{}"}

    assert worker(files).tsconfig is None


def test_a_worker_of_assets_alone() -> None:
    found = worker(
        {"w/wrangler.jsonc": '{"name": "w", "assets": {"directory": "./public"}}', "w/public/index.html": ""}
    )

    assert (found.main, found.assets) == ("", "./public")


@pytest.mark.parametrize("text", ['{"pages_build_output_dir": "dist"}', '{"name": "only-bindings"}', "{}", ""])
def test_a_file_without_a_worker_gets_a_warning(text: str) -> None:
    stack = look({"w/wrangler.json": text})

    assert stack.components == ()
    assert "w/wrangler.json" in stack.warnings[0]


def test_a_broken_file_is_still_a_worker() -> None:
    stack = look(MAIN | {"w/wrangler.jsonc": '{\n  "name": "intake",\n  "main": "src/index.ts"\n  "x": 1\n}'})

    assert stack.components[0].worker
    assert (stack.components[0].worker.name, stack.components[0].worker.main) == ("intake", "src/index.ts")
    assert stack.warnings[0].startswith("w/wrangler.jsonc: broken (Expecting ',' delimiter: line 4 column 3")


def test_an_entry_point_only_in_environments() -> None:
    assert worker(MAIN | {"w/wrangler.toml": '[env.live]\nmain = "src/index.ts"'}).main == "src/index.ts"


@pytest.mark.parametrize(
    ("directory", "package_name", "name"),
    [("workers/intake", "pkg", "intake"), (".", "pkg", "in-wrangler"), (".", "", "in-wrangler")],
)
def test_worker_names(directory: str, package_name: str, name: str) -> None:
    prefix = "" if directory == "." else f"{directory}/"
    files = {f"{prefix}wrangler.json": '{"name": "in-wrangler", "main": "i.js"}', f"{prefix}i.js": ""}
    if package_name:
        files[f"{prefix}package.json"] = package(name=package_name)

    assert look(files).of(Kind.WORKER)[0].name == name
