"""Finds the base images of a stack's own builds, and builds that take something of which no digest is known."""

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path

from tasks.discovery.image.dockerfile import BuildStage, parse_dockerfile
from tasks.discovery.image.instructions import read_instructions
from tasks.planning.lowering import dockerfile_of
from tasks.steps import Image
from tasks.validation.scope import Scope

UNKNOWN = re.compile(
    r"RUN .*--mount=\S*\bfrom=|ONBUILD |ADD (?!.*--checksum=).*(?:https?://|git@|git://|ssh://|\$)",
    re.DOTALL | re.IGNORECASE,
)
"""An instruction that may take something without a digest: from an image, by a trigger, or from the net."""
SYNTAX = re.compile(r"^#\s*syntax\s*=\s*(?!(?:docker\.io/)?docker/dockerfile\b)", re.MULTILINE | re.IGNORECASE)
"""A syntax that is not Docker's."""


def base_images(scope: Scope) -> frozenset[str] | None:
    """Returns the base images of the stack's Dockerfiles; None if the keys cannot have all that a build takes."""
    found: set[str] = set()
    for check in scope.plan.checks:
        if check.image is None or not check.image.dockerfile:
            continue
        try:
            text = (scope.tree.root / dockerfile_of(check.image)).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
        if _takes_unknown(text) or _is_behind_link(scope.tree.root, check.image):
            return None
        found |= _images_of(parse_dockerfile(text, dict(check.image.args)).stages)
    return None if any("$" in image or not image for image in found) else frozenset(found)


def _takes_unknown(text: str) -> bool:
    """Whether a Dockerfile may take something of which no digest is known before the build."""
    instructions = (f"{each.word} {each.rest}" for each in read_instructions(text))
    return bool(SYNTAX.search(text)) or any(map(UNKNOWN.match, instructions))


def _images_of(stages: Sequence[BuildStage]) -> set[str]:
    """Returns the images of all stages, also those from which an early stage copies. A number is that of a stage."""
    named = {image for stage in stages for image in (stage.image, *stage.images)}
    return named - {"scratch", *map(str, range(len(stages)))}


def _is_behind_link(root: Path, image: Image) -> bool:
    """Whether a symlink leads to the context or the Dockerfile. The key has the link, but not the files behind it."""
    top, dockerfile = root.resolve(), dockerfile_of(image)
    paths = (posixpath.normpath(image.context), dockerfile, f"{dockerfile}.dockerignore")
    return any((top / path).resolve() != top / path for path in paths)
