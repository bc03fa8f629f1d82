"""Finds causes of a failure in this machine instead of in the stack's code. Pure.

A known text is not enough: each cause also needs a fact, such as another interpreter than production's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.execution.causes.missing_library import missing_library, missing_library_reason
from tasks.execution.causes.other_python import RunningPython, comes_of_other_python, other_python_reason
from tasks.execution.causes.outside_place import outside_path, outside_reason
from tasks.execution.causes.raised_errors import RaisedError, first_line_of
from tasks.execution.causes.unbuilt_frontend import unbuilt_file, unbuilt_reason
from tasks.execution.causes.unreachable import unreachable_host, unreachable_reason
from tasks.execution.judgement import Judgement, errored
from tasks.production import NOWHERE, Sourced, SystemInstall
from tasks.reason_codes import ReasonCode
from tasks.steps import Command

BUSY = 1.5
"""Programs that want a processor, by processor. Above it, a time limit says little about the code."""
PARTS = 4
"""The part of the limit of a step that a server has until it listens: a quarter. The probes have the same number."""
ENOUGH = 0.5
"""The part of its limit that a program must have had as processor time, to be at fault for a time-out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """What differs between this machine and production: interpreters, the image's system packages and built files."""

    pythons: tuple[RunningPython, ...] = ()
    installs: tuple[SystemInstall, ...] = ()
    frontend: Sourced = NOWHERE
    has_libraries: bool = False
    """The command ran in production's own image: what it lacks, production lacks too."""


def caused_here(errors: Sequence[RaisedError], facts: MachineFacts) -> Judgement | None:
    """Returns an errored judgement if every error has its cause in this machine; otherwise None."""
    found = [_cause(error, facts) for error in errors]
    if not found or any(each is None for each in found):
        return None
    return found[0]


def _cause(error: RaisedError, facts: MachineFacts) -> Judgement | None:
    said = first_line_of(error)
    others = [python for python in facts.pythons if comes_of_other_python(error, python)]
    if others:
        return errored(ReasonCode.OTHER_PYTHON, other_python_reason(said, others))
    packages = [package for install in facts.installs for package in install.packages]
    missing = None if facts.has_libraries else missing_library(error, packages)
    if missing is not None:
        return errored(ReasonCode.SYSTEM_PACKAGE, missing_library_reason(missing, facts.installs))
    if facts.frontend.file and not facts.has_libraries and (file := unbuilt_file(error)):
        return errored(ReasonCode.FRONTEND_UNBUILT, unbuilt_reason(file, facts.frontend))
    if not facts.has_libraries and (path := outside_path(error)):
        return errored(ReasonCode.VARIABLE_ABSENT, outside_reason(path))
    if (host := unreachable_host(error)) is not None:
        return errored(ReasonCode.NETWORK, unreachable_reason(host, said))
    return None


def scale_of(load: float) -> int:
    """How many times a limit is given on a busy machine. In steps, because a limit is part of an engine's cache key."""
    return 1 if load < BUSY else 2 if load < 2 * BUSY else 4


def timed_out(command: Command, given: float, cpu: float | None, load: float, setting: str) -> Judgement | None:
    """Judges a time-out: errored if a busy machine gave the program too little processor time; otherwise None.

    `given` is the limit that was in force, `cpu` the processor time of the program in seconds, if it is known.
    """
    had_enough = cpu is not None and cpu >= ENOUGH * command.limit
    if load < BUSY or had_enough:
        return None
    reason = (
        f"{command.label} was still running after {given:g} s on a busy machine ({load:.1f} programs for each "
        f"processor). Run it again on an idle machine, or set a higher limit: {setting}"
    )
    return errored(ReasonCode.TIMEOUT, reason)


def listened_late(label: str, given: float, cpu: float | None, load: float, setting: str) -> Judgement | None:
    """Judges a server that did not listen in its time: errored if the machine was too busy for it; otherwise None.

    `given` is the limit of its step, a quarter of which the server had, and `cpu` its processor time, if it is known.
    """
    if load < BUSY or (cpu is not None and cpu >= ENOUGH * given / scale_of(load) / PARTS):
        return None
    reason = (
        f"the {label} did not listen within {given / PARTS:g} s on a busy machine ({load:.1f} programs for each "
        f"processor). Run it again on an idle machine, or set a higher limit: {setting}"
    )
    return errored(ReasonCode.NOT_READY, reason)


def limit_setting(name: str, given: float) -> str:
    """Returns the line of predeploy.toml that gives a check more time."""
    return f"limits.{name} = {max(60, round(given * 2))} in predeploy.toml"
