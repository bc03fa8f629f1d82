"""Reads the HEALTHCHECK of an image from its Dockerfile."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tasks.discovery.image.instructions import Instruction, read_instructions
from tasks.production import Healthcheck

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SHELL = ("/bin/sh", "-c")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """What a stage sets, with all that it inherits. `shell` runs the shell form of its commands."""

    name: str
    shell: tuple[str, ...] = _SHELL
    healthcheck: Healthcheck | None = None


def read_healthcheck(text: str, target: str = "") -> Healthcheck | None:
    """Returns the HEALTHCHECK of the stage that is deployed: of `target`, else of the last one. None without one."""
    stages: list[_Stage] = []
    for each in read_instructions(text):
        if each.word == "FROM":
            stages.append(_begin(each, stages))
        elif each.word == "SHELL" and stages and each.argv:
            stages[-1] = replace(stages[-1], shell=each.argv)
        elif each.word == "HEALTHCHECK" and stages:
            stages[-1] = replace(stages[-1], healthcheck=_parse(each, stages[-1].shell))
    numbered = stages[int(target)] if target.isdecimal() and int(target) < len(stages) else None
    found = next((stage for stage in stages if stage.name == target.lower()), numbered) if target else None
    found = found or (stages[-1] if stages and not target else None)
    return found.healthcheck if found else None


def _begin(instruction: Instruction, stages: Iterable[_Stage]) -> _Stage:
    words = [*instruction.bare.split(), ""]
    name = words[2].lower() if len(words) > 3 and words[1].lower() == "as" else ""
    base = next((stage for stage in stages if stage.name and stage.name == words[0].lower()), None)
    return replace(base, name=name) if base else _Stage(name=name)


def _parse(instruction: Instruction, shell: tuple[str, ...]) -> Healthcheck | None:
    """Returns the command with its options. None for NONE, and for a form that the build of the image refuses."""
    kind, _, command = instruction.bare.strip().partition(" ")
    command = command.strip()
    if kind.upper() != "CMD" or not command:
        return None
    # a list that is no JSON counts as the shell form
    argv = replace(instruction, rest=command).argv or (*shell, command)
    options = dict(flag.removeprefix("--").partition("=")[::2] for flag in instruction.flags)
    retries = options.get("retries", "")
    return Healthcheck(
        argv=argv,
        line=instruction.line,
        wait=_seconds(options.get("interval", ""), 30),
        limit=_seconds(options.get("timeout", ""), 30),
        start=_seconds(options.get("start-period", ""), 0),
        retries=int(retries) if retries.isdecimal() and int(retries) else 3,
    )


def _seconds(text: str, default: float) -> float:
    """Returns a duration in Go's form, such as `1m30s`. An unknown form and 0 mean the default, as for Docker."""
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        return default
    return sum(float(number) * _UNITS[unit] for number, unit in parts) or default
