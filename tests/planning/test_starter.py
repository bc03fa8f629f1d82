"""The files that `predeploy init` writes are valid, and leave every fact as it is."""

import tomllib

import pytest
import yaml  # type: ignore[import-untyped]

from tasks.planning.starter import ACTION, agents_text, hook_text, settings_text, workflow_text
from tasks.production import Inspected, InspectedComponent, Sourced
from tasks.settings import Settings
from tests.support.validate import ROOT

HOSTILE = 'a"]\nengine = "dagger"\n[x'
COMPONENTS = (
    InspectedComponent(
        kind="web",
        path=".",
        name="shop",
        facts=(
            Inspected(topic="settings", found=Sourced(value="shop.settings", file="manage.py", line=7, why="default")),
            Inspected(
                topic="server",
                found=Sourced(value="gunicorn shop.wsgi", why="the WSGI module", guess=True),
                correction='server = "gunicorn shop.wsgi"',
            ),
        ),
        variables=(Sourced(value="SECRET_KEY=a value", why="a throwaway"),),
    ),
    InspectedComponent(
        kind="site", path=HOSTILE, name="", facts=(Inspected(topic="output", found=Sourced(why=HOSTILE)),)
    ),
)


def test_settings_are_valid_and_set_nothing() -> None:
    text = settings_text(COMPONENTS)
    found = tomllib.loads(text)

    assert [*found] == ["component"]
    assert [*found["component"].values()] == [{}, {}]
    Settings.model_validate(found)


def test_facts_are_comments_and_a_guess_has_its_line() -> None:
    lines = settings_text(COMPONENTS).splitlines()

    assert "#   settings: shop.settings (manage.py:7: default)" in lines
    assert '# server = "gunicorn shop.wsgi"' in lines
    assert "#   variables: SECRET_KEY" in lines
    uncommented = lines[lines.index('# server = "gunicorn shop.wsgi"')][2:]
    assert tomllib.loads(uncommented) == {"server": "gunicorn shop.wsgi"}


@pytest.mark.parametrize("directory", [".", "apps/the shop", 'a"b: {c}'])
def test_workflow_is_valid(directory: str) -> None:
    steps = yaml.safe_load(workflow_text(directory))["jobs"]["predeploy"]["steps"]
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]

    assert steps[1]["uses"] == ACTION
    assert steps[1]["with"].get("stack", ".") == directory
    assert {*steps[1]["with"]} <= {*inputs}
    assert "write the repository" not in workflow_text(directory, "ada/predeploy@1f2e")


def test_hook_quotes_the_directory() -> None:
    assert "exec predeploy 'the shop; rm -rf /' --fail-fast" in hook_text("the shop; rm -rf /")


def test_paragraph_for_agents_is_short_and_names_the_commands() -> None:
    text = agents_text("apps/web")

    assert len(text) < 1000
    for command in ("predeploy apps/web", "predeploy rerun apps/web", "predeploy explain CODE"):
        assert command in text


def test_hook_of_pre_commit_calls_the_command() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    assert (hook["entry"], hook["language"], hook["pass_filenames"]) == ("predeploy", "python", False)


def test_documents_show_the_same_pins() -> None:
    assert "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1" in (ROOT / "docs/ci.md").read_text()
