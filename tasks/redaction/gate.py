"""The gate: one function that every value passes before it reaches a sink. The package lists the sinks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from tasks.comparison import Comparison
from tasks.exits import Exit
from tasks.models import Diagnostic, Proof, Report, Result
from tasks.redaction.redactor import Redactor

Redactable = TypeVar("Redactable", str, Exit, Result, Report)
Document = TypeVar("Document")
FIXED = frozenset(
    {"result", "status", "severity", "level", "reason_code", "kind", "tool", "$schema", "version"}
    | {"id", "name", "names", "title", "component", "fingerprint", "digest", "tree", "commit", "started_at"}
)
"""Keys of a document whose texts stay: words of the schema, and the ids and names of the stack's configuration."""


def redact(value: Redactable, redactor: Redactor) -> Redactable:
    """Returns the value without a secret in its texts; the value itself if the redactor has nothing to mask.

    Ids, names and titles stay: they are the stack's configuration.
    """
    if not redactor:
        return value
    match value:
        case str():
            return redactor.text(value)
        case Exit():
            return _exit(value, redactor)
        case Result():
            return _result(value, redactor)
        case Report():
            return _report(value, redactor)


def redact_document(document: Document, redactor: Redactor) -> Document:
    """Returns a document without a secret in its texts.

    A document is masked before it becomes JSON: a mask in JSON may take half of an escape, or a word of the schema.
    """
    if not redactor:
        return document
    match document:
        case str():
            return redactor.text(document)  # type: ignore[return-value]
        case list():
            return [redact_document(each, redactor) for each in document]  # type: ignore[return-value]
        case Mapping():
            return {  # type: ignore[return-value]
                key: value if key in FIXED else redact_document(value, redactor) for key, value in document.items()
            }
    return document


def _exit(exit: Exit, redactor: Redactor) -> Exit:
    services = (replace(each, output=redactor.text(each.output)) for each in exit.services)
    return replace(
        exit,
        stdout=redactor.text(exit.stdout),
        stderr=redactor.text(exit.stderr),
        detail=redactor.text(exit.detail),
        services=tuple(services),
    )


def _result(result: Result, redactor: Redactor) -> Result:
    return replace(
        result,
        reason=redactor.text(result.reason),
        summary=redactor.text(result.summary),
        proof=Proof(gaps=_each(result.proof.gaps, redactor)),
        diagnostics=tuple(_diagnostic(each, redactor) for each in result.diagnostics),
    )


def _diagnostic(diagnostic: Diagnostic, redactor: Redactor) -> Diagnostic:
    """Its fingerprint is that of the masked text."""
    return replace(
        diagnostic,
        message=redactor.text(diagnostic.message),
        file=None if diagnostic.file is None else redactor.text(diagnostic.file),
        rule=None if diagnostic.rule is None else redactor.text(diagnostic.rule),
        fix=redactor.text(diagnostic.fix),
    )


def _report(report: Report, redactor: Redactor) -> Report:
    verdict, run = report.verdict, report.run
    return replace(
        report,
        verdict=replace(verdict, reason=redactor.text(verdict.reason), gaps=_each(verdict.gaps, redactor)),
        checks=tuple(replace(check, result=_result(check.result, redactor)) for check in report.checks),
        engine=replace(
            report.engine, reason=redactor.text(report.engine.reason), summary=redactor.text(report.engine.summary)
        ),
        run=replace(run, unrecorded=None if run.unrecorded is None else redactor.text(run.unrecorded)),
        secrets=replace(report.secrets, stale=redactor.text(report.secrets.stale)),
        untracked=_each(report.untracked, redactor),
        warnings=_each(report.warnings, redactor),
        compared=_comparison(report.compared, redactor),
    )


def _comparison(compared: Comparison, redactor: Redactor) -> Comparison:
    text, gate = redactor.text, compared.gate
    fixed = (replace(each, location=text(each.location), message=text(each.message)) for each in compared.fixed)
    found = (replace(each, text=text(each.text), file=text(each.file)) for each in gate.found)
    return replace(
        compared,
        fixed=tuple(fixed),
        base=text(compared.base),
        gate=replace(gate, found=tuple(found), since=text(gate.since), unknown=text(gate.unknown)),
    )


def _each(texts: tuple[str, ...], redactor: Redactor) -> tuple[str, ...]:
    return tuple(redactor.text(text) for text in texts)
