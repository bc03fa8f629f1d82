"""The plan: chosen checks and their needs, their order, and the spec key."""

import json
from dataclasses import asdict, replace

import pytest

from tasks.catalogue import Absent
from tasks.errors import UsageError
from tasks.models import Stage
from tasks.planning.plan import make_plan, plain, spec_key
from tasks.steps import Inputs
from tests.support.factories import (
    make_check,
    make_command,
    make_scene,
    make_some_catalogue,
    make_stack,
    make_web,
    make_whole_plan,
)

IMAGE = make_check("image", stage=Stage.BUILD)
SITE = make_check("site", stage=Stage.BUILD, path="sites/shop")
LINT = make_check("lint")
LINT_SHOP = make_check("lint", path="apps/shop")
TESTS = make_check("tests")
MIGRATE = make_check("migrate", stage=Stage.INTEGRATION, needs=(IMAGE.id,))
HEALTH = make_check("health", stage=Stage.INTEGRATION, needs=(MIGRATE.id,))
CATALOGUE = make_some_catalogue(IMAGE, SITE, LINT, LINT_SHOP, TESTS, MIGRATE, HEALTH)
ALL = ["image", "site", "lint", "lint", "tests", "migrate", "health"]
BUILD, QUALITY, INTEGRATION = Stage.BUILD, Stage.QUALITY, Stage.INTEGRATION


@pytest.mark.parametrize(
    ("stages", "only", "skip", "chosen"),
    [
        ((), (), (), ALL),
        ((BUILD,), (), (), ["image", "site"]),
        ((BUILD, QUALITY), (), (), ["image", "site", "lint", "lint", "tests"]),
        ((INTEGRATION,), (), (), ["image", "migrate", "health"]),
        ((), ("tests",), (), ["tests"]),
        ((), ("lint",), (), ["lint", "lint"]),
        ((), ("lint[apps/shop]",), (), ["lint"]),
        ((), ("tests", "site"), (), ["site", "tests"]),
        ((), ("health",), (), ["image", "migrate", "health"]),
        ((QUALITY,), ("tests", "site"), (), ["tests"]),
        ((), (), ("lint",), ["image", "site", "tests", "migrate", "health"]),
        ((), (), ("lint[apps/shop]",), ["image", "site", "lint", "tests", "migrate", "health"]),
        ((), (), ("image",), ["site", "lint", "lint", "tests"]),
        ((), (), ("migrate",), ["image", "site", "lint", "lint", "tests"]),
        ((), ("health", "tests"), ("migrate",), ["tests"]),
        ((), ("health",), ("lint",), ["image", "migrate", "health"]),
        ((BUILD,), (), ("site",), ["image"]),
    ],
)
def test_choosing(stages: tuple[Stage, ...], only: tuple[str, ...], skip: tuple[str, ...], chosen: list[str]) -> None:
    plan = make_plan(CATALOGUE, stages=stages, only=only, skip=skip)

    assert [check.name for check in plan.checks] == chosen
    assert plan.whole == (chosen == ALL)


def test_id_means_one_component() -> None:
    assert make_plan(CATALOGUE, only=["lint[apps/shop]"]).checks == (LINT_SHOP,)


