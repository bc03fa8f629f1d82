"""The engine for a choice, not opened yet."""

from collections.abc import Mapping
from pathlib import Path

from tasks.engines.choice import EngineChoice
from tasks.engines.context import EngineContext
from tasks.engines.local.engine import LocalEngine
from tasks.engines.protocol import Engine
from tasks.settings import Settings


def construct_engine(
    choice: EngineChoice, context: EngineContext, settings: Settings, log: Path, known: Mapping[str, str] | None = None
) -> Engine:
    """Returns the engine, not opened. A container engine writes its own `log`; `known` are base images by tag."""
    if choice.name == "local":
        return LocalEngine(context, postgres=settings.postgres)
    from tasks.engines.dagger.engine import DaggerEngine  # noqa: PLC0415 - its client takes long to load

    images = {str(name): image for name, image in settings.images.items()}
    return DaggerEngine(context, reach=choice.reach, log=log, images=images, known=known)
