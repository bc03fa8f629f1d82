"""A validation that Prefect started: its environment and settings, and the report that it keeps."""

from pathlib import Path, PurePosixPath

import pytest
from prefect.logging import disable_run_logger

from flows.commits.checkout import KEPT, empty_directory, inside, keep_report
from flows.commits.order import Order, name_of
from flows.commits.trust import environment_for
from flows.validate import validate
from tasks.errors import UsageError
from tasks.settings import FILE, load_settings
from tasks.trust import TRUSTED, UNTRUSTED

WORKER = {
    "PATH": "/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "HTTPS_PROXY": "http://proxy:3128",
    "HTTP_PROXY": "http://user:secret@proxy:3128",
    "STRIPE_KEY": "secret",
    "UV_DEFAULT_INDEX": "https://user:secret@index.example/simple",
    "UV_INDEX_URL": "https://index.example/simple",
    "UV_INDEX_INTERNAL_PASSWORD": "secret",
    "NPM_TOKEN": "secret",
    "SSH_AUTH_SOCK": "secret",
    "PREFECT_API_AUTH_STRING": "admin:secret",
    "PREDEPLOY_GITHUB_TOKEN": "secret",
    "PREDEPLOY_WEBHOOK_SECRET": "secret",
    "PREDEPLOY_SECRETS_FILE": "secret",
    "PREDEPLOY_ENV": '{"KEY": "secret"}',
    "PREDEPLOY_PUBLISH": "registry.example/cafe:1",
    "PREDEPLOY_JOBS": "3",
    "PREDEPLOY_IMAGES": '{"uv": "registry.example/uv:1"}',
    "_EXPERIMENTAL_DAGGER_RUNNER_HOST": "unix:///run/engine.sock",
    "DAGGER_SESSION_PORT": "4711",
    "DAGGER_SESSION_TOKEN": "secret",
}


def order(*, is_trusted: bool, **choices: object) -> Order:
    policy = "" if is_trusted else "main"
    return Order(repository=".", ref="HEAD", directory=".", choices=choices, is_trusted=is_trusted, policy=policy)


def test_trusted_code_gets_all_variables_except_those_of_the_services() -> None:
    kept = environment_for(WORKER, TRUSTED)

    assert set(WORKER) - set(kept) == {"PREFECT_API_AUTH_STRING", "PREDEPLOY_GITHUB_TOKEN", "PREDEPLOY_WEBHOOK_SECRET"}


def test_untrusted_code_gets_no_secret() -> None:
    kept = environment_for(WORKER, UNTRUSTED)

    assert "secret" not in str(kept)
    assert kept.keys() == {
        "PATH",
        "LANG",
        "HTTPS_PROXY",
        "UV_INDEX_URL",
        "PREDEPLOY_BUDGET",
        "PREDEPLOY_JOBS",
        "PREDEPLOY_IMAGES",
        "_EXPERIMENTAL_DAGGER_RUNNER_HOST",
    }


def test_empty_parameters_do_not_override_settings() -> None:
    flags = order(is_trusted=True, engine="", stages=None, only=["mypy"], skip=[], gate=False).flags

    assert flags == {"only": ["mypy"]}


def test_untrusted_code_needs_a_policy_of_the_base() -> None:
    with pytest.raises(UsageError, match="policy: "):
        Order(repository=".", ref="HEAD", directory=".", choices={}, is_trusted=False, policy="")


async def test_run_of_untrusted_code_without_a_policy_has_no_verdict() -> None:
    state = await validate.fn(repository=".", trusted=False)

    assert (state.name, state.type.value) == ("NoVerdict", "CRASHED")
    assert state.message
    assert state.message.startswith("exit 2: policy: ")


def test_no_setting_grants_untrusted_code_more(tmp_path: Path) -> None:
    policy = 'secrets_provider = "file"\nsecrets_file = ".secrets"\nenvironment = "production"\n'
    (tmp_path / FILE).write_text(policy)
    worker = {
        "PREDEPLOY_ENGINE": "local",
        "PREDEPLOY_PUBLISH": "registry.example/cafe:1",
        "PREDEPLOY_EXPORT_BUILT": "b",
    }

    settings = load_settings(tmp_path, order(is_trusted=False, engine="local").flags, {**WORKER, **worker})

    assert {name: getattr(settings, name) for name in UNTRUSTED.settings} == UNTRUSTED.settings


