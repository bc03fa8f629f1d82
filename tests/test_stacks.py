"""Stacks that differ from the sample, without configuration: all their checks pass."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tasks.models import Status
from tasks.user_dirs import UserDirs
from tests.support.validate import Validator, commit, shared_cache, told

STACKS = Path(__file__).parent / "stacks"
DJANGO = (
    *("django_container", "migrate", "migrations_missing", "migration_check"),
    *("migrate_upgrade", "django_check", "django_health"),
)
# The number of each of these checks.
EXPECTED: dict[str, dict[str, int]] = {
    "django-requirements": {**dict.fromkeys(DJANGO, 1), "django_test": 1},
    "two-django": {**dict.fromkeys(DJANGO, 2), "pytest": 1},
    "three-sites": {},
    "npm-workers": {"worker_container": 2, "vitest": 1},
}


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
@pytest.mark.parametrize("name", EXPECTED)
def test_a_stack_without_configuration_passes(name: str, shared_home: Path, tmp_path: Path) -> None:
    stack = tmp_path / name
    shutil.copytree(STACKS / name, stack, ignore=shutil.ignore_patterns(".predeploy", "node_modules", "__pycache__"))
    commit(stack)
    validator = Validator(user_dirs=UserDirs(cache=shared_cache(shared_home), data=shared_home / "engine-data"))

    report = validator.validate(stack)

    assert report.verdict.exit_code == 0, told(report)
    assert {check.result.status for check in report.checks} == {Status.PASSED}, told(report)
    found = Counter(check.name for check in report.checks)
    assert {check: found[check] for check in EXPECTED[name]} == EXPECTED[name], told(report)
    assert name != "three-sites" or sum(check.startswith("site_") for check in found) == 3
