"""Where an image has which directories of the stack, as the COPYs of its Dockerfile say."""

import posixpath
from collections.abc import Collection

from tasks.discovery.dockerfile import BuildStage, CopyInstruction, Dockerfile
from tasks.discovery.file_view import is_within, join, relative

Places = tuple[tuple[str, str], ...]
"""Absolute directories or files of an image, each with its path in the stack."""


def image_places(dockerfile: Dockerfile, target: str, context: str, paths: Collection[str]) -> Places:
    """Where the built stage has what it copied from `context`, the innermost places first.

    `paths` are the files of the tree. What patterns, downloads and other images bring is not known.
    """
    stage = dockerfile.stage(target)
    found = _places(dockerfile, stage, context, paths, depth=len(dockerfile.stages)) if stage else {}
    return tuple(sorted(found.items(), key=lambda place: (-place[0].count("/"), place)))


def _places(
    dockerfile: Dockerfile, stage: BuildStage, context: str, paths: Collection[str], *, depth: int
) -> dict[str, str]:
    """By place in the image. Later copies win, as they do there. Stages may name each other: `depth` ends that."""
    found: dict[str, str] = {}
    for copy in stage.copies:
        if copy.origin is None:
            found |= _from_context(copy, context, paths)
        elif depth > 0 and (origin := dockerfile.stage(copy.origin)) is not None and copy.origin:
            inner = _places(dockerfile, origin, context, paths, depth=depth - 1)
            for source in copy.sources:
                found |= _moved(inner, source, copy)
    return found


def _from_context(copy: CopyInstruction, context: str, paths: Collection[str]) -> dict[str, str]:
    found = {}
    for source in copy.sources:
        place = join(context, source.lstrip("/") or ".")
        if place in paths:
            found[_inner(copy.target, posixpath.basename(place)) if copy.into else copy.target] = place
        # at the image's root everything else lies too
        elif copy.target != "/" and any(is_within(path, place) for path in paths):
            found[copy.target] = place
    return found


def _moved(inner: dict[str, str], source: str, copy: CopyInstruction) -> dict[str, str]:
    """What a stage had below `source`, or that `source` is a part of, at the place where this one has it."""
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
