"""One trouble is printed once, and an advice whole."""

import pytest

from tasks.models import CheckReport, Outcome, Report, Status
from tasks.report.agent import render_agent
from tasks.report.folding import is_said
from tasks.report.ranking import rank_fixes, repeated
from tasks.report.style import Style
from tasks.report.text import render_text
from tests.report import factories as make

PEOPLE = Style(unicode=True)
ADVICE = (
    "the settings use the PostgreSQL database shop at db:5432, not that of this check, so no command was run. Let the "
    "settings read DATABASE_URL or PG*, or set the variables that they read in predeploy.toml "
    '([component."apps/web".env], with {db.url}, {db.host}, {db.port}, {db.user}, {db.password}, {db.name}), THE END'
)


def five_errored() -> Report:
    names = ("migrate", "migrations_missing", "migration_check", "django_check", "django_health")
    found = (make.diagnostic(ADVICE, None, None, tool="output"),)
    results = {
        name: make.result(name, Status.ERRORED, reason_code="other_database", reason=ADVICE, diagnostics=found)
        for name in names
    }
    return make.report(Outcome.ERRORED, checks=make.checks(**results))


def errored(report: Report) -> list[CheckReport]:
    return [check for check in report.checks if check.result.status is Status.ERRORED]


def test_advice_of_many_checks_is_printed_once_and_whole() -> None:
    report = five_errored()
    text = " ".join(render_text(report, PEOPLE).split())

    assert len(errored(report)) >= 3
    assert text.count(ADVICE) == 2  # at the first check, and under "Fix first"
    assert text.count("→ the same as Run migrations") == len(errored(report)) - 1


def test_advice_for_an_agent_is_printed_once_and_whole() -> None:
    report = five_errored()
    text = render_agent(report, "asked for")

    assert text.count(f"errored: migrate[apps/web]: {ADVICE} [other_database]") == 1
    assert text.count(": the same as migrate[apps/web]") == len(errored(report)) - 1
    assert f"fix first: {ADVICE} (" in text


def test_check_with_another_reason_or_finding_is_printed() -> None:
    shared = (make.diagnostic("KeyError: 'KEY'", "apps/web/settings.py", 3),)
    other = (make.diagnostic("KeyError: 'KEY'", "apps/web/settings.py", 4),)
    checks = make.checks(
        migrate=make.result("migrate", Status.FAILED, diagnostics=shared),
        django_check=make.result("django_check", Status.FAILED, diagnostics=shared),
        mypy=make.result("mypy", Status.FAILED, diagnostics=other),
    )

    found = repeated(make.report(Outcome.FAILED, checks=checks))

    assert {check_id.partition("[")[0]: each.name for check_id, each in found.items()} == {"django_check": "migrate"}


@pytest.mark.parametrize(
    ("file", "reason", "said"),
    [
        (None, "Python 3.13 ran the code: invalid syntax. Install it", True),
        ("shop/prices.py", "Python 3.13 ran the code: invalid syntax. Install it", False),
        ("shop/prices.py", "shop/prices.py:4: invalid syntax", True),
        (None, "the machine is busy", False),
    ],
)
def test_finding_is_said_if_the_reason_has_its_message_and_place(file: str | None, reason: str, said: bool) -> None:
    assert is_said(make.diagnostic("invalid syntax", file, 4 if file else None), reason) is said


def test_conflict_of_migrations_is_one_fix_for_migrations_and_tests() -> None:
    leaves = make.diagnostic(
        "two leaf migrations in menu: 0003_a, 0003_b. Run makemigrations --merge", "apps/web/menu/migrations/0003_a.py"
    )
    tested = make.diagnostic(
        "error at setup: CommandError: Conflicting migrations detected; multiple leaf nodes "
        "in the migration graph: (0003_b, 0003_a in menu).",
        "apps/web/tests/test_inbox.py",
        3,
        tool="pytest",
    )
    checks = make.checks(
        migrate=make.result("migrate", Status.FAILED, diagnostics=(leaves,)),
        pytest=make.result("pytest", Status.FAILED, diagnostics=(tested,)),
    )

    fixes, more = rank_fixes(make.report(Outcome.FAILED, checks=checks), 5)

    assert [len(fix.checks) for fix in fixes] == [2]
    assert more == 0
