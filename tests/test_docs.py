"""The documents are true: files, flags, recipes, checks and settings that they name are there, and none is left out."""

import argparse
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.webhook.settings import PREFIX as WEBHOOK
from deployments.webhook.settings import WebhookSettings
from flows.cli.arguments import make_parser
from flows.cli.subcommands import SUBCOMMANDS
from tasks.catalogue import ROWS
from tasks.distribution.settings import PREFIX as SHARD
from tasks.distribution.settings import ShardSettings
from tasks.github.settings import PREFIX as GITHUB
from tasks.github.settings import GitHubSettings
from tasks.models import Stage
from tasks.notification import PREFIX as NOTIFY
from tasks.notification import NotificationSettings
from tasks.secrets.deploy_check import CHECK as DEPLOY_SECRETS
from tasks.settings import Settings
from tasks.settings.load import OTHER_VARIABLES, PREFIX
from tasks.settings.models import ComponentSettings, CustomCheck, FormSettings, ImageSettings, WorkerSettings
from tasks.validation.scope import read_scope
from tests.support.validate import ROOT, SAMPLE, copy_sample

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
FILE = re.compile(r"(?:[\w.*-]+/)+[\w.*-]*|[\w-]+\.(?:cfg|json|jsonc|lock|md|py|sh|toml|txt|ya?ml)|justfile")

# What a document may call by name although it is no file of this repository or of the sample: it is one of a stack, of
# a run, or of a user.
ELSEWHERE = {
    ".predeploy/",
    ".predeploy/latest",
    ".predeploy/runs",
    "logs/",
    "manage.py",
    "package-lock.json",
    "predeploy.toml",
    "report.json",
    "report.txt",
    "uv.lock",
    "wrangler.json",
    "wrangler.jsonc",
    "wrangler.toml",
    # what only looks like a path
    "OWNER/predeploy",
    "application/json",
    "owner/name",
    "validate/on-push",
}
# Flags of other programs that the README names.
FOREIGN = {
    "--bind",
    "--build",
    "--check",
    "--deploy",
    "--detach",
    "--dry-run",
    "--file",
    "--limit",
    "--noEmit",
    "--param",
}


BASE_IMAGES = {"python", "node", "postgres", "uv"}


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def spans(document: str) -> Iterator[str]:
    """What stands in backticks, outside of blocks."""
    return iter(re.findall(r"`([^`\n]+)`", FENCE.sub("", text_of(document))))


def block(document: str, language: str) -> str:
    """The one block of a language."""
    (found,) = [body for kind, body in FENCE.findall(text_of(document)) if kind == language]
    return str(found)


def named_files(document: str) -> set[str]:
    """Words in backticks that look like a path, and targets of links. Of a command the program is meant."""
    words = {span.split()[0] for span in spans(document)}
    files = {word for word in words if FILE.fullmatch(word.removeprefix("./"))}
    return files | set(LINK.findall(text_of(document)))


def exists(path: str) -> bool:
    return any((base / path).exists() for base in (ROOT, SAMPLE))


def flags_of(parser: argparse.ArgumentParser) -> set[str]:
    return set(re.findall(r"--[\w-]+", parser.format_help()))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_is_there(document: str) -> None:
    missing = {path for path in named_files(document) - ELSEWHERE if not exists(path)}

    assert not missing


