"""Which module may import which: the contracts in pyproject.toml, and what the middle may not use."""

import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.api import read_configuration

from tests.support.validate import ROOT

CONFIGURATION = str(ROOT / "pyproject.toml")
CONTRACTS = {each["id"]: each for each in read_configuration(CONFIGURATION)["contracts_options"]}
# ruff finds these under each name that a module gives them; import-linter sees whole modules only
BANNED = (
    "pathlib.Path",
    "io.open",
    "os.environ",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.date.today",
)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("deployments", "flows", "tasks", cache_dir=None)


def test_contracts_of_imports_are_kept() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    argv = [str(program), CONFIGURATION, "--no-cache", "--no-logo"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_imports_itself_through_another_one(graph: grimp.ImportGraph) -> None:
    """As the contract on circles, for modules of a package and the package's own code too."""
    # flows.predeploy is also the program `python -m flows.predeploy`, which imports the module of that name
    imports = {module: graph.find_modules_directly_imported_by(module) - {module} for module in graph.modules}

    TopologicalSorter(imports).prepare()


def test_each_package_has_its_layer(graph: grimp.ImportGraph) -> None:
    layers = " ".join(CONTRACTS["rooms"]["layers"]).split()
    packages = {child.removeprefix("tasks.") for child in graph.find_children("tasks") if graph.find_children(child)}

    assert packages - {*layers} == set()


def test_middle_uses_no_file_and_no_clock() -> None:
    tables = ",".join(f'"{name}"={{msg="not in the middle"}}' for name in BANNED)
    options = ["--isolated", "--no-cache", "--select", "TID251,PTH123", "--output-format", "concise"]
    banned = ["--config", f"lint.flake8-tidy-imports.banned-api={{{tables}}}"]
    argv = [sys.executable, "-m", "ruff", "check", *options, *banned, *pure_paths()]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def pure_paths() -> Iterator[str]:
    """The files and folders of the modules in the contract on the middle."""
    for module in CONTRACTS["pure"]["source_modules"]:
        path = ROOT / module.replace(".", "/")
        yield str(path if path.is_dir() else path.with_suffix(".py"))
