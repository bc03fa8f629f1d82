"""What is read in the output of tsc, eslint, astro check and vitest."""

import pytest

from tests.diagnostics.captures import assert_reads, names, read

# Severity, place, rule and the beginning of the message.
READ: dict[str, tuple[str, ...]] = {
    "astro_check/clean": (),
    "astro_check/findings": (
        "error sites/shop/src/lib.ts:1:14 [ts(2322)] Type 'number' is not assignable to type 'string'.",
        "error sites/shop/src/pages/index.astro:5:22 [ts(2304)] Cannot find name 'Nope'.",
        "error sites/shop/src/pages/index.astro:5:16 [ts(2339)] Property 'nope' does not exist on type 'numbe",
        "error sites/shop/src/pages/index.astro:2:7 [ts(2322)] Type 'string' is not assignable to type 'numbe",
        "warning sites/shop/src/pages/index.astro:3:7 [ts(6133)] 'unused' is declared but its value is never",
    ),
    "astro_check/missing_component": (
        "error sites/shop/src/pages/index.astro:2:18 [ts(2307)] Cannot find module '../components/Nope.astro'",
    ),
    "astro_check/syntax": (
        "error sites/shop/src/pages/index.astro:2:9 [ts(1134)] Variable declaration expected.",
        "error sites/shop/src/pages/index.astro:2:7 [ts(1134)] Variable declaration expected.",
        "error sites/shop/src/pages/index.astro:2:10 [astro] expected `,` but instead found `;`",
        "error sites/shop/src/pages/index.astro:2:7 [astro] Expected an identifier, an array pattern, or an o",
    ),
    "eslint/clean": (),
    "eslint/config_import": (
        "error workers/intake/bad.config.js [ERR_MODULE_NOT_FOUND] Cannot find package 'eslint-plugin-nope' i",
    ),
    "eslint/config_missing": (
        'error - [config] No files matching the pattern "." were found. Please check for typing mistakes in t',
    ),
    "eslint/config_missing_10": (
        'error - [config] No files matching the pattern "." were found. Please check for typing mistakes in t',
    ),
    "eslint/config_rule": (
        'error - [config] Configuration for rule "no-var" is invalid. Expected severity of "off", 0, "warn",',
    ),
    "eslint/config_rule_10": (
        'error - [config] Configuration for rule "no-var" is invalid. Expected severity of "off", 0, "warn",',
    ),
    "eslint/config_syntax": ("error - [SyntaxError] cannot start: Unexpected end of input",),
    "eslint/findings": (
        "error workers/intake/src/lint.ts:1:7 [@typescript-eslint/no-unused-vars] 'a' is assigned a value but",
        "error workers/intake/src/lint.ts:2:5 [prefer-const] 'b' is never reassigned. Use 'const' instead.",
        "error workers/intake/src/lint.ts:2:8 [@typescript-eslint/no-explicit-any] Unexpected any. Specify a",
        "error workers/intake/src/lint.ts:3:13 [no-debugger] Unexpected 'debugger' statement.",
        "warning workers/intake/src/lint.ts:4:1 [] Unused eslint-disable directive (no problems were reported",
        "error workers/intake/src/syn.ts:1:6 [parse_error] Parsing error: Variable declaration expected.",
    ),
    "eslint/findings_10": (
        "error ex/a.js:1:1 [no-var] Unexpected var, use let or const instead.",
        "warning ex/a.js:1:5 [no-unused-vars] 'x' is assigned a value but never used.",
    ),
    "eslint/no_match": (
        'error - [config] No files matching the pattern "nosuch/**" were found. Please check for typing mista',
    ),
    "tsc/config_7": (
        "error workers/intake/bad.json:1:44 [TS5023] Unknown compiler option 'nosuch'.",
        "error workers/intake/bad.json:2:1 [TS1005] ']' expected.",
        "error workers/intake/src/helper.ts:1:62 [TS2339] Property 'nope' does not exist on type 'string'.",
        "error workers/intake/src/index.ts:2:25 [TS2307] Cannot find module './nowhere' or its corresponding",
        "error workers/intake/src/index.ts:3:21 [TS2307] Cannot find module 'left-pad-nope' or its correspond",
        "error workers/intake/src/index.ts:7:11 [TS2322] Type 'string' is not assignable to type 'number'.",
        "error workers/intake/src/index.ts:8:44 [TS2322] Type 'string' is not assignable to type 'number'.",
    ),
    "tsc/findings": (
        "error workers/intake/src/helper.ts:1:62 [TS2339] Property 'nope' does not exist on type 'string'.",
        "error workers/intake/src/index.ts:2:25 [TS2307] Cannot find module './nowhere' or its corresponding",
        "error workers/intake/src/index.ts:3:21 [TS2307] Cannot find module 'left-pad-nope' or its correspond",
        "error workers/intake/src/index.ts:7:11 [TS2322] Type 'string' is not assignable to type 'number'.",
        "error workers/intake/src/index.ts:8:44 [TS2322] Type 'string' is not assignable to type 'number'.",
    ),
    "tsc/findings_7": (
        "error workers/intake/src/helper.ts:1:62 [TS2339] Property 'nope' does not exist on type 'string'.",
        "error workers/intake/src/index.ts:2:25 [TS2307] Cannot find module './nowhere' or its corresponding",
        "error workers/intake/src/index.ts:3:21 [TS2307] Cannot find module 'left-pad-nope' or its correspond",
        "error workers/intake/src/index.ts:7:11 [TS2322] Type 'string' is not assignable to type 'number'.",
        "error workers/intake/src/index.ts:8:44 [TS2322] Type 'string' is not assignable to type 'number'.",
    ),
    "tsc/no_inputs": (
        "error workers/intake/bad.json [TS18003] No inputs were found in config file 'workers/intake/bad.json",
    ),
    "tsc/no_project": (
        "error workers/intake/nothere.json [TS5058] The specified path does not exist: 'nothere.json'.",
    ),
    "tsc/syntax": ("error - [TS6044] Compiler option 'types' expects an argument.",),
    "vitest/config": (
        "error workers/intake/vitest.config.ts [ERR_MODULE_NOT_FOUND] Cannot find package 'vite-plugin-nope'",
    ),
    "vitest/config_syntax": ("error workers/intake/vitest.config.ts:1:290 [PARSE_ERROR] Expected `}` but found `EOF`",),
    "vitest/failures": (
        "error workers/intake/test/a.test.ts:6:19 [prices adds] expected 2 to be 3 // Object.is equality",
        "error workers/intake/test/boom.ts:2:9 [prices throws deep] deep",
        "error workers/intake/test/a.test.ts:14:33 [prices objects] expected { a: 1, b: [ 1, 2 ] } to deeply",
        "error workers/intake/test/a.test.ts:17:10 [prices parses] Expected property name or '}' in JSON at p",
        "error workers/intake/test/empty.test.ts [suite] No test suite found in file workers/intake/test/empt",
        "error workers/intake/test/hook.test.ts [suite] hook broke",
        "error workers/intake/test/missing.test.ts [suite] Cannot find module './nowhere' imported from worke",
        "error workers/intake/test/syntax.test.ts:3:9 [PARSE_ERROR] Unexpected token",
        "error workers/intake/test/toplevel.test.ts [suite] at import",
    ),
    "vitest/failures_both": (
        "error workers/intake/test/a.test.ts:6:19 [prices adds] expected 2 to be 3 // Object.is equality",
        "error workers/intake/test/boom.ts:2:9 [prices throws deep] deep",
        "error workers/intake/test/a.test.ts:14:33 [prices objects] expected { a: 1, b: [ 1, 2 ] } to deeply",
        "error workers/intake/test/a.test.ts:17:10 [prices parses] Expected property name or '}' in JSON at p",
        "error workers/intake/test/empty.test.ts [suite] No test suite found in file workers/intake/test/empt",
        "error workers/intake/test/hook.test.ts:2:25 [suite] hook broke",
        "error workers/intake/test/missing.test.ts:1:1 [suite] Cannot find module './nowhere' imported from w",
        "error workers/intake/test/syntax.test.ts:3:9 [PARSE_ERROR] Unexpected token",
        "error workers/intake/test/toplevel.test.ts:2:7 [suite] at import",
        "error workers/intake/t2/ok.test.ts:2:49 [Error] late",
    ),
    "vitest/none": (),
    "vitest/passed": (),
    "vitest/timeout": (
        "error workers/intake/t2/ok.test.ts:2:27 [group slow] Test timed out in 50ms.",
        "error workers/intake/t2/ok.test.ts:3:40 [snap] Snapshot `snap 1` mismatched",
    ),
    "vitest/unhandled": ("error workers/intake/t2/ok.test.ts:2:49 [Error] late",),
}

