"""What the process of `--watch` imports for its runs, in a process of its own: imports cannot be undone."""

import json
import os
import subprocess
import sys
from pathlib import Path

from flows.cli.process import ROOT

PROGRAM = """
import json, os, sys, threading
from pathlib import Path

def load_flow():
    from flows.predeploy import predeploy
    return predeploy

from flows.cli.actions.warm import import_for_runs
before = dict(os.environ), os.getcwd()
load = import_for_runs(load_flow, Path(sys.argv[1]))
is_restored = (dict(os.environ), os.getcwd()) == before
from prefect.settings import get_current_settings
first = str(get_current_settings().api.url)
os.chdir(sys.argv[1])
os.environ["PREFECT_API_URL"] = "http://127.0.0.1:2/api"
name = load().name
print(json.dumps({
    "restored": is_restored,
    "threads": threading.active_count(),
    "settings": [first, str(get_current_settings().api.url)],
    "flow": name,
    "left": sorted(str(path) for path in Path(sys.argv[1]).rglob("*")),
}))
"""


def test_prefect_is_imported_without_the_users_settings_and_reads_those_of_each_run(tmp_path: Path) -> None:
    stack, cache = tmp_path / "stack", tmp_path / "cache"
    stack.mkdir()
    cache.mkdir()
    (stack / ".env").write_text("PREFECT_API_URL=http://127.0.0.1:1/api\n")
    (stack / "prefect.toml").write_text('[api]\nurl = "http://127.0.0.1:1/api"\n')
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": "http://127.0.0.1:1/api"}

    command = [sys.executable, "-P", "-c", PROGRAM, str(cache)]
    done = subprocess.run(command, cwd=stack, env=environ, capture_output=True, text=True, check=True, timeout=60)

    assert json.loads(done.stdout) == {
        "restored": True,
        "threads": 1,  # a fork has no other thread, and the locks of such a thread would stay locked
        "settings": ["None", "http://127.0.0.1:2/api"],
        "flow": "predeploy",
        "left": [str(cache / "empty")],
    }