def test_order_is_the_catalogue_s_however_it_is_asked_for() -> None:
    names = [check.id for check in CATALOGUE.checks]

    assert make_plan(CATALOGUE, only=names) == make_plan(CATALOGUE, only=names[::-1])
    assert [check.id for check in make_plan(CATALOGUE, only=names[::-1]).checks] == names


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"only": ["test"]}, "no check is named test; did you mean tests?"),
        ({"skip": ["migrat"]}, "no check is named migrat; did you mean migrate?"),
        ({"only": ["lint[apps/shopp]"]}, r"no check is named lint\[apps/shopp\]; did you mean lint\[apps/shop\]"),
        ({"only": ["xyzzy"]}, "no check is named xyzzy; there are: health, image, lint, migrate, site, tests"),
        ({"only": ["lint"], "stages": [BUILD]}, "there is no check to run: the flags select no check"),
        ({"only": ["health"], "skip": ["image"]}, "there is no check to run: the flags select no check"),
    ],
)
def test_impossible_choice_is_a_usage_error(flags: dict[str, list[str]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_plan(CATALOGUE, **flags)  # type: ignore[arg-type]


def test_stack_without_components_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no Django project"):
        make_plan(make_some_catalogue())
    with pytest.raises(UsageError, match="no Django project"):
        make_plan(make_some_catalogue(), stages=[BUILD])


def test_checks_that_need_each_other_are_rejected() -> None:
    first = make_check("first", needs=("second",))
    second = make_check("second", needs=("third",))
    third = make_check("third", needs=("first",))

    with pytest.raises(UsageError, match=r"circular needs: .*first\[apps/web\].*Remove one of them"):
        make_plan(make_some_catalogue(first, second, third))


def test_circular_needs_are_rejected_even_if_not_chosen() -> None:
    first, second = make_check("first", needs=("second",)), make_check("second", needs=("first",))

    with pytest.raises(UsageError, match="circular needs"):
        make_plan(make_some_catalogue(LINT, first, second), only=["lint"])


def test_short_name_means_the_check_of_every_component() -> None:
    smoke = make_check("smoke", needs=("lint",))

    plan = make_plan(make_some_catalogue(LINT, LINT_SHOP, smoke))

    assert plan[smoke.id].needs == (LINT_SHOP.id, LINT.id)


def test_need_for_a_catalogue_check_that_the_component_lacks_is_dropped() -> None:
    smoke = make_check("smoke", needs=("mypy[apps/web]",))

    assert make_plan(make_some_catalogue(smoke))[smoke.id].needs == ()


@pytest.mark.parametrize("need", ["migrte", "mypy[apps/wbe]", "mypi[apps/web]"])
def test_need_for_an_unknown_check_is_a_usage_error(need: str) -> None:
    with pytest.raises(UsageError, match="no check is named"):
        make_plan(make_some_catalogue(LINT, make_check("smoke", needs=(need,))))


def test_needs_are_transitive() -> None:
    plan = make_plan(CATALOGUE)

    assert plan.needed_by(HEALTH.id) == {HEALTH.id, MIGRATE.id, IMAGE.id}
    assert plan.needed_by(LINT.id) == {LINT.id}


KEY = spec_key(LINT, "digest", "1.0")
OTHERS = {
    "id": replace(LINT, id="other"),
    "argv": replace(LINT, commands=(make_command("lint", "--strict"),)),
    "environment of a command": replace(LINT, commands=(make_command("lint", env=(("A", "1"),)),)),
    "verdicts": replace(LINT, commands=(make_command("lint", verdicts=((3, "findings"),)),)),
    "evidence": replace(LINT, commands=(make_command("lint", evidence="done"),)),
    "another command": replace(LINT, commands=(*LINT.commands, make_command("more"))),
    "inputs": replace(LINT, inputs=Inputs(exclude=("sites",))),
    "needs": replace(LINT, needs=("image[apps/web]",)),
    "database": replace(LINT, database="empty"),
    "service": replace(LINT, commands=(make_command("lint", services=(make_command("serve"),)),)),
}


@pytest.mark.parametrize("what", OTHERS)
def test_key_changes_with_the_row(what: str) -> None:
    assert spec_key(OTHERS[what], "digest", "1.0") != KEY


def test_key_changes_with_inputs_and_version_and_with_nothing_else() -> None:
    assert spec_key(LINT, "another digest", "1.0") != KEY
    assert spec_key(LINT, "digest", "1.1") != KEY
    assert spec_key(make_check("lint"), "digest", "1.0") == KEY


def test_key_does_not_depend_on_other_components() -> None:
    web = make_web()
    alone = make_whole_plan(make_scene(make_stack(web)))
    beside = make_whole_plan(make_scene(make_stack(web, make_web("apps/other"))))

    changed = {
        check.name
        for check in alone.checks
        if replace(beside[check.id], title="", inputs=Inputs()) != replace(check, title="", inputs=Inputs())
    }

    assert changed == set()


def test_an_absent_check_is_no_choice_and_the_error_has_its_reason() -> None:
    absent = Absent(name="deploy_secrets", component="", reason="no deploy target is known")
    catalogue = replace(make_some_catalogue(make_check("lint")), absent=(absent,))

    with pytest.raises(UsageError, match="the stack has no check deploy_secrets: no deploy target is known"):
        make_plan(catalogue, only=["deploy_secrets"])


def test_an_absent_check_can_be_skipped() -> None:
    absent = Absent(name="deploy_secrets", component="", reason="no deploy target is known")
    catalogue = replace(make_some_catalogue(make_check("lint")), absent=(absent,))

    plan = make_plan(catalogue, skip=["deploy_secrets"])

    assert ([check.name for check in plan.checks], plan.whole) == (["lint"], True)


def test_plain_data_of_a_check_is_that_of_the_standard_library() -> None:
    check = replace(HEALTH, commands=(make_command("true", env=(("A", "b"),)),), inputs=Inputs(include=("apps/web",)))

    assert json.dumps(plain(check), sort_keys=True) == json.dumps(asdict(check), sort_keys=True)
