"""Lowering: the steps and environments of a whole stack as golden files, and what changes keys and names."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from tasks.catalogue import ROWS, make_catalogue
from tasks.diagnostics import PARSERS
from tasks.errors import UsageError
from tasks.models import Stage
from tasks.packages.own_wrangler import ROOT
from tasks.planning.environments import python_environment
from tasks.planning.lowering import Lowering, database_of, slot_of, slug
from tasks.production import PythonInstallation
from tasks.settings import CustomCheck, Settings
from tasks.stack import Kind, NodeProject, PythonProject, Site, Stack, Version
from tasks.steps import DB_MIGRATED, OUT, SERVER_PORT, Check, Environment, Inputs, Service, Step
from tasks.worker import Worker
from tests.support.factories import (
    make_check,
    make_command,
    make_lowering,
    make_node_project,
    make_requirements_project,
    make_scene,
    make_site,
    make_stack,
    make_uv_project,
    make_web,
    make_whole_plan,
    make_worker,
)

CODE = "workers/intake/src/app.ts"
FUNCTION = "sites/coffee-shop/functions/api/stock.ts"
INTAKE = make_worker(
    reads=("INTAKE_API_KEY", "NEON_DATABASE_URL"),
    sources=(CODE,),
    vars={"CLIENTS": {"coffee-shop": []}},
    crons=("0 4 * * *",),
)
SHOP = make_web("apps/shop", make_requirements_project(), wsgi="")
TYPED = {"astro": "^5", "@astrojs/check": "^0.9", "vue-tsc": "^3", "svelte-check": "^4"}
DEPLOYED = Worker(config="sites/coffee-shop/wrangler.toml", name="coffee-shop", main="_worker.js", sources=(FUNCTION,))
PAGES = make_site(node=make_node_project("sites/coffee-shop", dependencies=TYPED), functions=True, pages=DEPLOYED)
LIBRARY = replace(
    make_site("packages/coffee-shop"), kind=Kind.PACKAGE, site=Site(generator="", output="", script="build")
)
STACK = make_stack(SHOP, make_web(), INTAKE, PAGES, LIBRARY)
FILES = {
    CODE: '"/intake/"',
    FUNCTION: "export const onRequest = () => new Response();\n",
    "sites/coffee-shop/tsconfig.json": "{}",
}
PLAN = make_whole_plan(make_scene(STACK, FILES))
LOWERING = make_lowering(STACK)


def steps_of(check: Check, attempt: int = 1) -> list[Step]:
    return [LOWERING.step(check, command, attempt) for command in check.commands]


def shown(step: Step) -> dict[str, Any]:
    """Returns a step as plain data. Environments are replaced by their keys; they have their own golden file."""
    document = asdict(step)
    holders: list[tuple[dict[str, Any], Step | Service]] = [(document, step)]
    holders += zip(document["services"], step.services, strict=True)
    for holder, of in holders:
        if of.environment:
            holder["environment"] = of.environment.key
        if of.image and of.image.environment:
            holder["image"]["environment"] = of.image.environment.key
    return document


def environments_of(steps: list[Step]) -> dict[str, Environment]:
    found = [step.environment for step in steps]
    found += [each.environment for step in steps for each in step.services]
    return {each.key: each for each in found if each}


def test_every_row_has_steps_in_a_golden_file() -> None:
    rows = {row.name.format(slug="coffee_shop") for row in ROWS}
    planned = {check.name for check in PLAN.checks if check.commands}

    missing = sorted(rows - planned)
    assert not missing, f"{missing}: give STACK what these rows need, for example a tool in tests/support/factories.py"


def test_every_parser_of_a_command_exists() -> None:
    unknown = {
        (check.name, command.parser)
        for check in PLAN.checks
        for command in check.commands
        if command.parser not in PARSERS
    }

    assert not unknown, "correct the parser of these rows, or enter it in PARSERS (tasks/diagnostics/__init__.py)"


@pytest.mark.parametrize("component", [component.path for component in STACK.components])
def test_steps_match_the_golden_files(component: str, golden: Callable[[str, str], None]) -> None:
    checks = [check for check in PLAN.checks if check.component == component]
    document = {check.id: [shown(step) for step in steps_of(check)] for check in checks}

    golden(f"steps-{component.replace('/', '-')}.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def test_environments_match_the_golden_file(golden: Callable[[str, str], None]) -> None:
    environments = environments_of([step for check in PLAN.checks for step in steps_of(check)])
    document = {key: asdict(environments[key]) for key in sorted(environments)}

    golden("environments.json", json.dumps(document, indent=1) + "\n")


def test_lowering_is_the_same_each_time() -> None:
    again = make_whole_plan(make_scene(STACK, FILES))

    for check in PLAN.checks:
        assert [shown(step) for step in steps_of(check)] == [shown(step) for step in steps_of(again[check.id])]


def test_name_of_a_check_reaches_an_engine_only_in_the_slot() -> None:
    custom = CustomCheck(name="xyzzy", title="Xyzzy", stage=Stage.QUALITY, run=("tool",))
    context = make_scene(STACK, FILES, Settings(jobs=1, check=(custom,)))
    check = next(check for check in make_catalogue(context).checks if check.name == "xyzzy")

    (step,) = steps_of(check)

    assert "xyzzy" not in json.dumps(asdict(replace(step, slot="")))


def test_every_token_has_a_meaning_in_its_step() -> None:
    """Database tokens need a database, and a server's tokens need a service with that name."""
    for check in PLAN.checks:
        for step in steps_of(check):
            text = json.dumps([step.argv, step.env])
            assert step.database is not None or "@db." not in text
            named = set(re.findall(r"@(\w+)\.(?:host|port)@", text)) - {"db"}
            assert named <= {each.name for each in step.services}


