"""Builds of packages, whose outputs the checks of one run share."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tasks.engines.local.build_outputs import BuildOutputs
from tasks.engines.local.seal import seal
from tasks.engines.local.services import Launch
from tasks.exits import Exit
from tasks.redaction.redactor import Redactor
from tasks.stack import Version
from tasks.steps import Environment, Inputs, Step

PACKAGES = Environment(kind="node", title="", root=".", version=Version(), inputs=(), commands=(), control=(), key="a")
STEP = Step(slot="s", argv=("make",), cwd=".", inputs=Inputs(), limit=1, environment=PACKAGES, shared=True)
Build = Callable[[Path], None]


def make(workspace: Path) -> None:
    (workspace / "lib/dist").mkdir(parents=True)
    (workspace / "lib/dist/a.js").write_text("export {}")
    (workspace / "lib/dist/a.js").chmod(0o755)
    (workspace / "lib/dist/link").symlink_to("a.js")
    (workspace / "lib/a.ts").unlink()


@dataclass
class Lab:
    """Workspaces of one run, and the names of those in which a build ran."""

    base: Path
    outputs: BuildOutputs
    built: list[str] = field(default_factory=list)

    def workspace(self, name: str, **files: str) -> Path:
        root = self.base / name
        (root / "node_modules").mkdir(parents=True)
        (root / "node_modules/tool.js").write_text("tool")
        for path, text in {"lib/a.ts": "export {}", **files}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        seal(root, ["node_modules"], self.base / f"{name}.seal", is_read_only=False)
        return root

    async def run(
        self, root: Path, build: Build = make, *, step: Step = STEP, env: Mapping[str, str] | None = None, code: int = 0
    ) -> Exit:
        async def run() -> Exit:
            self.built.append(root.name)
            await asyncio.sleep(0)
            build(root)
            return Exit(code=code, stdout=f"made {root}/lib")

        launch = Launch(
            argv=("make",), cwd=root, env={"HERE": f"{root}", **(env or {})}, log=self.base / "log", limit=1,
            redactor=Redactor(),
        )  # fmt: skip
        return await self.outputs.run(step, launch, root, ({"node_modules": ""}, self.base / f"{root.name}.seal"), run)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(base=tmp_path, outputs=BuildOutputs(tmp_path / "built"))


def ran(lab: Lab, *runs: Awaitable[Exit]) -> list[Exit]:
    async def all_of() -> list[Exit]:
        return [await each for each in runs]

    return asyncio.run(all_of())


def test_a_build_runs_once_for_equal_inputs_and_its_files_are_the_same(lab: Lab) -> None:
    one, two = lab.workspace("one"), lab.workspace("two")

    exits = ran(lab, lab.run(one), lab.run(two))

    assert lab.built == ["one"]
    assert "ran before in this run" in (lab.base / "log").read_text()
    assert [each.stdout for each in exits] == [f"made {one}/lib", f"made {two}/lib"]
    assert sorted(path.relative_to(two).as_posix() for path in (two / "lib").rglob("*")) == [
        "lib/dist",
        "lib/dist/a.js",
        "lib/dist/link",
    ]
    assert (two / "lib/dist/a.js").stat().st_mode == (one / "lib/dist/a.js").stat().st_mode
    assert (two / "lib/dist/link").readlink() == Path("a.js")


def test_two_checks_at_once_build_once(lab: Lab) -> None:
    one, two = lab.workspace("one"), lab.workspace("two")

    async def at_once() -> None:
        await asyncio.gather(lab.run(one), lab.run(two))

    asyncio.run(at_once())

    assert len(lab.built) == 1
    assert (one / "lib/dist/a.js").read_text() == (two / "lib/dist/a.js").read_text()


@pytest.mark.parametrize(
    ("files", "step", "env"),
    [
        ({"lib/a.ts": "export const b = 1"}, STEP, {}),
        ({"other.txt": ""}, STEP, {}),
        ({}, replace(STEP, environment=replace(PACKAGES, key="b")), {}),
        ({}, STEP, {"MODE": "production"}),
    ],
    ids=["its file", "a new file", "packages", "variable"],
)
def test_other_inputs_are_built(lab: Lab, files: dict[str, str], step: Step, env: dict[str, str]) -> None:
    ran(lab, lab.run(lab.workspace("one")), lab.run(lab.workspace("two", **files), step=step, env=env))

    assert lab.built == ["one", "two"]


def with_path(workspace: Path) -> None:
    (workspace / "place.txt").write_text(f"{workspace}/lib")


def with_packages(workspace: Path) -> None:
    (workspace / "node_modules/tool.js").write_text("other")


@pytest.mark.parametrize("build", [with_path, with_packages])
def test_outputs_that_are_not_only_files_of_the_workspace_are_not_shared(lab: Lab, build: Build) -> None:
    ran(lab, lab.run(lab.workspace("one"), build), lab.run(lab.workspace("two"), build))

    assert lab.built == ["one", "two"]


def test_a_failed_build_and_one_with_secrets_run_again(lab: Lab) -> None:
    secret = replace(STEP, secrets=("TOKEN",))
    ran(lab, *(lab.run(lab.workspace(name), code=1) for name in ("one", "two")))
    ran(lab, *(lab.run(lab.workspace(name), step=secret, env={"TOKEN": "x"}) for name in ("three", "four")))

    assert lab.built == ["one", "two", "three", "four"]


def test_an_output_that_another_program_changed_is_built_again(lab: Lab) -> None:
    ran(lab, lab.run(lab.workspace("one")))
    for kept in (lab.base / "built").iterdir():
        kept.write_text("wrong")

    ran(lab, lab.run(lab.workspace("two")))

    assert lab.built == ["one", "two"]
    assert (lab.base / "two/lib/dist/a.js").read_text() == "export {}"
