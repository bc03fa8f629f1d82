"""The words with which scripts of a package call a tool."""

import pytest

from tasks.catalogue import make_catalogue
from tasks.catalogue.quality.script_calls import ESLINT, VITEST, CallWords, called_with
from tests.support.factories import make_node_project, make_scene, make_stack, make_worker


@pytest.mark.parametrize(
    ("words", "scripts", "options", "paths"),
    [
        (ESLINT, {"lint": "eslint src --max-warnings 0"}, ["--max-warnings", "0"], ["src"]),
        (ESLINT, {"lint": "eslint . --ext .ts,.tsx --fix"}, ["--ext", ".ts,.tsx"], ["."]),
        (ESLINT, {"lint": "tsc && npx eslint 'src/**/*.ts' --cache"}, [], ["src/**/*.ts"]),
        (ESLINT, {"lint:fix": "eslint --fix src", "lint:js": "eslint --quiet"}, ["--quiet"], []),
        (ESLINT, {"lint": "eslint --cache --cache-location ./node_modules/.cache -f=unix ."}, [], ["."]),
        (ESLINT, {"lint": "next lint"}, [], []),
        (ESLINT, {"lint": "eslint $FILES"}, [], []),
        (
            VITEST,
            {"test": "wrangler deploy --dry-run && npx vitest run --config tests/v.mts"},
            ["--config", "tests/v.mts"],
            [],
        ),
        (VITEST, {"test:watch": "vitest --root x", "test": "vitest --run --reporter=dot"}, [], []),
        (VITEST, {"test": "vitest run --mode test --maxWorkers 1 --reporter dot"}, ["--mode", "test"], []),
        (VITEST, {"test": "vitest run --dir=src unit"}, ["--dir=src"], ["unit"]),
        (VITEST, {}, [], []),
    ],
)
def test_words_that_choose_files_and_configuration(
    words: CallWords, scripts: dict[str, str], options: list[str], paths: list[str]
) -> None:
    call = called_with(words, scripts)

    assert (call.options, call.paths) == (tuple(options), tuple(paths))


@pytest.mark.parametrize(
    ("script", "env"),
    [
        ("ESLINT_USE_FLAT_CONFIG=false eslint src", {"ESLINT_USE_FLAT_CONFIG": "false"}),
        (
            "TZ=UTC NODE_OPTIONS='--no-warnings -r x' npx eslint src",
            {"TZ": "UTC", "NODE_OPTIONS": "--no-warnings -r x"},
        ),
        ("cross-env TZ=UTC eslint src", {"TZ": "UTC"}),
        ("npx cross-env TZ=UTC eslint src", {"TZ": "UTC"}),
        ("eslint src --rule a=1", {}),
    ],
)
def test_variables_of_a_call_are_those_of_the_tool(script: str, env: dict[str, str]) -> None:
    call = called_with(ESLINT, {"lint": script})

    assert (dict(call.env), call.paths) == (env, ("src",))


def test_variables_of_a_script_reach_the_tests() -> None:
    node = make_node_project(scripts={"test": "TZ=UTC LEVEL=low vitest run"}, dependencies={"vitest": "1"})
    stack = make_stack(make_worker(node=node))
    scene = make_scene(stack, {})

    check = next(each for each in make_catalogue(scene).checks if each.name == "vitest")

    assert {"TZ": "UTC", "LEVEL": "low"}.items() <= dict(check.commands[-1].env).items()


@pytest.mark.parametrize(
    ("scripts", "files", "is_there"),
    [
        ({}, {}, False),
        ({"check": "npx eslint src"}, {}, True),
        ({}, {"eslint.config.mjs": ""}, True),
        ({}, {"workers/intake/.eslintrc.json": "{}"}, True),
        ({}, {"other/.eslintrc.json": "{}"}, False),
        ({}, {"package.json": '{"eslintConfig": {}}'}, True),
    ],
)
def test_eslint_runs_if_it_is_called_or_configured(
    scripts: dict[str, str], files: dict[str, str], is_there: bool
) -> None:
    scene = make_scene(make_stack(make_worker(node=make_node_project(scripts=scripts))), files)

    assert ("eslint" in {check.name for check in make_catalogue(scene).checks}) is is_there
