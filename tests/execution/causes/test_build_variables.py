"""Errors of a build that come of a variable which only production has."""

import pytest

from tasks.execution.causes.build_variables import blamed_reads, blamed_variables
from tasks.models import Diagnostic
from tasks.variable import Variable

READS = tuple(
    Variable(name=name, file="src/lib.ts", line=3)
    for name in ("RESEND_API_KEY", "SUPABASE_SERVICE_KEY", "SUPABASE_ADDRESS", "DATABASE_URL", "FEATURE_FLAGS")
)
LISTED = """> next build
Invalid environment variables: [
  { code: 'invalid_type', path: [ 'DATABASE_URL' ], message: 'Required' },
  { path: [ 'AUTH_SECRET' ], message: 'Required' } ]
Error: Invalid environment variables
    at onError (/ws/node_modules/@t3-oss/env-core/ERROR_CODES_TABLE.js:3:1)
"""


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("supabaseUrl is required.", ("SUPABASE_ADDRESS", "SUPABASE_SERVICE_KEY")),
        ('Missing API key. Pass it to the constructor `new Resend("re_123")`', ("RESEND_API_KEY",)),
        (
            "Neither apiKey nor config.authenticator provided",
            ("DATABASE_URL", "RESEND_API_KEY", "SUPABASE_ADDRESS", "SUPABASE_SERVICE_KEY"),
        ),
        ("No database connection string was provided to `neon()`.", ("DATABASE_URL",)),
        ("posts.map is not a function", ()),
        ("Cannot find module './url'", ()),
        ("Missing closing tag </token>", ()),
    ],
)
def test_a_client_without_its_key_blames_the_variables_of_the_code(message: str, names: tuple[str, ...]) -> None:
    assert blamed_reads(Diagnostic(tool="site", message=message), READS, {"NODE_ENV"}) == names


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("Invalid environment variables", ("AUTH_SECRET", "DATABASE_URL")),
        ("Transform failed with 1 error", ()),
        ("", ()),
    ],
)
def test_the_names_that_a_validation_lists_are_blamed(message: str, names: tuple[str, ...]) -> None:
    assert blamed_variables(message, LISTED, {}) == names
