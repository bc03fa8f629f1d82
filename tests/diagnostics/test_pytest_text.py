"""What is read in the output of pytest."""

import pytest

from tests.diagnostics.captures import assert_reads, names, read

# Severity, place, rule and the beginning of the message.
READ: dict[str, tuple[str, ...]] = {
    "pytest/addopts": ("error apps/pt3/pytest.ini [usage] unrecognized arguments: --cov=x",),
    "pytest/addopts_quiet": (
        "error apps/pt/tests/test_a.py:20 [tests/test_a.py::test_dicts] AssertionError: assert {'a': 1, 'b':",
    ),
    "pytest/collection": (
        "error apps/pt2/tests/test_col.py:1 [collection] ModuleNotFoundError: No module named 'nosuchmodule'",
        "error apps/pt2/tests/test_name.py:2 [collection] NameError: name 'undefined_name' is not defined",
        "error apps/pt2/tests/test_syn.py:1 [collection] SyntaxError: invalid syntax: def test_x(:",
    ),
    "pytest/collection_7_4": (
        "error apps/pt2/tests/test_col.py:1 [collection] ModuleNotFoundError: No module named 'nosuchmodule'",
        "error apps/pt2/tests/test_name.py:2 [collection] NameError: name 'undefined_name' is not defined",
        "error apps/pt2/tests/test_syn.py:1 [collection] SyntaxError: invalid syntax: def test_x(:",
    ),
    "pytest/collection_xdist": (
        "error apps/pt2/tests/test_col.py:1 [collection] ModuleNotFoundError: No module named 'nosuchmodule'",
        "error apps/pt2/tests/test_name.py:2 [collection] NameError: name 'undefined_name' is not defined",
        "error apps/pt2/tests/test_syn.py:1 [collection] SyntaxError: invalid syntax: def test_x(:",
    ),
    "pytest/conftest": (
        "error apps/pt4/conftest.py:1 [collection] ModuleNotFoundError: No module named 'nosuchmodule'",
    ),
    "pytest/conftest_nested": (
        "error apps/pt4/tests/conftest.py:1 [collection] ModuleNotFoundError: No module named 'nosuchmodule'",
    ),
    "pytest/coverage": ("error - [coverage] Required test coverage of 99% not reached. Total coverage: 57.89%",),
    "pytest/crash": ("error apps/pt5/tests/test_crash.py:2 [crash] Fatal Python error: Aborted",),
    "pytest/crash_xdist": (
        "error apps/pt5/tests/test_crash.py [tests/test_crash.py::test_x] worker 'gw0' crashed while running",
    ),
    "pytest/django": (
        "error apps/tb/tests/test_x.py:6 [tests/test_x.py::test_x] AssertionError: assert 0 == 1",
        "error apps/tb/tests/test_x.py:11 [tests/test_x.py::test_no_db] RuntimeError: Database access not all",
    ),
    "pytest/django_settings": ("error - [ImportError] No module named 'config.nosuch'",),
    "pytest/django_settings_syntax": (
        "error apps/tb/config/settings.py:26 [SyntaxError] invalid syntax: DEBUG = = True",
    ),
    "pytest/exit": ("error - [exit] stop here",),
    "pytest/failures": (
        "error apps/pt/conftest.py:6 [tests/test_a.py::test_fixture] error at setup: RuntimeError: no databas",
        "error apps/pt/conftest.py:10 [tests/test_a.py::test_close] error at teardown: OSError: cannot close",
        "error apps/pt/tests/test_a.py:35 [tests/test_a.py::test_unknown_fixture] error at setup: fixture 'no",
        "error apps/pt/tests/test_a.py:13 [tests/test_a.py::TestPrices::test_sum[1]] AssertionError: wrong 1",
        "error apps/pt/app.py:3 [tests/test_a.py::TestPrices::test_json] json.decoder.JSONDecodeError: Expect",
        "error apps/pt/tests/test_a.py:20 [tests/test_a.py::test_dicts] AssertionError: assert {'a': 1, 'b':",
        "error apps/pt/app.py:5 [tests/test_a.py::test_helper] AssertionError: too small",
        "error apps/pt/tests/test_a.py [tests/test_a.py::test_unexpected] [XPASS(strict)]",
        "error apps/pt/tests/test_a.py:58 [tests/test_a.py::test_chain] KeyError: 'price'",
        "error apps/pt/tests/test_a.py:62 [tests/test_a.py::test_raises] Failed: DID NOT RAISE ValueError",
        "error apps/pt/tests/test_a.py:67 [tests/test_a.py::test_fail] Failed: by hand",
        "error apps/pt/tests/test_a.py:71 [tests/test_a.py::test_multiline] AssertionError: assert 'a\\nb' ==",
    ),
    "pytest/failures_7_4": (
        "error apps/pt/conftest.py:6 [tests/test_a.py::test_fixture] error at setup: RuntimeError: no databas",
        "error apps/pt/conftest.py:10 [tests/test_a.py::test_close] error at teardown: OSError: cannot close",
        "error apps/pt/tests/test_a.py:35 [tests/test_a.py::test_unknown_fixture] error at setup: fixture 'no",
        "error apps/pt/tests/test_a.py:13 [tests/test_a.py::TestPrices::test_sum[1]] AssertionError: wrong 1",
        "error apps/pt/app.py:3 [tests/test_a.py::TestPrices::test_json] json.decoder.JSONDecodeError: Expect",
        "error apps/pt/tests/test_a.py:20 [tests/test_a.py::test_dicts] AssertionError: assert {'a': 1, 'b':",
        "error apps/pt/app.py:5 [tests/test_a.py::test_helper] AssertionError: too small",
        "error apps/pt/tests/test_a.py [tests/test_a.py::test_unexpected] [XPASS(strict)]",
        "error apps/pt/tests/test_a.py:58 [tests/test_a.py::test_chain] KeyError: 'price'",
        "error apps/pt/tests/test_a.py:62 [tests/test_a.py::test_raises] Failed: DID NOT RAISE <class 'ValueE",
        "error apps/pt/tests/test_a.py:67 [tests/test_a.py::test_fail] Failed: by hand",
        "error apps/pt/tests/test_a.py:71 [tests/test_a.py::test_multiline] AssertionError: assert 'a\\nb' ==",
    ),
    "pytest/ini": ("error apps/pt3/pytest.ini:1 [usage] unexpected value continuation",),
    "pytest/internalerror": (
        "error apps/pt4/tests/conftest.py:4 [internal_error] INTERNALERROR: RuntimeError: hook broke",
    ),
    "pytest/internalerror_clean": (),
    "pytest/no_tests": (),
    "pytest/none_selected": (),
    "pytest/passed": (),
    "pytest/quiet": (
        "error apps/pt/tests/test_a.py:20 [tests/test_a.py::test_dicts] AssertionError: assert {'a': 1, 'b':",
    ),
    "pytest/toml": ("error apps/pt3/pyproject.toml:3 [usage] Unclosed array",),
    "pytest/unittest": (
        "error apps/pt/tests/test_sub.py:13 [tests/test_sub.py::TestSetup::test_a] error at setup: ValueError",
        "error apps/pt/tests/test_sub.py:8 [Sub.test_many (n=0)] AssertionError: 0 != 1",
        "error apps/pt/tests/test_sub.py:8 [Sub.test_many (n=2)] AssertionError: 2 != 1",
        "error apps/pt/tests/test_sub.py:23 [tests/test_sub.py::test_doc] LookupError: async",
    ),
    "pytest/unknown_option": ("error apps/pt3/pytest.ini [usage] unrecognized arguments: --nosuch",),
    "pytest/unknown_path": ("error - [usage] file or directory not found: tests/test_no.py",),
    "pytest/warning": (),
    "pytest/xdist": (
        "error apps/pt/conftest.py:6 [tests/test_a.py::test_fixture] error at setup: RuntimeError: no databas",
        "error apps/pt/tests/test_a.py:35 [tests/test_a.py::test_unknown_fixture] error at setup: fixture 'no",
        "error apps/pt/tests/test_a.py:20 [tests/test_a.py::test_dicts] AssertionError: assert {'a': 1, 'b':",
    ),
}

