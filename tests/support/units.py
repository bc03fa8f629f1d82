"""Units of work for the processes of pytest-xdist: files that share an expensive fixture run in the same process."""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

PREFECT = (
    *("tests/cli/test_canaries.py", "tests/cli/test_prefect.py", "tests/cli/test_secrets.py"),
    *("tests/cli/test_subcommands.py", "tests/deployments/test_definitions.py", "tests/flows/test_blocks.py"),
    *("tests/flows/test_recording.py", "tests/flows/test_server.py", "tests/flows/test_trouble.py"),
)
"""They share a server of Prefect, and a process that has Prefect imported."""
POSTGRES = (
    *("tests/probes/test_django_probes.py", "tests/probes/test_installed_apps.py", "tests/probes/test_intake.py"),
    *("tests/probes/test_outbound.py", "tests/probes/test_outbound_driver.py", "tests/probes/test_outbound_log.py"),
    *("tests/probes/test_outbound_service.py", "tests/probes/test_request_errors.py"),
    *("tests/probes/test_settings_loader.py", "tests/probes/test_sqlite_upgrade.py", "tests/probes/test_stored_row.py"),
    *("tests/probes/test_upgrade_rows.py", "tests/probes/test_bindings.py", "tests/probes/test_hyperdrive.py"),
    "tests/probes/test_pages.py",
)
"""They share a Postgres, an environment with Django, a process that has Django imported, and a wrangler."""
UNITS = (
    ("tests/faults/test_faults.py",),
    PREFECT,
    POSTGRES,
    *(("tests/test_upgrade.py",), ("tests/house/test_wheel.py",), ("tests/house/test_just.py",)),
    *(("tests/faults/test_trouble.py",), ("tests/engines/local/test_postgres.py",)),
    *(("tests/cli/test_signals.py",), ("tests/cli/test_outcomes.py",), ("tests/deployments/test_webhook.py",)),
)
"""The longest units, the longest first: one that begins late would run alone at the end. Every other file is a unit."""
_NUMBERS = {file: number for number, files in enumerate(UNITS) for file in files}


def unit_of(nodeid: str) -> str:
    """Returns the name of the unit to which a test belongs."""
    file = nodeid.partition("::")[0]
    return UNITS[_NUMBERS[file]][0] if file in _NUMBERS else file


def place_of(nodeid: str) -> int:
    """Returns the place of a test's unit in UNITS, or the number after the last one."""
    return _NUMBERS.get(nodeid.partition("::")[0], len(UNITS))


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each process one unit after the other, in the order of the tests."""

    def __init__(self, config: Any, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
