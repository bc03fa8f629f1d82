"""The scope of a run: the sources of its secrets, and the mistakes in its settings."""

import subprocess
from pathlib import Path

import pytest

from tasks.errors import SettingsError, UsageError
from tasks.secrets.doppler.token import read_token
from tasks.settings import FILE
from tasks.validation.scope import provider_context, read_scope
from tasks.validation.stack_settings import read_settings
from tests.support.validate import commit

POLICY = """\
doppler_snapshot = 24

[[check]]
name = "words"
stage = "quality"
run = "true"
"""


@pytest.mark.parametrize(
    ("flags", "environ", "are_kept"),
    [
        ({}, {}, True),
        ({"gate": True, "engine": "local"}, {}, False),
        ({"environment": "production"}, {}, False),
        ({}, {"CI": "true"}, False),
    ],
    ids=["a run of one's own", "a gate", "a deploy", "CI"],
)
def test_copy_of_secrets_is_used_only_in_private_runs(
    tmp_path: Path, flags: dict[str, object], environ: dict[str, str], are_kept: bool
) -> None:
    stack, data = tmp_path / "stack", tmp_path / "data"
    stack.mkdir()
    (stack / "predeploy.toml").write_text(POLICY)
    commit(stack)
    scope = read_scope(stack, flags, environ, tmp_path / "cache")

    around = provider_context(scope, environ, read_token("dp.st.prd.0123456789"), data)

    assert around.copies == (data / "snapshots" if are_kept else None)


def test_wrong_values_and_unknown_names_are_reported_at_once(tmp_path: Path) -> None:
    stack = tmp_path / "stack"
    (stack / "apps/web").mkdir(parents=True)
    (stack / "apps/web/manage.py").write_text("")
    subprocess.run(["git", "init", "--quiet", stack], check=True)
    (stack / FILE).write_text(
        """\
jobs = "many"
limits = { mipy = 90 }
[component."apps/wbe"]
health = "health"
[[check]]
name = "one"
stage = "quality"
run = "one"
component = "apps/wbe"
[[check]]
name = "two"
stage = "never"
run = "two"
component = "apps/wbe"
"""
    )

    with pytest.raises(SettingsError) as raised:
        read_settings(stack, {}, {})

    problems = [*raised.value.problems]
    assert [problem.partition(": ")[0] for problem in problems[:3]] == [f"{FILE}:{line}" for line in (1, 4, 12)]
    assert [problem.removeprefix(f"{FILE}: ")[:24] for problem in problems[3:]] == [
        "component.apps/wbe: the ",
        "limits.mipy: no check ha",
        "the check one names the ",
    ]


def test_unreadable_settings_have_no_mistakes_of_names(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("jobs = [")

    with pytest.raises(SettingsError) as raised:
        read_settings(tmp_path, {}, {})

    assert len(raised.value.problems) == 1


def test_mysql_server_is_for_the_embedded_engine_alone(tmp_path: Path) -> None:
    stack, environ = tmp_path / "stack", {"PREDEPLOY_MYSQL_URL": "mysql://us:pw@db.example"}
    stack.mkdir()
    (stack / "predeploy.toml").write_text(POLICY)
    commit(stack)

    assert read_scope(stack, {"engine": "local"}, environ, tmp_path / "cache").settings.mysql_url is not None
    with pytest.raises(UsageError, match="PREDEPLOY_MYSQL_URL needs the embedded engine"):
        read_scope(stack, {}, environ, tmp_path / "cache")
