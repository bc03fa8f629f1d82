"""Words after `--` choose tests of the one chosen check."""

from dataclasses import replace

import pytest

from tasks.errors import UsageError
from tasks.models import SkipReason
from tasks.planning.narrowing import GAP, narrow, reject_words
from tasks.planning.plan import Plan, make_plan
from tasks.reason_codes import ReasonCode
from tasks.stack import TestSelection
from tasks.steps import Command
from tests.support.factories import make_check, make_some_catalogue

SELECTION = TestSelection(evidence=r"\d+ passed", targets=("tests", "more"), unmatched=(4, 5))
FILES = ("web/tests/test_menu.py", "shop/tests/test_cart.py", "web/pyproject.toml")


def runner(cwd: str = "web") -> Command:
    return Command(
        argv=("pytest", "-rfE", "tests", "more"),
        label="pytest tests more",
        cwd=cwd,
        verdicts=((1, "tests_failed"), (4, "tool_config")),
        empty=(5,),
        evidence=r"\d+ (?:passed|skipped)",
        selection=SELECTION,
    )


PREPARE = Command(argv=("make", "fixtures"), label="make fixtures", cwd="web")
TESTS = replace(make_check("tests"), commands=(PREPARE, runner(), runner("shop")))
LINT = make_check("lint")
CATALOGUE = make_some_catalogue(TESTS, LINT)


def plan_of(*only: str) -> Plan:
    return make_plan(CATALOGUE, only=only)


def test_words_replace_the_targets_of_the_runner_that_has_the_file() -> None:
    words = ("tests/test_menu.py::test_price[a b]", "-x")
    (check,) = narrow(plan_of("tests"), ["tests"], words, FILES).checks

    assert [command.argv for command in check.commands] == [("make", "fixtures"), ("pytest", "-rfE", *words)]
    narrowed = check.commands[1]
    assert narrowed.label == "pytest tests/test_menu.py::test_price[a b] -x"
    assert GAP in check.requires


def test_a_run_without_a_match_is_no_verdict() -> None:
    (check,) = narrow(plan_of("tests"), ["tests"], ("-k", "nothing"), FILES).checks
    narrowed = check.commands[1]

    assert narrowed.verdicts == ((1, "tests_failed"),)
    assert narrowed.unfit == ((4, ReasonCode.NOTHING_SELECTED), (5, ReasonCode.NOTHING_SELECTED))
    assert narrowed.empty == ()
    assert narrowed.evidence == r"\d+ passed"


def test_words_without_a_file_are_for_each_call_of_the_runner() -> None:
    (check,) = narrow(plan_of("tests"), ["tests"], ("-k", "price"), FILES).checks

    assert [command.cwd for command in check.commands] == ["web", "web", "shop"]


def test_plan_of_some_tests_is_not_whole() -> None:
    plan = make_plan(make_some_catalogue(TESTS))

    assert plan.whole
    assert not narrow(plan, ["tests"], ("-x",), FILES).whole


def test_skipped_check_stays_skipped() -> None:
    skipped = replace(TESTS, commands=(), skip_reason=SkipReason(reason_code="no_test_runner", reason="no pytest"))
    plan = make_plan(make_some_catalogue(skipped))

    assert narrow(plan, ["tests"], ("-x",), FILES).checks[0].skip_reason is not None


@pytest.mark.parametrize(
    ("only", "words", "message"),
    [
        ((), ("-x",), "words after -- need one check: --only"),
        (("tests", "lint"), ("-x",), r"need one check \(lint\[apps/web\], tests\[apps/web\]\)"),
        (("lint",), ("-x",), "lint.* takes no words after --: only test runners do"),
        (("tests",), ("tests/test_gone.py::test_a",), "tests/test_gone.py: no such file in web"),
    ],
)
def test_mistakes_are_usage_errors(only: tuple[str, ...], words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        narrow(plan_of(*only), only, words, FILES)


def test_run_of_whole_checks_takes_no_words() -> None:
    reject_words((), is_whole=True)
    reject_words(("-x",), is_whole=False)
    with pytest.raises(UsageError, match="do not go with --gate"):
        reject_words(("-x",), is_whole=True)
