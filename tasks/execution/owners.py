"""Finds the checks that install from the same files, so that one trouble is reported once."""

from tasks.errors import UsageError
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan
from tasks.steps import Check, Environment


def owners_of(plan: Plan, lowering: Lowering, check: Check, environment: Environment) -> tuple[str, ...]:
    """Returns the earlier checks that this one may wait for. All their needs must be earlier too: no deadlock."""
    ids = [each.id for each in plan.checks]
    before = ids[: ids.index(check.id)]
    found = (each for each in plan.checks[: len(before)] if installs_from(lowering, each, environment))
    return tuple(each.id for each in found if plan.needed_by(each.id) <= {*before})


def installs_from(lowering: Lowering, check: Check, environment: Environment) -> bool:
    """Whether the check installs from the same files, for its own component or as part of the same workspace."""
    try:
        made = lowering.environments(check, check.programs)
    except UsageError:  # the check reports this error itself
        return False
    return any({*each.inputs} & {*environment.inputs} for each in made)
