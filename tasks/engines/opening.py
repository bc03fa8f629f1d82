"""Constructs engines: the one place that knows the class of each."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tasks.engines.choice import EngineChoice, choose_engine, embedded
from tasks.engines.context import EngineContext
from tasks.engines.local.engine import LocalEngine
from tasks.engines.local.postgres.binaries import Choice
from tasks.engines.protocol import Engine
from tasks.errors import EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Options that only one engine reads.

    For containers: `log` is the file for the output of Dagger's command line. `images` replace base images of the
    table. `resolved` are tags and digests of base images that are known already. For the embedded engine: `postgres`
    says which Postgres it starts.
    """

    log: Path
    images: Mapping[str, str] = field(default_factory=dict)
    resolved: Mapping[str, str] = field(default_factory=dict)
    postgres: Choice = "auto"


def make_engine(choice: EngineChoice, context: EngineContext, config: EngineConfig) -> Engine:
    """Returns the chosen engine, not opened yet.

    Raises EngineError (`engine_absent`) for code that may not run on the host.
    """
    context = replace(context, reason=choice.reason, summary=choice.summary)
    if choice.name == "local":
        if not context.trust.runs_on_host:
            text = "code that is not trusted runs in containers only, and no Dagger engine is available"
            raise EngineError(f"{text}. Start a Dagger engine.", "engine_absent")
        return LocalEngine(context, postgres=config.postgres)
    from tasks.engines.dagger.engine import DaggerEngine  # noqa: PLC0415 - its client takes half a second to import

    return DaggerEngine(context, reach=choice.reach, log=config.log, images=config.images, known=config.resolved)


async def open_engine(
    stack: contextlib.AsyncExitStack, asked: str, context: EngineContext, config: EngineConfig
) -> Engine:
    """Opens the engine for a setting of `auto`, `dagger` or `local`. The stack closes it.

    With `auto`, the embedded engine replaces an engine of containers that cannot be opened. Raises EngineError.
    """
    choice = await choose_engine(asked, context.environ)
    try:
        return await stack.enter_async_context(make_engine(choice, context, config))
    except EngineError as error:
        if choice.is_certain:
            raise
        context.note(f"no containers: {error}")
        instead = embedded("the container engine could not be opened", str(error))
        return await stack.enter_async_context(make_engine(instead, context, config))
