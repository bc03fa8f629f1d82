"""The sources of a run's secrets."""

from pathlib import Path

import pytest

from tasks.secrets.doppler.token import read_token
from tasks.validation.scope import provider_context, read_scope
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
