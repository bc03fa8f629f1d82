"""The store of installed dependencies: entries are complete, made once, and free of the user's own settings."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.engines import clean_environ
from tasks.engines.local.node_modules import drop_install_scripts
from tasks.engines.local.store import open_entry, remove_leftovers
from tasks.stack import Version
from tasks.steps import ENV, PYTHON, Command, Environment

Packages = Callable[..., Environment]


def nobody_waits() -> None:
    raise AssertionError("nobody else holds the entry")


def directories(path: Path) -> list[str]:
    return sorted(each.name for each in path.iterdir() if each.is_dir())


def fake(bench: Any, *argv: str, **over: Any) -> Environment:
    """An environment whose installation is one command of the system."""
    options: dict[str, Any] = {
        "kind": "python",
        "title": "packages of .",
        "root": ".",
        "version": Version(),
        "inputs": ("hello.txt",),
        "commands": (Command(argv=argv, label="install", phase="acquire"),),
        "control": ("true",),
        "key": "key",
    }
    return Environment(**(options | over))


async def test_unfinished_entry_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "store/entry"
    first = await open_entry(path, nobody_waits)
    (path / "half").touch()
    first.close()
    assert not path.exists()

    second = await open_entry(path, nobody_waits)
    assert not second.ready
    (path / "whole").touch()
    second.complete()
    second.close()
    third = await open_entry(path, nobody_waits)

    assert third.ready
    assert (path / "whole").exists()
    third.close()


async def test_run_waits_for_an_entry_in_progress_and_reports_it(tmp_path: Path, until: Any) -> None:
    path, waited = tmp_path / "entry", []
    maker = await open_entry(path, nobody_waits)
    other = asyncio.create_task(open_entry(path, lambda: waited.append(True)))
    await until(lambda: waited)
    assert not other.done()

    maker.complete()
    entry = await asyncio.wait_for(other, 5)

    assert entry.ready
    assert len(waited) == 1
    for each in (maker, entry):
        each.close()


async def test_leftovers_of_killed_builds_are_removed_and_running_builds_kept(tmp_path: Path) -> None:
    entries = {name: await open_entry(tmp_path / name, nobody_waits) for name in ("running", "whole")}
    entries["whole"].complete()
    killed = tmp_path / "killed"
    (killed / "half").mkdir(parents=True)
    (tmp_path / "killed.lock").touch()

    remove_leftovers(tmp_path)

    assert directories(tmp_path) == ["running", "whole"]
    for each in entries.values():
        each.close()


async def test_long_unused_entry_is_removed_unless_a_run_holds_it(tmp_path: Path) -> None:
    for name in ("old", "held", "new"):
        entry = await open_entry(tmp_path / name, nobody_waits)
        entry.complete()
        entry.touch()
        if name != "new":
            os.utime(tmp_path / name / ".last_used", (1, 1))
        entry.close()
    held = await open_entry(tmp_path / "held", nobody_waits)

    remove_leftovers(tmp_path)

    assert directories(tmp_path) == ["held", "new"]
    held.close()


async def test_later_run_uses_the_installed_entry(bench: Any) -> None:
    environment = fake(bench, PYTHON, "-c", f"open('{ENV}', 'w').close()")
    async with bench.engine() as engine:
        first = await engine.prepare(environment, bench.log)
    async with bench.engine() as engine:
        second = await engine.prepare(environment, bench.log)

    assert [(each.exit.code, each.reused) for each in (first, second)] == [(0, False), (0, True)]
    assert bench.notes.count("installing the packages of .") == 1
    assert list((bench.cache / "environments").glob("key-py*/.last_used"))


async def test_failed_installation_leaves_no_files_and_is_tried_twice_a_run(bench: Any) -> None:
    environment = fake(bench, "sh", "-c", "echo no such package >&2; exit 7")
    async with bench.engine() as engine:
        tries = [await engine.prepare(environment, bench.log) for _ in range(3)]

    assert [each.exit.code for each in tries] == [7, 7, 7]
    assert tries[0].command is environment.commands[0]
    assert tries[0].exit.stderr == "no such package\n"
    assert bench.written().count("exit 7 after") == 2
    assert directories(bench.cache / "environments") == []


async def test_an_interrupted_installation_leaves_neither_files_nor_processes(
    bench: Any, running: Any, until: Any
) -> None:
    environment = fake(bench, "sh", "-c", "touch half; sleep 300 & setsid sleep 300")
    async with bench.engine("interrupted") as engine:
        task = asyncio.create_task(engine.prepare(environment, bench.log))
        await until(lambda: list((bench.cache / "environments").glob("*/stage/half")))
        assert running("PREDEPLOY_RUN=interrupted-")
        task.cancel()

    assert directories(bench.cache / "environments") == []
    assert not running("PREDEPLOY_RUN=interrupted-")


async def test_missing_python_is_no_verdict_and_the_error_has_a_fix(bench: Any) -> None:
    environment = fake(bench, "true", version=Version(accepts="==3.8.77", source="pyproject.toml"))
    async with bench.engine() as engine:
        prepared = await engine.prepare(environment, bench.log)

    assert (prepared.exit.code, prepared.exit.trouble) == (None, "toolchain")
    assert "no Python 3.8.77 on this machine (pyproject.toml). Install one" in prepared.exit.detail


def test_scripts_that_need_the_whole_tree_are_not_run(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"postinstall": "x", "prepare": "husky", "build": "y"}}')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/package.json").write_text("{")

    drop_install_scripts(tmp_path, ("package.json", "broken/package.json", "pnpm-lock.yaml"))

    assert "postinstall" not in (tmp_path / "package.json").read_text()
    assert '"build": "y"' in (tmp_path / "package.json").read_text()
    assert "husky" not in (tmp_path / "package.json").read_text()


CALLER = {
    "PATH": "/home/somebody/bin:/usr/bin:/bin:relative",
    "LC_TIME": "de_DE.UTF-8",
    "https_proxy": "http://proxy:3128",
    "SSL_CERT_FILE": "/etc/company.pem",
    "DATABASE_URL": "postgres://production",
    "AWS_SECRET_ACCESS_KEY": "s3cret",
    "UV_INDEX_COMPANY_PASSWORD": "index-s3cret",
    "NPM_CONFIG_REGISTRY": "https://npm.company.example/",
    "npm_config_//npm.company.example/:_authToken": "npm-s3cret",
    "npm_config_prefix": "/home/somebody/.npm-global",
    "PYTHONPATH": "/home/somebody/lib",
    "VIRTUAL_ENV": "/home/somebody/venv",
    "FORCE_COLOR": "1",
}


def test_the_stacks_code_gets_a_clean_environment(tmp_path: Path) -> None:
    variables = clean_environ.common(CALLER, home=tmp_path / "home", temp=tmp_path / "temp")

    assert variables["PATH"] == "/usr/bin:/bin"
    assert variables["HOME"] == str(tmp_path / "home")
    assert variables["TMPDIR"] == str(tmp_path / "temp")
    kept = {name for name in CALLER if name in variables}
    assert kept == {"PATH", "LC_TIME", "https_proxy", "SSL_CERT_FILE"}
    assert variables["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "s3cret" not in str(variables)


def test_installers_also_get_access_to_indexes(tmp_path: Path) -> None:
    variables = clean_environ.acquiring(
        CALLER | {"HOME": str(tmp_path)}, home=tmp_path / "home", stores=tmp_path / "stores"
    )

    assert variables["UV_INDEX_COMPANY_PASSWORD"] == "index-s3cret"
    assert variables["NPM_CONFIG_REGISTRY"] == "https://npm.company.example/"
    assert variables["npm_config_//npm.company.example/:_authToken"] == "npm-s3cret"
    assert variables["UV_CACHE_DIR"] == str(tmp_path / "stores/uv")
    assert not {"npm_config_prefix", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL"} & variables.keys()


def test_path_without_system_directories_is_kept_except_the_home() -> None:
    assert clean_environ.system_path({"PATH": "/nix/store/bin:/home/x/bin", "HOME": "/home/x"}) == "/nix/store/bin"
    assert clean_environ.system_path({}) == "/usr/local/bin:/usr/bin:/bin"


def test_pips_settings_are_translated_for_uv(tmp_path: Path) -> None:
    config = tmp_path / ".config/pip/pip.conf"
    config.parent.mkdir(parents=True)
    config.write_text(
        "[global]\nindex-url = https://a.example/simple\nextra-index-url =\n  https://b.example\n  https://c.example\n"
    )
    caller = {"HOME": str(tmp_path), "PIP_EXTRA_INDEX_URL": "https://d.example"}

    assert clean_environ.pip_indexes(caller) == {
        "UV_DEFAULT_INDEX": "https://a.example/simple",
        "UV_INDEX": "https://d.example",
    }
    own = clean_environ.acquiring(caller | {"UV_DEFAULT_INDEX": "https://u.example"}, home=tmp_path, stores=tmp_path)
    assert own["UV_DEFAULT_INDEX"] == "https://u.example"
    assert "UV_INDEX" not in own


def test_only_credential_files_and_the_variables_that_they_use_are_passed_on(tmp_path: Path) -> None:
    user, home = tmp_path / "user", tmp_path / "home"
    user.mkdir()
    home.mkdir()
    (user / ".npmrc").write_text("//npm.example/:_authToken=${COMPANY_TOKEN}\n")
    (user / ".bashrc").write_text("export X=1")
    caller = {"HOME": str(user), "COMPANY_TOKEN": "t0ken", "OTHER_TOKEN": "no"}

    clean_environ.link_credentials(caller, home)

    assert [path.name for path in home.iterdir()] == [".npmrc"]
    variables = clean_environ.acquiring(caller, home=home, stores=tmp_path)
    assert variables["COMPANY_TOKEN"] == "t0ken"
    assert "OTHER_TOKEN" not in variables


@pytest.mark.real
@pytest.mark.network
async def test_packages_in_a_kept_workspace_are_unchanged(locked: Any, node_packages: Packages) -> None:
    environment = node_packages(locked)
    step = locked.step("node", "main.js", cwd="app", environment=environment)
    async with locked.engine() as engine:
        first = await engine.run(step, locked.log)
        left = Path(first.root) / "app/node_modules/.vite"
        left.mkdir()
    async with locked.engine() as engine:
        again = await engine.run(step, locked.log)

    assert [first.stdout, again.stdout] == ["   hello you\n"] * 2, first.stderr
    assert again.root == first.root
    assert not left.exists()