# The summary, and the counts of passed, failed and skipped tests.
SAID: dict[str, tuple[str, tuple[int, int, int] | None]] = {
    "pytest/addopts_quiet": ("1 failed, 1 passed, 14 deselected", (1, 1, 0)),
    "pytest/collection": ("3 errors", (0, 3, 0)),
    "pytest/collection_7_4": ("3 errors", (0, 3, 0)),
    "pytest/collection_xdist": ("1 passed, 4 errors", (1, 4, 0)),
    "pytest/coverage": ("1 passed, 15 deselected", (1, 0, 0)),
    "pytest/crash_xdist": ("1 failed", (0, 1, 0)),
    "pytest/django": ("2 failed", (0, 2, 0)),
    "pytest/exit": ("no tests collected", (0, 0, 0)),
    "pytest/failures": ("9 failed, 3 passed, 1 skipped, 1 xfailed, 3 errors", (3, 12, 2)),
    "pytest/failures_7_4": ("9 failed, 3 passed, 1 skipped, 1 xfailed, 3 errors", (3, 12, 2)),
    "pytest/internalerror": ("no tests collected", (0, 0, 0)),
    "pytest/internalerror_clean": ("1 passed", (1, 0, 0)),
    "pytest/no_tests": ("no tests collected", (0, 0, 0)),
    "pytest/none_selected": ("no tests collected", (0, 0, 0)),
    "pytest/passed": ("1 passed, 1 skipped, 13 deselected, 1 xfailed", (1, 0, 2)),
    "pytest/quiet": ("1 failed, 1 passed, 14 deselected", (1, 1, 0)),
    "pytest/unittest": ("3 failed, 1 passed, 1 error", (1, 4, 0)),
    "pytest/unknown_path": ("no tests collected", (0, 0, 0)),
    "pytest/warning": ("1 passed", (1, 0, 0)),
    "pytest/xdist": ("1 failed, 1 passed, 2 errors", (1, 3, 0)),
}


@pytest.mark.parametrize("name", names("pytest"))
def test_findings_have_place_rule_and_message(name: str) -> None:
    assert_reads(name, READ[name])


@pytest.mark.parametrize("name", SAID)
def test_summary_and_counts_are_the_tools_own(name: str) -> None:
    summary, counts = SAID[name]

    parsed = read(name)

    assert parsed.summary == summary
    tests = parsed.tests
    assert (tests and (tests.passed, tests.failed, tests.skipped)) == counts
