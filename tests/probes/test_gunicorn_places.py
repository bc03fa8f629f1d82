"""predeploy_gunicorn.py in a process of its own, with a module like gunicorn's: places that this machine lacks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.probes.conftest import PROBES

CONFIG = """
import os

def validate_chdir(value):
    if not os.path.exists(value):
        raise ValueError("can't chdir")
    return value

class Chdir:
    validator = staticmethod(validate_chdir)

class Pidfile:
    validator = staticmethod(lambda value: value)

class Daemon(Pidfile): ...
class User(Pidfile): ...
class ErrorLog(Pidfile): ...
"""
ASKS = "import sys; from gunicorn import config; print(getattr(config, sys.argv[1]).validator(sys.argv[2]))"
SERVER = {"PREDEPLOY_SERVER": "1", "PREDEPLOY_WORK": "/of/the/stack"}


def answer(place: Path, value: str, setting: str = "Chdir", **env: str) -> subprocess.CompletedProcess[str]:
    (place / "gunicorn").mkdir()
    (place / "gunicorn" / "config.py").write_text(CONFIG)
    path = {"PYTHONPATH": f"{PROBES / 'startup'}:{place}"}
    command = [sys.executable, "-c", ASKS, setting, value]
    return subprocess.run(command, cwd=place, env=os.environ | path | env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("value", "is_here"), [("/of/the/image", True), ("/", False)])
def test_server_stays_where_it_is_for_a_directory_of_the_image(tmp_path: Path, value: str, is_here: bool) -> None:
    said = answer(tmp_path, value, PREDEPLOY_SERVER="1", PREDEPLOY_WORK=str(tmp_path))

    assert said.stdout.strip() == (str(tmp_path) if is_here else value), said.stderr


def test_other_values_and_other_processes_are_checked_as_before(tmp_path: Path) -> None:
    assert "can't chdir" in answer(tmp_path, "/of/the/image").stderr


def test_image_has_to_have_the_directory(tmp_path: Path) -> None:
    assert "can't chdir" in answer(tmp_path, "/of/the/image", PREDEPLOY_SERVER="1", PREDEPLOY_WORK="").stderr


@pytest.mark.parametrize(
    ("setting", "value", "taken"),
    [
        ("Pidfile", "/run/shop/gunicorn.pid", "None"),
        ("Daemon", "True", "False"),
        ("User", "www-data", str(os.geteuid())),
        ("ErrorLog", "/var/log/of/the/image/error.log", "-"),
        ("ErrorLog", "/error.log", "/error.log"),
        ("ErrorLog", "-", "-"),
    ],
)
def test_server_needs_no_user_and_no_file_of_production(tmp_path: Path, setting: str, value: str, taken: str) -> None:
    assert answer(tmp_path, value, setting, **SERVER).stdout.strip() == taken
    if taken != value:
        (tmp_path / "image").mkdir()
        assert answer(tmp_path / "image", value, setting).stdout.strip() == value
