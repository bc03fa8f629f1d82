"""The simulated run on several workers has the shards and the order of a real one."""

import pytest

from tasks.distribution.simulation import SHARD_START, duration, render_simulation, simulate
from tasks.execution.durations import CheckHistory
from tasks.models import Stage
from tests.support.factories import make_check, make_some_plan

BUILD = make_check("build", stage=Stage.BUILD)
MIGRATE = make_check("migrate", stage=Stage.INTEGRATION, needs=(BUILD.id,))
LINT, TYPES, TESTS = make_check("lint"), make_check("types"), make_check("tests")
PLAN = make_some_plan(BUILD, LINT, TYPES, TESTS, MIGRATE)
HISTORY = CheckHistory(
    seconds={BUILD.id: 4.0, MIGRATE.id: 6.0, LINT.id: 1.0, TYPES.id: 20.0, TESTS.id: 30.0},
    loads={check.id: 1.0 for check in PLAN.checks},
)


@pytest.mark.parametrize(("cores", "seconds"), [(1, 61.0), (2, 31.0), (8, 30.0)])
def test_duration_is_that_of_the_executor_s_order(cores: int, seconds: float) -> None:
    assert duration(PLAN.checks, HISTORY, cores=cores) == seconds


def test_a_check_waits_for_its_needs_but_not_for_those_that_it_presumes() -> None:
    early = make_check("early", stage=Stage.INTEGRATION, needs=(BUILD.id,), presumed=frozenset({BUILD.id}))

    assert duration((BUILD, MIGRATE), HISTORY, cores=8) == 10.0
    assert duration((BUILD, early), CheckHistory(seconds={BUILD.id: 4.0, early.id: 6.0}), cores=8) == 6.0


def test_workers_take_the_shards_of_a_real_run() -> None:
    alone, four, many = (simulate(PLAN, HISTORY, workers=workers, cores=1) for workers in (1, 4, 16))

    assert (alone.seconds, len(alone.shards), alone.idle) == (61.0, 1, 0.0)
    assert four.shards == many.shards
    assert (four.seconds, len(four.shards)) == (SHARD_START + 30.0, 3)
    assert four.idle == pytest.approx(1 - 61.0 / (4 * four.seconds))
    assert many.idle > four.idle


def test_table_has_speed_up_and_idle_time() -> None:
    *_, one, four, many = render_simulation(PLAN, HISTORY, cores=1).splitlines()

    assert one.split() == ["1", "1", "61.0", "1.0", "x", "0%"]
    assert [line.split()[:2] for line in (four, many)] == [["4", "3"], ["16", "3"]]
