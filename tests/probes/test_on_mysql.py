"""The database of a command on a person's MySQL server: made before it, dropped after it. The driver is a fake one."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.probes.conftest import PROBES, ProbeResult, run_probe

URL = "mysql://us%40er:pw@localhost:3307"
OLD, YOUNG = f"test_predeploy_{0x5000_0000:08x}_{'a' * 16}_1", f"predeploy_{int(time.time()):08x}_{'b' * 16}"
DRIVER = """
import json, os
from pathlib import Path
LOG = Path(os.environ["FAKE_LOG"])
def say(what): LOG.open("a").write(json.dumps(what) + "\\n")
class Cursor:
    def execute(self, statement):
        say(statement)
        made = [each.split("`")[1] for each in map(json.loads, LOG.read_text().splitlines()) if "CREATE" in each]
        tested = ["test_" + each for each in made]
        self.rows = [(name,) for name in ("shop", *os.environ["FAKE_OTHERS"].split(), *made, *tested)]
    def fetchall(self): return self.rows
    def close(self): pass
class Connection:
    def cursor(self): return Cursor()
    def close(self): pass
def connect(**account):
    if os.environ.get("FAKE_REFUSES"): raise RuntimeError("Access denied")
    say(" ".join(f"{name}={value}" for name, value in sorted(account.items())))
    return Connection()
"""


def run(folder: Path, *words: str, driver: str = "MySQLdb", **env: str) -> tuple[ProbeResult, list[str]]:
    """Runs a program, and returns the statements, without the accounts after the first one."""
    (folder / f"{driver}.py").write_text(DRIVER)
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), "PREDEPLOY_MYSQL_URL": URL}
    own |= {"FAKE_LOG": str(folder / "log"), "FAKE_OTHERS": f"{OLD} {YOUNG}"}
    result = run_probe("django/on_mysql", *words, cwd=folder, env=own | env)
    lines = (folder / "log").read_text().splitlines() if (folder / "log").exists() else []
    return result, [line.strip('"') for line in lines]


@pytest.mark.parametrize("driver", ["MySQLdb", "pymysql"])
def test_database_is_made_before_the_program_and_dropped_after_it(tmp_path: Path, driver: str) -> None:
    program = 'echo "$PREDEPLOY_MYSQL $PREDEPLOY_MYSQL_URL" > said; exit 3'

    result, said = run(tmp_path, "--", "sh", "-c", program, driver=driver)

    assert result.code == 3
    assert said[0] == "connect_timeout=10 host=127.0.0.1 password=pw port=3307 user=us@er"
    (name,) = re.findall(r"CREATE DATABASE `(predeploy_[0-9a-f]{8}_[0-9a-f]{16})` CHARACTER SET utf8mb4", said[1])
    assert (tmp_path / "said").read_text() == f"{URL}/{name} \n"
    assert [each for each in said if "DROP" in each] == [
        f"DROP DATABASE `{each}`" for each in (OLD, name, f"test_{name}")
    ]


def test_server_that_refuses_has_its_own_exit_code(tmp_path: Path) -> None:
    result, said = run(tmp_path, "--", "true", FAKE_REFUSES="1")

    assert (result.code, said) == (77, [])
    assert "the MySQL server of PREDEPLOY_MYSQL_URL made no database: Access denied" in result.stderr
    assert "pw" not in result.stderr


def test_program_does_not_run_without_its_migrations(tmp_path: Path) -> None:
    result, said = run(tmp_path, "--migrate", "--", "touch", "ran")

    assert result.code == 1  # there is no Django here
    assert not (tmp_path / "ran").exists()
    assert any("DROP" in each for each in said)


def test_loader_sets_the_database_of_the_command(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom types import SimpleNamespace\n"
        "from predeploy_databases import set_databases\n"
        "given = {'ENGINE': 'django.db.backends.mysql', 'HOST': 'db'}\n"
        "given['OPTIONS'] = {'unix_socket': '/x', 'charset': 'utf8'}\n"
        "list(set_databases(SimpleNamespace(DATABASES={'default': given}), 'postgresql://u:p@h:1/x', ''))\n"
        "print(sorted(given.items()))\n"
    )
    env = {"PREDEPLOY_MYSQL": f"{URL}/predeploy_1"}
    ran = subprocess.run(
        [sys.executable, "-c", program, str(PROBES / "startup")], env=env, capture_output=True, text=True, check=True
    )

    assert ran.stdout == (
        "[('ENGINE', 'django.db.backends.mysql'), ('HOST', '127.0.0.1'), ('NAME', 'predeploy_1'), "
        "('OPTIONS', {'charset': 'utf8'}), ('PASSWORD', 'pw'), ('PORT', '3307'), ('USER', 'us@er')]\n"
    )
