"""Which engine runs the steps: the one asked for, else containers where they are in reach, else this machine."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tasks.engines.dagger.reach import Reach, find_engine
from tasks.errors import EngineError

EMBEDDED = "the embedded engine: no containers; the stack's code ran on this machine, and it is no security boundary"
Name = Literal["dagger", "local"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """An engine and why. `is_certain`: nothing else will do, if it cannot be opened; `reach`: how it is reached."""

    name: Name
    reason: str
    reach: Reach = field(default_factory=Reach)
    is_certain: bool = True


async def choose_engine(asked: str, environ: Mapping[str, str]) -> EngineChoice:
    """The engine for a setting of `auto`, `dagger` or `local`. Raises EngineError (`engine_absent`)."""
    if asked == "local":
        return EngineChoice(name="local", reason=EMBEDDED)
    reach = await asyncio.to_thread(find_engine, environ)
    if reach.is_there:
        return EngineChoice(name="dagger", reason=f"containers: {reach.by}", reach=reach, is_certain=asked == "dagger")
    if asked == "dagger":
        raise EngineError(f"{reach.trouble}. Start an engine, or take --engine local.", "engine_absent")
    return EngineChoice(name="local", reason=f"{EMBEDDED} ({reach.trouble})")
