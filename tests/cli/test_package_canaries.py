"""Credentials for package indexes on both engines: no code of a package sees one, and no output has one."""

import json
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.caller import NOWHERE, Caller
from tests.cli.stack import make_stack
from tests.cli.test_outcomes import status_of
from tests.cli.test_secrets import SINKS, everything, on_github
from tests.support.archives import packed
from tests.support.benches import GIVEN, unreachable

IN_CONTAINERS = pytest.mark.skipif(bool(unreachable()), reason=f"the hunt in containers: {unreachable()}")
LOOKS = """
const fs = require("fs"), os = require("os"), path = require("path")
const read = (place) => {
  try { return fs.statSync(place).isFile() ? fs.readFileSync(place, "latin1") : "" } catch { return "" }
}
const below = (place) => {
  try { return fs.readdirSync(place).slice(0, 200).map((name) => path.join(place, name)) } catch { return [] }
}
// the caches of package managers are large, and deeper
const places = [os.homedir(), "/root", "/run/secrets", "/tmp"].flatMap(below)
const files = [...places, ...places.flatMap(below), `/proc/${process.ppid}/environ`, "/proc/1/environ"]
const proc = (place) => { try { return fs.readFileSync(place, "latin1") } catch { return "" } }
const texts = [...Object.values(process.env), ...files.map(read), ...files.slice(-2).map(proc)]
module.exports = texts.filter((text) => text.includes("c4n4ry" + "@HUNT@"))
"""
INSTALLED = """
require("fs").writeFileSync(__dirname + "/seen.json", JSON.stringify(require("./look.js")))
"""
BUILT = """#!/usr/bin/env node
const fs = require("fs")
console.log("installed saw " + fs.readFileSync(__dirname + "/seen.json", "utf8"))
console.log("built saw " + JSON.stringify(require("./look.js")))
console.error(Object.entries(process.env).map(String).join("\\n"))
fs.mkdirSync("dist", { recursive: true })
fs.writeFileSync("dist/index.html", "<p>hello</p>")
"""


def make_site(root: Path, hunt: str) -> None:
    """A site whose build tool is a package of its own, which looks for credentials when it is installed and built."""
    site = root / "site"
    site.mkdir()
    manifest = {
        "name": "site",
        "version": "1.0.0",
        "scripts": {"build": "vite build"},
        "devDependencies": {"vite": "file:vite.tgz"},
    }
    entry = {"version": "6.0.0", "resolved": "file:vite.tgz", "dev": True, "hasInstallScript": True}
    entry |= {"bin": {"vite": "vite.js"}}
    lock = {"name": "site", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    lock |= {"packages": {"": manifest, "node_modules/vite": entry}}
    tool = {
        "name": "vite",
        "version": "6.0.0",
        "bin": {"vite": "vite.js"},
        "scripts": {"postinstall": "node install.js"},
    }
    files = {"package.json": json.dumps(tool), "look.js": LOOKS.replace("@HUNT@", hunt.removeprefix("c4n4ry"))}
    (site / "vite.tgz").write_bytes(packed(files | {"install.js": INSTALLED, "vite.js": BUILT}, "package", 0o755))
    (site / "package.json").write_text(json.dumps(manifest))
    (site / "package-lock.json").write_text(json.dumps(lock))
    (site / "index.html").write_text("<p>hello</p>\n")


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.network
@pytest.mark.parametrize("engine", ["local", pytest.param("dagger", marks=IN_CONTAINERS)])
def test_no_package_credential_is_found(engine: str, caller: Caller, tmp_path: Path) -> None:
    hunt_credentials(engine, caller, tmp_path)


def hunt_credentials(engine: str, caller: Caller, place: Path) -> None:
    """A run of a stack below `place`, with a home of its own there: no package and no output has a credential."""
    hunt = f"c4n4ry{uuid.uuid4().hex}"
    home = place / "home"
    home.mkdir(parents=True)
    (home / ".npmrc").write_text(f"//npm.example/:_authToken={hunt}npmrc\n")
    (home / ".netrc").write_text(f"machine pypi.example login a password {hunt}netrc\n")
    stack = make_stack(place / "stack")
    make_site(stack.root, hunt)
    given = {"NPM_TOKEN": f"{hunt}token", "UV_INDEX_COMPANY_PASSWORD": f"{hunt}uv", "PREFECT_API_URL": NOWHERE}
    containers = GIVEN if engine == "dagger" else {}
    user = on_github(replace(caller, home=home, environ={**given, **containers}), stack)

    ended = user.run(stack.root, "--only", "site_site", "--json-output", "--engine", engine, limit=500)

    assert status_of(ended.document) == {"site_site": "passed"}, ended.transcript
    log = "".join(path.read_text() for path in (stack.root / ".predeploy/latest/logs").glob("site_site*"))
    assert "installed saw []" in log, log
    assert "built saw []" in log, log
    assert {path.name for path in (stack.root / ".predeploy/latest").iterdir()} >= SINKS
    places = (stack.root / ".predeploy", stack.mark("summary"), home / ".cache/predeploy", home / ".local")
    assert [name for name, content in everything(ended, *places) if hunt.encode() in content] == []
