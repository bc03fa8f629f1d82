"""What predeploy_compare.py shows of a database that differs in many tables."""

from predeploy_compare import MOST, foremost


def test_no_number_of_warnings_hides_an_error() -> None:
    warnings = [{"severity": "warning", "message": str(number)} for number in range(MOST)]
    error = {"severity": "error", "message": "zebra"}

    assert foremost([*warnings, error]) == [error, *warnings[:-1]]
