"""The keys of checks: what a check depends on changes its key, and nothing else does."""

import random
from dataclasses import replace
from typing import Any

import pytest

from tasks.execution.reuse.decision import choose_reused
from tasks.execution.reuse.keys import DAY, WEEK, changed_parts
from tasks.models import Stage
from tasks.planning.plan import Plan
from tasks.source.selection import select
from tasks.source.tree import TreeFile
from tasks.steps import Check, Image, Inputs
from tests.execution.reuse.support import FILE, PROGRAM, SYMLINK, World, make_file, make_tree
from tests.support.factories import (
    make_check,
    make_command,
    make_lowering,
    make_requirements_project,
    make_some_plan,
    make_stack,
    make_web,
)

WEB, SITE = Inputs(include=("apps/web", "ruff.toml")), Inputs(include=("sites/shop",))
SHOP = make_command("manage.py", "check", environment="production", component="apps/shop")
LINT = make_check("lint", inputs=WEB)
TYPES = make_check("types", inputs=WEB, commands=(make_command("mypy", environment="development"),))
TESTS = make_check("tests", inputs=WEB, commands=(make_command("pytest", secrets=("API_KEY",)),))
BUILD = make_check("build", path="sites/shop", inputs=SITE, stage=Stage.BUILD)
PAGES = make_check("pages", path="sites/shop", inputs=SITE, workspace_of=BUILD.id, needs=(BUILD.id,))
RULES = make_check("rules", inputs=SITE, commands=(make_command("refused", volatile=True, daily=True),))
UPGRADE = make_check("upgrade", inputs=WEB, commands=(make_command("upgrade_from", tree="base"),))
IMAGE = make_check("image", inputs=WEB, image=Image(title="image", secrets=("IMAGE_KEY",)))
OWN = make_check("own", commands=(make_command("anything", volatile=True),))
PLAN = make_some_plan(LINT, TYPES, TESTS, BUILD, PAGES, RULES, UPGRADE, IMAGE)
FILES = {
    "apps/web/app.py": make_file("apps/web/app.py", "print(1)"),
    "apps/web/manage.py": make_file("apps/web/manage.py", "manage", PROGRAM),
    "apps/web/fixtures/one.json": make_file("apps/web/fixtures/one.json", "[]"),
    "apps/web/uv.lock": make_file("apps/web/uv.lock", "mypy==1"),
    "apps/web/pyproject.toml": make_file("apps/web/pyproject.toml", "[project]"),
    "apps/web/latest": make_file("apps/web/latest", "app.py", SYMLINK),
    "ruff.toml": make_file("ruff.toml", "line-length = 88"),
    "sites/shop/index.html": make_file("sites/shop/index.html", "<p>"),
    "README.md": make_file("README.md", "hello"),
}
HERE = World(files=FILES, plan=PLAN, secrets={"API_KEY": "k1", "IMAGE_KEY": "i1"})
OF_WEB = {"lint", "types", "tests", "upgrade", "image"}
EVERYTHING = {check.name for check in PLAN.checks}


def with_file(path: str, content: str, mode: int = FILE) -> World:
    return replace(HERE, files={**FILES, path: make_file(path, content, mode)})


def without(path: str) -> World:
    return replace(HERE, files={name: file for name, file in FILES.items() if name != path})


def with_check(check: Check) -> World:
    return replace(HERE, plan=make_some_plan(*(check if each.id == check.id else each for each in PLAN.checks)))


def with_fact(**over: Any) -> World:
    return replace(HERE, over=over)


