"""`predeploy explain`: what a reason code, a check or a finding means, and what usually fixes it."""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.cli.status import newest_place, read_document
from tasks.catalogue.explanations import Explanation, explanations
from tasks.errors import UsageError
from tasks.files import page
from tasks.report.facts import counted
from tasks.report.layout import clean, clean_line
from tasks.user_dirs import UserDirs

PAGE = "checks.md"
FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_ROW = re.compile(
    r"^\| (?P<stage>build|quality|integration) \| `(?P<name>\w+)`(?:,[^|]*)? \| (?P<proof>.+) \|$", re.MULTILINE
)


def render_explanation(what: str, stack: Path, user_dirs: UserDirs) -> str:
    """Returns the text for a code, a check or a fingerprint. The newest report of the stack adds what it has of it.

    Raises UsageError for a word that is none of them, with the nearest ones.
    """
    document = newest_document(stack, user_dirs)
    if FINGERPRINT.fullmatch(what):
        return "\n".join(finding_lines(what, document))
    name = what.partition("[")[0]
    codes, checks = explanations(), checks_of(page(PAGE).read_text(encoding="utf-8"))
    lines = [*(code_lines(codes[what]) if what in codes else ())]
    seen = [check for check in reported(document) if what in {check["id"], check["name"], check["reason_code"]}]
    if name in checks:
        lines += [f"{what}: a pass proves that {plain(checks[name])}."]
    if not lines and not seen:
        near = difflib.get_close_matches(what, [*codes, *checks], n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "name a reason code, a check or a fingerprint"
        raise UsageError(f"{what}: no such reason code, check or fingerprint; {hint}")
    return "\n".join([*lines, *(line for check in seen for line in check_lines(check)), f"More: {page(PAGE)}"])


def newest_document(stack: Path, user_dirs: UserDirs) -> Mapping[str, Any]:
    """Returns the newest report of a stack, or an empty one."""
    try:
        return read_document(newest_place(stack, user_dirs))
    except UsageError:
        return {"stages": {}}


def checks_of(text: str) -> Mapping[str, str]:
    """Returns what a pass of each check proves, from the table of the page."""
    return {match["name"]: match["proof"] for match in _ROW.finditer(text)}


def reported(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the checks of a report."""
    return [check for stage in document["stages"].values() for check in stage["checks"]]


def code_lines(explanation: Explanation) -> Iterator[str]:
    """Yields the meaning of a code, and what usually fixes it."""
    yield f"{explanation.code}: {plain(explanation.meaning)}."
    yield f"What usually fixes it: {plain(explanation.advice)}."


def check_lines(check: Mapping[str, Any]) -> Iterator[str]:
    """Yields what the newest run says about a check."""
    code = f" [{check['reason_code']}]" if check["reason_code"] else ""
    reason = f": {clean_line(check['reason'])}" if check["reason"] else ""
    yield f"In the newest run: {clean_line(check['id'])} {check['status']}{code}{reason}"
    explanation = explanations().get(check["reason_code"])
    if explanation is not None:
        yield f"  {explanation.code}: {plain(explanation.meaning)}. {plain(explanation.advice).capitalize()}."
    if check["log"]:
        yield f"  log: {clean_line(check['log'])}"
    if check["rerun"]:
        yield f"  run it again: {clean_line(check['rerun'])}"


def finding_lines(fingerprint: str, document: Mapping[str, Any]) -> Iterator[str]:
    """Yields a finding of the newest run, with its cause. Raises UsageError if the report does not have it."""
    found = [
        (check, each)
        for check in reported(document)
        for each in check["diagnostics"]
        if each["fingerprint"] == fingerprint
    ]
    if not found:
        raise UsageError(f"{fingerprint}: the newest report has no finding with this fingerprint")
    check, finding = found[0]
    place = ":".join(str(finding[key]) for key in ("file", "line", "column") if finding[key] is not None)
    yield clean_line(
        f"{place or 'no file'}: {finding['severity']} of {finding['tool']} [{finding['rule'] or 'no rule'}]"
    )
    yield clean(finding["message"])
    if finding["fix"]:
        yield f"Fix: {clean_line(finding['fix'])}"
    if finding["cause"] is not None:
        cause = document["causes"][finding["cause"]]
        checks = ", ".join(map(clean_line, cause["checks"]))
        yield f"Its cause has {counted(cause['errors'], 'error')} in {checks}: {clean_line(cause['message'])}"
    yield f"Run it again: {clean_line(finding['rerun'] or check['rerun'])}"


def plain(text: str) -> str:
    """Returns Markdown of the table as plain text."""
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text).replace("`", "")
