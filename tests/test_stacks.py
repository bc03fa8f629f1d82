"""Stacks that are nothing like the sample, with no configuration: every check that they have passes."""

import shutil
from pathlib import Path

import pytest

from flows.places import Places
from tasks.models import Status
from tests.validate import Validator, shared_cache, told

STACKS = Path(__file__).parent / "stacks"
# What each is there to show: these checks, and no others.
NAMES = {
    "django-requirements": ["django_container", *"migrate migrations_missing migration_check".split()]
    + ["django_check", "django_health"],
    "two-django": None,
    "three-sites": None,
    "npm-workers": None,
}


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
@pytest.mark.parametrize("name", NAMES)
def test_a_stack_without_configuration_passes(name: str, shared_home: Path, tmp_path: Path) -> None:
    stack = tmp_path / name
    shutil.copytree(STACKS / name, stack, ignore=shutil.ignore_patterns(".predeploy", "node_modules", "__pycache__"))
    validator = Validator(places=Places(cache=shared_cache(shared_home), data=shared_home / "engine-data"))

    report = validator.validate(stack)

    assert report.verdict.exit_code == 0, told(report)
    assert {check.result.status for check in report.checks} == {Status.PASSED}, told(report)
    expected = NAMES[name]
    assert expected is None or [check.name for check in report.checks] == expected
