"""Hands on the images that a run has validated: which ones and where to is known before the run, done is it after."""

from dataclasses import dataclass
from pathlib import Path

from tasks.engines.protocol import Engine
from tasks.errors import UsageError
from tasks.models import DeliveredImage
from tasks.planning.lowering import Lowering
from tasks.planning.plan import Plan
from tasks.steps import Image

COMPONENT = "{component}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An image, and where it goes: into a file (an OCI archive), to a registry, or both."""

    image: Image
    component: str
    path: Path | None = None
    reference: str = ""


def plan_deliveries(plan: Plan, lowering: Lowering, base: Path, *, export: str, publish: str) -> tuple[Delivery, ...]:
    """What becomes of the images of a plan. A relative path is seen from `base`.

    Raises UsageError where there is no image, or one place for several.
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
            raise UsageError(f"{name} {value}: there are images of {names}. Write {COMPONENT} where they differ.")
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
    """The images that the checks of a plan build, by component."""
    found = {}
    for check in plan.checks:
        image = lowering.image(check)
        if image is not None and any(each.builds_image for each in check.commands):
            found[check.component] = image
    return found


def fill(text: str, component: str) -> str:
    """A path or reference of one component, whose own path may have slashes, and may be the stack's root."""
    return text.replace(COMPONENT, component.replace("/", "-").strip(".-") or "stack")


def place_of(path: Path) -> Path:
    """The path of an archive. Raises UsageError where none can be written."""
    if path.is_dir():
        raise UsageError(f"--export-image {path}: that is a directory. Name a file in it.")
    if not path.parent.is_dir():
        raise UsageError(f"--export-image {path}: there is no directory {path.parent}. Make it first.")
    return path


async def deliver(engine: Engine, delivery: Delivery) -> DeliveredImage:
    """Hands one image on. Raises EngineError where that fails; no half of an archive is left then."""
    digests = set()
    reference = ""
    if delivery.path is not None:
        digests.add(await engine.export_image(delivery.image, delivery.path))
    if delivery.reference:
        reference = await engine.publish_image(delivery.image, delivery.reference)
        digests.add(reference.partition("@")[2])
    (digest,) = digests  # both are made of the same layers, which is the point
    path = str(delivery.path) if delivery.path is not None else ""
    return DeliveredImage(component=delivery.component, digest=digest, path=path, reference=reference)