def test_documents_name_files_at_all() -> None:
    assert {"examples/cafe", "tasks/report/report.schema.json"} <= named_files("README.md")
    assert {"tasks/catalogue/row.py", "tests/faults/rows.py", "tests/stacks/"} <= named_files("CONTRIBUTING.md")
    assert set().union(*map(named_files, DOCUMENTS)) >= ELSEWHERE


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_recipe_that_is_named_is_there(document: str) -> None:
    recipes = set(re.findall(r"^([a-z][\w-]*)[^:\n]*:(?!=)", (ROOT / "justfile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\./just ([a-z][\w-]*)", text_of(document)))

    assert named <= recipes


def test_readme_tells_the_two_commands() -> None:
    assert {"./just pre-deploy", "./just test"} <= set(spans("README.md"))


def test_readme_has_every_flag_and_no_other() -> None:
    ours = flags_of(make_parser("predeploy"))
    ours |= {flag for each in SUBCOMMANDS.values() for flag, _ in each.arguments if flag.startswith("--")}
    in_readme = set(re.findall(r"(?<![\w-])--[A-Za-z][\w-]*", text_of("README.md")))
    explained = {flag for span in spans("README.md") for flag in re.findall(r"^--[\w-]+", span)}

    assert in_readme - ours == FOREIGN
    assert ours <= explained


def test_readme_has_every_exit_code() -> None:
    epilog = str(make_parser("predeploy").epilog)
    codes = re.findall(r"^ +(\d+) +(?=[a-z])", epilog.partition("exit codes:")[2], re.MULTILINE)
    rows = re.findall(r"^\| ([\d, ]+) \|", text_of("README.md"), re.MULTILINE)

    assert [code for row in rows for code in row.split(", ")] == sorted(codes, key=int)


def test_readme_has_every_check() -> None:
    names = [row.name.format(slug="coffee_shop") for row in ROWS]
    listed = re.findall(r"^\| (build|quality|integration) \| `(\w+)`", text_of("README.md"), re.MULTILINE)

    rows = [(row.stage.value, name) for row, name in zip(ROWS, names, strict=True)]
    assert listed == sorted([*rows, ("build", DEPLOY_SECRETS.name)], key=lambda row: [*Stage].index(Stage(row[0])))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_variable_that_is_named_is_read(document: str) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    known |= {GITHUB + name.upper() for name in GitHubSettings.model_fields}
    known |= {SHARD + name.upper() for name in ShardSettings.model_fields}
    known |= {WEBHOOK + name.upper() for name in WebhookSettings.model_fields}
    known |= {NOTIFY + name.upper() for name in NotificationSettings.model_fields}
    known |= {SHARD + name.upper() for name in ShardSettings.model_fields}
    known |= set(re.findall(r"^#   (PREDEPLOY_DOCKER_\w+)", text_of("deployments/docker.yaml"), re.MULTILINE))
    named = set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", text_of(document))) - {"PREDEPLOY_TEST_CACHE"}

    assert named <= known


def test_example_of_the_settings_has_every_key_once() -> None:
    example: dict[str, Any] = tomllib.loads(block("README.md", "toml"))
    components = [key for component in example["component"].values() for key in component]
    (check,) = example["check"]

    assert set(example) == set(Settings.model_fields)
    assert sorted(components) == sorted(ComponentSettings.model_fields)
    assert set(check) == set(CustomCheck.model_fields)
    assert set(example["component"]["apps/web"]["image"]) == set(ImageSettings.model_fields)
    assert set(example["images"]) == BASE_IMAGES
    assert {key for worker in example["worker"].values() for key in worker} == set(WorkerSettings.model_fields)
    assert set(example["worker"]["intake"]["e2e"]) == set(FormSettings.model_fields)


def test_example_of_the_settings_fits_the_sample(tmp_path: Path) -> None:
    stack = tmp_path / "cafe"
    copy_sample(stack)
    (stack / "predeploy.toml").write_text(block("README.md", "toml"))

    scope = read_scope(stack, {}, {}, tmp_path / "cache")

    ids = [check.id for check in scope.plan.checks]
    assert "invoices[apps/web]" in ids
    assert "ruff_format[apps/web]" not in ids
    assert scope.plan["invoices[apps/web]"].needs == ("migrate[apps/web]",)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_name_no_path_of_a_machine(document: str) -> None:
    assert not re.search(r"(?<![\w.:~])/(?:root|home|work|tmp|opt|usr|var|Users)/", text_of(document))
