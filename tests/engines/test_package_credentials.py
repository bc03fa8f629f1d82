"""The values of package credentials, the variables without them, and the headers for a proxy."""

from pathlib import Path

import pytest

from tasks.engines import package_credentials as credentials
from tasks.engines.index_proxy import basic
from tasks.validation.scope import read_scope, read_secrets
from tests.support.validate import commit

SECRET = "c4n4ry-secret"


def user(home: Path, **files: str) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    for name, text in files.items():
        (home / f".{name}").write_text(text)
    return {"HOME": str(home)}


CASES = [
    {"UV_INDEX_COMPANY_PASSWORD": SECRET},
    {"UV_DEFAULT_INDEX": f"https://user:{SECRET}@pypi.example/simple"},
    {"UV_INDEX": f"ours=https://{SECRET}@pypi.example/simple"},
    {"PIP_EXTRA_INDEX_URL": f"https://user:{SECRET}@pypi.example/simple"},
    {"NPM_TOKEN": SECRET},
    {"npm_config_//npm.example/:_authToken": SECRET},
    {"npm_config_registry": f"https://a:{SECRET}@npm.example/"},
]


@pytest.mark.parametrize("variables", CASES, ids=[next(iter(each)) for each in CASES])
def test_credential_in_a_variable_is_masked_and_can_be_taken_away(tmp_path: Path, variables: dict[str, str]) -> None:
    caller = user(tmp_path / "home") | variables

    assert credentials.has_any(caller)
    assert SECRET in dict(credentials.values(caller)).values()
    assert SECRET not in str(credentials.without(caller, caller, tmp_path))


FILES = [
    {"netrc": f"machine pypi.example login user password {SECRET}\n"},
    {"npmrc": f"//npm.example/:_authToken={SECRET}\n"},
    {"npmrc": f"_password = {SECRET}\n"},
    {"git-credentials": f"https://user:{SECRET}@git.example\n"},
]


@pytest.mark.parametrize("files", FILES)
def test_credential_in_a_file_is_masked(tmp_path: Path, files: dict[str, str]) -> None:
    caller = user(tmp_path / "home", **files)

    assert credentials.has_any(caller)
    assert SECRET in dict(credentials.values(caller)).values()
    assert credentials.without(caller, caller, tmp_path / "empty")["HOME"] == str(tmp_path / "empty")


def test_caller_without_credentials_has_none(tmp_path: Path) -> None:
    caller = user(tmp_path / "home", npmrc="registry=https://mirror.example/\n")
    caller |= {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX_A_USERNAME": "somebody",
        "AWS_KEY": "x" * 9,
    }

    assert not credentials.has_any(caller)
    assert dict(credentials.values(caller)) == {}
    assert credentials.without(caller, caller, tmp_path)["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"


def test_variable_that_an_npmrc_refers_to_is_empty_and_not_absent(tmp_path: Path) -> None:
    caller = user(tmp_path / "home", npmrc="//npm.example/:_authToken=${COMPANY}\n") | {"COMPANY": SECRET}

    assert credentials.without(caller, caller, tmp_path)["COMPANY"] == ""
    assert dict(credentials.values(caller)) == {"COMPANY": SECRET}


def test_origins_of_indexes_get_their_headers(tmp_path: Path) -> None:
    caller = user(tmp_path / "home", netrc="machine a.example login u password p1\n")
    caller |= {"UV_INDEX": "b=https://b.example/simple", "UV_INDEX_B_USERNAME": "u", "UV_INDEX_B_PASSWORD": "p2"}
    caller |= {"UV_INDEX_C_D_PASSWORD": "p3", "UV_DEFAULT_INDEX": "https://u:p%404@d.example:8443/simple"}
    manifest = '[[tool.uv.index]]\nname = "c-d"\nurl = "http://c.example:81/simple"\n'

    assert credentials.authorizations(caller, {Path("pyproject.toml"): manifest}) == {
        "https://a.example": basic("u", "p1"),
        "https://b.example": basic("u", "p2"),
        "http://c.example:81": basic("", "p3"),
        "https://d.example:8443": basic("u", "p@4"),
    }


def test_report_of_a_run_masks_package_credentials(tmp_path: Path) -> None:
    stack = tmp_path / "stack"
    stack.mkdir()
    (stack / "predeploy.toml").write_text('[[check]]\nname = "words"\nstage = "quality"\nrun = "true"\n')
    commit(stack)
    environ = user(tmp_path / "home", npmrc=f"//npm.example/:_authToken={SECRET}\n")
    scope = read_scope(stack, {}, environ, tmp_path / "cache")

    secrets = read_secrets(scope, environ, None, tmp_path / "data")

    assert secrets.redactor.text(f"the token is {SECRET}") == "the token is ***"
    assert dict(secrets) == {}
