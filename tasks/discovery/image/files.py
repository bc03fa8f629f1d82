"""Maps places in an image to the stack's files, by the COPY instructions of the Dockerfile."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass

from tasks.discovery.file_view import is_within, join, relative
from tasks.discovery.image.dockerfile import BuildStage, CopyInstruction, Dockerfile

Places = tuple[tuple[str, str], ...]
"""Pairs of an absolute path in an image and the matching path in the stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """The directory that a Dockerfile copies from, and what tells whether the tree has a file or a directory."""

    directory: str
    has: Callable[[str], bool]
    has_directory: Callable[[str], bool]


def image_places(dockerfile: Dockerfile, target: str, context: BuildContext) -> Places:
    """Returns the places of the built stage that hold copies from the context, the innermost first.

    Files from patterns, downloads and other images are not included.
    """
    stage = dockerfile.stage(target)
    found = _places(dockerfile, stage, context, depth=len(dockerfile.stages)) if stage else {}
    return tuple(sorted(found.items(), key=lambda place: (-place[0].count("/"), place)))


def _places(dockerfile: Dockerfile, stage: BuildStage, context: BuildContext, *, depth: int) -> dict[str, str]:
    """Returns the stack's paths by place in the image. Later copies win. `depth` ends a circle of stages."""
    found: dict[str, str] = {}
    for copy in stage.copies:
        if copy.origin is None:
            found |= _from_context(copy, context)
        elif depth > 0 and (origin := dockerfile.stage(copy.origin)) is not None and copy.origin:
            inner = _places(dockerfile, origin, context, depth=depth - 1)
            for source in copy.sources:
                found |= _moved(inner, source, copy)
    return found


def _from_context(copy: CopyInstruction, context: BuildContext) -> dict[str, str]:
    found = {}
    for source in copy.sources:
        place = join(context.directory, source.lstrip("/") or ".")
        if context.has(place):
            found[_inner(copy.target, posixpath.basename(place)) if copy.into else copy.target] = place
        # the image's root also holds the image's own files
        elif copy.target != "/" and context.has_directory(place):
            found[copy.target] = place
    return found


def _moved(inner: dict[str, str], source: str, copy: CopyInstruction) -> dict[str, str]:
    """Returns the places of another stage that a COPY of `source` brings into this stage, at their new paths."""
    origin = "/" + source.strip("/")
    found = {}
    for place, path in inner.items():
        if is_within(place, origin) or origin == "/":
            found[_inner(copy.target, relative(place, origin))] = path
        elif is_within(origin, place):
            found[copy.target] = join(path, relative(origin, place))
    return found


def _inner(directory: str, path: str) -> str:
    return directory if path == "." else f"{directory.rstrip('/')}/{path}"
