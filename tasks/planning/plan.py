"""Makes the plan: the chosen checks with their needs, their order and their spec keys. Pure."""

import difflib
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tasks.catalogue import NAMES, Absent, Catalogue
from tasks.errors import UsageError
from tasks.models import Stage
from tasks.steps import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The checks of a run in the report's order. `whole` means that the plan has every check of the catalogue."""

    checks: tuple[Check, ...]
    whole: bool

    def __getitem__(self, check_id: str) -> Check:
        return next(check for check in self.checks if check.id == check_id)

    def needed_by(self, check_id: str) -> set[str]:
        """Returns the id of a check and of every check that it needs, transitively."""
        return closed({check_id}, {check.id: check.needs for check in self.checks})

    def of(self, stage: Stage) -> tuple[Check, ...]:
        """Returns the checks of one stage."""
        return tuple(check for check in self.checks if check.stage is stage)


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns the suggestion of a message about a misspelt name."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(names)}"


def matching(name: str, checks: Collection[Check], absent: Collection[Absent] = ()) -> set[str]:
    """Returns the ids of the checks with this id or short name. Raises UsageError if there are none.

    `absent` are the checks that the stack lacks. Their reasons are part of the error.
    """
    found = {check.id for check in checks if name in {check.id, check.name}}
    if not found:
        reasons = "; ".join(dict.fromkeys(each.reason for each in absent if name == each.name))
        if reasons:
            raise UsageError(f"the stack has no check {name}: {reasons}\nSee all checks with --list")
        known = {check.name for check in checks} | {check.id for check in checks if name.partition("[")[1]}
        raise UsageError(f"no check is named {name}; {nearest(name, known)}\nSee all checks with --list")
    return found


def resolve_needs(checks: tuple[Check, ...]) -> dict[str, tuple[str, ...]]:
    """Returns the ids that each check needs. A need for a catalogue check that the component lacks is dropped."""
    ids = {check.id for check in checks}
    needs = {}
    for check in checks:
        wanted: list[str] = []
        for need in check.needs:
            if need in ids:
                wanted.append(need)
            elif need not in {f"{name}[{check.component}]" for name in NAMES}:
                wanted += sorted(matching(need, checks) - {check.id})
        needs[check.id] = tuple(wanted)
    return needs


def closed(chosen: Collection[str], needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Returns the chosen ids and every id that they need, transitively."""
    result: set[str] = set()
    waiting = list(chosen)
    while waiting:
        check_id = waiting.pop()
        if check_id not in result:
            result.add(check_id)
            waiting += needs[check_id]
    return result


def make_plan(
    catalogue: Catalogue,
    *,
    stages: Collection[Stage] = (),
    only: Collection[str] = (),
    skip: Collection[str] = (),
    seen: str = "",
) -> Plan:
    """Returns the plan for the flags. It includes the needs of each chosen check, and drops checks with a skipped need.

    `seen` says what the tree has if there is no check at all.
    Raises UsageError for an unknown name, an empty selection and circular needs.
    """
    checks = catalogue.checks
    needs = resolve_needs(checks)
    reject_cycles(needs)
    chosen = {check.id for check in checks if not stages or check.stage in stages}
    if only:
        named = set[str]().union(*(matching(name, checks, catalogue.absent) for name in only))
        chosen = (chosen & named) if stages else named
    absent = {each.name for each in catalogue.absent}
    # whether the stack has a check may depend on the machine: to skip one that it lacks is no mistake
    present = [name for name in skip if name not in absent or any(check.name == name for check in checks)]
    dropped = set[str]().union(*(matching(name, checks) for name in present))
    kept = closed({check_id for check_id in chosen if not closed({check_id}, needs) & dropped}, needs)
    if not kept:
        raise UsageError(
            "there is no check to run: " + no_check_reason(catalogue, seen, narrowed=bool(stages or only or skip))
        )
    ordered = tuple(check for check in checks if check.id in kept)
    resolved = tuple(replace(check, needs=needs[check.id]) for check in ordered)
    return Plan(checks=resolved, whole=len(resolved) == len(checks))


def no_check_reason(catalogue: Catalogue, seen: str, *, narrowed: bool) -> str:
    """Returns why there is no check to run, and what to do next."""
    if narrowed and catalogue.checks:
        return "the flags select no check.\nSee all checks with --list"
    return (
        "no Django project (manage.py or wsgi.py), Cloudflare Worker (wrangler.toml, .json, .jsonc) or static site "
        "was found.\n" + (f"{seen}\n" if seen else "") + "Give the directory of the stack as the argument."
    )


def reject_cycles(needs: Mapping[str, tuple[str, ...]]) -> None:
    """Raises UsageError for circular needs."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise UsageError(f"predeploy.toml: checks have circular needs: {circle}. Remove one of them.") from error


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def plain(value: object) -> object:
    """Returns a value as JSON has it. As `asdict`, without its deep copies: a big plan has many thousands of values."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, Iterable):
        return list(map(plain, value))
    kind: Any = type(value)
    return {name: plain(getattr(value, name)) for name in _fields(kind)}


def spec_key(check: Check, inputs_digest: str, version: str) -> str:
    """Returns a digest of all that defines a check: the row, predeploy's version, and the inputs' content and modes."""
    document = json.dumps([plain(check), inputs_digest, version], sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()[:16]
