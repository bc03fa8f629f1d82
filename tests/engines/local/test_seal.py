"""Installed packages that something has changed: they are found, and installed again, and never a verdict."""

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.engines.local.seal import QUICK, SEAL, damage, seal
from tasks.files import remove_tree
from tasks.steps import Environment
from tests.engines.local.test_package_credentials import backend, python_packages
from tests.support.benches import Bench, hello


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    root = tmp_path / "entry"
    (root / "venv/lib/a").mkdir(parents=True)
    (root / "venv/lib/a/__init__.py").write_text("here = 1\n")
    (root / "venv/lib/b.py").write_text("here = 2\n")
    (root / "venv/python").symlink_to("lib/b.py")
    return root


def sealed(root: Path, *, is_read_only: bool = False) -> Path:
    seal(root, ["venv"], root / SEAL, is_read_only=is_read_only)
    return root / SEAL


@pytest.mark.parametrize("is_whole", [True, False])
def test_unchanged_packages_are_used(packages: Path, *, is_whole: bool) -> None:
    assert damage(packages, sealed(packages), is_whole=is_whole) == ""


def edit_in_place(path: Path) -> None:
    facts = path.stat()
    path.write_text("here = 9\n")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # of equal size, with the time of before


def lead_elsewhere(link: Path) -> None:
    link.unlink()
    link.symlink_to("/bin/sh")