def test_services_run_next_to_their_commands() -> None:
    server = make_command("serve", label="server", env=(("URL", "@db.url@"),), environment="production")
    deaf = make_command("log", label="log")
    asks = make_command("second", SERVER_PORT, services=(deaf, server))
    check = make_check("health", commands=(make_command("first"), asks), database="migrated")

    first, second = steps_of(check)

    assert first.services == ()
    assert [each.name for each in second.services] == ["log", "server"]
    assert [each.database for each in second.services] == [None, second.database]
    assert [each.environment for each in second.services] == [None, LOWERING.environment(check, "production")]
    assert (first.volatile, second.volatile) == (True, True)


def test_a_command_of_another_component_runs_with_its_packages_and_files() -> None:
    commands = (
        make_command("node", environment="node"),
        make_command("python", environment="production", component="apps/web"),
        make_command("again", environment="production", component="apps/web"),
    )
    check = make_check("e2e", commands=commands, path="workers/intake", workspace_of="worker_container[workers/intake]")

    own, other, again = steps_of(check)

    assert own.slot == slot_of(check)
    assert other.slot == again.slot != own.slot
    assert (own.begins, other.begins, again.begins) == (False, True, False)
    assert other.environment == LOWERING.environment(check, "production", "apps/web")


def test_a_database_may_be_a_copy_of_another_component_s() -> None:
    borrowed = make_check("e2e", database="migrated", path="workers/intake", migrated_by="apps/web")
    own = make_check("migrate", database="template", path="apps/web")

    found, template = database_of(borrowed), database_of(own)

    assert found is not None
    assert template is not None
    assert found.template == template.name


def test_environment_of_the_probes_has_no_files_of_the_stack() -> None:
    environment = LOWERING.environment(make_check("e2e", path="workers/intake"), "ours")

    assert environment is not None
    ((name, text),) = environment.files
    assert (environment.kind, environment.inputs, name) == ("python", (), "requirements.lock")
    assert "--hash=sha256:" in text


def test_each_check_has_its_own_workspace_unless_it_continues_another() -> None:
    slots = {check.id: slot_of(check) for check in PLAN.checks}

    assert slots["django_health[apps/web]"] == slots["django_container[apps/web]"]
    workspace_of = {check.id for check in PLAN.checks if check.workspace_of}
    others = [slot for check_id, slot in slots.items() if check_id not in workspace_of]
    assert len(set(others)) == len(others)


def test_command_with_its_own_inputs_has_its_own_workspace() -> None:
    check = PLAN["django_container[apps/web]"]
    apart = [LOWERING.step(check, each) for each in check.commands if each.inputs is not None]
    shared = [LOWERING.step(check, each) for each in check.commands if each.inputs is None]

    assert apart
    assert len({step.slot for step in (*apart, shared[0])}) == len(apart) + 1
    assert all(step.begins for step in apart)
    assert [step.begins for step in shared] == [True, *[False] * (len(shared) - 1)]


