"""Tokens in Secret blocks of Prefect. A run reads them itself, so that no environment variable holds them."""

import os
from collections.abc import Mapping

from prefect.blocks.system import Secret

from flows.commits.trust import DOPPLER_BLOCK, environment_for
from tasks.errors import EngineError
from tasks.hardening import TOKEN_VARIABLE
from tasks.trust import Trust


async def worker_environment(trust: Trust) -> dict[str, str]:
    """Returns the variables of the worker's environment that a run gets, with Doppler's token from its block."""
    tokens = await doppler_token(os.environ) if trust.has_secrets else {}
    return environment_for(os.environ, trust) | tokens


async def doppler_token(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the token as a variable, from the block that the environment names; it wins over a token there."""
    name = environ.get(DOPPLER_BLOCK, "")
    return {TOKEN_VARIABLE: await read_block(name, DOPPLER_BLOCK)} if name else {}


async def read_block(name: str, variable: str) -> str:
    """Returns the content of the block that `variable` names. Raises EngineError if there is no such block."""
    try:
        block = await Secret.aload(name)
    except ValueError as error:
        text = f"{variable}: Prefect has no Secret block {name}"
        raise EngineError(f"{text}. Make it in Prefect's UI under Blocks.", "token") from error
    return str(block.get())  # type: ignore[attr-defined]
