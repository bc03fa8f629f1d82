"""Which checks run again: those without a record, those before them, and those after a flaky one."""

import pytest

from tasks.execution.reuse.decision import choose_reused
from tasks.steps import Check
from tests.support.factories import make_check, make_some_plan

BUILD = make_check("build")
MIGRATE = make_check("migrate", needs=(BUILD.id,))
HEALTH = make_check("health", needs=(MIGRATE.id,), workspace_of=BUILD.id)
LINT = make_check("lint")
SKIPPED = make_check("skipped", commands=(), needs=(MIGRATE.id,))
ALL = (BUILD, MIGRATE, HEALTH, LINT)


def chosen(found: tuple[Check, ...], flaky: tuple[Check, ...] = (), plan: tuple[Check, ...] = ALL) -> set[str]:
    known, bad = ({each.id for each in checks} for checks in (found, flaky))
    return {check_id.partition("[")[0] for check_id in choose_reused(make_some_plan(*plan), known, bad)}


@pytest.mark.parametrize(
    ("found", "reused"),
    [
        (ALL, {"build", "migrate", "health", "lint"}),
        ((), set()),
        ((LINT,), {"lint"}),
        ((BUILD, MIGRATE, HEALTH), {"build", "migrate", "health"}),
        ((BUILD, MIGRATE, LINT), {"lint"}),
        ((MIGRATE, HEALTH, LINT), {"migrate", "health", "lint"}),
        ((BUILD, HEALTH, LINT), {"health", "lint"}),
    ],
)
def test_check_that_runs_gets_the_workspaces_and_databases_that_it_uses(
    found: tuple[Check, ...], reused: set[str]
) -> None:
    assert chosen(found) == reused


def test_check_after_a_flaky_one_runs() -> None:
    assert chosen((MIGRATE, HEALTH, LINT), flaky=(BUILD,)) == {"lint"}


def test_skipped_check_runs_nothing_before_it() -> None:
    assert chosen((BUILD, MIGRATE), plan=(BUILD, MIGRATE, SKIPPED)) == {"build", "migrate"}
