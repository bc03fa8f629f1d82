"""Each fault alone, in a copy of the sample: the right checks are red, for the right reason, and no other one is.

A row runs on every engine that can show it; on that of containers where one is named.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import uv

from tasks.catalogue import NAMES
from tasks.errors import TreeError
from tasks.models import CheckReport, Diagnostic, Report, Result, Severity, Status
from tasks.user_dirs import UserDirs
from tests.faults.binding_rows import BINDING_FAULTS
from tests.faults.deploy_rows import DEPLOY_FAULTS
from tests.faults.fault import Edit, Fault, Red
from tests.faults.image_rows import IMAGE_FAULTS
from tests.faults.place_rows import PLACE_FAULTS
from tests.faults.production_rows import PRODUCTION_FAULTS
from tests.faults.refused_rows import REFUSED_FAULTS
from tests.faults.rows import FAULTS, SETTINGS, UV_FAULTS
from tests.faults.site_rows import SITE_FAULTS
from tests.faults.worker_rows import WORKER_FAULTS
from tests.support.benches import GIVEN, unreachable
from tests.support.validate import Validator, commit, copy_sample, shared_cache, told

REASON = unreachable()
IN_CONTAINERS = pytest.mark.skipif(bool(REASON), reason=f"the faults in containers: {REASON}")


def rows(faults: Iterable[Fault], *engines: str) -> list[Any]:
    """Every fault on each of the engines that can show it."""
    marks = {"local": (), "dagger": (IN_CONTAINERS,)}
    endings = {"local": "", "dagger": ", in containers"}
    return [
        pytest.param(engine, fault, id=fault.name + endings[engine], marks=marks[engine])
        for fault in faults
        for engine in engines
        if engine in fault.engines
    ]


def together(faults: Iterable[Fault]) -> Iterator[Fault]:
    """The fast ones of these rows: as one row for each word."""
    named: dict[str, list[Fault]] = {}
    for fault in faults:
        if fault.fast:
            assert (fault.exit, fault.base, fault.first, fault.says) == (1, (), None, None), fault.name
            named.setdefault(fault.fast, []).append(fault)
    for name, group in named.items():
        edits, reds = (each.edits for each in group), (each.red for each in group)
        yield Fault(name=name, edits=tuple(chain(*edits)), red=tuple(chain(*reds)), engines=group[0].engines)


ALONE = (
    *(*BINDING_FAULTS, *DEPLOY_FAULTS, *FAULTS, *IMAGE_FAULTS, *PLACE_FAULTS, *PRODUCTION_FAULTS),
    *(*REFUSED_FAULTS, *SITE_FAULTS, *WORKER_FAULTS),
)
FAST = [*together((*DEPLOY_FAULTS, *FAULTS, *REFUSED_FAULTS, *WORKER_FAULTS))]
# one row that is no image's: its engine differs, and nothing else
FAST_IN_CONTAINERS = [*together((*IMAGE_FAULTS, *SETTINGS))]
# For these a check may be skipped that needs the same packages as the red one, not only one that needs it.
INSTALLING = frozenset({"lock_stale", "manifest_broken", "hash_mismatch", "not_found", "unsatisfiable"})


@pytest.fixture(scope="session")
def validators(shared_home: Path) -> dict[str, Validator]:
    user_dirs = UserDirs(cache=shared_cache(shared_home), data=shared_home / "engine-data")
    containers = {**os.environ, **GIVEN, "PREDEPLOY_ENGINE": "dagger"}
    # rows also hunt for earlier results that an edit should have ended
    return {
        "local": Validator(user_dirs=user_dirs, reuses=True),
        "dagger": Validator(user_dirs=user_dirs, environ=containers, reuses=True),
    }


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All rows lie in one place, one after the other: what an earlier one left in a cache must not matter."""
    return tmp_path_factory.mktemp("faults")


@pytest.fixture
def cafe(bed: Path) -> Path:
    shutil.rmtree(bed)
    stack = bed / "cafe"
    copy_sample(stack)
    return stack


@pytest.fixture(scope="session")
def locked_by_uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's Django project as a stack of its own, with a uv.lock made now."""
    stack = tmp_path_factory.mktemp("uv") / "web"
    copy_sample(stack, below="apps/web")
    for name in ("requirements.lock", "requirements-dev.lock", "Dockerfile"):
        (stack / name).unlink()
    subprocess.run([uv.find_uv_bin(), "lock", "--quiet"], cwd=stack, check=True)
    # what it says of the Worker lies outside
    (stack / "tests/test_worker_contract.py").unlink()
    commit(stack)
    return stack


def apply(edits: Iterable[Edit], stack: Path) -> None:
    for edit in edits:
        edit(stack)


EVERY_FAULT = (*DEPLOY_FAULTS, *FAULTS, *SETTINGS, *UV_FAULTS, *IMAGE_FAULTS, *REFUSED_FAULTS, *WORKER_FAULTS)
OF_THE_SAMPLE = frozenset({"site_coffee_shop", "tidy"})
"""Checks without a name in the catalogue: that of the sample's site, and one that a row configures."""


