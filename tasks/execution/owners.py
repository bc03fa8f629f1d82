"""Finds the checks that install from the same files, so that one trouble is reported once."""

import posixpath
import re
from collections.abc import Sequence

from tasks.errors import UsageError
from tasks.models import Diagnostic
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan
from tasks.stack import Component
from tasks.steps import Check, Environment

# pnpm names the manifest that its lock does not fit, and bun its directory. npm names the package.
_MANIFEST = re.compile(r"not up to date with <ROOT>/(?P<path>\S*?)/?package\.json")
_MEMBER = re.compile(r"changed since bun\.lockb? was saved: .* in (?P<path>\S+)$")
_PACKAGE = re.compile(r"^(?:Missing: |Invalid: .* does not satisfy )(?P<name>(?:@[^@\s]+/)?[^@\s]+)@(?P<range>\S+)")


def owners_of(
    plan: Plan, lowering: Lowering, check: Check, environment: Environment, diagnostics: Sequence[Diagnostic] = ()
) -> tuple[str, ...]:
    """Returns the checks that this one may wait for, because they report the same trouble.

    These are earlier checks, whose needs are all earlier too, so that no two checks wait for each other. If the trouble
    is of one component's manifest, they are the checks of that component whose needs are all of it.
    """
    ids = [each.id for each in plan.checks]
    before = ids[: ids.index(check.id)]
    found = [each for each in plan.checks if installs_from(lowering, each, environment)]
    blamed = blamed_component(lowering.stack.components, environment, diagnostics)
    own = [each for each in found if each.component == blamed and is_alone(plan, each)]
    if not own:
        return tuple(each.id for each in found if each.id in before and plan.needed_by(each.id) <= {*before})
    return tuple(each.id for each in own if check.component != blamed or each.id in before)


def is_alone(plan: Plan, check: Check) -> bool:
    """Whether a check needs checks of its own component alone."""
    return all(plan[need].component == check.component for need in plan.needed_by(check.id))


def blamed_component(
    components: Sequence[Component], environment: Environment, diagnostics: Sequence[Diagnostic]
) -> str:
    """Returns the path of the only component whose manifest the lock does not fit, or an empty text."""
    paths: set[str] = set()
    for finding in diagnostics:
        if finding.rule == "lock_stale":
            paths |= named_paths(components, environment, finding.message)
    return paths.pop() if len(paths) == 1 else ""


def named_paths(components: Sequence[Component], environment: Environment, message: str) -> set[str]:
    """Returns the paths of the components that a message is about."""
    if manifest := _MANIFEST.search(message):
        return {posixpath.normpath(f"{environment.root}/{manifest['path']}")}
    if member := _MEMBER.search(message):
        return {posixpath.normpath(f"{environment.root}/{member['path']}")}
    package = _PACKAGE.match(message)
    nodes = [each.node for each in components if each.node is not None and each.node.root == environment.root]
    return {node.package for node in nodes if package and package["name"] in node.dependencies}


def installs_from(lowering: Lowering, check: Check, environment: Environment) -> bool:
    """Whether the check installs from the same files, for its own component or as part of the same workspace."""
    try:
        made = lowering.environments(check, check.programs)
    except UsageError:  # the check reports this error itself
        return False
    return any({*each.inputs} & {*environment.inputs} for each in made)