HUNT = {
    "nothing": (HERE, set()),
    "files in another order": (replace(HERE, files=dict(reversed(FILES.items()))), set()),
    "content": (with_file("apps/web/app.py", "print(2)"), OF_WEB),
    "a fixture": (with_file("apps/web/fixtures/one.json", "[1]"), OF_WEB),
    "a mode": (with_file("apps/web/manage.py", "manage"), OF_WEB),
    "the target of a symlink": (with_file("apps/web/latest", "manage.py", SYMLINK), OF_WEB),
    "a symlink in place of a file": (with_file("apps/web/app.py", "print(1)", SYMLINK), OF_WEB),
    "the configuration of a parent directory": (with_file("ruff.toml", "line-length = 99"), OF_WEB),
    "a new file, which git may ignore": (with_file("apps/web/extra.py", ""), OF_WEB),
    "a deleted file": (without("apps/web/fixtures/one.json"), OF_WEB),
    "a file of the site": (with_file("sites/shop/index.html", "<b>"), {"build", "pages", "rules", "image"}),
    "a file that only an image may copy": (with_file("README.md", "bye"), {"image"}),
    "the version of a tool in the lock": (with_file("apps/web/uv.lock", "mypy==2"), OF_WEB),
    "a variable of a command": (
        with_check(replace(LINT, commands=(make_command("lint", env=(("DEBUG", "1"),)),))),
        {"lint"},
    ),
    "an argument": (with_check(replace(LINT, commands=(make_command("lint", "--all"),))), {"lint"}),
    "a limit": (with_check(replace(LINT, commands=(make_command("lint", limit=1.0),))), {"lint"}),
    "the definition of a needed check": (
        with_check(replace(BUILD, commands=(make_command("build", "--production"),))),
        {"build", "pages"},
    ),
    "a secret": (replace(HERE, secrets={"API_KEY": "k2", "IMAGE_KEY": "i1"}), {"tests"}),
    "a secret that is gone": (replace(HERE, secrets={"IMAGE_KEY": "i1"}), {"tests"}),
    "a secret of an image": (replace(HERE, secrets={"API_KEY": "k1", "IMAGE_KEY": "i2"}), {"image"}),
    "a secret that no check has": (replace(HERE, secrets={**HERE.secrets, "OTHER": "x"}), set()),
    "the deployed commit": (with_fact(base="another"), {"upgrade"}),
    "midnight": (with_fact(day="2026-12-01"), {"rules"}),
    "predeploy's code": (with_fact(predeploy="2"), EVERYTHING),
    "the engine": (with_fact(engine="dagger 0.21 Linux x86_64"), EVERYTHING),
    "the architecture": (with_fact(engine="local 1 Linux aarch64"), EVERYTHING),
    "a program of the machine": (with_fact(machine="n"), EVERYTHING),
    "a base image": (with_fact(settings="t"), EVERYTHING),
}


@pytest.mark.parametrize("name", HUNT)
def test_a_change_runs_exactly_the_checks_that_depend_on_it(name: str) -> None:
    world, expected = HUNT[name]

    assert HERE.changed(world) == expected


def test_engine_without_images_reads_no_file_for_them() -> None:
    here, edited = (replace(world, over={"has_images": False}) for world in (HERE, with_file("README.md", "bye")))

    assert here.changed(edited) == set()
    assert here.changed(replace(with_file("apps/web/app.py", "print(2)"), over={"has_images": False})) == OF_WEB


@pytest.mark.parametrize(
    "over",
    [
        {"commands": (replace(SHOP, component=""),)},
        {"commands": (make_command(environment="image"),), "image": Image(title="image without a Dockerfile")},
    ],
    ids=["command", "image"],
)
def test_midnight_changes_packages_without_a_lock(over: dict[str, Any]) -> None:
    """The environment of a project without a lock has the day in its key."""

    unpinned = make_web("apps/shop", make_requirements_project(pinned=False, hashed=False))
    checks = make_some_plan(make_check("tests", path="apps/shop", **over))

    def keyed(day: str) -> str:
        lowering = replace(make_lowering(make_stack(unpinned)), day=day)
        return World(files=FILES, plan=checks, over={"lowering": lowering}).keys()["tests[apps/shop]"].key

    assert keyed("2026-11-30") == keyed("2026-11-30")
    assert keyed("2026-11-30") != keyed("2026-12-01")


@pytest.mark.parametrize(
    ("check", "why"),
    [
        (OWN, "it may read more than the stack's files"),
        (make_check("skipped", commands=()), "it runs no command"),
        (
            make_check("served", commands=(make_command("ask", services=(make_command("x", volatile=True),)),)),
            "may read",
        ),
        (make_check("later", needs=(OWN.id,)), f"it uses {OWN.id}, which always runs"),
        (make_check("alone", workspace_of="absent[x]"), "which is not in this run"),
        (make_check("unknown", path="nowhere", commands=(make_command("x", environment="production"),)), "packages"),
    ],
)
def test_check_with_unknown_inputs_has_no_key(check: Check, why: str) -> None:
    keys = World(files=FILES, plan=make_some_plan(OWN, *([] if check is OWN else [check]))).keys()

    assert keys[check.id].key == ""
    assert why in keys[check.id].never


