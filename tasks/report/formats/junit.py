"""The report in JUnit's XML: a suite for each check, with a case for the check and one for each failed test. Pure."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from tasks.models import CheckReport, Diagnostic, Report, Status
from tasks.report.findings.rerun import rerun_of, selecting_words
from tasks.report.folding import findings, headline, repetition
from tasks.report.formats.places import in_repository
from tasks.report.layout import clean, clean_line

_SHOWN = 200
"""The findings in the text of a check. `report.json` has all of them."""
_ENDINGS = {Status.FAILED: "failure", Status.ERRORED: "error", Status.SKIPPED: "skipped"}
_NO_XML = re.compile("[\ufffe\uffff]")
"""Characters that XML cannot hold, and that `clean` leaves in place."""


def render_junit(report: Report, below: str = ".") -> str:
    """The document as text. `below` is the stack's directory in its repository."""
    document = Element("testsuites", name="predeploy", time=f"{report.duration:.3f}")
    for check in report.checks:
        suite = SubElement(document, "testsuite", name=_line(check.id), timestamp=report.started_at)
        suite.set("time", f"{check.result.duration:.3f}")
        suite.extend([_own_case(check), *_test_cases(check, below)])
        _count(suite)
    _count(document)
    del document.attrib["skipped"]  # the schema of Jenkins has it in suites alone
    ElementTree.indent(document, " ")
    return ElementTree.tostring(document, encoding="unicode", xml_declaration=True) + "\n"


def _count(element: Element) -> None:
    """Writes the numbers of cases into a suite."""
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(1 for _ in element.iter(tag))))


def _own_case(check: CheckReport) -> Element:
    """The check itself. No verdict is an error, and not a failure."""
    result = check.result
    case = Element("testcase", name=_line(check.title), classname=_line(f"{check.stage}.{check.component}"))
    case.set("time", f"{result.duration:.3f}")
    if result.status in _ENDINGS:
        reason, code = _line(result.reason or result.reason_code), result.reason_code
        ending = SubElement(case, _ENDINGS[result.status], message=reason or result.status.value)
        ending.set("type", code or result.status.value)
        if result.status is not Status.SKIPPED:
            ending.text = _text("\n".join(_lines(check)))
    elif result.summary:
        SubElement(case, "system-out").text = _text(result.summary)
    return case


def _lines(check: CheckReport) -> Iterator[str]:
    """What explains a red check: its findings, and the command that runs it again."""
    found = findings(check.result.diagnostics)
    for finding in found[:_SHOWN]:
        diagnostic = finding.diagnostic
        fix = f"fix: {diagnostic.fix}" if diagnostic.fix else ""
        yield " ".join(filter(None, [diagnostic.location, headline(finding), repetition(finding), fix]))
    if len(found) > _SHOWN:
        yield f"and {len(found) - _SHOWN} more in report.json"
    if check.rerun:
        yield f"run it again: {check.rerun}"


def _test_cases(check: CheckReport, below: str) -> Iterator[Element]:
    """A case for each failed test of a test runner, so that services follow it by its name."""
    tests: dict[str, list[Diagnostic]] = {}
    if check.result.status is Status.FAILED:
        for diagnostic in check.result.diagnostics:
            if selecting_words(diagnostic):
                tests.setdefault(diagnostic.rule or "", []).append(diagnostic)
    for name, found in tests.items():
        case = Element("testcase", name=_line(name), classname=_line(check.id))
        first = found[0]
        if first.file:
            case.set("file", _line(in_repository(first.file, below)))
            case.set("line", str(first.line or 1))
        failure = SubElement(case, "failure", message=_line(first.message), type="test_failed")
        lines = [f"{each.location} {each.message}".strip() for each in found]
        lines += [f"run it again: {again}"] if (again := rerun_of(check, first)) else []
        failure.text = _text("\n".join(lines))
        yield case


def _line(text: str) -> str:
    return _NO_XML.sub("", clean_line(text))


def _text(text: str) -> str:
    return _NO_XML.sub("", clean(text))
