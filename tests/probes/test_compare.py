"""The findings that predeploy_compare.py shows for a database that differs in many tables."""

from predeploy_compare import MOST, foremost


def test_many_warnings_do_not_hide_an_error() -> None:
    warnings = [{"severity": "warning", "message": str(number)} for number in range(MOST)]
    error = {"severity": "error", "message": "zebra"}

    assert foremost([*warnings, error]) == [error, *warnings[:-1]]
