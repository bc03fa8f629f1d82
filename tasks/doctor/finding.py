"""The findings of `predeploy doctor`, and their texts for people and programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from tasks.models import Status
from tasks.report.layout import clean_line, disarm, hang
from tasks.report.style import Style

SIGNS = {"well": Status.PASSED, "spare": Status.SKIPPED, "missing": Status.FAILED}
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorFinding:
    """One requirement of a run. `spare`: it is missing, but optional.

    `fix` is the command or the line of configuration that supplies it.
    """

    name: str
    state: Literal["well", "spare", "missing"]
    text: str
    fix: str = ""


def is_well(findings: Sequence[DoctorFinding]) -> bool:
    """Whether nothing is missing."""
    return all(each.state != "missing" for each in findings)


def render(findings: Sequence[DoctorFinding], style: Style) -> str:
    """For people: a line per finding, and its fix below."""
    return disarm("\n".join(line.rstrip() for line in _lines(findings, style)) + "\n")


def _lines(findings: Sequence[DoctorFinding], style: Style) -> Iterator[str]:
    wide = max((len(each.name) for each in findings), default=0)
    for each in findings:
        status = SIGNS[each.state]
        sign = style.sign(status)
        lead = f"{sign} {each.name.ljust(wide)}  "
        first, *rest = hang(style.spell(clean_line(each.text)), lead, style.width)
        yield first.replace(sign, style.paint(style.tint(status), sign), 1)
        yield from rest
        if each.fix:
            yield from hang(style.spell(clean_line(each.fix)), " " * (len(lead)) + f"{style.arrow} ", style.width)
    missing = [each.name for each in findings if each.state == "missing"]
    yield ""
    yield f"Missing: {', '.join(missing)}" if missing else "This machine has everything for a run."


def document(findings: Sequence[DoctorFinding]) -> str:
    """For programs: the findings as JSON."""
    return json.dumps({"schema": SCHEMA, "ok": is_well(findings), "findings": list(map(asdict, findings))}, indent=2)
