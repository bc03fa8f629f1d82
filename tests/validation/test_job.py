"""The job of a run: after its preparation, environment and process show no secrets."""

import io
import os
import sys
from pathlib import Path

import pytest

from tasks.errors import SecretsError
from tasks.secrets.doppler.token import read_token
from tasks.user_dirs import UserDirs
from tasks.validation.job import Job, RunEnvironment, prepare, take_environment
from tasks.validation.scope import read_scope
from tests.support.validate import commit

CANARY, TOKEN = "c4n4ry-value", "dp.st.prd.0123456789"
POLICY = """\
[[check]]
name = "words"
stage = "quality"
run = "true"
secrets = ["KEY"]
"""


@pytest.fixture(autouse=True)
def _open_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the memory of the tests' own process open."""
    monkeypatch.setattr("tasks.validation.job.take_token_and_close_memory", lambda: None)


def written(monkeypatch: pytest.MonkeyPatch, name: str) -> io.StringIO:
    """A buffer in place of a stream of this process."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, name, stream)
    return stream


def made(tmp_path: Path, given: RunEnvironment, *, takes_secrets: bool = True) -> Job:
    stack, user_dirs = tmp_path / "stack", UserDirs(cache=tmp_path / "cache", data=tmp_path / "data")
    stack.mkdir()
    (stack / "predeploy.toml").write_text(POLICY)
    commit(stack)
    scope = read_scope(stack, {}, given.environ, user_dirs.cache)
    return prepare(scope, given, user_dirs=user_dirs, takes_secrets=takes_secrets)


def test_prepared_process_shows_no_secret_that_the_job_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", CANARY)
    stdout = written(monkeypatch, "stdout")
    given = take_environment(os.environ, is_trusted=True)

    job = made(tmp_path, given)
    sys.stdout.write(CANARY)

    assert "KEY" not in os.environ
    assert (job.environ["KEY"], job.secrets["KEY"]) == (CANARY, CANARY)
    assert CANARY not in repr(job)
    assert stdout.getvalue() == "***"


def test_distributed_job_takes_no_secrets_and_masks_the_token(tmp_path: Path) -> None:
    given = take_environment({"DOPPLER_TOKEN": TOKEN}, is_trusted=True)

    job = made(tmp_path, given, takes_secrets=False)

    assert dict(job.secrets) == {}
    assert job.secrets.redactor.text(f"the token is {TOKEN}") == "the token is ***"


def test_a_secret_without_a_value_prepares_no_job(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="KEY"):
        made(tmp_path, take_environment({}, is_trusted=True))


@pytest.mark.parametrize(("is_trusted", "token"), [(True, read_token(TOKEN)), (False, None)])
def test_code_that_is_not_trusted_runs_without_the_token(
    monkeypatch: pytest.MonkeyPatch, *, is_trusted: bool, token: object
) -> None:
    stderr = written(monkeypatch, "stderr")
    given = take_environment({"DOPPLER_TOKEN": TOKEN, "KEPT": "1"}, is_trusted=is_trusted)
    sys.stderr.write(TOKEN)

    assert (given.token, given.environ) == (token, {"KEPT": "1"})
    assert given.exposure.is_held
    assert stderr.getvalue() == "***"
