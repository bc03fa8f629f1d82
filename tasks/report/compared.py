"""A run compared with what was before it: as lines for people, and as parts of the JSON document. Pure."""

from collections.abc import Iterator

from tasks.models import CheckReport, Diagnostic, Report, Severity, Status
from tasks.report.facts import counted, named, seconds
from tasks.report.findings.fingerprints import fingerprints
from tasks.report.inspection import Json
from tasks.report.layout import clean_line, encodable

SHOWN = 10
"""The places of a weaker gate that a text shows. `report.json` has all of them."""


def comparison_lines(report: Report) -> Iterator[str]:
    """What is the same as before, new or fixed, what the base has as well, and which checks are unsteady or slow."""
    compared = report.compared
    if said := _numbers(report):
        yield f"Compared with run {compared.previous}: {said}."
    for check in report.checks:
        if check.id in compared.red_on_base:
            yield _on_base(report, check)
    for name, run in compared.flaky.items():
        text = f"had another result on the same inputs in run {run}: it is flaky, or what it uses changed."
        yield f"{clean_line(name)} {text}"
    if compared.slower:
        took = {check.id: check.result.duration for check in report.checks}
        slow = [
            f"{name} ({seconds(took[name])} instead of {seconds(usual)})" for name, usual in compared.slower.items()
        ]
        yield f"Slower than usual: {named(slow)}."
    if compared.gate.fails and compared.gate.unknown:
        yield clean_line(f"Whether the gate got weaker is unknown: {compared.gate.unknown}")


def _numbers(report: Report) -> str:
    """`2 errors as before (1 for the 3rd time), 1 new, 4 fixed`; empty if there is nothing to compare."""
    compared = report.compared
    seen = [
        compared.seen[check.id, mark]
        for check in report.checks
        for each, mark in _errors(check)
        if (check.id, mark) in compared.seen
    ]
    same, new = sum(each > 1 for each in seen), seen.count(1)
    longest = max(seen, default=0)
    often = f" ({seen.count(longest)} for the {_ordinal(longest)} time)" if longest > 2 else ""
    parts = [
        f"{counted(same, 'error')} as before{often}" if same else "",
        f"{new} new" if new else "",
        f"{len(compared.fixed)} fixed" if compared.fixed else "",
    ]
    return ", ".join(filter(None, parts)) if compared.previous else ""


def _errors(check: CheckReport) -> Iterator[tuple[Diagnostic, str]]:
    result = check.result
    if result.status is Status.FAILED:
        for each, mark in zip(result.diagnostics, fingerprints(result.diagnostics), strict=True):
            if each.severity is Severity.ERROR:
                yield each, mark


def _on_base(report: Report, check: CheckReport) -> str:
    errors = [(check.id, mark) in report.compared.on_base for _, mark in _errors(check)]
    of = f", with {sum(errors)} of its {counted(len(errors), 'error')}" if errors else ""
    return f"Not yours: {clean_line(check.id)} is red at {clean_line(report.compared.base)} too{of}."


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def weaker_title(report: Report) -> str:
    """`The gate got weaker since 1a2b3c4d5e (merge base with main):`; empty if it did not."""
    gate = report.compared.gate
    since = f" since {clean_line(gate.since)}" if gate.since else ""
    return f"The gate got weaker{since}:" if gate.found else ""


def compared_blocks(report: Report) -> Iterator[tuple[str, list[str]]]:
    """The parts of a text: a title, or an empty one, and its lines."""
    if said := [*comparison_lines(report)]:
        yield "", said
    if title := weaker_title(report):
        yield title, [*weaker_lines(report)]


def weaker_lines(report: Report, most: int = SHOWN) -> Iterator[str]:
    """A line for each place where the gate got weaker, and the number of further ones."""
    found = report.compared.gate.found
    for each in found[:most]:
        yield clean_line(f"{each.location}  {each.text}" if each.location else each.text)
    if len(found) > most:
        yield f"and {len(found) - most} more in report.json"


def comparison_document(report: Report) -> dict[str, Json]:
    """The parts `comparison` and `weaker_gate` of the document."""
    compared = report.compared
    gate = compared.gate
    return {
        "comparison": {
            "whole": compared.is_whole,
            "narrowed": compared.is_narrowed,
            "previous": compared.previous or None,
            "fixed": [
                {
                    "check": encodable(each.check),
                    "location": encodable(each.location),
                    "message": encodable(each.message),
                }
                for each in compared.fixed
            ],
            "base": encodable(compared.base) or None,
            "red_on_base": [encodable(each) for each in compared.red_on_base],
            "flaky": [{"check": encodable(name), "run": run} for name, run in compared.flaky.items()],
            "slower": [
                {"check": encodable(name), "usual_seconds": round(usual, 3)} for name, usual in compared.slower.items()
            ],
        },
        "weaker_gate": {
            "since": encodable(gate.since) or None,
            "unknown": encodable(gate.unknown) or None,
            "fails": gate.fails,
            "found": [
                {
                    "kind": each.kind,
                    "file": encodable(each.file) or None,
                    "line": each.line or None,
                    "text": encodable(each.text),
                }
                for each in gate.found
            ],
        },
    }


def compared_finding(report: Report, check: str, fingerprint: str) -> dict[str, Json]:
    """The parts of a diagnostic: in how many runs in a row it came, and whether the base has it. Null: unknown."""
    compared, finding = report.compared, (check, fingerprint)
    return {
        "seen": compared.seen.get(finding),
        "on_base": finding in compared.on_base if compared.base else None,
    }