@pytest.mark.parametrize(
    ("check", "limit"),
    [
        (LINT, WEEK),
        (make_check("health", stage=Stage.INTEGRATION), DAY),
        (make_check("lock", commands=(make_command("uv", "lock", phase="acquire"),)), DAY),
        (make_check("data", database="empty"), DAY),
        (IMAGE, DAY),
        (make_check("served", commands=(make_command("ask", services=(make_command("server"),)),)), DAY),
    ],
)
def test_results_that_depend_on_the_outside_are_kept_for_a_day(check: Check, limit: float) -> None:
    assert World(files=FILES, plan=make_some_plan(check)).keys()[check.id].limit == limit


def test_changed_parts_are_named() -> None:
    before = HERE.keys()
    after = with_file("apps/web/app.py", "print(2)").keys()
    later = with_check(replace(BUILD, commands=(make_command("build", "--production"),))).keys()

    assert changed_parts(after["lint[apps/web]"], before["lint[apps/web]"].parts) == ("its files",)
    assert changed_parts(later["pages[sites/shop]"], before["pages[sites/shop]"].parts) == ("a check that it needs",)
    assert changed_parts(before["lint[apps/web]"], before["lint[apps/web]"].parts) == ()


def outcome(check: Check, files: dict[str, TreeFile], done: dict[str, str]) -> str:
    """What a run of the check from scratch observes: every file that it can see, and the checks before it."""
    seen = select(make_tree(files), check.inputs if check.image is None else Inputs())
    before = [done[need] for need in (*check.needs, *filter(None, [check.workspace_of]))]
    return f"{check.id} {sorted((path, file.mode, file.digest) for path, file in seen.items())} {before}"


def edit(files: dict[str, TreeFile], chance: random.Random) -> dict[str, TreeFile]:
    """One random edit: content, rename, touch, mode, symlink, deletion or another order."""
    path = chance.choice(sorted(files))
    file, rest = files[path], {name: each for name, each in files.items() if name != path}
    kind = chance.choice(("content", "rename", "touch", "mode", "link", "delete", "order", "swap"))
    other = chance.choice(sorted(files))
    match kind:
        case "content":
            return {**files, path: make_file(path, chance.choice("abc"), file.mode)}
        case "rename":
            new = f"{path.rpartition('/')[0]}/r{chance.randrange(4)}".strip("/")
            return {**rest, new: replace(file, path=new)}
        case "mode" | "link":
            return {**files, path: replace(file, mode=chance.choice((FILE, PROGRAM, SYMLINK)))}
        case "delete" if len(files) > 4:
            return rest
        case "order":
            return dict(chance.sample(sorted(files.items()), len(files)))
        case "swap":
            mine, theirs = replace(files[other], path=path), replace(file, path=other)
            return {**files, path: mine, other: theirs}
    return {**files, path: replace(file)}


def check_random_edits(number: int, seed: int) -> int:
    """Compares reuse with a run from scratch after each edit. Returns how many results were reused."""
    chance, files, reused = random.Random(seed), dict(FILES), 0
    store: dict[str, str] = {}
    plan: Plan = make_some_plan(*PLAN.checks, make_check("all", needs=(LINT.id, PAGES.id)))
    for _ in range(number):
        files = edit(files, chance)
        keys = World(files=files, plan=plan, secrets=HERE.secrets).keys()
        found = {check_id for check_id, each in keys.items() if each.key in store}
        chosen = choose_reused(plan, found, ())
        fresh: dict[str, str] = {}
        for check in plan.checks:
            fresh[check.id] = outcome(check, files, fresh)
            if check.id in chosen:
                assert store[keys[check.id].key] == fresh[check.id], f"a wrong reuse of {check.id} (seed {seed})"
                reused += 1
            else:
                store[keys[check.id].key] = fresh[check.id]
    return reused


def test_reuse_equals_a_run_from_scratch_after_random_edits() -> None:
    assert check_random_edits(200, seed=1) > 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_reuse_equals_a_run_from_scratch_after_many_random_edits(seed: int) -> None:
    assert check_random_edits(500, seed=100 + seed) > 250
