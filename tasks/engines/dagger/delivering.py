"""Exports an image to an archive, or publishes it to a registry."""

import json
import tarfile
from pathlib import Path

from tasks.diagnostics.dockerfile import essential
from tasks.engines.dagger.resources import SlotDirectories
from tasks.engines.dagger.session import Container, DaggerSession, EngineRefusedError, ExecFailedError
from tasks.errors import EngineError
from tasks.steps import OUT


async def export(session: DaggerSession, container: Container, path: Path, run_id: str) -> str:
    """Writes an OCI archive atomically; returns the digest of its image."""
    partial = path.with_name(f".{path.name}.{run_id}.part")
    try:
        await session.ask(container.export(str(partial)))
        digest = read_digest(partial)
        partial.replace(path)
    except (EngineRefusedError, ExecFailedError) as error:
        raise EngineError(f"the image could not be exported: {essential(str(error))}", "delivery") from None
    except OSError as error:
        raise EngineError(f"the image could not be exported to {path}: {error.strerror}", "delivery") from error
    finally:
        partial.unlink(missing_ok=True)
    return digest


async def publish(session: DaggerSession, container: Container, reference: str) -> str:
    """Pushes the image with Docker's credentials for the registry; returns the reference with the digest."""
    try:
        return await session.ask(container.publish(reference))
    except (EngineRefusedError, ExecFailedError) as error:
        said = essential(str(error))
        raise EngineError(f"the image could not be published as {reference}: {said}", "delivery") from None


async def export_directory(session: DaggerSession, slot: SlotDirectories, directory: str, target: Path) -> None:
    """Writes a directory of a workspace, or of its outputs, in the state after the last step."""
    root, _, below = directory.partition("/")
    source = (slot.out if root == OUT else slot.work).directory(below or ".")
    try:
        await session.ask(source.export(str(target)))
    except (EngineRefusedError, ExecFailedError) as error:
        raise EngineError(f"{directory} could not be exported: {essential(str(error))}", "delivery") from None


def read_digest(archive: Path) -> str:
    """The digest of the only image in an OCI archive, as in a registry."""
    with tarfile.open(archive) as tar:
        index = tar.extractfile("index.json")
        assert index is not None
        manifests = json.load(index)["manifests"]
    return str(manifests[0]["digest"])
