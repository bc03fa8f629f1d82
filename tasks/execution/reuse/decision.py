"""Decides which checks of a run are not repeated. Pure."""

from collections.abc import Collection

from tasks.execution.reuse.keys import before, in_order
from tasks.planning.plan import Plan, closed


def choose_reused(plan: Plan, found: Collection[str], flaky: Collection[str]) -> frozenset[str]:
    """Returns the ids of the checks whose earlier result stands for a run of them.

    `found` are the checks with a record for their key, `flaky` those whose key has failed before. A check that runs
    needs the workspaces and databases of the checks before it, so those run too. A check after a flaky one also runs.
    """
    doubtful: set[str] = set()
    for check in in_order(plan):
        if check.id in flaky or doubtful.intersection(before(check)):
            doubtful.add(check.id)
    running = {check.id for check in plan.checks if check.commands and (check.id not in found or check.id in doubtful)}
    uses = {check.id: tuple(use for use in before(check)) for check in plan.checks}
    known = {check_id: tuple(use for use in listed if use in uses) for check_id, listed in uses.items()}
    return frozenset(found) - closed(running, known)
