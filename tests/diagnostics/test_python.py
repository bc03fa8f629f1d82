"""What is read in the output of ruff, ruff format and mypy."""

import pytest

from tests.diagnostics.captures import assert_reads, names, read

# Severity, place, rule and the beginning of the message.
READ: dict[str, tuple[str, ...]] = {
    "mypy/clean": (),
    "mypy/config_parse": ("error apps/my/bad2.ini:3 [config] Source contains parsing errors: 'bad2.ini'",),
    "mypy/config_parse_1_8": ("error apps/my/bad2.ini:3 [config] Source contains parsing errors: 'bad2.ini'",),
    "mypy/config_plugin": (
        "warning apps/my/bad.ini [config] [mypy]: Unrecognized option: strct = True",
        "error apps/my/bad.ini:3:1 [misc] Error importing plugin \"nosuch.plugin\": No module named 'nosuch'",
    ),
    "mypy/config_plugin_1_8": (
        "warning apps/my/bad.ini [config] [mypy]: Unrecognized option: strct = True",
        "error apps/my/bad.ini:3:1 [misc] Error importing plugin \"nosuch.plugin\": No module named 'nosuch'",
    ),
    "mypy/config_toml": ("error apps/my/bad4.toml:2 [config] Invalid value (at line 2, column 10)",),
    "mypy/config_toml_1_8": ("error apps/my/bad4.toml:2 [config] Invalid value (at line 2, column 10)",),
    "mypy/config_version": (
        "warning apps/my/bad3.ini [config] [mypy]: Unrecognized option: foo = 1",
        "error - [config] Mypy no longer supports checking Python 2 code. Consider pinning to mypy<0.980 if y",
    ),
    "mypy/config_version_1_8": (
        "warning apps/my/bad3.ini [config] [mypy]: Unrecognized option: foo = 1",
        "error - [config] Mypy no longer supports checking Python 2 code. Consider pinning to mypy<0.980 if y",
    ),
    "mypy/duplicate_module": (
        'error apps/my/p2/mod.py [] Duplicate module named "mod" (also at "p1/mod.py"); note: Common resoluti',
    ),
    "mypy/findings": (
        'error apps/my/b.py:2:16 [operator] Unsupported operand types for + ("int" and "str")',
        'error apps/my/a.py:2:1 [import-untyped] Library stubs not installed for "yaml"; note: Hint: "python3',
        "error apps/my/a.py:3:1 [import-not-found] Cannot find implementation or library stub for module name",
        'error apps/my/a.py:8:12 [return-value] Incompatible return value type (got "int", expected "str")',
        "error apps/my/a.py:11:1 [no-untyped-def] Function is missing a type annotation",
        'error apps/my/a.py:17:16 [return-value] Incompatible return value type (got "str", expected "int")',
        'error apps/my/a.py:20:1 [call-arg] Too many arguments for "g"',
        'note apps/my/a.py:21:13 [] Revealed type is "Literal[1]?"',
    ),
    "mypy/findings_1_8": (
        'error apps/my/b.py:2:16 [operator] Unsupported operand types for + ("int" and "str")',
        'error apps/my/a.py:2:1 [import-untyped] Library stubs not installed for "yaml"; note: Hint: "python3',
        "error apps/my/a.py:3:1 [import-not-found] Cannot find implementation or library stub for module name",
        'error apps/my/a.py:8:12 [return-value] Incompatible return value type (got "int", expected "str")',
        "error apps/my/a.py:11:1 [no-untyped-def] Function is missing a type annotation",
        'error apps/my/a.py:17:16 [return-value] Incompatible return value type (got "str", expected "int")',
        'error apps/my/a.py:20:1 [call-arg] Too many arguments for "g"',
        'note apps/my/a.py:21:13 [] Revealed type is "Literal[1]?"',
    ),
    "mypy/internal_error": (
        'error apps/my/a.py:2:1 [import-untyped] Library stubs not installed for "yaml"; note: Hint: "python3',
        "error apps/my/a.py:3:1 [import-not-found] Cannot find implementation or library stub for module name",
        "error - [internal_error] mypy crashed (INTERNAL ERROR); --show-traceback shows where",
    ),
    "mypy/missing_file": ("error apps/my/nothere.py [] Cannot read file: No such file or directory",),
    "mypy/no_files": ("error - [config] There are no .py[i] files in directory '.'",),
    "mypy/syntax": (
        "error apps/my/syn.py:1:8 [syntax] Expected a parameter or the end of the parameter list",
        "error apps/my/syn.py:2:2 [syntax] Unexpected EOF while parsing",
    ),
    "mypy/syntax_1_8": ("error apps/my/syn.py:1:8 [syntax] invalid syntax",),
    "ruff/clean": (),
    "ruff/config_rc": (
        "error apps/rc/pyproject.toml:7:1 [config] unknown field `selct`, expected one of `allowed-confusable",
    ),
    "ruff/config_rc2": ("error apps/rc2/ruff.toml:2:6 [config] unclosed table, expected `]`",),
    "ruff/config_rc2_0_4": ("error apps/rc2/ruff.toml:2:6 [config] invalid table header",),
    "ruff/config_rc3": (
        "error apps/rc3/pyproject.toml [config] Unknown rule selector `ZZZ999` in `select` from `apps/rc3/pyp",
    ),
    "ruff/config_rc3_0_4": ("error apps/rc3/pyproject.toml:1:1 [config] Unknown rule selector: `ZZZ999`",),
    "ruff/config_rc_0_4": ("error apps/rc/pyproject.toml:6:1 [config] unknown field `selct`",),
    "ruff/findings": (
        "error apps/web/bad.py:1:8 [F401] `os` imported but unused",
        "error apps/web/bad.py:2:8 [F401] `sys` imported but unused",
        "error apps/web/bad.py:6:5 [F841] Local variable `x` is assigned to but never used",
        "error apps/web/bad.py:7:11 [F821] Undefined name `undefined`",
        "error apps/web/syn.py:1:7 [invalid-syntax] Expected a parameter or the end of the parameter list",
        "error apps/web/syn.py:1:8 [invalid-syntax] Expected `)`, found newline",
    ),
    "ruff/findings_0_4": (
        "error apps/web/bad.py:1:8 [F401] `os` imported but unused",
        "error apps/web/bad.py:2:8 [F401] `sys` imported but unused",
        "error apps/web/bad.py:6:5 [F841] Local variable `x` is assigned to but never used",
        "error apps/web/bad.py:7:11 [F821] Undefined name `undefined`",
        "error apps/web/syn.py:1:7 [E999] Expected a parameter or the end of the parameter list",
        "error apps/web/syn.py:1:8 [E999] Expected ')', found newline",
    ),
    "ruff/findings_0_9": (
        "error apps/web/bad.py:1:8 [F401] `os` imported but unused",
        "error apps/web/bad.py:2:8 [F401] `sys` imported but unused",
        "error apps/web/bad.py:6:5 [F841] Local variable `x` is assigned to but never used",
        "error apps/web/bad.py:7:11 [F821] Undefined name `undefined`",
        "error apps/web/syn.py:1:7 [invalid-syntax] Expected a parameter or the end of the parameter list",
        "error apps/web/syn.py:1:8 [invalid-syntax] Expected ')', found newline",
    ),
    "ruff/missing_dir": ("error apps/nosuch:1:1 [E902] No such file or directory (os error 2)",),
    "ruff/no_files": (),
    "ruff_format/clean": (),
    "ruff_format/config": (
        "error apps/rc/pyproject.toml:7:1 [config] unknown field `selct`, expected one of `allowed-confusable",
    ),
    "ruff_format/diff": (
        "error apps/web/syn.py:1:7 [invalid-syntax] Expected a parameter or the end of the parameter list",
        "error apps/web/fmt.py:1 [unformatted] would be reformatted",
        "error apps/web/fmt2.py:5 [unformatted] would be reformatted",
    ),
    "ruff_format/diff_0_4": (
        "error apps/web/syn.py:1:7 [invalid-syntax] Expected a parameter or the end of the parameter list",
        "error apps/web/fmt.py:1 [unformatted] would be reformatted",
        "error apps/web/fmt2.py:5 [unformatted] would be reformatted",
    ),
    "ruff_format/no_files": (),
    "ruff_format/plain_0_4": (
        "error apps/web/syn.py:1:7 [invalid-syntax] Expected a parameter or the end of the parameter list",
        "error apps/web/fmt.py [unformatted] would be reformatted",
        "error apps/web/fmt2.py [unformatted] would be reformatted",
    ),
}

# The summary, and the counts of passed, failed and skipped tests.
SAID: dict[str, tuple[str, tuple[int, int, int] | None]] = {
    "mypy/clean": ("checked 1 source file", None),
    "mypy/config_parse": ("checked 1 source file", None),
    "mypy/config_parse_1_8": ("checked 1 source file", None),
    "mypy/config_toml": ("checked 1 source file", None),
    "mypy/config_toml_1_8": ("checked 1 source file", None),
    "mypy/findings": ("checked 2 source files", None),
    "mypy/findings_1_8": ("checked 2 source files", None),
    "ruff_format/clean": ("1 file already formatted", None),
}


@pytest.mark.parametrize("name", names("ruff", "ruff_format", "mypy"))
def test_findings_have_place_rule_and_message(name: str) -> None:
    assert_reads(name, READ[name])


@pytest.mark.parametrize("name", SAID)
def test_summary_and_counts_are_the_tools_own(name: str) -> None:
    summary, counts = SAID[name]

    parsed = read(name)

    assert parsed.summary == summary
    tests = parsed.tests
    assert (tests and (tests.passed, tests.failed, tests.skipped)) == counts
