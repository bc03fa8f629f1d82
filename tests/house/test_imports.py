"""Import rules: only one module may import each third-party client library."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.validate import ROOT


def importers(package: str) -> Iterator[str]:
    """Yields the modules of predeploy that import a package, at module level or in a function."""
    for path in sorted((*ROOT.glob("flows/**/*.py"), *ROOT.glob("tasks/**/*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if any(name.partition(".")[0] == package for name in names):
                yield str(path.relative_to(ROOT))


@pytest.mark.parametrize(
    ("package", "module"),
    [
        ("dagger", "tasks/engines/dagger/client.py"),
        ("dopplersdk", "tasks/secrets/doppler/client.py"),
    ],
)
def test_one_module_imports(package: str, module: str) -> None:
    assert {*importers(package)} == {module}