def test_every_row_names_checks_that_exist() -> None:
    known = NAMES | OF_THE_SAMPLE
    unknown = [(fault.name, each.check) for fault in EVERY_FAULT for each in fault.red if each.check not in known]

    assert not unknown, "correct the names of checks in `red` of these rows"


@pytest.mark.real
@pytest.mark.network
@pytest.mark.parametrize(("engine", "fault"), rows(FAST, "local") + rows(FAST_IN_CONTAINERS, "dagger"))
def test_faults_are_found_by_their_checks(
    engine: str, fault: Fault, cafe: Path, validators: dict[str, Validator]
) -> None:
    apply(fault.base, cafe)
    commit(cafe)
    apply(fault.edits, cafe)

    report = validators[engine].validate(cafe, only=[each.check for each in fault.red])

    assert_matches_row(report, fault)


@pytest.mark.faults
@pytest.mark.parametrize(("engine", "fault"), rows(ALONE, "local", "dagger"))
def test_fault_is_found_and_nothing_else(
    engine: str, fault: Fault, cafe: Path, validators: dict[str, Validator]
) -> None:
    apply(fault.base, cafe)
    commit(cafe)
    if fault.first is not None:
        apply(fault.first, cafe)
        before = validators[engine].validate(cafe)
        assert before.verdict.exit_code == 0, told(before)
    apply(fault.edits, cafe)

    report = validators[engine].validate(cafe)

    assert_matches_row(report, fault)


@pytest.mark.faults
@pytest.mark.parametrize(("engine", "fault"), rows(UV_FAULTS, "local", "dagger"))
def test_fault_is_found_in_a_project_of_uv(
    engine: str, fault: Fault, locked_by_uv: Path, tmp_path: Path, validators: dict[str, Validator]
) -> None:
    stack = shutil.copytree(locked_by_uv, tmp_path / "web")
    apply(fault.edits, stack)

    report = validators[engine].validate(stack, skip=["mypy"])

    assert_matches_row(report, fault)


@pytest.mark.faults
@pytest.mark.parametrize("engine", ["local", pytest.param("dagger", marks=IN_CONTAINERS)])
def test_a_gitlink_without_a_name_makes_a_run_impossible(
    engine: str, cafe: Path, validators: dict[str, Validator]
) -> None:
    """Git has no files for such a commit, so no engine starts."""
    commit(cafe)
    link = ["git", "update-index", "--add", "--cacheinfo", f"160000,{'0' * 39}1,sites/menu"]
    subprocess.run(link, cwd=cafe, check=True)
    (cafe / "sites/menu").mkdir()

    with pytest.raises(TreeError, match=r"sites/menu: git records a commit"):
        validators[engine].validate(cafe)


def assert_matches_row(report: Report, fault: Fault) -> None:
    """Asserts that exactly the checks of the row are red, as it says. Every other check passed or waited for them."""
    print(told(report))  # noqa: T201 - what a failing row shows
    advice = f"the row {fault.name!r} in tests/faults/ does not match. Correct the row, or the check that differs"
    results = {check.name: check.result for check in report.checks}
    red, expected = {name for name, result in results.items() if is_red(result)}, {each.check for each in fault.red}
    assert red == expected, f"{advice}: other checks are red"
    for each in fault.red:
        assert_red(results[each.check], each)
    for check in report.checks:
        is_expected = is_red(check.result) or check.result.passed or is_rightly_skipped(check, report)
        assert is_expected, f"{advice}: {check.id} was skipped, and needs no red check of the row"
    assert report.verdict.exit_code == fault.exit, f"{advice}: the exit code is another one"
    if fault.says is not None:
        name, words = fault.says
        assert words in said(results[name])


def is_red(result: Result) -> bool:
    return result.status in {Status.FAILED, Status.ERRORED}


def assert_red(result: Result, expected: Red) -> None:
    assert (result.status, result.reason_code) == (expected.status, expected.code)
    first = next(each for each in result.diagnostics if each.severity is Severity.ERROR)
    assert place(first, expected.at) == expected.at
    assert expected.says in first.message
    assert "\n" not in result.reason


def place(diagnostic: Diagnostic, expected: str) -> str:
    """Where it points, as exactly as the row says."""
    _, _, line = expected.rpartition(":")
    exact = f"{diagnostic.file}:{diagnostic.line}" if line.isdigit() else diagnostic.file
    return exact or ""


def is_rightly_skipped(check: CheckReport, report: Report) -> bool:
    """Only for what it needs, or for packages that a red check could not install."""
    result, reds = check.result, [each.result for each in report.checks if is_red(each.result)]
    return result.status is Status.SKIPPED and result.reason_code == "needs" and bool(reds)


def said(result: Result) -> str:
    warnings = [each.message for each in result.diagnostics if each.severity is Severity.WARNING]
    return "\n".join([result.summary, *warnings])
