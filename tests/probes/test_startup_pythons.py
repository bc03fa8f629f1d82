"""The loader of settings runs in images of the stack, also with a Python that predeploy itself does not support."""

import ast
import subprocess
from pathlib import Path

import pytest
import uv

from tests.probes.conftest import PROBES

MODULES = sorted((PROBES / "startup").glob("*.py"))
LOADED = (*MODULES, PROBES / "throwaway_values.py")


@pytest.mark.parametrize("path", LOADED, ids=lambda path: path.stem)
def test_syntax_is_that_of_the_oldest_python(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 8))


@pytest.mark.real
@pytest.mark.parametrize("version", ["3.8", "3.9"])
def test_modules_load_on_an_old_python(version: str) -> None:
    found = subprocess.run(
        [uv.find_uv_bin(), "python", "find", "--no-python-downloads", version],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        pytest.skip(f"Python {version} is not on this machine")
    names = [path.stem for path in MODULES if path.stem != "sitecustomize"]
    program = f"import {', '.join(names)}; print(predeploy_missing.load_values().throwaway_value('A_PORT', 'text', ''))"
    # the loader itself starts before the program
    env = {"PYTHONPATH": str(PROBES / "startup"), "PYTHONDONTWRITEBYTECODE": "1"}

    ran = subprocess.run([found.stdout.strip(), "-c", program], env=env, capture_output=True, text=True, check=False)

    assert (ran.stdout, ran.stderr) == ("1\n", "")
