"""Toolchains: which Python and which Node run a stack's code."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.local.seal import SEAL
from tasks.engines.local.store import StoreEntry
from tasks.engines.local.toolchains.pinned import ToolchainConfig, install
from tasks.engines.local.toolchains.python import Pythons, probe
from tasks.engines.versions.managers import manager_install
from tasks.engines.versions.node import PINNED, choose_node, nearest_pinned
from tasks.errors import EngineError
from tasks.exits import Exit
from tasks.stack import Version


@pytest.mark.parametrize(
    ("wanted", "accepts", "major", "gaps"),
    [
        ("", "", 22, ()),
        (">=22", "", 22, ()),
        ("24", "", 24, ()),
        ("20.x", "", 20, ()),
        ("^20.3 || >=22", "", 22, ()),
        ("20", ">=18", 20, ()),
        ("22.20.0", "", 22, ()),
        ("20 || 24", ">=20 <21 || >=24", 24, ()),
        ("", ">=24", 24, ()),
        ("whatever", "", 22, ("Node 22.20.0 instead of whatever (Dockerfile)",)),
        ("==22.20.0", "", 22, ("Node 22.20.0 instead of ==22.20.0 (Dockerfile)",)),
        ("", "please use yarn", 22, ()),
    ],
)
def test_suitable_node_is_chosen_and_another_one_is_reported(
    wanted: str, accepts: str, major: int, gaps: tuple[str, ...]
) -> None:
    choice = choose_node(Version(wanted=wanted, accepts=accepts, source="Dockerfile"))

    assert choice.version == PINNED[major]
    assert choice.gaps == gaps


@pytest.mark.parametrize(
    ("wanted", "accepts", "version"),
    [
        ("18", "", "18.20.8"),
        ("18.20.8", "", "18.20.8"),
        ("v22.12.0", ">=22", "22.12.0"),
        ("26", ">=22", "26.9.0"),
        ("<20", "", "18.20.8"),
        ("", "18.x", "18.20.8"),
        ("22.20.0", "", "22.20.0"),
    ],
)
def test_release_of_the_registry_is_taken_if_no_pinned_one_fits(wanted: str, accepts: str, version: str) -> None:
    choice = choose_node(Version(wanted=wanted, accepts=accepts, source=".nvmrc"))

    assert (choice.text, choice.gaps, choice.is_pinned) == (version, (), version == "22.20.0")


@pytest.mark.parametrize(
    ("wanted", "accepts", "gap"),
    [
        ("18", "", "Node 20.18.0 instead of 18 (Dockerfile)"),
        ("22.12.0", ">=22", "Node 22.20.0 instead of 22.12.0 (Dockerfile)"),
        ("26", ">=22", "Node 24.19.0 instead of 26 (Dockerfile)"),
    ],
)
def test_nearest_pinned_node_replaces_one_that_is_not_available(wanted: str, accepts: str, gap: str) -> None:
    assert nearest_pinned(Version(wanted=wanted, accepts=accepts, source="Dockerfile")).gaps == (gap,)


def test_no_node_is_better_than_one_that_the_stack_rejects() -> None:
    with pytest.raises(EngineError, match=r"no Node for <16 \(package\.json\).*22\.20\.0") as error:
        choose_node(Version(accepts="<16", source="package.json"))

    assert error.value.reason_code == "toolchain"


def test_pinned_package_managers_are_installed_by_hash_and_others_by_the_version_that_the_stack_names() -> None:
    pinned, named, yarn, bun = map(
        manager_install, ("pnpm@10.34.9", "pnpm@9.1.0+sha512.abc", "yarn@4.18.1", "bun@1.4.5")
    )

    assert pinned is not None
    assert named is not None
    assert yarn is not None
    assert bun is not None
    assert pinned.commands[0][:2] == ("npm", "ci")
    assert "sha512-9JtajqD97b" in dict(pinned.files)["package-lock.json"]
    assert named.commands[0][-1] == "pnpm@9.1.0"
    assert "node_modules/@yarnpkg/cli-dist" in dict(yarn.files)["package-lock.json"]
    assert "@oven/bun-linux-aarch64-musl" in dict(bun.files)["package-lock.json"]
    assert bun.commands[1] == ("node", "node_modules/bun/install.js")


def test_npm_comes_with_node_unless_the_stack_names_a_version() -> None:
    named = manager_install("npm@11.6.2")

    assert manager_install("") is None
    assert manager_install("npm") is None
    assert named is not None
    assert named.commands[0][-1] == "npm@11.6.2"


@pytest.mark.parametrize("manager", ["yarn", "deno@2.1.0", "cnpm"])
def test_package_managers_that_predeploy_does_not_bring_are_named(manager: str) -> None:
    with pytest.raises(EngineError, match=f"is {manager}: predeploy brings npm, pnpm, yarn and bun") as error:
        manager_install(manager)
    assert error.value.reason_code == "unsupported"


@pytest.fixture
def pythons(tmp_path: Path) -> Callable[..., Pythons]:
    """Fake interpreters that print a given version, by minor version; None is a shim that only fails."""

    def make(**minors: str | None) -> Pythons:
        shims = tmp_path / "shims"
        shims.mkdir()
        for name, version in minors.items():
            path = shims / f"python3.{name[1:]}"
            facts = f'{{"name": "cpython", "threads": false, "path": "{path}", "version": "{version}"}}'
            path.write_text(
                f"#!/bin/sh\necho '{facts}'\n" if version else "#!/bin/sh\necho no such version >&2; exit 127\n"
            )
            path.chmod(0o755)
        found = Pythons({"PATH": str(shims), "HOME": str(tmp_path)}, tmp_path / "downloads")
        own = found.own
        # these tests are about other interpreters: predeploy's own gets an unused version
        found.own = type(own)(path=own.path, version="3.8.1")
        return found

    return make


@pytest.mark.parametrize(
    ("wanted", "accepts", "version", "gap"),
    [
        ("==3.13.*", "", "3.13.2", None),
        ("3.13", "", "3.13.2", None),
        ("==3.12.*", ">=3.11", "3.13.2", "Python 3.13 instead of 3.12 (Dockerfile)"),
        ("==3.12.*", ">=3.11,<3.13", "3.11.9", "Python 3.11 instead of 3.12 (Dockerfile)"),
        ("==3.14.*", ">=3.11", "3.13.2", "Python 3.13 instead of 3.14 (Dockerfile)"),
        ("==3.13.5", ">=3.11", "3.13.2", "Python 3.13.2 instead of 3.13.5 (Dockerfile)"),
        ("==3.13.5", "==3.13.5", "3.13.2", "Python 3.13.2 instead of 3.13.5 (Dockerfile)"),
        ("", "==3.13.5", "3.13.2", "Python 3.13.2 instead of 3.13.5 (Dockerfile)"),
        ("==3.11.11", ">=3.11.10,<3.12", "3.11.9", "Python 3.11.9 instead of 3.11.11 (Dockerfile)"),
        ("==3.11.*", ">=3.11.10", "3.11.9", "Python 3.11.9 instead of >=3.11.10 (Dockerfile)"),
        ("==3.10.*", "", "3.11.9", "Python 3.11 instead of 3.10 (Dockerfile)"),
        ("", ">=3.11,<3.13", "3.11.9", None),
        (">=3.11", "", "3.13.2", None),
    ],
)
async def test_wanted_python_runs_or_the_nearest_one_with_a_gap(
    pythons: Callable[..., Pythons], wanted: str, accepts: str, version: str, gap: str | None
) -> None:
    found = await pythons(_11="3.11.9", _12=None, _13="3.13.2").find(
        Version(wanted=wanted, accepts=accepts, source="Dockerfile")
    )

    assert found is not None
    assert found.version == version
    assert found.gaps == ((gap,) if gap else ())


async def test_python_that_the_stack_does_not_accept_is_not_chosen(pythons: Callable[..., Pythons]) -> None:
    assert await pythons(_11="3.11.9").find(Version(wanted="==3.13.*", accepts=">=3.12")) is None


async def test_invalid_version_is_reported_with_its_file(pythons: Callable[..., Pythons]) -> None:
    with pytest.raises(EngineError, match=r"'three' \(runtime\.txt\) is no Python version"):
        await pythons().find(Version(wanted="three", source="runtime.txt"))


def test_predeploys_own_python_is_found_without_a_path(tmp_path: Path) -> None:
    found = Pythons({"PATH": "", "HOME": str(tmp_path)}, tmp_path)

    assert found.own.version == ".".join(map(str, sys.version_info[:3]))
    assert probe(found.own.path) is not None
    assert subprocess.run([found.own.path, "-c", "import prefect"], capture_output=True, check=False).returncode != 0


def test_program_that_does_not_run_is_no_python(tmp_path: Path) -> None:
    assert probe(tmp_path / "absent") is None
    assert probe(Path("/bin/true")) is None


@pytest.mark.real
@pytest.mark.network
async def test_node_npm_and_pnpm_are_downloaded_and_run(locked: Any, node_packages: Any) -> None:
    environment = node_packages(locked)
    async with locked.engine() as engine:
        prepared = await engine.prepare(environment, locked.log)
        node = await engine.run(locked.step("node", "--version", environment=environment), locked.log)
        npm = await engine.run(locked.step("npm", "--version", environment=environment), locked.log)
        pnpm = await engine.run(locked.step("pnpm", "--version", environment=environment), locked.log)

    assert prepared.exit.code == 0, locked.written()
    assert prepared.version == "Node 22.20.0"
    assert node.stdout == "v22.20.0\n"
    assert npm.stdout.startswith("10.")
    assert pnpm.stdout == "10.34.9\n"
    assert [each for each in (locked.cache / "toolchains").iterdir() if each.name.startswith("node-22.20.0")]


@pytest.mark.real
@pytest.mark.network
async def test_package_manager_that_does_not_exist_is_a_mistake_of_the_stack(locked: Any, node_packages: Any) -> None:
    async with locked.engine() as engine:
        prepared = await engine.prepare(node_packages(locked, manager="pnpm@10.999.0", key="test-absent"), locked.log)

    assert prepared.exit.code not in {0, None}
    assert not prepared.exit.trouble
    assert "ETARGET" in prepared.exit.stderr
    assert prepared.command is not None
    assert "pnpm@10.999.0" in prepared.command.argv


async def install_program(base: Path, *, is_whole: bool) -> tuple[list[str], int]:
    """Installs a program as one run does, and uses it twice. Returns the warnings, and how often it was installed."""
    warnings: list[str] = []
    entries: list[StoreEntry] = []
    built = []

    async def acquire(*_: Any, **__: Any) -> Exit:
        raise AssertionError

    async def build(path: Path) -> Exit:
        (path / "bin").mkdir()
        (path / "bin/node").write_text("program")
        built.append(path)
        return Exit(code=0)

    config = ToolchainConfig(
        base=base,
        acquire=acquire,
        note=lambda _: None,
        hold=entries.append,
        warn=warnings.append,
        is_whole=is_whole,
    )
    for _ in range(2):
        await install(config, "node", build)
    for entry in entries:
        entry.close()
    return warnings, len(built)


@pytest.mark.parametrize("is_whole", [True, False])
async def test_program_that_was_changed_is_installed_again_and_reported(tmp_path: Path, *, is_whole: bool) -> None:
    assert await install_program(tmp_path, is_whole=is_whole) == ([], 1)
    assert await install_program(tmp_path, is_whole=is_whole) == ([], 0)
    (tmp_path / "node/bin/node").write_text("another")

    warnings, count = await install_program(tmp_path, is_whole=is_whole)

    assert warnings == ["node was changed after its installation (bin/node), and is installed again"]
    assert count == 1
    assert (tmp_path / "node/bin/node").read_text() == "program"


async def test_program_without_a_seal_is_installed_again_without_a_word(tmp_path: Path) -> None:
    await install_program(tmp_path, is_whole=False)
    (tmp_path / "node" / SEAL).unlink()

    assert await install_program(tmp_path, is_whole=False) == ([], 1)
