"""Exports the images that a run has validated. Images and targets are planned before the run, written after it."""

import os
import stat
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tasks.engines.protocol import Engine
from tasks.errors import UsageError
from tasks.models import DeliveredImage
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan
from tasks.steps import Image

COMPONENT = "{component}"
ARCHIVED = ("oci-layout", "index.json")
"""Files that each OCI archive has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An image and its targets: a file (an OCI archive), a registry, or both."""

    image: Image
    component: str
    path: Path | None = None
    reference: str = ""


def plan_deliveries(plan: Plan, lowering: Lowering, base: Path, *, export: str, publish: str) -> tuple[Delivery, ...]:
    """Returns the exports of a plan's images. A relative path starts at `base`.

    Raises UsageError if the plan builds no image, or if several images have one target.
    """
    asked = {name: value for name, value in (("--export-image", export), ("--publish", publish)) if value}
    if not asked:
        return ()
    images = images_of(plan, lowering)
    if not images:
        flags = " and ".join(asked)
        raise UsageError(
            f"{flags}: no check of this run builds an image. Choose one that does: --only django_container"
        )
    for name, value in asked.items():
        if len(images) > 1 and COMPONENT not in value:
            names = ", ".join(images)
            advice = f"Put {COMPONENT} into the value, so that each image has its own target."
            raise UsageError(f"{name} {value}: this run builds images of {names}. {advice}")
    return tuple(
        Delivery(
            image=image,
            component=component,
            path=place_of(base / fill(export, component)) if export else None,
            reference=fill(publish, component),
        )
        for component, image in images.items()
    )


def images_of(plan: Plan, lowering: Lowering) -> dict[str, Image]:
    """Returns the images that the checks of a plan build, by component."""
    found = {}
    for check in plan.checks:
        image = lowering.image(check)
        if image is not None and any(each.builds_image for each in check.commands):
            found[check.component] = image
    return found


def fill(text: str, component: str) -> str:
    """Returns the path or reference for one component. Slashes of its path become dashes; the root becomes `stack`."""
    return text.replace(COMPONENT, component.replace("/", "-").strip(".-") or "stack")


def place_of(path: Path) -> Path:
    """Returns the path of an archive. Raises UsageError if no file can be written there."""
    if path.is_dir():
        raise UsageError(f"--export-image {path}: that is a directory. Name a file in it.")
    if not path.parent.is_dir():
        raise UsageError(f"--export-image {path}: there is no directory {path.parent}. Create it first.")
    if os.path.lexists(path) and not is_archive(path):
        what = "exists, and is no image of an earlier export, so it is not replaced"
        raise UsageError(f"--export-image {path}: that file {what}. Name another one.")
    return path


def is_archive(path: Path) -> bool:
    """Whether a file is an OCI archive, which an export may replace. A link, a FIFO or a device is none."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return False
    try:
        with tarfile.open(path, "r:") as archive:
            return set(ARCHIVED) <= {member.name.removeprefix("./") for member in archive}
    except (OSError, tarfile.TarError, EOFError):
        return False


async def deliver(engine: Engine, delivery: Delivery) -> DeliveredImage:
    """Exports one image. Raises EngineError on failure, and then leaves no partial archive."""
    digests = set()
    reference = ""
    if delivery.path is not None:
        digests.add(await engine.export_image(delivery.image, delivery.path))
    if delivery.reference:
        reference = await engine.publish_image(delivery.image, delivery.reference)
        digests.add(reference.partition("@")[2])
    (digest,) = digests  # archive and registry hold the same layers, so there is one digest
    path = str(delivery.path) if delivery.path is not None else ""
    return DeliveredImage(component=delivery.component, digest=digest, path=path, reference=reference)
