"""The choice of the engine: the one that the settings name, else containers within reach, else this machine."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tasks.engines.dagger.reach import Reach, find_engine
from tasks.errors import EngineError

EMBEDDED = "the stack's code runs on this machine, without containers and without a security boundary"
Name = Literal["dagger", "local"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """An engine, the `reason` for it, and the same in at most eight words: the `summary`.

    `is_certain`: no other engine may take its place. `reach` is how it is reached.
    """

    name: Name
    reason: str
    summary: str
    reach: Reach = field(default_factory=Reach)
    is_certain: bool = True


async def choose_engine(asked: str, environ: Mapping[str, str]) -> EngineChoice:
    """The engine for a setting of `auto`, `dagger` or `local`. Raises EngineError (`engine_absent`)."""
    if asked == "local":
        return embedded("chosen by the engine setting")
    reach = await asyncio.to_thread(find_engine, environ)
    if reach.is_there:
        reason = f"containers: {reach.by}"
        is_certain = asked == "dagger"
        return EngineChoice(name="dagger", reason=reason, summary=reach.summary, reach=reach, is_certain=is_certain)
    if asked == "dagger":
        raise EngineError(f"{reach.trouble}. Start an engine, or take --engine local.", "engine_absent")
    return embedded(reach.summary, reach.trouble)


def embedded(summary: str, trouble: str = "") -> EngineChoice:
    """The embedded engine. `trouble` is why there are no containers."""
    return EngineChoice(name="local", reason=f"{EMBEDDED} ({trouble or summary})", summary=summary)
