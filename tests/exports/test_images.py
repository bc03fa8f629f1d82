"""Images that are handed on: known before the run, done after it, and never by half."""

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


def test_nothing_is_handed_on_unasked(tmp_path: Path) -> None:
    assert planned(image_check(), base=tmp_path) == ()


def test_a_path_is_seen_from_where_the_caller_is_and_a_component_fills_its_place(tmp_path: Path) -> None:
    (delivery,) = planned(image_check(), base=tmp_path, export="{component}.tar", publish="hub.example/{component}:1")

    assert delivery == Delivery(
        image=IMAGE, component="apps/web", path=tmp_path / "apps-web.tar", reference="hub.example/apps-web:1"
    )


def test_a_run_without_images_hands_none_on(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--publish: no check of this run builds an image"):
        planned(make_check("lint"), base=tmp_path, publish="cafe:1")


@pytest.mark.parametrize(("export", "publish"), [("image.tar", ""), ("{component}.tar", "cafe:1")])
def test_two_images_do_not_fit_into_one_place(tmp_path: Path, export: str, publish: str) -> None:
    with pytest.raises(UsageError, match="there are images of apps/shop, apps/web"):
        planned(image_check("apps/shop"), image_check(), base=tmp_path, export=export, publish=publish)


def test_an_archive_that_could_not_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="that is a directory"):
        planned(image_check(), base=tmp_path, export=".")
    with pytest.raises(UsageError, match="there is no directory"):
        planned(image_check(), base=tmp_path, export="nowhere/image.tar")


async def test_what_was_handed_on_is_known_by_one_digest(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"

    done = await deliver(FakeEngine(), Delivery(image=IMAGE, component="apps/web", path=path, reference="cafe:1"))

    assert (done.digest, done.path, done.reference) == (DIGEST, str(path), f"cafe:1@{DIGEST}")
    assert path.read_text() == IMAGE.title


async def test_a_registry_that_refuses_is_no_delivery(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="could not be published as cafe:1"):
        await deliver(FakeEngine(image_registry=False), Delivery(image=IMAGE, component="apps/web", reference="cafe:1"))
