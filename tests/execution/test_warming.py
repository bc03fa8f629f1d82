"""What is begun before anybody asks for it."""

from dataclasses import replace

import pytest

from tasks.models import Stage
from tasks.steps import Check, Image
from tasks.warming import warm
from tests.support.factories import make_check, make_command, make_lowering, make_some_plan
from tests.support.fakes import FakeEngine

IMAGE = Image(title="the image", dockerfile="Dockerfile")


def image_check(image: Image = IMAGE) -> Check:
    commands = (
        make_command(),
        make_command(argv=(), environment="image"),
        make_command(argv=("true",), environment="image"),
    )
    return make_check("django_container", stage=Stage.BUILD, commands=commands, image=image)


@pytest.mark.parametrize(
    ("check", "warmed"),
    [
        (make_check("lint"), []),
        (make_check("migrate", database="template"), ["database", "migrated_apps_web_3b4e3efd_1"]),
        (image_check(), ["the image"]),
        (image_check(replace(IMAGE, dockerfile="")), []),
        (replace(image_check(), database="empty"), ["database", "django_container_apps_web_765ad9e2_1", "the image"]),
    ],
)
async def test_what_the_plan_needs_is_begun_and_nothing_else(check: Check, warmed: list[str]) -> None:
    engine = FakeEngine()

    await warm(make_some_plan(check), engine, make_lowering())

    assert engine.warmed == warmed
    assert engine.ran == []


async def test_a_database_that_does_not_start_is_said_by_who_needs_it() -> None:
    engine = FakeEngine(no_database=True)

    await warm(make_some_plan(replace(image_check(), database="empty")), engine, make_lowering())

    assert engine.warmed[-1] == "the image"
