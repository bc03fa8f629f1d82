"""The component that a lock's trouble is of."""

import pytest

from tasks.execution.findings import Findings, lock_of
from tasks.execution.owners import blamed_component, owners_of
from tasks.models import Diagnostic
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan
from tasks.stack import Component
from tasks.steps import Check, Environment
from tests.support.factories import make_check, make_command, make_node_project, make_site, make_stack, make_worker

INPUTS = ("package.json", "pnpm-lock.yaml")
FIRST = make_worker("workers/a", make_node_project("workers/a", root=".", inputs=INPUTS, dependencies={"hono": "4"}))
SECOND = make_site("sites/b", make_node_project("sites/b", root=".", inputs=INPUTS, dependencies={"debug": "4.3.4"}))
OUTDATED = "ERR_PNPM_OUTDATED_LOCKFILE: pnpm-lock.yaml is not up to date with <ROOT>/sites/b/package.json. 1 added"

BUN = (
    "lockfile had changes, but lockfile is frozen note: dependencies in package.json changed since bun.lockb was saved:"
)


def check(name: str, component: Component, *needs: str) -> Check:
    commands = (make_command(name, environment="node"),)
    return make_check(name, component=component.path, commands=commands, needs=needs)


BUILD, LINT = check("build", FIRST), check("lint", FIRST)
PAGES = check("pages", SECOND)
LATER = check("later", SECOND, BUILD.id)
PLAN = Plan(checks=(BUILD, PAGES, LINT, LATER), whole=True)
LOWERING = Lowering(stack=make_stack(FIRST, SECOND), digest=lambda path: path)


def environment_of(each: Check) -> Environment:
    (environment,) = LOWERING.environments(each, each.programs)
    return environment


def stale(message: str, rule: str = "lock_stale") -> list[Diagnostic]:
    return [Diagnostic(tool="pnpm", message=message, rule=rule)]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (OUTDATED, "sites/b"),
        (f"{BUN} debug was added in sites/b", "sites/b"),
        ("Missing: debug@4.3.4 from lock file", "sites/b"),
        ("Invalid: lock file's hono@3.0.0 does not satisfy hono@4.0.0", "workers/a"),
        ("Missing: left-pad@1.3.0 from lock file", ""),
        ("the lock is stale", ""),
    ],
)
def test_message_names_the_component_of_the_manifest(message: str, path: str) -> None:
    assert blamed_component((FIRST, SECOND), environment_of(BUILD), stale(message)) == path


def test_trouble_of_one_manifest_is_that_of_its_component() -> None:
    found = {each.name: owners_of(PLAN, LOWERING, each, environment_of(each), stale(OUTDATED)) for each in PLAN.checks}

    assert found == {"build": (PAGES.id,), "pages": (), "lint": (PAGES.id,), "later": (PAGES.id,)}


def test_other_trouble_is_that_of_the_first_check() -> None:
    found = {each.name: owners_of(PLAN, LOWERING, each, environment_of(each), stale("x")) for each in PLAN.checks}

    assert found == {
        "build": (),
        "pages": (BUILD.id,),
        "lint": (BUILD.id, PAGES.id),
        "later": (BUILD.id, PAGES.id, LINT.id),
    }


def test_lock_without_a_native_package_is_named() -> None:
    findings = Findings(diagnostics=[Diagnostic(tool="build", message="the lock has no x", rule="absent_binary")])

    findings.name_lock(lock_of(make_stack(FIRST), "workers/a"))

    assert [each.file for each in findings.diagnostics] == [FIRST.node.lock if FIRST.node else ""]
