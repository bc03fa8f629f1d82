"""What a Worker prints of its errors, placed in its sources."""

import pytest

from tests.diagnostics.captures import assert_reads

SRC = "workers/intake/src"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clean", ()),
        ("thrown", (f"error {SRC}/index.ts:9:13 [Error] Error: no beans left",)),
        ("loading", (f"error {SRC}/index.ts:6:28 [SyntaxError] SyntaxError: Expected property name",)),
        ("reversed", (f"error {SRC}/index.ts:2:30 [TypeError] TypeError: Cannot read",)),
        ("no_module", ('error - [Error] Error: No such module "node:fs/nope".',)),
        ("database", (f'error {SRC}/inbox.ts:19:21 [NeonDbError] NeonDbError: column "source_ulr"',)),
        (
            "caused",
            (
                f"error {SRC}/index.ts:9:22 [TypeError] TypeError: Cannot read",
                f"error {SRC}/inbox.ts:19:21 [NeonDbError] NeonDbError: Error connecting to database",
            ),
        ),
    ],
)
def test_errors(name: str, expected: tuple[str, ...]) -> None:
    assert_reads(f"worker/{name}", expected)
