"""The base image for a stack's version, and the names of secrets in the engine."""

import pytest

from tasks.engines.dagger.images import choose_node, choose_python
from tasks.engines.dagger.variables import index_variables, plain_variables, secret_name
from tasks.stack import Version


@pytest.mark.parametrize(
    ("wanted", "accepts", "version", "has_gap"),
    [
        ("", "", "3.13", False),
        ("==3.12.*", "", "3.12", False),
        ("==3.13.2", "", "3.13.2", False),
        ("==3.13.*", "==3.13.2", "3.13.2", False),
        (">=3.11", ">=3.11", "3.13", False),
        ("==3.12.*", ">=3.13", "3.13", True),
        ("<3.12", "", "3.11", False),
    ],
)
def test_image_of_python(wanted: str, accepts: str, version: str, has_gap: bool) -> None:
    choice = choose_python(Version(wanted=wanted, accepts=accepts, source="Dockerfile"))

    assert (choice.version, bool(choice.gaps)) == (version, has_gap)


@pytest.mark.parametrize(
    ("wanted", "accepts", "version", "has_gap"),
    [
        ("", "", "22", False),
        (">=20", ">=20", "22", False),
        ("24.x", "", "24", False),
        ("20.x", ">=18", "20", False),
        ("20.x", ">=22", "22", True),
    ],
)
def test_image_of_node(wanted: str, accepts: str, version: str, has_gap: bool) -> None:
    choice = choose_node(Version(wanted=wanted, accepts=accepts, source="package.json"))

    assert (choice.version, bool(choice.gaps)) == (version, has_gap)


def test_name_of_a_secret_depends_on_value_and_key_and_shows_neither() -> None:
    names = {secret_name(key, "KEY", value) for key in (b"a", b"b") for value in ("one-value", "another-value")}

    assert len(names) == 4
    assert not any("value" in name for name in names)
    assert secret_name(b"a", "KEY", "one-value") == secret_name(b"a", "KEY", "one-value")


def test_variables_with_paths_of_this_machine_are_not_passed_on() -> None:
    caller = {"UV_DEFAULT_INDEX": "https://example.invalid", "NETRC": "/home/me/.netrc", "npm_config_cafile": "/ca.pem"}

    assert index_variables({**caller, "HOME": "/nowhere", "PIP_CONFIG_FILE": ""}) == {
        "UV_DEFAULT_INDEX": "https://example.invalid"
    }


def test_only_node_and_installers_get_the_ci_variable() -> None:
    assert "CI" not in plain_variables("execute", node=False)
    assert "CI" in plain_variables("execute", node=True)
    assert "CI" in plain_variables("acquire", node=False)
