"""The documents are true and complete: files, links, flags, recipes, checks, settings and variables."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from deployments import deploy
from deployments.deploy import IMAGES
from deployments.webhook.settings import PREFIX as WEBHOOK
from deployments.webhook.settings import WebhookSettings
from flows.cli.declarations import PROGRAMS, RUN_FLAGS, SUBCOMMANDS
from flows.cli.help import render_help
from flows.cli.output import AGENTS
from flows.commits.notification import PREFIX as NOTIFY
from flows.commits.notification import NotificationSettings
from tasks.catalogue import ROWS
from tasks.catalogue.row import Row
from tasks.distribution.settings import PREFIX as SHARD
from tasks.distribution.settings import ShardSettings
from tasks.github.settings import PREFIX as GITHUB
from tasks.github.settings import GitHubSettings
from tasks.models import Stage
from tasks.secrets.deploy_check import CHECK as DEPLOY_SECRETS
from tasks.settings import Settings
from tasks.settings.load import OTHER_VARIABLES, PREFIX
from tasks.settings.models import STACK_RULES
from tasks.settings.stack_power import NEVER
from tasks.settings.tables import ComponentSettings, CustomCheck, FormSettings, ImageSettings, WorkerSettings
from tasks.validation.scope import read_scope
from tests.support.reference import TABLES, rows_in, write_rows
from tests.support.validate import ROOT, SAMPLE, copy_sample

README_BYTES = 12_000
PAGES = tuple(sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")))
FOR_USERS = ("README.md", *PAGES)
DOCUMENTS = (*FOR_USERS, "CONTRIBUTING.md", "CHANGELOG.md")

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")
FILE = re.compile(r"(?:[\w.*-]+/)+[\w.*-]*|[\w-]+\.(?:cfg|json|jsonc|lock|md|py|sh|toml|txt|ya?ml)|justfile")

# Files of a stack, of a run or of a user: neither this repository nor the sample has them.
ELSEWHERE = {
    "_routes.json",
    "functions/",
    "mise.toml",
    "netlify.toml",
    "vercel.json",
    ".wrangler/deploy/config.json",
    "Pipfile.lock",
    "bin/build.sh",
    "bin/post_compile",
    "build.sh",
    "cloudflare/wrangler-action",
    "pdm.lock",
    "pylock.toml",
    "poetry.lock",
    ".predeploy/",
    ".predeploy/latest",
    ".predeploy/runs",
    "app.json",
    "app.yaml",
    "fly.toml",
    "render.yaml",
    "logs/",
    "doppler.yaml",
    "manage.py",
    "package-lock.json",
    "predeploy.toml",
    "AGENTS.md",
    "gl-code-quality-report.json",
    "trace.json",
    "report.json",
    "report.md",
    "report.txt",
    "summary.json",
    "uv.lock",
    "wrangler.json",
    "wrangler.jsonc",
    "wrangler.toml",
    # texts with a slash that are no paths
    "OWNER/predeploy",
    "application/json",
    "owner/name",
    "shard/shard",
    "validate/on-push",
}
# Flags of other programs.
FOREIGN = {
    "--bind",
    "--build",
    "--categories",
    "--check",
    "--config",
    "--deploy",
    "--dev",
    "--dry-run",
    "--env",
    "--extra",
    "--extras",
    "--file",
    "--from",
    "--group",
    "--ignore",
    "--limit",
    "--no-default",
    "--no-dev",
    "--noEmit",
    "--param",
    "--port",
    "--prefix",
    "--prod",
    "--settings",
    "--strict-markers",
    "--with",
    "--without",
}
# Variables that processes of predeploy set for each other, and a variable of the tests.
INTERNAL = {"PREDEPLOY_CALLED_AS", "PREDEPLOY_TOKEN_FD"}
OF_TESTS = {"PREDEPLOY_TEST_CACHE"}
BASE_IMAGES = {"python", "node", "postgres", "uv"}


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def prose_of(document: str) -> str:
    """The text without code blocks."""
    return FENCE.sub("", text_of(document))


def spans(document: str) -> Iterator[str]:
    """The texts in backticks, outside of code blocks."""
    return iter(re.findall(r"`([^`\n]+)`", prose_of(document)))


def block(document: str, language: str) -> str:
    """The only code block of a language."""
    (found,) = [body for kind, body in FENCE.findall(text_of(document)) if kind == language]
    return str(found)


def first_cells(document: str, heading: str) -> set[str]:
    """The texts in backticks in the first column of the table with this heading."""
    _, _, table = text_of(document).partition(f"| {heading} |")
    rows = table.partition("\n\n")[0].splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])}


def named_files(document: str) -> set[str]:
    """Words in backticks that look like a path. Of a command, only the program counts."""
    words = {span.split()[0] for span in spans(document)}
    return {word for word in words if FILE.fullmatch(word.removeprefix("./"))}


def exists(path: str) -> bool:
    return any((base / path).exists() for base in (ROOT, SAMPLE))


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    anchors: set[str] = set()
    seen: Counter[str] = Counter()
    for heading in headings:
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return anchors


def all_flags() -> set[str]:
    """The flags of the command line and of its subcommands."""
    flags = [RUN_FLAGS, *(each.flags for each in SUBCOMMANDS.values())]
    of_programs = {option for action in deploy.make_parser()._actions for option in action.option_strings}
    ours = {flag.name for group in flags for flag in group.values()}
    return ours | {option for option in of_programs if option.startswith("--")}


def service_variables() -> set[str]:
    """The variables that are no settings of a run."""
    known = {GITHUB + name.upper() for name in GitHubSettings.model_fields}
    known |= {SHARD + name.upper() for name in ShardSettings.model_fields}
    known |= {WEBHOOK + name.upper() for name in WebhookSettings.model_fields}
    known |= {NOTIFY + name.upper() for name in NotificationSettings.model_fields}
    known |= set(re.findall(r"^#   (PREDEPLOY_DOCKER_\w+)", text_of("deployments/docker.yaml"), re.MULTILINE))
    return known | {*IMAGES} | OTHER_VARIABLES


def named_variables(document: str) -> set[str]:
    return set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", text_of(document)))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_files_exist(document: str) -> None:
    missing = {path for path in named_files(document) - ELSEWHERE if not exists(path)}

    assert not missing


def test_documents_name_files() -> None:
    assert "tasks/report/report.schema.json" in named_files("docs/cli.md")
    assert {"examples/cafe", "apps/web/inbox/models.py"} <= named_files("README.md")
    assert {"tasks/catalogue/row.py", "tasks/probes/"} <= named_files("docs/how-it-works.md")
    assert {"pyproject.toml", "tests/stacks/"} <= named_files("CONTRIBUTING.md")
    assert set().union(*map(named_files, DOCUMENTS)) >= ELSEWHERE


@pytest.mark.parametrize("document", DOCUMENTS)
def test_relative_links_and_anchors_resolve(document: str) -> None:
    page = ROOT / document
    broken = []
    for path, anchor in LINK.findall(prose_of(document)):
        target = (page.parent / path).resolve() if path else page
        is_there = target.is_relative_to(ROOT) and target.exists()
        if not is_there or (anchor and anchor not in anchors_of(target)):
            broken.append(f"{path}#{anchor}" if anchor else path)

    assert not broken


def test_readme_links_to_every_page() -> None:
    targets = {path for path, _ in LINK.findall(text_of("README.md"))}

    assert {*PAGES, "CONTRIBUTING.md", "CHANGELOG.md"} <= targets


def test_readme_is_one_page() -> None:
    assert (ROOT / "README.md").stat().st_size <= README_BYTES


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_recipes_exist(document: str) -> None:
    recipes = set(re.findall(r"^([a-z][\w-]*)[^:\n]*:(?!=)", text_of("justfile"), re.MULTILINE))
    named = set(re.findall(r"\./just\s+([a-z][\w-]*)", text_of(document)))

    assert named <= recipes


def test_readme_has_the_two_commands() -> None:
    assert {"./just pre-deploy", "./just test"} <= set(spans("README.md"))


def test_every_flag_is_explained_once_and_no_unknown_flag_is_named() -> None:
    ours = all_flags()
    explained = re.findall(r"^\| `(--[\w-]+)", text_of("docs/cli.md"), re.MULTILINE)
    named = {flag for page in FOR_USERS for flag in re.findall(r"(?<![\w-])--[A-Za-z][\w-]*", text_of(page))}

    assert sorted(explained) == sorted(ours)
    assert named - ours == FOREIGN


def test_every_subcommand_is_explained() -> None:
    explained = re.findall(r"^\| `predeploy (\w+)", text_of("docs/cli.md"), re.MULTILINE)

    assert sorted(explained) == sorted([*SUBCOMMANDS, *PROGRAMS])


@pytest.mark.parametrize(("document", "header"), TABLES)
def test_tables_are_made_of_the_declared_texts(document: str, header: str, request: pytest.FixtureRequest) -> None:
    page, rows = ROOT / document, [*TABLES[document, header]]
    if request.config.getoption("--update-golden"):
        write_rows(page, header, rows)

    assert rows_in(page, header) == rows, "change the text where it is declared, then run with --update-golden"


@pytest.mark.parametrize("document", ["README.md", "docs/cli.md"])
def test_table_has_every_exit_code(document: str) -> None:
    codes = re.findall(r"\b(\d+) +(?=[a-z])", render_help("predeploy").partition("Exit codes:")[2])
    rows = re.findall(r"^\| ([\d, ]+) \|", text_of(document), re.MULTILINE)

    assert [code for row in rows for code in row.split(", ")] == sorted(codes, key=int)


@pytest.mark.parametrize("document", ["README.md", "docs/checks.md"])
def test_table_has_every_check(document: str) -> None:
    names = [row.name.format(slug="coffee_shop") for row in ROWS]
    listed = re.findall(r"^\| (build|quality|integration) \| `(\w+)`", text_of(document), re.MULTILINE)

    rows = [(row.stage.value, name) for row, name in zip(ROWS, names, strict=True)]
    expected = sorted([*rows, ("build", DEPLOY_SECRETS.name)], key=lambda row: [*Stage].index(Stage(row[0])))
    advice = f"correct the table of checks in {document}: a line `| stage | `name` | … |` per row, in the order of ROWS"
    assert listed == expected, advice


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_variables_are_read(document: str) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | service_variables() | OF_TESTS

    assert named_variables(document) <= known


def test_every_variable_without_a_key_is_explained() -> None:
    explained = set().union(*map(named_variables, PAGES))

    assert service_variables() - INTERNAL <= explained


def test_example_has_every_key_that_a_stack_may_set() -> None:
    example: dict[str, Any] = tomllib.loads(block("docs/configuration.md", "toml"))
    components = [key for component in example["component"].values() for key in component]
    (check,) = example["check"]

    assert set(example) == {key for key, rule in STACK_RULES.items() if rule is not NEVER}
    assert sorted(components) == sorted(ComponentSettings.model_fields)
    assert set(check) == set(CustomCheck.model_fields)
    assert set(example["component"]["apps/web"]["image"]) == set(ImageSettings.model_fields)
    (images,) = re.findall(r"^PREDEPLOY_IMAGES='(.+)'$", text_of("docs/configuration.md"), re.MULTILINE)
    assert set(Settings.model_validate({"images": json.loads(images)}).images) <= BASE_IMAGES
    assert {key for worker in example["worker"].values() for key in worker} == set(WorkerSettings.model_fields)
    assert set(example["worker"]["intake"]["e2e"]) == set(FormSettings.model_fields)


def test_example_of_the_settings_fits_the_sample(tmp_path: Path) -> None:
    stack = tmp_path / "cafe"
    copy_sample(stack)
    (stack / "predeploy.toml").write_text(block("docs/configuration.md", "toml"))

    scope = read_scope(stack, {}, {}, tmp_path / "cache")

    ids = [check.id for check in scope.plan.checks]
    assert "invoices[apps/web]" in ids
    assert "ruff_format[apps/web]" not in ids
    assert scope.plan["invoices[apps/web]"].needs == ("migrate[apps/web]",)


def test_variables_of_agents_and_ci_are_listed() -> None:
    assert set(AGENTS) <= set(spans("docs/ci.md"))


def test_inputs_of_the_action_are_listed() -> None:
    assert first_cells("docs/ci.md", "input of `action.yml` | default | meaning") == set(
        yaml.safe_load(text_of("action.yml"))["inputs"]
    )


def test_deployments_are_listed() -> None:
    deployments = yaml.safe_load(text_of("prefect.yaml"))["deployments"]

    assert first_cells("docs/operating.md", "deployment | effect") == {each["name"] for each in deployments}


def test_fields_of_a_row_are_listed() -> None:
    assert first_cells("CONTRIBUTING.md", "field of `Row` | content") == {field.name for field in fields(Row)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_have_no_path_of_a_machine(document: str) -> None:
    assert not re.search(r"(?<![\w.:~])/(?:root|home|work|tmp|opt|usr|var|Users)/", text_of(document))
