"""Commands that repeat one failure. Pure."""

import re
import shlex

from tasks.models import CheckReport, Diagnostic, Severity, Status

_LABEL = re.compile(r"[A-Za-z_]\w*(?:\.\w+){2,}")
"""A test as Django's runner names it: module, class and method."""
_NOT_TESTS = frozenset({"suite", "ENOTFOUND", "absent_binary"})
_SPECIAL = re.compile(r"[.*+?^${}()|\[\]\\/]")


def rerun_of(check: CheckReport, diagnostic: Diagnostic) -> str:
    """Returns the command that runs the failed test alone; empty if the diagnostic is not of one test."""
    words = selecting_words(diagnostic)
    is_red = check.result.status is Status.FAILED and diagnostic.severity is Severity.ERROR
    return f"{check.rerun} -- {shlex.join(words)}" if words and is_red and check.rerun and check.has_tests else ""


def selecting_words(diagnostic: Diagnostic) -> tuple[str, ...]:
    """Returns the words that select the test of a diagnostic for its runner; none if it is of no test."""
    rule = diagnostic.rule or ""
    match diagnostic.tool:
        case "pytest" if "::" in rule:
            return (rule,)
        case "django" if _LABEL.fullmatch(rule):
            return (rule,)
        case "vitest" if rule and rule not in _NOT_TESTS and not re.fullmatch(r"\w*(?:Error|Exception)|[A-Z_]+", rule):
            return ("-t", f"^{_SPECIAL.sub(lambda found: chr(92) + found[0], rule)}$")
    return ()