# The summary, and the counts of passed, failed and skipped tests.
SAID: dict[str, tuple[str, tuple[int, int, int] | None]] = {
    "astro_check/clean": ("checked 4 files", None),
    "astro_check/findings": ("checked 4 files", None),
    "astro_check/missing_component": ("checked 4 files", None),
    "astro_check/syntax": ("checked 4 files", None),
    "eslint/clean": ("checked 1 file", None),
    "eslint/findings": ("checked 2 files", None),
    "eslint/findings_10": ("checked 2 files", None),
    "vitest/failures": ("4 failed, 1 passed, 2 skipped", (1, 4, 2)),
    "vitest/failures_both": ("4 failed, 2 passed, 2 skipped", (2, 4, 2)),
    "vitest/none": ("no tests found", (0, 0, 0)),
    "vitest/passed": ("1 passed, 1 skipped", (1, 0, 1)),
    "vitest/timeout": ("2 failed", (0, 2, 0)),
    "vitest/unhandled": ("1 passed", (1, 0, 0)),
}


@pytest.mark.parametrize("name", names("tsc", "eslint", "astro_check", "vitest"))
def test_findings_have_place_rule_and_message(name: str) -> None:
    assert_reads(name, READ[name])


@pytest.mark.parametrize("name", SAID)
def test_summary_and_counts_are_the_tools_own(name: str) -> None:
    summary, counts = SAID[name]

    parsed = read(name)

    assert parsed.summary == summary
    tests = parsed.tests
    assert (tests and (tests.passed, tests.failed, tests.skipped)) == counts
