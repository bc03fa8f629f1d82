"""The parameters of a shard, and the part of the plan that it runs."""

from pathlib import Path

import pytest

from flows.distribution.parameters import choices_of, require_server
from flows.shard import Share, flags_of, part_of, read_whole
from tasks.errors import UsageError
from tasks.models import Stage
from tasks.settings import Settings
from tasks.trust import UNTRUSTED
from tests.support.factories import make_check, make_some_plan

BUNDLE = make_check("bundle", stage=Stage.BUILD)
TYPES = make_check("types", needs=(BUNDLE.id,))
PLAN = make_some_plan(BUNDLE, TYPES, make_check("lint"))


def test_features_of_the_whole_run_are_off_in_a_shard() -> None:
    flags = flags_of({"only": ["mypy"], "gate": True}, is_trusted=True)

    assert flags["only"] == ["mypy"]
    assert [flags[name] for name in ("fail_fast", "budget", "publish")] == [False, None, ""]


def test_code_of_strangers_stays_that_in_a_shard() -> None:
    assert UNTRUSTED.settings.items() <= flags_of({"engine": "local"}, is_trusted=False).items()


@pytest.mark.parametrize("name", ["env", "secrets_file", "nonsense"])
def test_nothing_else_is_set_by_parameters(name: str) -> None:
    with pytest.raises(UsageError, match=f"choices: {name} is no setting"):
        flags_of({name: "x"}, is_trusted=True)


def test_a_part_has_the_requested_checks_and_their_needs() -> None:
    assert part_of(PLAN, (BUNDLE.id, TYPES.id)).checks == (BUNDLE, TYPES)
    with pytest.raises(UsageError, match=r"the plan of this worker has no bundle\[apps/web\]:"):
        part_of(PLAN, (TYPES.id,))
    with pytest.raises(UsageError, match="the plan of this worker has no gone:"):
        part_of(PLAN, (BUNDLE.id, "gone"))


@pytest.mark.parametrize("has_it", [True, False])
def test_the_run_decides_whether_there_are_deploy_secrets_to_check(tmp_path: Path, has_it: bool) -> None:
    """Not the worker, which may have a token where the run had none, or none where the run had one."""
    stack = tmp_path / "stack"
    stack.mkdir()
    (stack / "wrangler.toml").write_text('name = "intake"\nmain = "index.js"\n')
    (stack / "package.json").write_text('{"devDependencies": {"wrangler": "4.0.0"}}')
    (stack / "index.js").write_text("export default {}")
    checks = ("deploy_secrets", "worker_health[.]") if has_it else ("worker_health[.]",)
    share = Share(checks=checks, flags={}, deployed=None, images={}, is_trusted=True)

    scope = read_whole(stack, share, {}, tmp_path / "cache", None)

    assert ("deploy_secrets" in {check.id for check in scope.plan.checks}) is has_it


def test_no_value_of_the_environment_travels() -> None:
    settings = Settings(only=("mypy",), env={"KEY": "secret"}, secrets_file="secret", engine="dagger")

    assert "secret" not in str(choices_of(settings))
    assert choices_of(settings)["engine"] == "dagger"
    assert "engine" not in choices_of(Settings())


def test_a_prefect_server_is_required() -> None:
    assert require_server({"PREFECT_API_URL": "http://prefect:4200/api/"}) == "http://prefect:4200/api"
    with pytest.raises(UsageError, match="set PREFECT_API_URL"):
        require_server({})
