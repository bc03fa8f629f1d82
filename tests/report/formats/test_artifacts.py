"""The report in Prefect's artifacts."""

from dataclasses import replace

from tasks.models import CheckReport, Diagnostic, EngineFacts, Outcome, Report, Result, RunFacts, Stage, Status, Verdict
from tasks.report.formats.artifacts import report_markdown, report_table

FINDING = Diagnostic(tool="mypy", message="Incompatible `types`", file="apps/web/a.py", line=3, column=7, rule="arg")
CHECKS = (
    (
        "django_container",
        Stage.BUILD,
        Result(check="a", status=Status.PASSED, cached=True, summary="built", duration=3.2),
    ),
    (
        "mypy",
        Stage.QUALITY,
        Result(check="b", status=Status.FAILED, reason="1 error", diagnostics=(FINDING,), log="b.log"),
    ),
    ("migrate", Stage.INTEGRATION, Result(check="c", status=Status.ERRORED, reason="disk full <!--")),
    ("health", Stage.INTEGRATION, Result(check="d", status=Status.SKIPPED, reason="migrate did not pass")),
)
REPORT = Report(
    verdict=Verdict(outcome=Outcome.FAILED, exit_code=1, reason="1 check failed"),
    checks=tuple(
        CheckReport(
            id=result.check, name=name, title=name, component="apps/web", stage=stage, result=result, rerun="again"
        )
        for name, stage, result in CHECKS
    ),
    engine=EngineFacts(name="local", version="1", reason="no container runtime"),
    run=RunFacts(id="1"),
    stack="cafe",
    tree="3be1a14",
    directory=".predeploy/runs/1",
    place="/data/validations/1",
    started_at="2026-01-01T00:00:00Z",
    duration=12.34,
    warnings=("no lock file",),
    rerun="predeploy --only mypy",
)


def test_page_has_all_facts_of_the_report() -> None:
    assert (
        report_markdown(REPORT)
        == """\
# Failed: 1 check failed

- stack: `cafe`
- tree: `3be1a14`
- engine: embedded (this machine, no containers): no container runtime
- 4 checks in 12.3 s, exit 1
- report and logs: `/data/validations/1`

## Build

- ✓ django\\_container (3.2 s, cached): built

## Quality

- ✗ mypy (0.0 s): 1 error

## Integration

- ! migrate (0.0 s): disk full \\<!--
- ○ health (0.0 s): migrate did not pass

### ✗ mypy

1 error

```
apps/web/a.py:3:7 Incompatible `types` [arg]
```

Run it again: `again`

### ! migrate

disk full \\<!--

Run it again: `again`

## Warnings

- no lock file

Run the red checks again: `predeploy --only mypy`
"""
    )


def test_headline_names_the_gaps_of_a_pass() -> None:
    def headline(verdict: Verdict) -> str:
        return report_markdown(replace(REPORT, verdict=verdict)).partition("\n")[0]

    assert headline(Verdict(outcome=Outcome.PASSED, exit_code=0, ready=True)) == "# Ready to deploy"
    assert headline(Verdict(outcome=Outcome.PASSED, exit_code=0, gaps=("no image",))) == "# Passed (partial: no image)"
    assert headline(Verdict(outcome=Outcome.ERRORED, exit_code=3)) == "# No verdict"


def test_output_of_a_tool_cannot_end_its_code_block() -> None:
    loud = replace(REPORT.checks[1].result, diagnostics=(replace(FINDING, message="```\n# Ready to deploy\n```"),))
    page = report_markdown(replace(REPORT, checks=(replace(REPORT.checks[1], result=loud),)))

    assert "\n````\napps/web/a.py:3:7 ```\n# Ready to deploy\n``` [arg]\n````\n" in page


def test_many_findings_are_cut_and_counted() -> None:
    flood = replace(REPORT.checks[1].result, diagnostics=tuple(replace(FINDING, message=str(n)) for n in range(50)))
    page = report_markdown(replace(REPORT, checks=(replace(REPORT.checks[1], result=flood),)))

    assert page.count("apps/web/a.py:3:7") == 20
    assert "and 30 more" in page


def test_equal_findings_are_one_line_with_their_places() -> None:
    many = replace(REPORT.checks[1].result, diagnostics=tuple(replace(FINDING, line=n) for n in range(3, 8)))
    page = report_markdown(replace(REPORT, checks=(replace(REPORT.checks[1], result=many),)))

    assert "a.py:3:7 Incompatible `types` [arg] (5 times, also at line 4, line 5 and 2 more places)\n" in page


def test_the_table_has_a_row_per_check() -> None:
    table = report_table(REPORT)

    assert [(row["check"], row["status"], row["summary"]) for row in table] == [
        ("django_container", "cached", "built"),
        ("mypy", "failed", "1 error"),
        ("migrate", "errored", "disk full <!--"),
        ("health", "skipped", "migrate did not pass"),
    ]
    assert table[0]["seconds"] == "3.2"
    assert table[1]["log"] == "b.log"
