"""Prefect through the command line: recorded where it can be, and of no effect on the verdict where it cannot."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.caller import NOWHERE, Caller, Ended, is_alive
from tests.cli.stack import FAILS, TinyStack
from tests.cli.test_outcomes import status_of
from tests.flows.harness import rows, servers_below, wait_until

pytestmark = pytest.mark.real


@pytest.fixture
def red(green: TinyStack) -> TinyStack:
    green.has("broken", FAILS)
    return green


def assert_verdict(ended: Ended) -> None:
    ended.assert_ended(1, "FAILED")
    assert status_of(ended.document) == {"words": "passed", "broken": "failed", "later": "passed"}


def assert_recorded(ended: Ended, home: Path) -> None:
    """Asserts that the database in `home` has every check."""
    run = ended.document["run"]
    assert run["unrecorded"] is None, ended.transcript
    (database,) = home.glob(".local/share/predeploy/prefect-*/prefect.db")
    query = (
        "select task_run.name, task_run.state_name from task_run join flow_run on flow_run.id = task_run.flow_run_id "
        "where flow_run.parent_task_run_id in (select id from task_run where flow_run_id = ?)"
    )
    recorded = dict(rows(database.parent, query, run["url"].rpartition("/")[2]))
    assert recorded == {"words": "Completed", "broken": "Failed", "later": "Completed"}


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"


@pytest.mark.slow
def test_trouble_does_not_change_the_verdict(recorded: Caller, red: TinyStack, warm_home: Path) -> None:
    with silent_server() as silent:
        runs = {
            "as usual": recorded,
            "closed port": replace(recorded, environ={"PREFECT_API_URL": NOWHERE}),
            "silent": replace(recorded, environ={"PREFECT_API_URL": silent}),
        }
        ended = {name: each.run(red.root, "--json-output") for name, each in runs.items()}

    for name, each in ended.items():
        print(f"{name}: {each.seconds:.1f} s, {each.document['run']['unrecorded']}")  # noqa: T201 - for a look at it
        assert_verdict(each)
    assert_recorded(ended["as usual"], warm_home)
    for name in ("closed port", "silent"):
        url = runs[name].environ["PREFECT_API_URL"]
        assert f"Prefect's server at {url} does not answer" in ended[name].document["run"]["unrecorded"]


def test_no_server_remains_under_ci(recorded: Caller, red: TinyStack, tmp_path: Path, warm_home: Path) -> None:
    home = tmp_path / "runner"
    home.mkdir()
    # a template makes the creation of the database in a new home faster
    (home / ".cache").symlink_to(warm_home / ".cache")

    ended = replace(recorded, home=home, environ={"CI": "1"}).run(red.root, "--json-output", "--output", "human")

    assert_verdict(ended)
    assert_recorded(ended, home)
    wait_until(lambda: not servers_below(home), limit=30)
    assert list(home.rglob("server-*.json")) == []


def test_prefect_settings_in_files_do_not_affect_the_process(
    recorded: Caller, red: TinyStack, warm_home: Path, tmp_path: Path
) -> None:
    before = servers_below(warm_home)
    settings = {"api.url": NOWHERE, "home": str(tmp_path / "theirs"), "logging.level": "NO SUCH LEVEL"}
    for place in (red.root, recorded.cwd):
        (place / ".env").write_text(
            "".join(f"PREFECT_{name.replace('.', '_').upper()}={value}\n" for name, value in settings.items())
        )
        lines = [f'{name} = "{value}"' for name, value in settings.items()]
        (place / "prefect.toml").write_text("\n".join(lines))
        (place / "pyproject.toml").write_text("\n".join(["[tool.prefect]", *lines]))

    # Prefect reads these files when it is imported
    ended = replace(recorded, how="exec").run(red.root, "--json-output")

    assert_verdict(ended)
    assert_recorded(ended, warm_home)
    assert not (tmp_path / "theirs").exists()
    assert servers_below(warm_home) == before
    assert all(map(is_alive, before))


def test_users_prefect_settings_do_not_affect_the_server_of_predeploy(
    recorded: Caller, red: TinyStack, warm_home: Path, tmp_path: Path
) -> None:
    environ = {"PREFECT_HOME": str(tmp_path / "theirs"), "PREFECT_LOGGING_LEVEL": "DEBUG", "PREFECT_API_KEY": "k"}

    ended = replace(recorded, environ=environ, how="exec").run(red.root, "--json-output")

    assert_verdict(ended)
    assert_recorded(ended, warm_home)
    assert not (tmp_path / "theirs").exists()
    assert "DEBUG" not in ended.stderr


def test_interrupted_run_does_not_wait_for_its_record(recorded: Caller, green: TinyStack) -> None:
    green.has("endless", "exec sleep 60")

    with silent_server() as silent:
        ended = replace(recorded, environ={"PREFECT_API_URL": silent}).run(green.root, "--json-output", "--budget", "1")

    ended.assert_ended(124, "BUDGET")
    assert ended.document["run"]["unrecorded"]