@pytest.mark.parametrize(
    ("repository", "directory", "ref", "name"),
    [
        ("https://github.com/acme/cafe.git", ".", "main", "cafe main"),
        ("https://github.com/acme/cafe/", "stacks/shop", "v1.2", "shop v1.2"),
        ("git@github.com:acme/cafe.git", ".", "0123456789abcdef0123456789abcdef01234567", "cafe 0123456789ab"),
        (".", "examples/cafe", "HEAD", "cafe HEAD"),
        (".", ".", "HEAD", "stack HEAD"),
    ],
)
def test_a_run_is_named_after_its_stack(repository: str, directory: str, ref: str, name: str) -> None:
    assert name_of(repository, directory, ref) == name


@pytest.mark.parametrize("directory", ["/etc", "..", "apps/../../x"])
def test_a_directory_outside_the_repository_is_refused(directory: str) -> None:
    with pytest.raises(UsageError, match="directory: "):
        inside(directory)


def test_a_directory_is_normalized() -> None:
    assert inside("./apps//web/") == PurePosixPath("apps/web")


def test_runs_of_a_repository_reuse_one_emptied_directory_but_not_at_the_same_time(tmp_path: Path) -> None:
    trusted, strange = order(is_trusted=True), order(is_trusted=False)
    with empty_directory(tmp_path, trusted) as first, empty_directory(tmp_path, trusted) as beside:
        (first / "left").write_text("x")
        (first / "locked").mkdir(mode=0o500)
    (first / "left by one that was killed").write_text("x")

    with empty_directory(tmp_path, trusted) as again, empty_directory(tmp_path, strange) as apart:
        assert (again, list(again.iterdir())) == (first, [])

    assert len({first, beside, apart}) == 3


def make_report(place: Path, text: str = "real") -> None:
    place.mkdir(parents=True)
    (place / "report.json").write_text(text)


def test_only_the_report_of_the_run_is_kept(tmp_path: Path) -> None:
    runs, home = tmp_path / "stack/.predeploy/runs", tmp_path / "validations"
    make_report(home / "20260101T000000Z-aaaaaa")
    make_report(runs / "20260101T000000Z-aaaaaa", "forged")
    make_report(runs / "20260102T000000Z-bbbbbb")
    (runs / "20260102T000000Z-bbbbbb/endless").symlink_to("/dev/zero")
    (runs / "elsewhere").symlink_to(tmp_path)
    for number in range(KEPT):
        make_report(runs / f"zz{number}", "forged")

    with disable_run_logger():
        keep_report(tmp_path / "stack", "20260102T000000Z-bbbbbb", home)
        keep_report(tmp_path / "stack", "20260103T000000Z-cccccc", home)  # a run without a report

    kept = {path.name: (path / "report.json").read_text() for path in home.iterdir()}
    assert kept == {"20260101T000000Z-aaaaaa": "real", "20260102T000000Z-bbbbbb": "real"}
    assert (home / "20260102T000000Z-bbbbbb/endless").is_symlink()


def test_a_kept_report_is_never_overwritten(tmp_path: Path) -> None:
    make_report(tmp_path / "stack/.predeploy/runs/one", "forged")
    make_report(tmp_path / "validations/one")

    with pytest.raises(FileExistsError), disable_run_logger():
        keep_report(tmp_path / "stack", "one", tmp_path / "validations")

    assert (tmp_path / "validations/one/report.json").read_text() == "real"


def test_the_oldest_reports_are_deleted(tmp_path: Path) -> None:
    home = tmp_path / "validations"
    for number in range(KEPT):
        make_report(home / f"{number:02}")
    make_report(tmp_path / "stack/.predeploy/runs/99")

    with disable_run_logger():
        keep_report(tmp_path / "stack", "99", home)

    assert sorted(path.name for path in home.iterdir()) == [*(f"{number:02}" for number in range(1, KEPT)), "99"]


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(UsageError, match="warp: this version of predeploy has no such setting"):
        assert order(is_trusted=True, warp="9").flags
