"""The parts of a report besides its results: durations of stages, warnings about secrets, the rerun command."""

import shlex
from collections.abc import Mapping

from tasks.models import Result, Stage, Status
from tasks.planning.plan import Plan
from tasks.secrets import Secrets


def stage_durations(results: Mapping[str, Result], plan: Plan) -> dict[Stage, float]:
    """Returns the seconds from the start of a stage's first check to the end of its last."""
    durations = {}
    for stage in Stage:
        ran = [results[check.id] for check in plan.of(stage) if results[check.id].status is not Status.SKIPPED]
        if ran:
            durations[stage] = max(each.started + each.duration for each in ran) - min(each.started for each in ran)
    return durations


def reported_secrets(secrets: Secrets) -> tuple[str, ...]:
    """Returns warnings about secrets: first that they are old, then which values are too short to be masked."""
    short = ", ".join(secrets.redactor.unmaskable)
    unmasked = f"{short}: too short to be masked where a check prints it; give it six characters" if short else ""
    return tuple(filter(None, [secrets.stale, *secrets.notes, unmasked]))


def rerun_command(called_as: str, stack: str, names: list[str], environment: str | None = None) -> str:
    """Returns the command that runs these checks again, for the same deploy target."""
    target = ["--environment", environment] if environment else []
    place = [shlex.quote(stack)] if stack != "." else []
    return " ".join([called_as, *place, *target, *(f"--only '{name}'" for name in names)])
