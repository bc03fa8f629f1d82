"""A property of many generated settings: they load with the variables of a run, and what production needs is listed."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tasks.catalogue.django.environment import django_env, filled_names
from tasks.engines.tokens import Tokens
from tasks.settings import Settings
from tasks.stack import Kind
from tasks.steps import DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_URL, DB_USER, PROBES, WORK
from tests.discovery.trees import look
from tests.probes.conftest import PROBES as PROBES_FOLDER
from tests.probes.conftest import UV
from tests.support.factories import make_scene
from tests.support.settings_forms import SettingsCase, settings_cases

COUNT = 200
FAST = 36
PACKAGES = (
    *("django==5.2.*", "psycopg[binary]>=3.2", "django-environ==0.12.0", "environs[django]==14.3.0"),
    *("python-decouple==3.8", "pydantic-settings==2.11.0", "dj-database-url==3.0.1"),
)
VALUES = {DB_URL: "postgresql://us:pw@127.0.0.1:15999/check", DB_HOST: "127.0.0.1", DB_PORT: "15999"}
VALUES |= {DB_USER: "us", DB_PASSWORD: "pw", DB_NAME: "check", PROBES: str(PROBES_FOLDER)}
OWN = {"HOST": "127.0.0.1", "PORT": "15999", "NAME": "check"}
LOADER = Path(__file__).parent / "load_settings.py"


@pytest.fixture(scope="session")
def libraries_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with Django and every library that reads variables."""
    venv = tmp_path_factory.mktemp("libraries") / "venv"
    subprocess.run([UV, "venv", "-q", str(venv)], check=True)
    subprocess.run([UV, "pip", "install", "-q", "--python", str(venv), *PACKAGES], check=True)
    return str(venv / "bin" / "python")


def prepared(case: SettingsCase, root: Path, *, static: bool) -> tuple[dict[str, Any], set[str]]:
    """Writes a case, and returns how it loads and the names that the report lists before it."""
    for name, text in case.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    stack = look(case.files)
    (component,) = stack.of(Kind.WEB)
    context = make_scene(stack, case.files, Settings(jobs=1))
    env = Tokens(values={**VALUES, WORK: str(root)}).env(django_env(component, context))
    names = {name for listed in filled_names(component, context).values() for name in listed}
    if not static:
        env = {name: value for name, value in env.items() if name not in names} | {"PREDEPLOY_FILLED": ""}
        names = set()
    module = next(name for name in case.files if name.endswith("settings.py")).removesuffix(".py").replace("/", ".")
    return {"root": str(root), "module": module, "env": env}, names


def problems(cases: Sequence[SettingsCase], folder: Path, python: str, *, static: bool) -> str:
    """Returns a line for each case that is red, or whose names are not listed."""
    made = [prepared(case, folder / str(number), static=static) for number, case in enumerate(cases)]
    listing = folder / "cases.json"
    listing.write_text(json.dumps([each for each, _ in made]), encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROBES_FOLDER / "startup"), "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [python, str(LOADER), str(listing)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=900)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(cases), done.stderr[-2000:]
    judged = (problem(case, result, names) for case, result, (_, names) in zip(cases, results, made, strict=True))
    return "\n".join(filter(None, judged))


def problem(case: SettingsCase, result: dict[str, Any], names: set[str]) -> str:
    """Returns what is wrong with a result: a red one, a name that is not listed, or a database of somebody else."""
    filled = names | {name for each in result["said"] if each["kind"] == "filled" for name in each["names"]}
    absent = [each for each in result["said"] if each["kind"] == "absent"]
    if result["error"]:
        is_named = any(each["name"] in case.required for each in absent)
        return "" if is_named else f"{case.name}\n    red: {result['error']} {absent}"
    if missing := set(case.required) - filled:
        return f"{case.name}\n    not listed: {sorted(missing)}"
    if filled & set(case.optional):
        return f"{case.name}\n    has a default: {sorted(filled & set(case.optional))}"
    # the driver takes what is empty from PG*
    places = [tuple(str(each.get(key) or own) for key, own in OWN.items()) for each in result["databases"].values()]
    other = [place for place in places if place != tuple(OWN.values())]
    return f"{case.name}\n    another database: {other}" if case.database and (other or not places) else ""


@pytest.mark.real
@pytest.mark.network
@pytest.mark.parametrize("static", [True, False], ids=["read in the code", "found while loading"])
def test_settings_load_with_the_variables_of_a_run(libraries_python: str, tmp_path: Path, static: bool) -> None:
    found = problems([*settings_cases(FAST)], tmp_path, libraries_python, static=static)

    assert not found, found


@pytest.mark.faults
@pytest.mark.parametrize("static", [True, False], ids=["read in the code", "found while loading"])
def test_every_generated_way_to_read_a_variable(libraries_python: str, tmp_path: Path, static: bool) -> None:
    found = problems([*settings_cases(COUNT)], tmp_path, libraries_python, static=static)

    assert not found, found
