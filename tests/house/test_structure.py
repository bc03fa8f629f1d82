"""How long files and functions may be, how many modules a folder holds, and how many rooms there are."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.validate import ROOT

FILE, FUNCTION, MODULES, ROOMS, README = 250, 40, 20, 33, 12_000
PARTS = ("benchmarks", "deployments", "flows", "tasks")
OURS = [path for part in PARTS for path in sorted(ROOT.glob(f"{part}/**/*.py"))]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def long_functions(path: Path) -> Iterator[str]:
    """The functions that do too much. Neither a signature nor a docstring makes a function longer."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            work = node.body[1:] if ast.get_docstring(node) else node.body
            length = (work[-1].end_lineno or 0) - work[0].lineno + 1 if work else 0
            if length > FUNCTION:
                yield f"{shown(path)} {node.name}: {length}"


def test_files_are_short() -> None:
    lengths = {shown(path): len(path.read_text().splitlines()) for path in OURS}

    assert lengths
    assert {path: length for path, length in lengths.items() if length > FILE} == {}


def test_functions_are_short() -> None:
    assert [function for path in OURS for function in long_functions(path)] == []


def test_folders_hold_few_modules() -> None:
    modules = Counter(shown(path.parent) for path in OURS if path.name != "__init__.py")

    assert {folder: count for folder, count in modules.items() if count > MODULES} == {}


def test_rooms_at_the_top_two_levels_are_few() -> None:
    """Folders with code or documents. The folders of `tests` mirror the others and do not count."""
    outer = {path for path in ROOT.iterdir() if path.is_dir() and is_room(path)}
    inner = {path for each in outer if each.name != "tests" for path in each.iterdir() if path.is_dir()}
    rooms = sorted(shown(path) for path in outer | {path for path in inner if is_room(path)})

    assert "tasks/engines" in rooms
    assert len(rooms) <= ROOMS, rooms


def is_room(path: Path) -> bool:
    """Whether something of the project lies in a folder: not what a tool has left in it."""
    wanted = (".py", ".md", ".toml", ".mjs")
    return not path.name.startswith((".", "__")) and any(each.suffix in wanted for each in path.rglob("*.*"))


def test_public_classes_have_names_of_their_own() -> None:
    homes = defaultdict(list)
    for path in OURS:
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(shown(path))

    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_readme_fits_on_a_page() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= README
