"""The built files that a run exports, with real tools: wrangler deploys them without a rebuild."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.user_dirs import UserDirs
from tests.support.validate import Validator, commit, shared_cache, told

GREETER = Path(__file__).parents[1] / "stacks/npm-workers/greeter"


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
def test_wrangler_deploys_an_exported_worker_with_built_assets(shared_home: Path, tmp_path: Path) -> None:
    stack, target = tmp_path / "stack", tmp_path / "built"
    shutil.copytree(GREETER, stack / "greeter", ignore=shutil.ignore_patterns("node_modules"))
    package = json.loads((stack / "greeter/package.json").read_text())
    package["scripts"] = {"build": "mkdir -p public && echo '<h1>Good day</h1>' > public/index.html"}
    (stack / "greeter/package.json").write_text(json.dumps(package))
    configuration = (stack / "greeter/wrangler.jsonc").read_text()
    assets = '"name": "greeter",\n  "assets": {"directory": "./public"},'
    (stack / "greeter/wrangler.jsonc").write_text(configuration.replace('"name": "greeter",', assets, 1))
    commit(stack)
    validator = Validator(user_dirs=UserDirs(cache=shared_cache(shared_home), data=shared_home / "engine-data"))

    report = validator.validate(stack, engine="local", only=["worker_container"], export_built=str(target))

    assert report.verdict.exit_code == 0, told(report)
    assert [each.path for each in report.built] == [str(target / "greeter"), str(target / "greeter.assets")]
    assert (target / "greeter.assets/index.html").read_text() == "<h1>Good day</h1>\n"
    assert (target / "greeter/index.js").exists()
    deployed = deploy(stack / "greeter", target, node_of(shared_home))
    assert "--dry-run: exiting now" in deployed
    assert "Read 1 file from the assets directory" in deployed


def node_of(home: Path) -> Path:
    """Returns the directory with the programs of a Node.js version that wrangler supports."""
    subprocess.run(["npm", "install", "--prefix", home / "node", "node@22"], check=True, capture_output=True)
    return home / "node/node_modules/.bin"


def deploy(worker: Path, built: Path, node: Path) -> str:
    """Runs the deploy command in a checkout without built files. Returns its output."""
    subprocess.run(["npm", "install", "--no-save", "--ignore-scripts"], cwd=worker, check=True, capture_output=True)
    argv = ["node_modules/.bin/wrangler", "deploy", str(built / "greeter/index.js"), "--no-bundle", "--dry-run"]
    where = ["--config", "wrangler.jsonc", "--assets", str(built / "greeter.assets")]
    environ = {**os.environ, "PATH": f"{node}:{os.environ['PATH']}", "WRANGLER_SEND_METRICS": "false", "CI": "true"}
    done = subprocess.run([*argv, *where], cwd=worker, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
