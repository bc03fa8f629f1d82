"""The parsers of predeploy's probes and of unknown tools."""

import json

from tasks.diagnostics import Parsed, parse
from tasks.models import Diagnostic, Severity, TestCounts


def read(parser: str, stdout: str = "", stderr: str = "", cwd: str = "apps/web") -> Parsed:
    return parse(parser, stdout=stdout, stderr=stderr, root="/ws", cwd=cwd)


def test_probe_reads_its_document_below_other_lines() -> None:
    finding = {"tool": "links", "file": "sites/a/index.html", "line": 3, "column": 7, "severity": "warning"}
    document = {
        "diagnostics": [{**finding, "rule": "broken_link", "message": "no page /menu"}],
        "summary": "12 pages",
        "tests": {"passed": 2, "failed": 0},
        "gaps": ["nobody looked at /cellar", 7, ""],
    }

    parsed = read("probe", stdout=f"starting\n{json.dumps(document)}\n")

    assert parsed.summary == "12 pages"
    assert parsed.tests == TestCounts(passed=2)
    assert parsed.gaps == ("nobody looked at /cellar",)
    assert parsed.diagnostics == (
        Diagnostic(
            tool="links",
            message="no page /menu",
            file="sites/a/index.html",
            line=3,
            column=7,
            severity=Severity.WARNING,
            rule="broken_link",
        ),
    )


def test_probe_that_raised_shows_its_traceback() -> None:
    stderr = 'Traceback (most recent call last):\n  File "/probes/x.py", line 3, in <module>\n    f()\nValueError: no\n'

    assert read("probe", stderr=stderr).diagnostics == (Diagnostic(tool="python", message="no", rule="ValueError"),)


def test_probe_takes_keys_of_wrong_types_for_absent() -> None:
    document = {
        "diagnostics": [{"message": "odd", "line": "x", "file": 3}, 7, None],
        "summary": [],
        "tests": 1,
        "gaps": 5,
    }

    assert read("probe", stdout=json.dumps(document)) == Parsed(diagnostics=(Diagnostic(tool="probe", message="odd"),))


def test_plain_reads_places_inside_the_stack() -> None:
    stdout = (
        "checking 3 files\n"
        "src/a.c:3:7: error: expected ';'\n"
        "src/a.c:9: warning: unused\n"
        "/usr/include/x.h:3:1: error: elsewhere\n"
        "12:30:01 started at port:8000 \n"
    )

    found = read("plain", stdout=stdout).diagnostics

    assert [(each.location, each.severity, each.message) for each in found] == [
        ("apps/web/src/a.c:3:7", Severity.ERROR, "expected ';'"),
        ("apps/web/src/a.c:9", Severity.WARNING, "unused"),
    ]


def test_plain_stops_at_twenty_places() -> None:
    stdout = "".join(f"a.sh:{line}: note {line}\n" for line in range(1, 40))

    assert len(read("plain", stdout=stdout).diagnostics) == 20


def test_plain_falls_back_to_the_last_line() -> None:
    found = read("plain", stdout="one\n", stderr="make: nothing\nmake: *** [build] Error 2\n\n").diagnostics

    assert [each.message for each in found] == ["make: *** [build] Error 2"]


def test_plain_of_an_empty_output_has_no_finding() -> None:
    assert read("plain") == Parsed()
