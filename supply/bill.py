"""Writes the list of packages that the wheel carries: `./just bill` (CycloneDX, a software bill of materials)."""

import base64
import uuid
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from supply.locks import ROOT, Package, shipped_packages
from tasks.version import VERSION

PLACE = ROOT / "deployments/packages.cdx.json"
NAMESPACE = uuid.UUID("6f1f4c6e-8f54-4a33-9d5b-5d0a3f3b8f0e")
"""Makes the serial number from the content, so that the same locks give the same file."""


def render() -> str:
    """Returns the list as JSON. It has no time, so it changes with the locks only."""
    packages = shipped_packages()
    own = Component(name="predeploy", version=VERSION, type=ComponentType.APPLICATION, bom_ref="predeploy")
    bom = Bom(components=map(component, packages), metadata=BomMetaData(component=own))
    bom.serial_number = uuid.uuid5(NAMESPACE, f"{VERSION} {packages}")
    bom.metadata.timestamp = None  # type: ignore[assignment]
    bom.register_dependency(own, bom.components)
    return str(JsonV1Dot6(bom).output_as_string(indent=1)) + "\n"


def component(package: Package) -> Component:
    """One package, with the hash that npm verifies. uv's locks have hashes for the files of every platform."""
    group, _, name = package.name.rpartition("/")
    purl = PackageURL(type=package.kind, namespace=group or None, name=name, version=package.version)
    algorithm, _, digest = package.integrity.partition("-")
    hashes = [HashType(alg=HashAlgorithm.SHA_512, content=base64.b64decode(digest).hex())] if digest else []
    return Component(
        name=name,
        group=group or None,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=hashes if algorithm == "sha512" else [],
    )


def main(place: Path = PLACE) -> None:
    """Writes the file."""
    place.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
