"""Results and reports without the values of secrets: masked once, before they reach a screen, a file or Prefect."""

from dataclasses import replace

from tasks.models import Diagnostic, Proof, Report, Result
from tasks.redaction.redactor import Redactor


def redact_result(result: Result, redactor: Redactor) -> Result:
    """What became of a check, masked wherever it holds text that others wrote."""
    if not redactor:
        return result
    return replace(
        result,
        reason=redactor.text(result.reason),
        summary=redactor.text(result.summary),
        proof=Proof(gaps=each(result.proof.gaps, redactor)),
        diagnostics=tuple(redact_diagnostic(diagnostic, redactor) for diagnostic in result.diagnostics),
    )


def redact_diagnostic(diagnostic: Diagnostic, redactor: Redactor) -> Diagnostic:
    """One finding, masked; its fingerprint is that of what is left."""
    return replace(
        diagnostic,
        message=redactor.text(diagnostic.message),
        file=None if diagnostic.file is None else redactor.text(diagnostic.file),
        rule=None if diagnostic.rule is None else redactor.text(diagnostic.rule),
    )


def redact_report(report: Report, redactor: Redactor) -> Report:
    """Everything that a run has to say, masked. Ids, names and titles are the stack's configuration and stay."""
    if not redactor:
        return report
    verdict, run = report.verdict, report.run
    return replace(
        report,
        verdict=replace(verdict, reason=redactor.text(verdict.reason), gaps=each(verdict.gaps, redactor)),
        checks=tuple(replace(check, result=redact_result(check.result, redactor)) for check in report.checks),
        engine=replace(
            report.engine, reason=redactor.text(report.engine.reason), summary=redactor.text(report.engine.summary)
        ),
        run=replace(run, unrecorded=None if run.unrecorded is None else redactor.text(run.unrecorded)),
        secrets=replace(report.secrets, stale=redactor.text(report.secrets.stale)),
        untracked=each(report.untracked, redactor),
        warnings=each(report.warnings, redactor),
    )


def each(texts: tuple[str, ...], redactor: Redactor) -> tuple[str, ...]:
    """Several texts, masked."""
    return tuple(redactor.text(text) for text in texts)