def test_output_of_a_check_is_shared_by_its_steps_only_within_its_slot() -> None:
    for check in PLAN.checks:
        slots = {(command.component, step.slot) for command, step in zip(check.commands, steps_of(check), strict=True)}
        assert slots == {(command.component, slot_of(check, command)) for command in check.commands}
    assert any(OUT in " ".join(step.argv) for step in steps_of(PLAN["worker_container[workers/intake]"]))


def test_steps_of_the_base_have_another_workspace_and_the_same_database() -> None:
    names = (("old", "base"), ("older", "base"), ("new", ""), ("newer", ""))
    commands = tuple(make_command(name, tree=tree) for name, tree in names)
    check = make_check("upgrade", commands=commands, database="empty", inputs=Inputs(exclude=("sites",)))

    steps = steps_of(check)

    assert [step.slot for step in steps] == [slot_of(check, commands[0])] * 2 + [slot_of(check)] * 2
    assert slot_of(check, commands[0]) != slot_of(check)
    assert [step.begins for step in steps] == [True, False, True, False]
    assert [step.tree for step in steps] == ["base", "base", "", ""]
    assert [step.inputs for step in steps] == [Inputs()] * 2 + [check.inputs] * 2
    assert len({step.database for step in steps}) == 1


def test_packages_of_the_base_come_from_its_own_lock() -> None:
    older = make_uv_project(inputs=("apps/web/pyproject.toml", "apps/web/old.lock"))
    lowering = replace(LOWERING, base=make_lowering(make_stack(make_web(project=older))))
    check = make_check("upgrade", commands=(make_command("old", environment="production", tree="base"),))

    step = lowering.step(check, check.commands[0])

    assert step.environment is not None
    assert (step.environment.tree, step.environment.inputs) == ("base", older.inputs)
    now = LOWERING.environment(check, "production")
    same = LOWERING.environment(check, "production", tree="base")
    assert now is not None
    assert same == replace(now, tree="base")
    assert step.environment.key != now.key


@pytest.mark.parametrize(("migrated", "name"), [(1, "_1"), (2, "_2")])
def test_name_of_the_migrated_database_is_that_of_the_attempt_that_made_it(migrated: int, name: str) -> None:
    migrate = make_check("migrate", database="template")
    check = make_check("upgrade", commands=(make_command("compare", DB_MIGRATED),), database="empty")

    step = LOWERING.step(check, check.commands[0], 1, migrated)

    made = LOWERING.step(migrate, migrate.commands[0], migrated).database
    assert made is not None
    assert step.argv == ("compare", made.name)
    assert made.name.endswith(name)


@pytest.mark.parametrize("text", ["apps/web", ".", "mypy[Ä/ö]", "x" * 200, "café/ショップ", "a-b", "a_b"])
def test_slug_is_safe_in_paths_and_in_sql(text: str) -> None:
    name = slug(text)

    assert name.isascii()
    assert name.replace("_", "").isalnum()
    assert name == name.lower()
    assert len(f"migrated_{name}_99") <= 63


def test_slugs_of_different_texts_differ() -> None:
    texts = ["a-b", "a_b", "a/b", "A-B", ".", "", "x" * 200, "x" * 201]

    assert len({slug(text) for text in texts}) == len(texts)


def database(kind: str, attempt: int = 1, migrated: int = 1, **over: Any) -> tuple[str, str]:
    check = make_check(kind or "none", database=kind, **over)
    found = LOWERING.step(check, check.commands[0], attempt, migrated).database
    return (found.name, found.template) if found else ("", "")


def test_each_attempt_has_a_database_of_its_own() -> None:
    for kind in ("template", "empty", "migrated"):
        assert database(kind, 1)[0] != database(kind, 2)[0]
    assert database("") == ("", "")


def test_copies_are_of_the_database_that_the_passing_attempt_made() -> None:
    """The database of a killed attempt may be half migrated."""
    assert database("migrated", migrated=1)[1] == database("template", 1)[0]
    assert database("migrated", migrated=2)[1] == database("template", 2)[0]
    assert database("migrated", 2, migrated=1)[1] == database("template", 1)[0]


