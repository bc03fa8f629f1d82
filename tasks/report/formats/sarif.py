"""The report in SARIF 2.1.0, for code scanning: a run for each tool, and one for predeploy itself. Pure.

Its parts are plain data. The models of a library would take longer to import than a short run, and the tests validate
the result against the official schema.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tasks.models import CheckReport, Diagnostic, Report, Severity, Status
from tasks.report.findings.fingerprints import fingerprints
from tasks.report.formats.places import in_repository
from tasks.report.inspection import Json
from tasks.report.layout import clean
from tasks.version import VERSION

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
FINGERPRINT = "predeploy/v1"
OWN = "predeploy"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A diagnostic with its check and its fingerprint."""

    check: CheckReport
    diagnostic: Diagnostic
    fingerprint: str


def render_sarif(report: Report, below: str = ".") -> str:
    """The log as text. `below` is the stack's directory in its repository, from which paths are counted."""
    tools: dict[str, list[_Found]] = {}
    for check in report.checks:
        marks = fingerprints(check.result.diagnostics)
        for diagnostic, mark in zip(check.result.diagnostics, marks, strict=True):
            if diagnostic.tool == OWN and check.result.status is Status.ERRORED:
                continue  # its notification says it
            found = _Found(check=check, diagnostic=diagnostic, fingerprint=mark)
            tools.setdefault(diagnostic.tool, []).append(found)
    runs: list[Json] = [_run(tool, found, below) for tool, found in tools.items() if tool != OWN]
    runs.append(_own_run(report, tools.get(OWN, []), below))
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}, indent=1) + "\n"


def _run(tool: str, found: Sequence[_Found], below: str, **more: Json) -> dict[str, Json]:
    rules = {rule: number for number, rule in enumerate(dict.fromkeys(_rule(each.diagnostic) for each in found))}
    driver: dict[str, Json] = {"name": clean(tool), "rules": [{"id": rule} for rule in rules]}
    if tool == OWN:
        driver["version"] = VERSION
    results: list[Json] = [_result(each, rules, below) for each in found]
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{OWN}/{clean(tool)}/"},
        "columnKind": "unicodeCodePoints",
        **more,
        "results": results,
    }


def _own_run(report: Report, found: Sequence[_Found], below: str) -> dict[str, Json]:
    """The run of predeploy: how it ended, and the red checks that no tool's finding explains.

    A failed check is a result. A check without a verdict is no finding in the code, so it is a notification.
    """
    unexplained = [_reason(check) for check in report.checks if _is_unexplained(check)]
    notes: list[Json] = [
        {
            "level": "error",
            "message": {"text": clean(f"{check.title}: {check.result.reason or check.result.reason_code}")},
            "descriptor": {"id": check.result.reason_code or "errored"},
        }
        for check in report.checks
        if check.result.status is Status.ERRORED
    ]
    invocation: dict[str, Json] = {
        "executionSuccessful": report.verdict.exit_code in {0, 1},
        "exitCode": report.verdict.exit_code,
        "toolExecutionNotifications": notes,
    }
    if report.verdict.reason:
        invocation["exitCodeDescription"] = clean(report.verdict.reason)
    return _run(OWN, [*found, *unexplained], below, invocations=[invocation])


def _is_unexplained(check: CheckReport) -> bool:
    errors = (each for each in check.result.diagnostics if each.severity is Severity.ERROR)
    return check.result.status is Status.FAILED and next(errors, None) is None


def _reason(check: CheckReport) -> _Found:
    result = check.result
    text = f"{check.title}: {result.reason or result.reason_code or 'only its log has the reason'}"
    diagnostic = Diagnostic(tool=OWN, message=text, rule=result.reason_code or "failed")
    return _Found(check=check, diagnostic=diagnostic, fingerprint=fingerprints([diagnostic])[0])


def _result(found: _Found, rules: Mapping[str, int], below: str) -> dict[str, Json]:
    diagnostic = found.diagnostic
    rule = _rule(diagnostic)
    texts = {"check": found.check.id, "fix": diagnostic.fix, "rerun": found.check.rerun}
    return {
        "ruleId": rule,
        "ruleIndex": rules[rule],
        "level": diagnostic.severity.value,
        "message": {"text": clean(diagnostic.message)},
        "locations": [{"physicalLocation": dict(_place(found, below))}],
        "partialFingerprints": {FINGERPRINT: found.fingerprint},
        "properties": {name: clean(text) for name, text in texts.items() if text},
    }


def _place(found: _Found, below: str) -> Iterator[tuple[str, Json]]:
    """The place of a finding. Code scanning refuses a result without one: then it is the component's directory."""
    diagnostic = found.diagnostic
    path = in_repository(diagnostic.file or found.check.component, below)
    yield "artifactLocation", {"uri": quote(path), "uriBaseId": ROOT}
    if diagnostic.file and diagnostic.line:
        region: dict[str, Json] = {"startLine": diagnostic.line}
        if diagnostic.column:
            region["startColumn"] = diagnostic.column
        yield "region", region


def _rule(diagnostic: Diagnostic) -> str:
    return clean(diagnostic.rule or diagnostic.tool)
