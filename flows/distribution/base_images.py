"""The base images that all shards of a run take, with their digests, resolved before any of them begins."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tasks.engines.choice import choose_engine
from tasks.errors import EngineError
from tasks.validation.scope import Scope


async def resolve_images(
    scope: Scope, environ: Mapping[str, str], log: Path, note: Callable[[str], None]
) -> Mapping[str, str]:
    """Returns the images by tag; none if no engine of containers is in reach: then the first shard decides."""
    choice = await choose_engine("local" if scope.settings.engine == "local" else "auto", environ)
    if choice.name == "local":
        return {}
    from tasks.engines.dagger.pins import resolve, wanted_by  # its client takes long to load

    try:
        return await resolve(wanted_by(scope.plan, scope.lowering), environ, scope.images, log)
    except EngineError as error:
        note(f"the first shard decides about base images: {error}")
        return {}
