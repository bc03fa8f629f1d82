"""Secrets in blocks of a real Prefect."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.prefect_server import ServerHandle, server_environment
from tests.flows.harness import ROOT


@pytest.mark.real
def test_a_run_reads_doppler_s_token_from_its_block(server: ServerHandle, tmp_path: Path) -> None:
    program = """
import asyncio, os
from prefect.blocks.system import Secret
from flows.commits.secret_blocks import doppler_token
from flows.commits.trust import environment_for
from tasks.errors import EngineError
from tasks.trust import TRUSTED
from tasks.validation.job import take_environment
Secret(value="dp.st.canary").save("doppler-token", overwrite=True)
async def main():
    named = {"PREDEPLOY_DOPPLER_TOKEN_BLOCK": "doppler-token", "DOPPLER_TOKEN": "dp.st.other"}
    known = environment_for(named, TRUSTED) | await doppler_token(named)
    print(known, await doppler_token({}))
    for is_trusted in (True, False):
        given = take_environment(known, is_trusted=is_trusted)
        print(given.token is not None and given.token.text == "dp.st.canary", given.environ)
    try:
        await doppler_token({"PREDEPLOY_DOPPLER_TOKEN_BLOCK": "not-there"})
    except EngineError as error:
        print(error)
asyncio.run(main())
"""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env=environ | server_environment(server, environ),
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 0, ended.stderr
    first, trusted, strange, last = ended.stdout.splitlines()
    assert first == "{'DOPPLER_TOKEN': 'dp.st.canary'} {}"
    assert (trusted, strange) == ("True {}", "False {}")
    assert last.startswith("PREDEPLOY_DOPPLER_TOKEN_BLOCK: Prefect has no Secret block not-there. Make it")