def test_components_do_not_share_databases() -> None:
    assert database("template", path="apps/a")[0] != database("template", path="apps/b")[0]
    assert database("empty", id="x[a]")[0] != database("empty", id="x[b]")[0]


def test_directory_with_two_components_has_the_packages_of_both() -> None:
    stack = Stack(components=(make_web("."), make_site(".", make_node_project("."))))
    check = make_check("build", path=".", id="build[.]")
    lowering = make_lowering(stack)

    python, node = lowering.environment(check, "production"), lowering.environment(check, "node")

    assert (python and python.kind, node and node.kind) == ("python", "node")
    assert lowering.environment(check, "") is None


@pytest.mark.parametrize(("path", "name"), [("apps/web", "node"), ("workers/intake", "production"), (".", "node")])
def test_undeclared_packages_are_a_usage_error(path: str, name: str) -> None:
    with pytest.raises(UsageError, match=f"requires the {name} environment"):
        LOWERING.environment(make_check(path=path), name)


def key_of_python(project: PythonProject, name: str = "production", day: str = "") -> str:
    return python_environment(project, name, lambda path: f"digest of {path}", day).key


UV = make_uv_project()
PYTHON_CHANGES = {
    "the lock's path": replace(UV, inputs=("apps/web/pyproject.toml", "uv.lock")),
    "Python's version": replace(UV, python=Version(wanted="==3.12.*")),
    "no lock": replace(UV, lock=None),
    "another root": replace(UV, root="."),
    "requirements": make_requirements_project(),
}


@pytest.mark.parametrize("change", PYTHON_CHANGES)
def test_key_of_a_python_environment_changes(change: str) -> None:
    assert key_of_python(PYTHON_CHANGES[change]) != key_of_python(UV)


def test_key_of_a_python_environment_changes_with_content_and_kind() -> None:
    edited = python_environment(UV, "production", lambda path: f"other digest of {path}", "")

    assert edited.key != key_of_python(UV)
    assert key_of_python(UV, "development") != key_of_python(UV)


def test_key_does_not_change_with_facts_that_do_not_affect_the_installation() -> None:
    same = replace(UV, tools=frozenset(), packages=frozenset(), versions={"x": "1"}, configurations={"mypy": "x"})

    assert key_of_python(same) == key_of_python(UV)


def test_dependencies_without_a_lock_are_resolved_again_each_day() -> None:
    open_ended = replace(UV, lock=None, pinned=False)
    node = make_node_project(lock=None)

    assert key_of_python(open_ended, day="Monday") != key_of_python(open_ended, day="Tuesday")
    assert key_of_python(UV, day="Monday") == key_of_python(UV, day="Tuesday")
    assert key_of_node(node, day="Monday") != key_of_node(node, day="Tuesday")
    assert key_of_node(make_node_project(), day="Monday") == key_of_node(make_node_project(), day="Tuesday")


def key_of_node(project: NodeProject, *, edited: str = "", day: str = "") -> str:
    stack = Stack(components=(make_worker(node=project),))
    lowering = Lowering(stack=stack, digest=lambda path: f"digest of {path}" + "!" * (path == edited), day=day)
    environment = lowering.environment(make_check(path="workers/intake"), "node")
    assert environment is not None
    return environment.key


NODE_CHANGES = {
    "manager": make_node_project(manager="npm"),
    "manager's version": make_node_project(manager_version="9.0.0"),
    "Node's version": make_node_project(node=Version(wanted=">=20")),
    "no lock": make_node_project(lock=None),
    "another root": make_node_project(root="workers"),
}


@pytest.mark.parametrize("change", NODE_CHANGES)
def test_key_of_a_node_environment_changes(change: str) -> None:
    assert key_of_node(NODE_CHANGES[change]) != key_of_node(make_node_project())


def test_key_of_a_node_environment_changes_with_its_manifests_and_not_with_its_scripts() -> None:
    same = make_node_project(scripts={"build": "other"}, dependencies={}, locked={"x": "1"})

    assert key_of_node(make_node_project(), edited="workers/intake/package.json") != key_of_node(make_node_project())
    assert key_of_node(make_node_project(), edited="workers/intake/index.ts") == key_of_node(make_node_project())
    assert key_of_node(same) == key_of_node(make_node_project())


