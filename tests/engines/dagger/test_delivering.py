"""Images that a real engine exports or publishes: completely, or not at all."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from tasks.errors import EngineError
from tasks.steps import Image
from tests.support.benches import Bench, unreachable

if REASON := unreachable():
    pytest.skip(f"the tests of images on a real engine of containers: {REASON}", allow_module_level=True)

pytestmark = [pytest.mark.real, pytest.mark.network]
IMAGE = Image(title="the image", dockerfile="Dockerfile")


@pytest.fixture
def bench(bench: Bench) -> Bench:
    (bench.root / "Dockerfile").write_text("FROM scratch\nCOPY hello.txt /\n")
    return bench


async def test_archive_has_the_built_image_with_the_reported_digest(bench: Bench, tmp_path: Path) -> None:
    target = tmp_path / "out/image.tar"
    target.parent.mkdir()
    async with bench.engine() as engine:
        assert (await engine.run(bench.step(image=IMAGE), bench.log)).code == 0
        digest = await engine.export_image(IMAGE, target)

    assert [path.name for path in target.parent.iterdir()] == ["image.tar"]
    with tarfile.open(target) as tar:
        blobs = {name: tar.extractfile(name) for name in tar.getnames() if name.startswith("blobs/sha256/")}
        manifest = blobs["blobs/" + digest.replace(":", "/")]
        assert manifest is not None
        text = manifest.read()
        assert "sha256:" + hashlib.sha256(text).hexdigest() == digest
        (layer,) = json.loads(text)["layers"]
        packed = blobs["blobs/" + layer["digest"].replace(":", "/")]
        with tarfile.open(fileobj=packed) as files:
            assert files.getnames() == ["hello.txt"]


async def test_an_archive_that_cannot_be_written_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    async with bench.engine() as engine:
        with pytest.raises(EngineError, match="could not be exported") as raised:
            await engine.export_image(IMAGE, tmp_path)

    assert raised.value.reason_code == "delivery"
    assert not list(tmp_path.parent.glob(".*.part"))


async def test_unreachable_registry_is_reported_with_the_reference(bench: Bench) -> None:
    async with bench.engine() as engine:
        with pytest.raises(EngineError, match=r"could not be published as 127\.0\.0\.1:1/cafe:1") as raised:
            await engine.publish_image(IMAGE, "127.0.0.1:1/cafe:1")

    assert raised.value.reason_code == "delivery"
