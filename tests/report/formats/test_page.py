"""The page of a report: self-contained, escaped, and complete."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tasks.models import Outcome, Report, Status
from tasks.report.formats.page import columns, render_page
from tasks.report.formats.sources import LOG_BYTES, PastRun, Sources, past_runs, read_sources
from tasks.report.formats.timeline import critical_chain, timeline
from tests.report import factories as make
from tests.report.hostile import ATTACK, MARKER, everything, flood

VOID = {"meta", "link"}
RUNS = tuple(
    PastRun(id=f"2026012{day}T101500Z-aa", outcome=outcome, started_at=f"2026-01-2{day}T10:15:00Z", duration=5 + day)
    for day, outcome in enumerate((Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED, Outcome.PASSED))
)
SOURCES = Sources(
    excerpts={("apps/web/menu.py", 3): ((1, "import re"), (2, ""), (3, f"import os  # {ATTACK}"))},
    logs={"pytest[apps/web]": f"$ pytest\n</pre>{ATTACK}"},
    runs=RUNS,
)


class Reader(HTMLParser):
    """Checks that elements are closed in order, and collects their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open and self.open[-1] not in {"script", "style"} else ""

    def attributes(self, *names: str) -> Iterator[str]:
        return (attributes[name] for _, attributes in self.tags for name in names if name in attributes)


CASES: dict[str, Callable[[], Report]] = {**make.CASES, "everything": everything}


@pytest.mark.parametrize("case", CASES)
def test_page_is_well_formed_and_asks_for_nothing(case: str) -> None:
    page = Reader(render_page(CASES[case](), SOURCES))

    assert not [*page.attributes("src", "srcset", "action", "onclick", "onload", "onmouseover", "style")]
    links = [*page.attributes("href")]
    assert all(link.startswith(("#", "data:,", "logs/", "report.json")) for link in links), links
    ids = [*page.attributes("id")]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_text_of_tools_is_shown_and_never_executed() -> None:
    page = Reader(render_page(everything(), SOURCES))

    assert page.text.count(MARKER) > 10
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "{{ 7 * 7 }}" in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", page.text)


def test_policy_admits_the_script_and_the_style_of_the_page_alone() -> None:
    text = render_page(everything(), SOURCES)
    policy = next(value for value in Reader(text).attributes("content") if value.startswith("default-src"))

    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_page_has_findings_code_log_and_commands() -> None:
    text = Reader(render_page(everything(), SOURCES)).text

    for part in ("Failed", "`os` imported but unused", "3 > import os", "$ pytest", "predeploy --only ruff_check"):
        assert part in text
    for part in (
        "config.settings",
        "apps/web/Dockerfile:12: ENV",
        "guess",
        "4 earlier runs: 2 passed, 1 failed, 1 errored",
    ):
        assert part in text


def test_page_of_many_findings_is_short() -> None:
    text = render_page(flood())

    assert len(text) < 60_000
    assert "and 4980 more in" in text


def test_page_matches_the_stored_one(golden: Callable[[str, str], None]) -> None:
    golden("everything.report.html", render_page(everything(), SOURCES))


def test_critical_chain_leads_to_the_check_that_ended_last() -> None:
    checks = make.checks(
        django_container=make.result("django_container", started=0.0, duration=4.0),
        migrate=make.result("migrate", started=5.0, duration=3.0),
        migration_check=make.result("migration_check", started=8.0, duration=1.0),
    )
    ran = {check.id: check for check in checks}
    bars = {bar.check.name: bar for bar in timeline(make.report(checks=checks))}

    chain = ("django_container[apps/web]", "migrate[apps/web]", "migration_check[apps/web]")
    assert critical_chain(ran) == chain
    assert [bar.check.id for bar in bars.values() if bar.is_critical] == [*chain]
    assert (bars["migrate"].after, bars["migrate"].queued) == ("Django container", 1.0)
    assert (bars["migration_check"].start, bars["migration_check"].length) == (88.89, 11.11)


def test_check_that_ran_while_its_need_ran_did_not_wait_for_it() -> None:
    checks = make.checks(
        django_container=make.result("django_container", started=0.0, duration=4.0),
        migrate=make.result("migrate", started=1.0, duration=9.0),
    )
    bars = {bar.check.name: bar for bar in timeline(make.report(checks=checks))}

    assert [name for name, bar in bars.items() if bar.is_critical] == ["migrate"]
    assert (bars["migrate"].after, bars["migrate"].queued) == ("", 1.0)


def test_timeline_leaves_out_what_did_not_run() -> None:
    skipped = make.result("pytest", Status.SKIPPED)
    report = make.report(checks=make.checks(mypy=make.result("mypy", cached=True), pytest=skipped))

    assert {"mypy", "pytest"}.isdisjoint(bar.check.name for bar in timeline(report))
    assert timeline(make.usage()) == ()


def test_column_is_as_high_as_its_run_was_long() -> None:
    assert [column.height for column in columns(RUNS)] == [62.5, 75.0, 87.5, 100.0]
    assert columns(()) == []


def test_sources_are_read_from_the_tree_alone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\nthree\nfour\nfive\nsix\n")
    (tmp_path / "secret").write_text("one\ntwo\n")
    (tmp_path / "link.py").symlink_to(tmp_path / "secret")
    found = [make.diagnostic(f"in {name}", name, 2) for name in ("a.py", "link.py", "secret", "../a.py", "absent.py")]
    found += [make.diagnostic("behind the end", "a.py", 99), make.diagnostic("no line", "a.py")]
    failed = make.result("mypy", Status.FAILED, diagnostics=tuple(found))
    report = make.report(Outcome.FAILED, checks=make.checks(mypy=failed))

    sources = read_sources(report, tmp_path, {"a.py", "link.py", "absent.py"}, tmp_path, tmp_path)

    assert dict(sources.excerpts) == {("a.py", 2): ((1, "one"), (2, "two"), (3, "three"), (4, "four"))}


def test_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/mypy.log").write_bytes(b"a line of a long log\n" * 250_000 + b"the end \xff\n")
    report = make.report(Outcome.FAILED, checks=make.checks(mypy=make.result("mypy", Status.FAILED)))

    (log,) = read_sources(report, tmp_path, (), tmp_path, tmp_path).logs.values()

    assert log.startswith("…\na line")
    assert log.endswith("the end \ufffd\n")
    assert len(log.encode()) <= LOG_BYTES + 10


def test_earlier_runs_are_read_from_old_to_new(tmp_path: Path) -> None:
    for name, text in {
        "20260122T1-a": '{"result": "failed", "started_at": "2026-01-22", "duration_seconds": 3}',
        "20260121T1-a": '{"result": "passed", "started_at": "2026-01-21", "duration_seconds": 2.5}',
        "20260123T1-a": '{"result": "unheard"}',
        "20260124T1-a": "not JSON",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "summary.json").write_text(text)

    assert [(run.id, run.outcome.value, run.duration) for run in past_runs(tmp_path)] == [
        ("20260121T1-a", "passed", 2.5),
        ("20260122T1-a", "failed", 3.0),
    ]
