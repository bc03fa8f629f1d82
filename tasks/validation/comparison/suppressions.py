"""Finds comments that silence a tool, and tests that are skipped. Pure."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

PYTHON = re.compile(r".*\.pyi?")
SCRIPT = re.compile(r".*\.(?:[cm]?[jt]sx?|vue|svelte|astro)")
SCRIPT_TESTS = re.compile(r"(?:.*/)?(?:__tests__|tests?|e2e)/.*\.[cm]?[jt]sx?|.*[.-](?:test|spec)\.[cm]?[jt]sx?")
PYTHON_TESTS = re.compile(r"(?:.*/)?(?:test_\w*|\w*_test|tests|conftest)\.py|(?:.*/)?tests?/.*\.py")
ESLINT = re.compile(r"(?:.*/)?(?:eslint\.config\.[cm]?[jt]s|\.eslintrc\.c?js)")
VITEST = re.compile(r"(?:.*/)?vite(?:st)?\.config\.[cm]?[jt]s")
COMMANDS = re.compile(
    r"(?:.*/)?(?:\.github/workflows/[^/]+|[Jj]ustfile|Makefile|package\.json|\.pre-commit-config\.ya?ml)"
)
_CODES = r"(?P<codes>[A-Za-z@][\w@/-]*(?:\s*,\s*[A-Za-z@][\w@/-]*)*)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What silences a tool or a test. `name` is its text for people, to which the codes of the pattern are added."""

    kind: str
    name: str
    files: re.Pattern[str]
    pattern: re.Pattern[str]
    in_comment: bool = False


def _mark(kind: str, name: str, files: re.Pattern[str], pattern: str, *, in_comment: bool = False) -> Mark:
    return Mark(kind=kind, name=name, files=files, pattern=re.compile(pattern), in_comment=in_comment)


def _comment(name: str, files: re.Pattern[str], pattern: str) -> Mark:
    return _mark("suppression", name, files, pattern, in_comment=files is PYTHON)


MARKS = (
    _comment("# ruff: noqa", PYTHON, rf"#\s*(?:ruff|flake8)\s*:\s*noqa(?::\s*{_CODES})?"),
    _comment("# noqa", PYTHON, rf"(?i)#\s*noqa\b(?::\s*{_CODES})?"),
    _comment("# type: ignore", PYTHON, rf"#\s*type:\s*ignore(?:\[{_CODES}\])?"),
    _comment("# pyright: ignore", PYTHON, rf"#\s*pyright:\s*ignore(?:\[{_CODES}\])?"),
    _comment("# mypy: ignore-errors", PYTHON, r"#\s*mypy:\s*ignore-errors"),
    _comment("# mypy: disable-error-code", PYTHON, rf"#\s*mypy:\s*disable-error-code\s*=\s*\"?{_CODES}"),
    _comment("# pylint: disable", PYTHON, rf"#\s*pylint:\s*disable(?:-next)?\s*=\s*{_CODES}"),
    _comment("# nosec", PYTHON, rf"#\s*nosec\b(?:\s*:?\s+{_CODES})?"),
    _comment("# pragma: no cover", PYTHON, r"#\s*pragma:\s*no cover"),
    _comment("# fmt: off", PYTHON, r"#\s*fmt:\s*(?:off|skip)"),
    _comment("@ts-ignore", SCRIPT, r"(?://|/\*)\s*@ts-ignore"),
    _comment("@ts-expect-error", SCRIPT, r"(?://|/\*)\s*@ts-expect-error"),
    _comment("@ts-nocheck", SCRIPT, r"(?://|/\*)\s*@ts-nocheck"),
    _comment("eslint-disable", SCRIPT, rf"(?://|/\*)\s*(?:eslint|oxlint)-disable(?:-next-line|-line)?(?:\s+{_CODES})?"),
    _comment("biome-ignore", SCRIPT, rf"(?://|/\*)\s*biome-ignore(?:-all)?\s+{_CODES}"),
    _comment("an ignore of coverage", SCRIPT, r"/\*\s*(?:istanbul|[cv]8)\s+ignore"),
    _mark("skipped_test", "pytest.mark.skip", PYTHON_TESTS, r"\bmark\.(?:skip|skipif)\b"),
    _mark("skipped_test", "pytest.mark.xfail", PYTHON_TESTS, r"\bmark\.xfail\b"),
    _mark("skipped_test", "pytest.skip()", PYTHON_TESTS, r"\bpytest\.(?:skip|xfail|importorskip)\("),
    _mark("skipped_test", "unittest.skip", PYTHON_TESTS, r"@(?:unittest\.)?(?:skip|skipIf|skipUnless)\("),
    _mark("skipped_test", "unittest.expectedFailure", PYTHON_TESTS, r"@(?:unittest\.)?expectedFailure\b"),
    _mark("skipped_test", "skipTest()", PYTHON_TESTS, r"\.skipTest\(|\braise (?:unittest\.)?SkipTest\b"),
    _mark(
        "skipped_test",
        "a skipped test",
        SCRIPT_TESTS,
        r"\b(?:it|test|describe|suite)(?:\.\w+)*\.(?:skip|todo|fails|failing|skipIf)\b|\bx(?:it|test|describe)\(",
    ),
    _mark(
        "skipped_test",
        "`.only`, which skips the other tests of the file",
        SCRIPT_TESTS,
        r"\b(?:it|test|describe|suite)(?:\.\w+)*\.only\b|\bf(?:it|describe)\(",
    ),
    _mark(
        "configuration",
        "an eslint rule without errors",
        ESLINT,
        r"(?P<codes>[@\w/-]+)[\"']?\s*:\s*\[?\s*[\"'](?:off|warn)[\"']",
    ),
    _mark("configuration", "`passWithNoTests`", VITEST, r"\bpassWithNoTests\s*:\s*true"),
    _mark("configuration", "`continue-on-error`", COMMANDS, r"\bcontinue-on-error\s*:\s*(?:true|\$)"),
    _mark("configuration", "`|| true`, which hides a failure", COMMANDS, r"\|\|\s*(?:true|:|exit 0)(?![\w.-])"),
)


