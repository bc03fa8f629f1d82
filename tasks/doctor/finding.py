"""What was looked at, how it is, and what mends it."""

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
    """One thing that a run needs, or can use. `spare`: it is not there, and a run does without.

    `mend` is the command, or the line of configuration, that brings it.
    """

    name: str
    state: Literal["well", "spare", "missing"]
    text: str
    fix: str = ""


def is_well(findings: Sequence[DoctorFinding]) -> bool:
    """Is all there that a run needs?"""
    return all(each.state != "missing" for each in findings)


def render(findings: Sequence[DoctorFinding], style: Style) -> str:
    """For people: a line each, and below it what mends it."""
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
    yield f"Missing: {', '.join(missing)}" if missing else "All that a run needs is here."


def document(findings: Sequence[DoctorFinding]) -> str:
    """The same for programs."""
    return json.dumps({"schema": SCHEMA, "ok": is_well(findings), "findings": list(map(asdict, findings))}, indent=2)
