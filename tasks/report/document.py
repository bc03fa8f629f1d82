"""The report for programs: `report.json`, schema 1. Keys are added over time, never renamed or removed."""

import json
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import TypeAlias

from tasks.models import (
    BuiltFiles,
    CheckReport,
    DeliveredImage,
    Diagnostic,
    Outcome,
    Proof,
    Report,
    Severity,
    Stage,
    Status,
    TestCounts,
    worst,
)
from tasks.report.compared import compared_finding, comparison_document
from tasks.report.facts import duration_of
from tasks.report.findings.fingerprints import fingerprints
from tasks.report.findings.rerun import rerun_of
from tasks.report.folding import sameness
from tasks.report.inspection import Json, production_document
from tasks.report.layout import encodable
from tasks.report.ranking import Fix, causes_of

SCHEMA = 1
Member: TypeAlias = "tuple[str, tuple[str, ...]]"
"""A finding: the id of its check, and its key of `sameness`."""


def to_document(report: Report) -> dict[str, Json]:
    """The report as `report.schema.json` describes it: every key always there, every text valid Unicode."""
    verdict, causes = report.verdict, causes_of(report)
    numbers = {member: number for number, cause in enumerate(causes) for member in cause.members}
    return {
        "schema": SCHEMA,
        "result": verdict.outcome.value,
        "exit_code": verdict.exit_code,
        "reason": encodable(verdict.reason),
        "ready": verdict.ready,
        "proof": _proof(verdict.outcome is Outcome.PASSED, verdict.gaps),
        "duration_seconds": _seconds(report.duration),
        "started_at": report.started_at,
        "engine": {
            "name": encodable(report.engine.name),
            "version": encodable(report.engine.version),
            "reason": encodable(report.engine.reason),
            "summary": encodable(report.engine.summary),
            "images": dict(report.engine.images),
        },
        "stack": encodable(report.stack),
        "tree": encodable(report.tree),
        "untracked": _texts(report.untracked),
        "warnings": _texts(report.warnings),
        "production": [production_document(each) for each in report.production],
        "run": {"id": report.run.id, "url": report.run.url, "unrecorded": _optional(report.run.unrecorded)},
        "directory": encodable(report.directory),
        "rerun": encodable(report.rerun),
        "images": [_image(image) for image in report.images],
        "secrets": {
            "source": encodable(report.secrets.source) or None,
            "names": _texts(report.secrets.names),
            "stale": encodable(report.secrets.stale) or None,
        },
        "built": [_built(files) for files in report.built],
        "commit": report.commit or None,
        "gate": report.gate,
        "stages": {stage.value: _stage(report, stage, numbers) for stage in Stage},
        "causes": [_cause(cause) for cause in causes],
        **comparison_document(report),
        "counts": _counts(report),
    }


def render_document(report: Report, mask: Callable[[Json], Json] | None = None) -> str:
    """The document as text, ending with a newline. ASCII only, so that any stdout can encode it."""
    document: Json = to_document(report)
    return json.dumps(mask(document) if mask else document, indent=2) + "\n"


def render_summary(report: Report) -> dict[str, Json]:
    """The few facts about a run that a list of runs needs: `summary.json`. Long reports need not be read for it."""
    return {
        "schema": SCHEMA,
        "result": report.verdict.outcome.value,
        "exit_code": report.verdict.exit_code,
        "started_at": report.started_at,
        "duration_seconds": _seconds(report.duration),
        "counts": _counts(report),
    }


def _stage(report: Report, stage: Stage, causes: Mapping[Member, int]) -> dict[str, Json]:
    checks = report.of(stage)
    return {
        "status": worst(check.result for check in checks).value,
        "duration_seconds": _seconds(duration_of(report, stage)),
        "checks": [_check(report, check, causes) for check in checks],
    }


def _cause(cause: Fix) -> dict[str, Json]:
    return {
        "location": encodable(cause.location),
        "message": encodable(cause.text),
        "checks": _texts(cause.ids),
        "errors": cause.errors,
        "blocked": cause.waiting,
    }


def _check(report: Report, check: CheckReport, causes: Mapping[Member, int]) -> dict[str, Json]:
    result = check.result
    tests = result.tests
    found = zip(result.diagnostics, fingerprints(result.diagnostics), strict=True)
    return {
        "id": encodable(check.id),
        "name": encodable(check.name),
        "title": encodable(check.title),
        "component": encodable(check.component),
        "status": result.status.value,
        "reason_code": result.reason_code,
        "reason": encodable(result.reason),
        "proof": _proof(result.passed, result.proof.gaps),
        "key": report.compared.keys.get(check.id) or None,
        "cached": result.cached,
        "cached_run": encodable(result.cached_run) or None,
        "cached_at": result.cached_at or None,
        "attempts": result.attempts,
        "started_seconds": _seconds(result.started),
        "duration_seconds": _seconds(result.duration),
        "summary": encodable(result.summary),
        **_tests(tests),
        "exit_code": result.exit_code,
        "log": encodable(str(PurePosixPath(report.directory) / result.log)) if result.log else None,
        "rerun": encodable(check.rerun),
        "diagnostics": [
            {
                **_diagnostic(each, causes.get((check.id, sameness(each))), rerun_of(check, each), mark),
                **compared_finding(report, check.id, mark),
            }
            for each, mark in found
        ],
    }


def _image(image: DeliveredImage) -> dict[str, Json]:
    return {
        "component": encodable(image.component),
        "digest": image.digest,
        "path": encodable(image.path) or None,
        "reference": encodable(image.reference) or None,
    }


def _built(files: BuiltFiles) -> dict[str, Json]:
    return {"component": encodable(files.component), "path": encodable(files.path), "digest": files.digest}


def _tests(tests: TestCounts | None) -> dict[str, Json]:
    """Three numbers, or three nulls where a check counts no tests."""
    return {
        "tests_passed": tests.passed if tests else None,
        "tests_failed": tests.failed if tests else None,
        "tests_skipped": tests.skipped if tests else None,
    }


def _diagnostic(diagnostic: Diagnostic, cause: int | None, rerun: str, fingerprint: str) -> dict[str, Json]:
    return {
        "tool": diagnostic.tool,
        "file": _optional(diagnostic.file),
        "line": diagnostic.line,
        "column": diagnostic.column,
        "severity": diagnostic.severity.value,
        "rule": _optional(diagnostic.rule),
        "message": encodable(diagnostic.message),
        "fix": encodable(diagnostic.fix) or None,
        "cause": cause,
        "rerun": encodable(rerun) or None,
        "fingerprint": fingerprint,
    }


def _counts(report: Report) -> dict[str, Json]:
    results = [check.result for check in report.checks]
    statuses = [result.status for result in results]
    found = [diagnostic.severity for result in results for diagnostic in result.diagnostics]
    return {
        "checks": len(results),
        **{status.value: statuses.count(status) for status in Status},
        "cached": sum(result.cached for result in results),
        "errors": found.count(Severity.ERROR),
        "warnings": found.count(Severity.WARNING),
    }


def _proof(passed: bool, gaps: tuple[str, ...]) -> dict[str, Json]:
    """The proof of a run. Without a pass there is none, so its gaps are not listed."""
    return {"full": passed and Proof(gaps=gaps).full, "gaps": _texts(gaps)}


def _seconds(duration: float) -> float:
    return round(float(duration), 3)


def _texts(texts: tuple[str, ...]) -> list[Json]:
    return [encodable(text) for text in texts]


def _optional(text: str | None) -> str | None:
    return None if text is None else encodable(text)
