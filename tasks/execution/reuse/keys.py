"""The key of a check: a digest of everything that its result depends on, in named parts. Pure."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from tasks.errors import PredeployError
from tasks.models import Stage
from tasks.planning.lowering import Lowering, dockerfile_of
from tasks.planning.plan import Plan, plain
from tasks.steps import Check, Image, Inputs

HOUR = 3600.0
WEEK, DAY = 7 * 24 * HOUR, 24 * HOUR
PARTS = {
    "predeploy": "predeploy itself",
    "engine": "the engine",
    "machine": "programs or variables of this machine",
    "settings": "base images or the choice of Postgres",
    "definition": "its commands or variables",
    "files": "its files",
    "packages": "its packages",
    "base": "the deployed commit",
    "secrets": "its secrets",
    "day": "the day",
    "needs": "a check that it needs",
}
"""The parts of a key, and what `--plan` prints if one has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What the keys of a run are made of, besides its checks. Each text identifies its part.

    `files` returns the digest of names, modes and contents of the files that these inputs select. `secret` returns the
    keyed digest of a secret's value, or an empty text without a value. `day` is the date in UTC. `has_images`: the
    engine builds images, and runs the commands in them.
    """

    predeploy: str
    engine: str
    machine: str
    settings: str
    files: Callable[[Inputs], str]
    lowering: Lowering
    base: str = ""
    secret: Callable[[str], str] = lambda _: ""
    day: str = ""
    has_images: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckKey:
    """The key of a check by parts, and the seconds for which a result is kept. `never` says why it always runs."""

    parts: Mapping[str, str] = field(default_factory=dict)
    limit: float = WEEK
    never: str = ""

    @property
    def key(self) -> str:
        """The digest of all parts; empty if the check always runs."""
        return "" if self.never else digest(dict(self.parts))


def digest(value: object) -> str:
    """Returns the digest of plain data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def before(check: Check) -> tuple[str, ...]:
    """Returns the ids of the checks whose results, workspace or database this one uses."""
    return tuple(dict.fromkeys((*check.needs, *((check.workspace_of,) if check.workspace_of else ()))))


def in_order(plan: Plan) -> tuple[Check, ...]:
    """Returns the checks of a plan, each after those that it uses."""
    checks = {check.id: check for check in plan.checks}
    order = TopologicalSorter({check.id: before(check) for check in plan.checks}).static_order()
    return tuple(checks[check_id] for check_id in order if check_id in checks)


def keys_of(plan: Plan, facts: KeyFacts) -> dict[str, CheckKey]:
    """Returns the key of each check of the plan, by id."""
    known: dict[str, CheckKey] = {}
    for check in in_order(plan):
        known[check.id] = _key_of(check, facts, known) if not (why := _never(check, known)) else CheckKey(never=why)
    return known


def changed_parts(key: CheckKey, earlier: Mapping[str, str]) -> tuple[str, ...]:
    """Returns what differs from the parts of an earlier key, as texts for people."""
    return tuple(text for name, text in PARTS.items() if key.parts.get(name, "") != earlier.get(name, ""))


def _never(check: Check, known: Mapping[str, CheckKey]) -> str:
    """Returns why no result of this check is reused; empty if one can be."""
    if not check.commands:
        return "it runs no command"
    if any(program.volatile and not program.daily for program in check.programs):
        return "it may read more than the stack's files"
    unknown = [need for need in before(check) if need not in known]
    if unknown:
        return f"it uses {unknown[0]}, which is not in this run"
    always = [need for need in before(check) if known[need].never]
    return f"it uses {always[0]}, which always runs" if always else ""


def _key_of(check: Check, facts: KeyFacts, known: Mapping[str, CheckKey]) -> CheckKey:
    try:
        packages = _packages(check, facts.lowering, has_images=facts.has_images)
    except PredeployError:  # the check itself reports it
        return CheckKey(never="its packages are not known")
    names = {name for program in check.programs for name in program.secrets}
    names |= set(check.image.secrets) if check.image else set()
    parts = {
        "predeploy": facts.predeploy,
        "engine": facts.engine,
        "machine": facts.machine,
        "settings": facts.settings,
        "definition": digest(plain(check)),
        "files": digest(sorted({facts.files(inputs) for inputs in _inputs(check, has_images=facts.has_images)})),
        "packages": digest(packages),
        "base": facts.base if any(program.tree for program in check.programs) else "",
        "secrets": digest({name: facts.secret(name) for name in sorted(names)}) if names else "",
        "day": facts.day if any(program.daily for program in check.programs) else "",
        "needs": digest({need: known[need].key for need in before(check)}) if before(check) else "",
    }
    return CheckKey(parts=parts, limit=DAY if _is_short(check) else WEEK)


def _inputs(check: Check, *, has_images: bool) -> Collection[Inputs]:
    """Returns the selections of files that the check sees. The build of an image may read each file of its context."""
    own = {command.inputs for command in check.commands if command.inputs is not None}
    return {check.inputs, *own, *((_context(check.image),) if check.image and has_images else ())}


def _context(image: Image) -> Inputs:
    """Returns the files that the build of an image may read: its context, and a Dockerfile outside of it."""
    if not image.dockerfile:
        return image.inputs
    dockerfile = dockerfile_of(image)
    return Inputs(include=(image.context, dockerfile, f"{dockerfile}.dockerignore"))


def _packages(check: Check, lowering: Lowering, *, has_images: bool) -> list[str]:
    """Returns the keys of the environments: content of locks, commands and versions, and the day without a lock.

    An image without a Dockerfile is made of an environment, which is that of no command.
    """
    found = [lowering.environment_of(check, program) for program in check.programs]
    image = lowering.image(check) if has_images else None
    found += [image.environment] if image else []
    return sorted({each.key for each in found if each is not None})


def _is_short(check: Check) -> bool:
    """Whether the result is kept for a day: servers, databases, images and package registries change by themselves."""
    programs = check.programs
    return (
        check.stage is Stage.INTEGRATION
        or bool(check.database or check.image)
        or any(program.phase == "acquire" or program.services or program.downloads for program in programs)
    )