_HINT = re.compile(
    r"[nN][oO][qQ][aA]|ignore|mypy:|pylint:|nosec|pragma:|fmt:|lint-disable|@ts-|[sS]kip|todo|fail|expectedFailure|\.only"
    r"|(?:fit|xit|fdescribe|xdescribe|xtest)\(|off[\"']|warn[\"']|passWithNoTests|continue-on-error|\|\|"
)
"""A part of each mark. Few lines have it. Each way begins with a character: the search skips all other places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """A mark at a line. `code` is one of its codes, or empty: then it silences all of them. `text` is the line."""

    mark: Mark
    code: str
    line: int
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """The same for each mark that silences the same."""
        return (self.mark.name, self.code)


def changed_marks(path: str, before: str, after: str) -> tuple[list[Silenced], list[Silenced]]:
    """The marks before and after an edit, in the lines that one of the texts has more often than the other.

    A line that both texts have as often has the same marks in both.
    """
    marks = [mark for mark in MARKS if mark.files.fullmatch(path)]
    if not marks or before == after:
        return [], []
    counts = [Counter(text.split("\n")) for text in (before, after)]
    hinted = {line for line in counts[0].keys() | counts[1].keys() if counts[0][line] != counts[1][line]}
    if not (hinted := {line for line in hinted if _HINT.search(line)}):
        return [], []
    return [*_silenced(marks, before, hinted)], [*_silenced(marks, after, hinted)]


def _silenced(marks: Sequence[Mark], text: str, hinted: Collection[str]) -> Iterator[Silenced]:
    """The marks in some lines of a file."""
    lines = text.split("\n")
    read = [(number, line) for number, line in enumerate(lines, 1) if line in hinted]
    in_comments = [mark.pattern for mark in marks if mark.in_comment]
    has_comment = any(pattern.search(line) for _, line in read for pattern in in_comments)
    comments = _comments(text, lines) if has_comment else lines
    for number, line in read:
        comment = comments[number - 1]
        for mark in marks:
            for found in mark.pattern.finditer(comment if mark.in_comment else line):
                codes = found.groupdict().get("codes") or ""
                for code in re.split(r"[\s,]+", codes.strip()):
                    yield Silenced(mark=mark, code=code, line=number, text=" ".join(line.split()))


_STRINGS_AND_COMMENTS = re.compile(
    r"(?P<comment>#[^\n]*)"
    r'|"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*(?:"""|\\?\Z)'
    r"|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(?:'''|\\?\Z)"
    r'|"[^"\\\n]*(?:\\.[^"\\\n]*)*"?'
    r"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'?",
    re.DOTALL,
)
"""The strings and comments of Python, many times faster than `tokenize`. A string without an end never costs a search
twice: it ends with its line or its file."""


def _comments(text: str, lines: list[str]) -> list[str]:
    """The comment of each line of Python. A string is no comment."""
    found = [""] * len(lines)
    line = place = 0
    for each in _STRINGS_AND_COMMENTS.finditer(text):
        if comment := each["comment"]:
            line += text.count("\n", place, each.start())
            place = each.start()
            found[line] = comment
    return found


_PYTHON_TEST = re.compile(r"def (test\w*)")
_SCRIPT_TEST = re.compile(r"^\s*(?:it|test)(?:\.(?!skip|todo)\w+)*(?:\([^)\n]*\))?\(\s*([\"'`])(.+?)\1", re.MULTILINE)


def defined_tests(path: str, text: str) -> list[str]:
    """The tests that a file defines."""
    if PYTHON_TESTS.fullmatch(path):
        found = _PYTHON_TEST.finditer(text)  # the search begins with a word: it is many times faster than with blanks
        starts = ((text.rfind("\n", 0, each.start()) + 1, each) for each in found)
        return [each[1] for start, each in starts if text[start : each.start()].strip() in {"", "async"}]
    if SCRIPT_TESTS.fullmatch(path):
        return [name for _, name in _SCRIPT_TEST.findall(text)]
    return []
