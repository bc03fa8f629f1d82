"""The parameters of a shard, and the part of the plan that it runs."""

import pytest

from flows.commits.validate import UNTRUSTED
from flows.distribution.parameters import choices_of, require_server
from flows.shard import flags_of, part_of
from tasks.errors import UsageError
from tasks.models import Stage
from tasks.settings import Settings
from tests.support.factories import make_check, make_some_plan

BUNDLE = make_check("bundle", stage=Stage.BUILD)
TYPES = make_check("types", needs=(BUNDLE.id,))
PLAN = make_some_plan(BUNDLE, TYPES, make_check("lint"))


def test_features_of_the_whole_run_are_off_in_a_shard() -> None:
    flags = flags_of({"only": ["mypy"], "gate": True}, is_trusted=True)

    assert flags["only"] == ["mypy"]
    assert [flags[name] for name in ("fail_fast", "budget", "publish")] == [False, None, ""]


def test_untrusted_code_stays_untrusted_in_a_shard() -> None:
    assert UNTRUSTED.items() <= flags_of({"engine": "local"}, is_trusted=False).items()


@pytest.mark.parametrize("name", ["env", "secrets_file", "nonsense"])
def test_an_unknown_parameter_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"choices: {name} is none"):
        flags_of({name: "x"}, is_trusted=True)


def test_a_part_has_the_requested_checks_and_their_needs() -> None:
    assert part_of(PLAN, (BUNDLE.id, TYPES.id)).checks == (BUNDLE, TYPES)
    with pytest.raises(UsageError, match=r"this worker knows no bundle\[apps/web\] here"):
        part_of(PLAN, (TYPES.id,))
    with pytest.raises(UsageError, match="this worker knows no gone here"):
        part_of(PLAN, (BUNDLE.id, "gone"))


def test_no_value_of_the_environment_is_sent() -> None:
    settings = Settings(only=("mypy",), env={"KEY": "secret"}, secrets_file="secret", engine="dagger")

    assert "secret" not in str(choices_of(settings))
    assert choices_of(settings)["engine"] == "dagger"
    assert "engine" not in choices_of(Settings())


def test_a_prefect_server_is_required() -> None:
    assert require_server({"PREFECT_API_URL": "http://prefect:4200/api/"}) == "http://prefect:4200/api"
    with pytest.raises(UsageError, match="set PREFECT_API_URL"):
        require_server({})
