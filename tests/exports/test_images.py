"""The export of images: planned before the run, done after it, and never partial."""

import os
import tarfile
from pathlib import Path

import pytest

from tasks.errors import EngineError, UsageError
from tasks.exports.images import Delivery, deliver, plan_deliveries
from tasks.models import Stage
from tasks.steps import Check, Image
from tests.support.factories import make_check, make_command, make_lowering, make_some_plan
from tests.support.fakes import DIGEST, FakeEngine

IMAGE = Image(title="image of apps/web", dockerfile="Dockerfile", context="apps/web")


def image_check(path: str = "apps/web") -> Check:
    build = make_command(argv=(), environment="image")
    return make_check("django_container", path=path, stage=Stage.BUILD, commands=(build,), image=IMAGE)


def planned(*checks: Check, base: Path, export: str = "", publish: str = "") -> tuple[Delivery, ...]:
    return plan_deliveries(make_some_plan(*checks), make_lowering(), base, export=export, publish=publish)


def test_no_image_is_exported_without_a_flag(tmp_path: Path) -> None:
    assert planned(image_check(), base=tmp_path) == ()


def test_a_path_starts_at_the_base_and_the_placeholder_is_filled(tmp_path: Path) -> None:
    (delivery,) = planned(image_check(), base=tmp_path, export="{component}.tar", publish="hub.example/{component}:1")

    assert delivery == Delivery(
        image=IMAGE, component="apps/web", path=tmp_path / "apps-web.tar", reference="hub.example/apps-web:1"
    )


def test_a_run_without_images_refuses_the_flag(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--publish: no check of this run builds an image"):
        planned(make_check("lint"), base=tmp_path, publish="cafe:1")


@pytest.mark.parametrize(("export", "publish"), [("image.tar", ""), ("{component}.tar", "cafe:1")])
def test_two_images_cannot_share_one_target(tmp_path: Path, export: str, publish: str) -> None:
    with pytest.raises(UsageError, match="this run builds images of apps/shop, apps/web"):
        planned(image_check("apps/shop"), image_check(), base=tmp_path, export=export, publish=publish)


def test_an_unusable_archive_path_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="that is a directory"):
        planned(image_check(), base=tmp_path, export=".")
    with pytest.raises(UsageError, match="there is no directory"):
        planned(image_check(), base=tmp_path, export="nowhere/image.tar")


async def test_archive_and_registry_share_one_digest(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"

    done = await deliver(FakeEngine(), Delivery(image=IMAGE, component="apps/web", path=path, reference="cafe:1"))

    assert (done.digest, done.path, done.reference) == (DIGEST, str(path), f"cafe:1@{DIGEST}")
    assert path.read_text() == IMAGE.title


async def test_a_refusing_registry_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="could not be published as cafe:1"):
        await deliver(FakeEngine(image_registry=False), Delivery(image=IMAGE, component="apps/web", reference="cafe:1"))


def archive(path: Path, *names: str) -> Path:
    """A tar file with empty members."""
    with tarfile.open(path, "w") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name))
    return path


def test_only_an_image_of_an_earlier_export_is_replaced(tmp_path: Path) -> None:
    archive(tmp_path / "image.tar", "oci-layout", "blobs/sha256/aa", "index.json")

    (delivery,) = planned(image_check(), base=tmp_path, export="image.tar")

    assert delivery.path == tmp_path / "image.tar"


@pytest.mark.parametrize("kind", ["key", "tar", "link", "dangling", "fifo", "empty"])
def test_another_file_is_never_overwritten(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "id_rsa"
    match kind:
        case "key" | "empty":
            path.write_text("-----BEGIN KEY-----\n" * (kind == "key"))
        case "tar":
            archive(path, "home/.profile")
        case "fifo":
            os.mkfifo(path)
        case _:
            path.symlink_to(archive(tmp_path / "image.tar", "oci-layout", "index.json") if kind == "link" else "gone")

    with pytest.raises(UsageError, match=r"exists, and is no image of an earlier export.*Name another one"):
        planned(image_check(), base=tmp_path, export="id_rsa")
