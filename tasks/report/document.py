"""The report for programs: `report.json`, schema 1. Keys are added over time, never renamed or removed."""

import json
from collections.abc import Callable
from pathlib import PurePosixPath

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
from tasks.report.facts import duration_of
from tasks.report.inspection import Json, production_document
from tasks.report.layout import encodable

SCHEMA = 1


def to_document(report: Report) -> dict[str, Json]:
    """The report as `report.schema.json` describes it: every key always there, every text valid Unicode."""
    verdict = report.verdict
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
        "stages": {stage.value: _stage(report, stage) for stage in Stage},
        "counts": _counts(report),
    }


def render_document(report: Report, mask: Callable[[Json], Json] | None = None) -> str:
    """The document as text, ending with a newline. ASCII only, so that any stdout can encode it."""
    document: Json = to_document(report)
    return json.dumps(mask(document) if mask else document, indent=2) + "\n"


def _stage(report: Report, stage: Stage) -> dict[str, Json]:
    checks = report.of(stage)
    return {
        "status": worst(check.result for check in checks).value,
        "duration_seconds": _seconds(duration_of(report, stage)),
        "checks": [_check(report, check) for check in checks],
    }


def _check(report: Report, check: CheckReport) -> dict[str, Json]:
    result = check.result
    tests = result.tests
    return {
        "id": encodable(check.id),
        "name": encodable(check.name),
        "title": encodable(check.title),
        "component": encodable(check.component),
        "status": result.status.value,
        "reason_code": result.reason_code,
        "reason": encodable(result.reason),
        "proof": _proof(result.passed, result.proof.gaps),
        "cached": result.cached,
        "attempts": result.attempts,
        "started_seconds": _seconds(result.started),
        "duration_seconds": _seconds(result.duration),
        "summary": encodable(result.summary),
        **_tests(tests),
        "exit_code": result.exit_code,
        "log": encodable(str(PurePosixPath(report.directory) / result.log)) if result.log else None,
        "rerun": encodable(check.rerun),
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in result.diagnostics],
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


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Json]:
    return {
        "tool": diagnostic.tool,
        "file": _optional(diagnostic.file),
        "line": diagnostic.line,
        "column": diagnostic.column,
        "severity": diagnostic.severity.value,
        "rule": _optional(diagnostic.rule),
        "message": encodable(diagnostic.message),
        "fingerprint": diagnostic.fingerprint,
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
