"""The report as text for people and for agents."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tasks.models import EngineFacts, Outcome, Report, Stage, Status
from tasks.report.agent import render_agent
from tasks.report.document import to_document
from tasks.report.layout import cells
from tasks.report.ranking import rank_fixes
from tasks.report.style import NARROWEST, Style
from tasks.report.text import render_text
from tests.report import factories as make

PEOPLE = Style(colour=False, unicode=True, width=80)
ASCII = Style(colour=False, unicode=False, width=80)
Golden = Callable[[str, str], None]


@pytest.mark.parametrize("case", make.CASES)
def test_text_matches_the_stored_one(case: str, golden: Golden) -> None:
    golden(f"{case}.txt", render_text(make.CASES[case](), PEOPLE))


@pytest.mark.parametrize("case", ["broken_settings", "green_partial", "wide"])
def test_ascii_text_matches_the_stored_one(case: str, golden: Golden) -> None:
    text = render_text(make.CASES[case](), ASCII)

    assert text.isascii()
    golden(f"{case}.ascii.txt", text)


@pytest.mark.parametrize("case", make.CASES)
def test_agent_text_matches_the_stored_one(case: str, golden: Golden) -> None:
    golden(f"{case}.agent.txt", render_agent(make.CASES[case](), "because CLAUDECODE is set"))


@pytest.mark.parametrize("case", make.CASES)
@pytest.mark.parametrize("width", [NARROWEST, 60, 80])
@pytest.mark.parametrize("unicode", [True, False])
def test_only_a_path_is_wider_than_the_terminal(case: str, width: int, unicode: bool) -> None:
    text = render_text(make.CASES[case](), Style(False, unicode, width))

    wide = [line for line in text.splitlines() if cells(line) > width]
    assert [line for line in wide if not any("/" in word and len(word) > width - 18 for word in line.split())] == []


@pytest.mark.parametrize("case", make.CASES)
def test_colour_does_not_change_the_text(case: str) -> None:
    coloured = render_text(make.CASES[case](), Style(True, True, 80))

    assert re.sub(r"\x1b\[\d*m", "", coloured) == render_text(make.CASES[case](), PEOPLE)
    assert coloured.count("\x1b[0m") * 2 == coloured.count("\x1b[")


@pytest.mark.parametrize("case", make.CASES)
@pytest.mark.parametrize("render", [lambda r: render_text(r, PEOPLE), lambda r: render_agent(r, "asked for")])
def test_control_characters_of_tools_do_not_reach_the_terminal(case: str, render: Callable[[Report], str]) -> None:
    text = render(make.CASES[case]())

    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("outcome", "ready", "said"),
    [
        (Outcome.PASSED, True, True),
        (Outcome.PASSED, False, False),
        *((outcome, True, False) for outcome in Outcome if outcome is not Outcome.PASSED),
    ],
)
def test_only_a_full_pass_is_ready_to_deploy(outcome: Outcome, ready: bool, said: bool) -> None:
    report = make.report(verdict=make.verdict(outcome, ready=ready))

    for text in (render_text(report, PEOPLE), render_agent(report, "asked for")):
        assert ("Ready to deploy!" in text) is said
        assert ("PASSED (partial: " in text) is (outcome is Outcome.PASSED and not ready)


@pytest.mark.parametrize("summary", ["no Dagger engine or container runtime found", "word " * 40, ""])
@pytest.mark.parametrize("style", [PEOPLE, ASCII], ids=["unicode", "ascii"])
def test_engine_takes_one_line_of_the_header(summary: str, style: Style) -> None:
    engine = EngineFacts(name="local", version="0.2.0", reason="the whole reason, " * 20, summary=summary)

    lines = render_text(make.report(engine=engine), style).splitlines()

    (place,) = [
        number
        for number, line in enumerate(lines)
        if line.startswith("engine  embedded (this machine, no containers): ")
    ]
    assert cells(lines[place]) <= 80
    assert lines[place + 1].startswith("run     ")


def test_thirty_findings_take_ten_lines_at_most() -> None:
    text = render_text(make.one_failed(), PEOPLE)

    block = text.split("✗ mypy")[1].split("✓ pytest")[0].splitlines()[1:-1]
    assert len(block) <= 10
    assert block[-1] == "    … and 26 more in .predeploy/runs/20260121-101500-7f3a/logs/mypy.log"


def test_cause_found_by_many_tools_is_one_fix() -> None:
    text = render_text(make.broken_settings(), PEOPLE)

    fixes = text.split("Fix first:")[1].split("Run the red")[0]
    assert fixes.count("settings.py:41") == 1
    assert "(Django container, ruff check, mypy; 3 skipped)" in fixes
    assert fixes.index("settings.py") < fixes.index("npm registry") < fixes.index("F401") < fixes.index("pytest")


def test_every_red_check_is_named_before_a_second_finding_of_one() -> None:
    many = tuple(make.diagnostic(f"m{n}", "a.py", n, tool="ruff") for n in range(1, 24))
    checks = make.checks(
        ruff_check=make.result("ruff_check", Status.FAILED, diagnostics=many),
        mypy=make.result("mypy", Status.FAILED, diagnostics=(make.diagnostic("wrong type", "b.py", 1),)),
    )

    text = render_text(make.report(Outcome.FAILED, checks=checks), PEOPLE)

    fixes = text.split("Fix first:")[1].split("  and ")[0].strip().splitlines()
    assert [line.split()[1] for line in fixes] == [*(f"a.py:{n}" for n in range(1, 20)), "b.py:1"]
    assert "  and 4 more" in text


def test_cause_that_affects_most_checks_comes_first() -> None:
    """A dead link turns one check red. A broken import does so too, but three checks are skipped for it."""
    needs: dict[str, Any] = {"reason_code": "needs", "reason": "needs Django container, which failed"}
    link = make.diagnostic("/menu.html: no such page", "sites/coffee-shop/index.html", 3, tool="links")
    broken = make.diagnostic("ModuleNotFoundError: No module named 'pricing'", "apps/web/inbox/models.py", 2)
    skipped = dict.fromkeys(("migrate", "django_check", "migration_check"), Status.SKIPPED)
    checks = make.checks(
        **{name: make.result(name, status, **needs) for name, status in skipped.items()},
        ruff_check=make.result("ruff_check", Status.FAILED, diagnostics=(link,)),
        pytest=make.result("pytest", Status.FAILED, diagnostics=(replace(broken, tool="pytest"),)),
        django_container=make.result("django_container", Status.FAILED, diagnostics=(broken,)),
    )
    # the dead link is the first finding
    checks = tuple(sorted(checks, key=lambda check: check.name != "ruff_check"))
    checks = tuple(replace(check, stage=Stage.BUILD) if check.name == "ruff_check" else check for check in checks)

    fixes, more = rank_fixes(make.report(Outcome.FAILED, checks=checks), 5)

    assert [(fix.location, fix.checks, fix.waiting) for fix in fixes] == [
        ("apps/web/inbox/models.py:2", ("Django container", "pytest"), 3),
        ("sites/coffee-shop/index.html:3", ("ruff check",), 0),
    ]
    assert more == 0


MISSING = "menu lacks a migration: {}. Run: python manage.py makemigrations menu"


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("Add field note to product", 'column "note" of relation "menu_product" does not exist'),
        ("Add field note to product, which needs a default", "column menu_product.note does not exist"),
        ("Add field owner to product", "column T3.owner_id does not exist"),
        ("Create model Season", 'relation "menu_season" does not exist'),
        ("Add field tags to product", 'relation "menu_product_tags" does not exist'),
        ("Remove field note from product", 'null value in column "note" of relation "menu_product" violates not-null'),
        ("Create model Season", "no such table: menu_season"),
        ("Add field note to product", "table menu_product has no column named note"),
    ],
)
def test_missing_migration_comes_before_the_database_errors_that_it_causes(operation: str, error: str) -> None:
    shown = [
        make.diagnostic(f"django.db.utils.ProgrammingError: {error}", f"apps/web/{file}.py", 3, tool="pytest")
        for file in "ab"
    ]
    missing = [
        make.diagnostic(MISSING.format(text), "apps/web/menu/models.py", tool="django", rule="missing_migration")
        for text in (operation, "Alter field name on product")
    ]
    checks = make.checks(
        mypy=make.result("mypy", Status.FAILED, diagnostics=(make.diagnostic("a wrong type", "apps/web/c.py", 9),)),
        pytest=make.result("pytest", Status.FAILED, diagnostics=tuple(shown)),
        migration_check=make.result("migration_check", Status.FAILED, diagnostics=tuple(missing)),
    )

    first, second = rank_fixes(make.report(Outcome.FAILED, checks=checks), 5)[0]

    assert (first.location, first.text) == ("apps/web/menu/models.py", MISSING.format(operation))
    assert first.checks == ("pytest", "Migration check")
    assert second.location == "apps/web/c.py:9"


def test_command_of_a_fix_is_never_cut() -> None:
    text = MISSING.format(
        "Add field a_rather_long_name_of_a_field to a_rather_long_name_of_a_model, which needs a default"
    )
    missing = make.diagnostic(text, "apps/web/menu/models.py", tool="django", rule="missing_migration")
    checks = make.checks(migration_check=make.result("migration_check", Status.FAILED, diagnostics=(missing,)))

    block = render_text(make.report(Outcome.FAILED, checks=checks), PEOPLE).split("Fix first:")[1]

    assert "Run: python manage.py makemigrations menu (Migration check)" in " ".join(block.split())


def test_missing_migration_explains_no_other_database_error() -> None:
    error = make.diagnostic('ProgrammingError: relation "shop_item" does not exist', "apps/web/b.py", 3, tool="pytest")
    text = MISSING.format("Add field note to product")
    missing = make.diagnostic(text, "apps/web/menu/models.py", tool="django", rule="missing_migration")
    checks = make.checks(
        pytest=make.result("pytest", Status.FAILED, diagnostics=(error,)),
        migration_check=make.result("migration_check", Status.FAILED, diagnostics=(missing,)),
    )

    fixes, _ = rank_fixes(make.report(Outcome.FAILED, checks=checks), 5)

    assert [fix.location for fix in fixes] == ["apps/web/b.py:3", "apps/web/menu/models.py"]


def test_check_with_the_packages_of_a_red_check_depends_on_its_fix() -> None:
    stale = make.result("django_container", Status.FAILED, reason_code="lock_stale", reason="the lock is stale")
    over: dict[str, Any] = {"reason_code": "needs", "blocked_by": "django_container[apps/web]"}
    checks = make.checks(
        django_container=stale,
        mypy=make.result("mypy", Status.SKIPPED, **over),
        pytest=make.result("pytest", Status.SKIPPED, **over),
        migrate=make.result("migrate", Status.SKIPPED, reason_code="needs"),
        django_check=make.result("django_check", Status.SKIPPED, reason_code="needs"),
        migration_check=make.result("migration_check", Status.SKIPPED, reason_code="no_base"),
    )

    ((fix,), _) = rank_fixes(make.report(Outcome.FAILED, checks=checks), 5)

    # migration_check was skipped for another reason
    assert (fix.checks, fix.waiting) == (("Django container",), 4)


@pytest.mark.parametrize(
    ("message", "rule", "count"),
    [
        ("ModuleNotFoundError: No module named 'stripe'", None, 1),
        ("No module named 'stripe'", "ModuleNotFoundError", 1),
        ("error at setup: ModuleNotFoundError: No module named 'stripe'", "tests/test_a.py::test_a", 1),
        ("ModuleNotFoundError: No module named 'other'", None, 2),
        ("AssertionError: assert 1 == 2", "tests/test_a.py::test_a", 2),
    ],
)
def test_one_exception_at_several_places_is_one_cause(message: str, rule: str | None, count: int) -> None:
    trace = make.diagnostic("No module named 'stripe'", "apps/web/a.py", 1, tool="python", rule="ModuleNotFoundError")
    assertion = make.diagnostic("AssertionError: assert 1 == 2", "apps/web/c.py", 4)
    first = assertion if "Assertion" in message else trace
    checks = make.checks(
        django_container=make.result("django_container", Status.FAILED, diagnostics=(first,)),
        pytest=make.result(
            "pytest",
            Status.FAILED,
            diagnostics=(make.diagnostic(message, "apps/web/b.py", 9, tool="pytest", rule=rule),),
        ),
    )

    fixes, _ = rank_fixes(make.report(Outcome.FAILED, checks=checks), 5)

    assert len(fixes) == count


def test_errors_at_setup_with_one_cause_are_one_line_and_the_document_has_all() -> None:
    text = render_text(make.one_cause(), PEOPLE)
    check = next(check for check in make.one_cause().checks if check.name == "pytest")

    assert text.count("11 errors at setup, one cause: RuntimeError: no") == 2  # the second time under "Fix first"
    assert "4 errors at setup, one cause: fixture 'menu'" in text
    assert len(check.result.diagnostics) == 15
    document: Any = to_document(make.one_cause())
    shown = next(each for each in document["stages"]["quality"]["checks"] if each["name"] == "pytest")
    assert len({each["rule"] for each in shown["diagnostics"]}) == 15


def test_rerun_command_can_be_pasted() -> None:
    report = make.broken_settings()

    block = render_text(report, PEOPLE).split("Run the red checks again:\n")[1]

    assert " ".join(block.replace("\\\n", " ").split()) == report.rerun


def test_stage_with_skipped_checks_has_no_tick() -> None:
    text = render_text(make.interrupted(), PEOPLE)

    assert "Build Stage ✓" in text
    assert "Quality Stage ○ (1 of 3 skipped)" in text


def test_no_message_is_read_as_a_command_by_a_ci_service() -> None:
    message = "first\n::add-mask::e\n   ::error file=a::b\n##[group]x\nfine:: ##[x]"
    failed = make.result("mypy", Status.FAILED, reason="::stop-commands::t", diagnostics=(make.diagnostic(message),))
    report = make.report(Outcome.FAILED, checks=make.checks(mypy=failed), warnings=("w",))

    for text in (render_text(report, PEOPLE), render_agent(report, "asked for")):
        assert not re.search(r"^\s*(::|##\[)", text, re.MULTILINE)
        assert "fine:: ##[x]" in text
        assert ": :add-mask::e" in text or " | ::add-mask::e" in text