def test_components_of_one_workspace_share_its_packages() -> None:
    inputs = ("package.json", "pnpm-lock.yaml")
    stack = Stack(
        components=(
            make_worker(node=make_node_project("workers/intake", inputs=inputs)),
            make_site(node=make_node_project("sites/coffee-shop", inputs=inputs)),
        )
    )
    lowering = make_lowering(stack)

    found = {
        environment.key
        for path in ("workers/intake", "sites/coffee-shop")
        if (environment := lowering.environment(make_check(path=path), "node"))
    }

    assert len(found) == 1


def commands(project: PythonProject, name: str) -> list[str]:
    return [" ".join(each.argv) for each in python_environment(project, name, str, "").commands]


def test_production_gets_nothing_of_development() -> None:
    shop = make_requirements_project()

    assert "--no-dev" in commands(UV, "production")[0]
    assert "--all-groups" in commands(UV, "development")[0]
    assert "requirements-dev" not in commands(shop, "production")[1]
    assert "requirements-dev" in commands(shop, "development")[1]


def test_existing_lock_is_never_changed() -> None:
    assert "--frozen" in commands(UV, "production")[0].split()
    assert "--frozen" not in commands(replace(UV, lock=None), "production")[0]
    assert "--require-hashes" in commands(make_requirements_project(), "production")[1]
    assert "--require-hashes" not in commands(make_requirements_project(hashed=False), "production")[1]


def test_another_manager_s_lock_is_installed_without_resolving() -> None:
    install = PythonInstallation(exported=("django==5.2.1\n", "pytest==8.3.5\n"), packages=("gunicorn==23.0.0",))
    project = PythonProject(root="api", kind="locked", lock="api/poetry.lock", manager="Poetry", install=install)
    environment = python_environment(project, "production", str, "")

    assert environment.files == (("api/predeploy-production.txt", "django==5.2.1\n"),)
    assert "--no-deps -r @work@/api/predeploy-production.txt" in commands(project, "production")[1]
    assert python_environment(project, "development", str, "").key != environment.key
    assert environment.commands[2].argv[-1] == "gunicorn==23.0.0"
    assert environment.commands[2].empty  # an image may have what it needs, so its failure is a gap


def test_flags_of_production_reach_uv() -> None:
    flagged = replace(UV, install=PythonInstallation(flags=("--no-dev", "--extra", "prod")))

    assert "--no-dev --extra prod" in commands(flagged, "production")[0]
    assert "--extra prod" not in commands(flagged, "development")[0]


def test_a_file_of_the_tree_needs_no_hash() -> None:
    shop = make_requirements_project()

    assert "--require-hashes" not in commands(replace(shop, inputs=("vendor/own.whl",)), "production")[1]


def test_every_installing_command_is_in_the_acquire_phase() -> None:
    environments = environments_of([step for check in PLAN.checks for step in steps_of(check)])

    assert {command.phase for each in environments.values() for command in each.commands} == {"acquire"}


@pytest.mark.parametrize(("package", "version"), [("black==25.1.0", Version()), ("flake8==7.1.0", UV.python)])
def test_tool_environment_has_only_its_packages(package: str, version: Version) -> None:
    """flake8 parses with its own interpreter, so it needs the component's Python."""
    command = make_command("lint", environment="tool", packages=(package, "click==8.1.7"))
    check = make_check("lint", commands=(command,))

    (environment,) = LOWERING.environments(check, check.programs)

    assert environment.files == (("requirements.txt", f"{package}\nclick==8.1.7\n"),)
    assert (environment.inputs, environment.version) == ((), version)


def test_a_worker_without_wrangler_gets_a_pinned_one_next_to_its_own_packages() -> None:
    worker = make_worker(node=make_node_project("workers/intake", dependencies={"hono": "^4"}))
    stack = make_stack(worker)
    lock = '{"packages": {"": {"dependencies": {"wrangler": "4.156.0"}}}}'
    lowering = replace(make_lowering(stack), wrangler_lock=lock)
    check = make_whole_plan(make_scene(stack))["worker_container[workers/intake]"]

    environment = lowering.environment(check, "node")
    other = make_lowering(make_stack(make_worker())).environment(check, "node")

    assert environment is not None
    assert other is not None
    assert [command.cwd for command in environment.commands] == [worker.node.root if worker.node else "", ROOT]
    assert dict(environment.files)[f"{ROOT}/package-lock.json"] == lock
    assert other.files == ()
