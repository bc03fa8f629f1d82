"""The export of bundles and sites: which directories, to which paths, and all of them or none."""

from pathlib import Path

import pytest

from tasks.errors import EngineError, UsageError
from tasks.exports.files import digest_below, hand_over, plan_handovers
from tasks.steps import OUT, WORK, Step
from tests.support.factories import make_lowering, make_scene, make_some_plan, make_stack, make_whole_plan, make_worker
from tests.support.fakes import FakeEngine


class FullDisk(FakeEngine):
    """An engine whose disk is full after the first directory."""

    async def export_directory(self, step: Step, directory: str, target: Path) -> None:
        if directory.startswith(WORK):
            raise EngineError("no space left", "delivery")
        await super().export_directory(step, directory, target)


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def test_workers_and_sites_of_the_plan_are_exported(tmp_path: Path) -> None:
    handovers = plan_handovers(make_whole_plan(), make_lowering(), tmp_path / "built")

    assert [(each.component, each.directory) for each in handovers] == [
        ("workers/intake", f"{OUT}/bundle"),
        ("sites/coffee-shop", f"{WORK}/sites/coffee-shop/dist"),
    ]


@pytest.mark.parametrize(
    ("path", "main", "assets", "places"),
    [
        ("workers/shop", "src/index.ts", "", {"workers/shop": f"{OUT}/bundle"}),
        (
            "workers/shop",
            "src/index.ts",
            "./public/",
            {"workers/shop": f"{OUT}/bundle", "workers/shop.assets": f"{WORK}/workers/shop/public"},
        ),
        ("workers/shop", "", "../../dist", {"workers/shop.assets": f"{WORK}/dist"}),
        (".", "src/index.ts", "public", {"root": f"{OUT}/bundle", "root.assets": f"{WORK}/public"}),
    ],
)
def test_assets_of_a_worker_are_exported_next_to_its_bundle(
    tmp_path: Path, path: str, main: str, assets: str, places: dict[str, str]
) -> None:
    worker = make_worker(path, main=main, assets=assets)
    plan = make_whole_plan(make_scene(make_stack(worker)))

    handovers = plan_handovers(plan, make_lowering(make_stack(worker)), tmp_path / "built")

    assert {each.path: each.directory for each in handovers} == places


def test_an_unusable_target_is_refused(tmp_path: Path) -> None:
    for target, says in ((tmp_path, "exists already"), (tmp_path / "a/b", "there is no directory")):
        with pytest.raises(UsageError, match=says):
            plan_handovers(make_whole_plan(), make_lowering(), target)
    with pytest.raises(UsageError, match="no check of this run builds a Worker or a site"):
        plan_handovers(make_some_plan(), make_lowering(), tmp_path / "built")


async def test_each_directory_is_exported_to_the_path_of_its_component(tmp_path: Path) -> None:
    target = tmp_path / "built"
    handovers = plan_handovers(make_whole_plan(), make_lowering(), target)

    built = await hand_over(FakeEngine(), handovers, target)

    assert [each.path for each in built] == [str(target / "workers/intake"), str(target / "sites/coffee-shop")]
    assert all(each.digest == f"sha256:{digest_below(Path(each.path))}" for each in built)
    assert built[0].digest != built[1].digest
    assert names_in(tmp_path) == ["built"]


async def test_nothing_is_left_if_one_export_fails(tmp_path: Path) -> None:
    handovers = plan_handovers(make_whole_plan(), make_lowering(), tmp_path / "built")

    with pytest.raises(EngineError, match="no space left"):
        await hand_over(FullDisk(), handovers, tmp_path / "built")

    assert names_in(tmp_path) == []


def test_the_digest_covers_names_modes_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    digests = {digest_below(tmp_path)}
    (tmp_path / "a").chmod(0o755)
    digests.add(digest_below(tmp_path))
    (tmp_path / "a").rename(tmp_path / "b")
    digests.add(digest_below(tmp_path))
    (tmp_path / "b").write_text("y")
    digests.add(digest_below(tmp_path))
    (tmp_path / "c").symlink_to("b")
    digests.add(digest_below(tmp_path))

    assert len(digests) == 5