CHANGES: dict[str, Callable[[Path], object]] = {
    "venv/lib/b.py": lambda root: edit_in_place(root / "venv/lib/b.py"),
    "venv/lib/a/__init__.py": lambda root: (root / "venv/lib/a/__init__.py").unlink(),
    "venv/lib/sitecustomize.py": lambda root: (root / "venv/lib/sitecustomize.py").write_text(""),
    "venv/python": lambda root: lead_elsewhere(root / "venv/python"),
    SEAL: lambda root: (root / SEAL).write_text("{}"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize("programs", [os.defpath, "/nonexistent"], ids=["with find", "without find"])
def test_changed_packages_are_found(
    packages: Path, name: str, monkeypatch: pytest.MonkeyPatch, *, programs: str, is_whole: bool
) -> None:
    monkeypatch.setattr(os, "defpath", programs)
    file = sealed(packages)

    CHANGES[name](packages)

    assert damage(packages, file, is_whole=is_whole) == name


def test_mode_of_a_file_is_part_of_the_seal(packages: Path) -> None:
    file = sealed(packages)

    (packages / "venv/lib/b.py").chmod(0o755)

    assert damage(packages, file, is_whole=False) == "venv/lib/b.py"


def test_copy_of_the_cache_is_read_once(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = sealed(packages)
    content = (packages / "venv/lib/b.py").read_bytes()
    (packages / "venv/lib/b.py").unlink()
    (packages / "venv/lib/b.py").write_bytes(content)

    assert damage(packages, file, is_whole=False) == ""
    monkeypatch.setattr("tasks.engines.local.seal._digest", lambda *_: "read again")
    assert damage(packages, file, is_whole=False) == ""


def test_unchanged_packages_are_not_compared_file_by_file(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = sealed(packages)
    quick = file.with_name(f"{SEAL}{QUICK}")
    quick.unlink()
    assert damage(packages, file, is_whole=False) == ""  # writes the quick seal again
    monkeypatch.setattr("tasks.engines.local.seal._compare", lambda *_, **__: "compared")

    assert damage(packages, file, is_whole=False) == ""
    assert damage(packages, file, is_whole=True) == "compared"
    quick.write_text("[]")
    assert damage(packages, file, is_whole=False) == "compared"


def test_sealed_packages_cannot_be_written(packages: Path) -> None:
    sealed(packages, is_read_only=True)

    paths = [packages / "venv", *(packages / "venv").rglob("*")]
    assert not [path for path in paths if not path.is_symlink() and path.stat().st_mode & stat.S_IWUSR]


@pytest.fixture
def installed(tmp_path: Path) -> tuple[Bench, Environment]:
    """A stack whose only package builds itself, so that no index is needed."""
    bench = hello(tmp_path, name="local")
    inputs = []
    for name, text in backend("local", tmp_path / "mark").items():
        path = bench.root / "pkg" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        inputs.append(f"pkg/{name}")
    return bench, python_packages(bench, "./pkg\n", *inputs)


@pytest.mark.real
async def test_damaged_packages_are_installed_again_and_reported(installed: tuple[Bench, Environment]) -> None:
    bench, packages = installed
    step = bench.step("python", "-c", "import local; print(local.here)", environment=packages)
    async with bench.engine() as engine:
        assert (await engine.run(step, bench.log)).stdout == "True\n"
    (module,) = bench.cache.glob("environments/*/venv/lib/*/site-packages/local.py")
    module.chmod(0o644)
    module.write_text("here = None\n")

    async with bench.engine() as engine:
        exit = await engine.run(step, bench.log)
        warnings = [*engine.warnings]
    async with bench.engine() as engine:
        again = await engine.prepare(packages, bench.log)

    assert exit.stdout == "True\n"
    assert len(warnings) == 1
    assert "the packages were changed after their installation (venv/" in warnings[0]
    assert again.reused


@pytest.mark.real
async def test_gate_believes_no_packages_and_no_store_of_earlier_runs(installed: tuple[Bench, Environment]) -> None:
    bench, packages = installed
    async with bench.engine() as engine:
        await engine.prepare(packages, bench.log)
    remove_tree(bench.cache / "stores")
    async with bench.engine(fresh=True, gate=True) as engine:
        first = await engine.prepare(packages, bench.log)
    async with bench.engine(fresh=True, gate=True) as engine:
        second = await engine.prepare(packages, bench.log)

    assert (first.exit.code, first.reused, second.reused) == (0, False, True)
    assert not (bench.cache / "stores").exists()


@pytest.mark.real
@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only files")
async def test_check_that_changes_its_packages_fails_in_the_attempt(installed: tuple[Bench, Environment]) -> None:
    bench, packages = installed
    step = bench.step("python", "-c", "import local; open(local.__file__, 'w')", environment=packages)

    async with bench.engine() as engine:
        exit = await engine.run(step, bench.log)

    assert "PermissionError" in exit.stderr


def spoil(workspace: Path) -> None:
    for file in workspace.rglob("*.js"):
        if "node_modules" in file.parts:
            with file.open("a") as opened:
                opened.write("\nprocess.exit(1)\n")


@pytest.mark.real
@pytest.mark.network
async def test_check_that_changes_its_node_modules_changes_no_other_ones(
    locked: Bench, node_packages: Callable[..., Environment], tmp_path: Path
) -> None:
    bench = replace(locked, cache=tmp_path / "cache")
    packages = node_packages(bench)
    step = bench.step("node", "main.js", cwd="app", environment=packages)
    async with bench.engine() as engine:
        first = await engine.run(step, bench.log)
        spoil(Path(first.root))
    async with bench.engine() as engine:
        again = await engine.run(step, bench.log)

    assert [first.stdout, again.stdout] == ["   hello you\n"] * 2, bench.written()
    assert again.root == first.root


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
async def test_node_packages_are_verified_before_they_are_copied(
    locked: Bench, node_packages: Callable[..., Environment], tmp_path: Path
) -> None:
    """A run that copies nothing does not read them: its workspace has a seal of its own."""
    bench = replace(locked, cache=tmp_path / "cache")
    packages = node_packages(bench)
    step, other = (bench.step("node", "main.js", cwd="app", environment=packages, slot=slot) for slot in ("one", "two"))
    async with bench.engine() as engine:
        await engine.run(step, bench.log)
    for stage in bench.cache.glob("environments/*/stage"):
        spoil(stage)

    async with bench.engine() as engine:
        old = await engine.run(step, bench.log)
        silent = [*engine.warnings]
        new = await engine.run(other, bench.log)
        warnings = [*engine.warnings]

    assert (old.stdout, new.stdout) == ("   hello you\n",) * 2, bench.written()
    assert silent == []
    assert len(warnings) == 1
    assert "were changed after their installation (stage/" in warnings[0]
