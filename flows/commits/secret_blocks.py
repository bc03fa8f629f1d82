"""Tokens that lie in Secret blocks of Prefect: a run reads them itself, so that they are in nobody's environment."""

from prefect.blocks.system import Secret

from tasks.errors import EngineError


async def read_block(name: str, variable: str) -> str:
    """What the block holds that `variable` names. Raises EngineError where there is none."""
    try:
        block = await Secret.aload(name)
    except ValueError as error:
        text = f"{variable}: Prefect has no Secret block {name}"
        raise EngineError(f"{text}. Make it in Prefect's UI under Blocks.", "token") from error
    return str(block.get())  # type: ignore[attr-defined]
