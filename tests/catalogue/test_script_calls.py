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
    assert called_with(words, scripts) == (tuple(options), tuple(paths))


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
