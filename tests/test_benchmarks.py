"""The pure parts of the benchmark: what it edits, and the tables that it prints."""

import pytest

from benchmarks.cases import CASES, COMMENTS, file_to_edit
from benchmarks.measuring import Sample, spread
from benchmarks.tables import Measured, parts_of, parts_table, time_table
from tasks.stack import Component, Kind

WEB = Component(kind=Kind.WEB, path="apps/web", name="web")
SITE = Component(kind=Kind.SITE, path="site", name="site")


def sample(seconds: float, cpu: float = 1.0, machine: float = 2.0) -> Sample:
    return Sample(seconds=seconds, cpu=cpu, machine=machine, load=0.0)


@pytest.mark.parametrize(
    ("component", "files", "edited"),
    [
        (WEB, ("apps/web/a/models.py", "apps/web/b/views.py", "apps/web/views/x.py"), "apps/web/b/views.py"),
        (WEB, ("apps/web/manage.py", "apps/web/a/migrations/0001.py"), "apps/web/manage.py"),
        (WEB, ("other/views.py",), ""),
        (
            SITE,
            ("site/src/a.ts", "site/src/pages/404.astro", "site/src/pages/index.astro"),
            "site/src/pages/index.astro",
        ),
        (SITE, ("site/README.md", "site/src/main.ts"), "site/src/main.ts"),
        (SITE, ("site/README.md", "site/src/x.svg"), ""),
    ],
)
def test_edited_file_is_code_of_the_component(component: Component, files: tuple[str, ...], edited: str) -> None:
    assert file_to_edit(component, files) == edited


def test_each_edit_is_another_text() -> None:
    assert all(text.format("1") != text.format("2") for text in COMMENTS.values())


def test_parts_are_summed_by_name_and_phases_over_all_checks() -> None:
    events = [("imports", "part", 1e6), ("imports", "part", 5e5), ("mypy", "command", 2e6), ("tsc", "command", 3e6)]
    trace = {"traceEvents": [{"name": name, "cat": kind, "dur": length} for name, kind, length in events]}

    assert parts_of(trace) == {"imports": 1.5, "all `command`": 5.0}
    assert parts_of({"traceEvents": [{"name": "predeploy", "cat": "run", "dur": 9}]}) == {}


def test_tables_have_medians_spread_and_nothing_for_a_way_that_is_missing() -> None:
    row = Measured(
        case=CASES["site"].name,
        samples={"limit": [sample(2.0)], "ours": [sample(4.0), sample(3.0), sample(8.0)]},
        parts=[{"checks": 2.0}, {"checks": 3.0}, {"checks": 7.0, "close": 1.0}],
    )

    *_, line = time_table([row], of_machine=False)
    *_, of_machine = time_table([row], of_machine=True)

    assert line == ("| one site file edited | - | 2.0 | 4.0 (3.0 to 8.0) | - | +2.0 s | - | 1.0 | 1.0 (1.0 to 1.0) |")
    assert of_machine.endswith("| - | 2.0 | 2.0 (2.0 to 2.0) |")
    assert [*parts_table([row])][2:] == ["| checks | 3.00 |", "| close | 0.00 |"]
    assert [*parts_table([Measured(case="receipt")])] == []


def test_spread_of_one_value_is_the_value() -> None:
    assert (spread([1.25]), spread([1.0, 2.0, 9.0])) == ("1.2", "2.0 (1.0 to 9.0)")
